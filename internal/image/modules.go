package image

import (
	"path"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/apps"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/spell"
)

// missingModules finds the applications whose code is not all there: something was removed
// from the release, or a build of it was cut short.
func missingModules(files tree.Tree) (all []finding.Finding, err error) {
	err = eachApp(files, func(f tree.File, app apps.App) {
		var missing []string
		for _, m := range app.Modules {
			if _, ok := files.Find(path.Join(path.Dir(f.Path), m+".beam")); !ok {
				missing = append(missing, m)
			}
		}
		if len(missing) > 0 {
			all = append(all, finding.New(finding.ModuleMissing, f.Path, finding.Values{"modules": spell.List(missing, "and", 5)}))
		}
	})
	return all, err
}
