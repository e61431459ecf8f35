package image

import (
	"path"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/apps"
	"github.com/phialdev/phial/internal/image/tree"
	"github.com/phialdev/phial/internal/spell"
)

// missingModules finds the applications whose code is not all there: something was removed
// from the release, or a build of it was cut short.
func missingModules(files tree.Tree) (all []finding.Finding, err error) {
	for _, f := range files {
		dir, file := path.Split(f.Path)
		if path.Ext(file) != ".app" || !strings.HasSuffix(dir, "/ebin/") {
			continue
		}
		text, err := f.Content()
		if err != nil {
			return nil, err
		}
		app, err := apps.Read(text)
		if err != nil {
			continue // whatever it is, it lists no modules
		}
		var missing []string
		for _, m := range app.Modules {
			if _, ok := files.Find(dir + m + ".beam"); !ok {
				missing = append(missing, m)
			}
		}
		if len(missing) > 0 {
			all = append(all, finding.New(finding.ModuleMissing, f.Path, finding.Values{"modules": spell.List(missing, "and", 5)}))
		}
	}
	return all, nil
}
