package manifest

import (
	"errors"
	"slices"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Refused is what an API server would say of the BeamApps among objects that were read from sources. It goes file by
// file: the same app may be in several overlays. What the objects' own reading says already is left out.
func Refused(sources []Source, set *Set) Problems {
	files := map[string]bool{}
	for _, o := range set.Objects {
		if o.Group() == v1alpha1.GroupVersion.Group || o.Kind == v1alpha1.Kind {
			files[o.File] = true
		}
	}
	var all Problems
	for _, s := range sources {
		if !files[s.Name] {
			continue
		}
		_, err := Read([]Source{s}, Options{})
		var problems Problems
		if !errors.As(err, &problems) {
			continue
		}
		for _, p := range problems {
			if !slices.Contains(set.Problems, p) {
				all = append(all, p)
			}
		}
	}
	return all
}
