package check

import (
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/manifest"
)

// rendered adds the objects that BeamApps stand for, as `phial render` writes them, unless
// they are among what was read already.
func rendered(tree *manifest.Tree, set *manifest.Set) (added bool, err error) {
	more, err := deployed.Rendered(tree.Sources, set)
	tree.Sources = append(tree.Sources, more...)
	return len(more) > 0, err
}
