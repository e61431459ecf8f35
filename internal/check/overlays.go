package check

import (
	"path/filepath"

	"github.com/phialdev/phial/internal/manifest"
)

// Overlay is a part of a kustomization that changes objects which are looked at as they stand.
type Overlay struct {
	Dir string `json:"dir"` // of the kustomization
	Key string `json:"key"` // namePrefix, patches and the like
	At  string `json:"at"`

	field  manifest.Field
	object *manifest.Object
}

var (
	// layOver change objects in any way.
	layOver = []string{"patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "components", "transformers"}
	// rename change names, also where objects refer to one another, and not where one stands in a text, such as a variable's
	// value.
	rename = []string{"namePrefix", "nameSuffix"}
)

// overlays are what kustomizations would change, of these keys.
func (in *Input) overlays(keys ...string) (all []Overlay) {
	if in.Objects == nil {
		return nil
	}
	for _, kind := range []string{"Kustomization", "Component"} {
		for _, o := range in.Objects.OfKind(kind) {
			for _, key := range keys {
				if f := o.At(key); f.Len() > 0 || f.String() != "" {
					all = append(all, Overlay{filepath.Dir(o.File), key, f.Position().String(), f, o})
				}
			}
		}
	}
	return all
}
