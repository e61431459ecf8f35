package image

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/apps"
	"github.com/phialdev/phial/internal/image/tree"
)

// Root is where the release is in the image, and the directory that it starts in.
const Root = "app"

// part is what goes into one layer.
type part struct {
	name  string
	files tree.Tree
}

// The parts of a release, by how often they change: what changes least comes first, since
// a layer that is another makes nothing of the ones before it another.
const (
	partERTS = iota // the emulator: with a version of OTP
	partOTP         // its applications, and Elixir's: with a version of either
	partDeps        // what others wrote: with mix.lock
	partApp         // the team's own applications, configuration, start scripts: with each commit
	parts
)

// split sorts a release's files into layers. It looks at nothing but their names and the
// .app files, so that the same release is split in the same way wherever it is built.
func split(release string, files tree.Tree) ([]part, error) {
	own, err := ownApps(release, files)
	if err != nil {
		return nil, err
	}
	out := make([]part, parts)
	out[partERTS].name = "ERTS"
	out[partOTP].name = "OTP and Elixir"
	out[partDeps].name = "dependencies"
	out[partApp].name = "app"
	for _, f := range files {
		n := partApp
		below := strings.TrimPrefix(f.Path, Root+"/")
		top, rest, _ := strings.Cut(below, "/")
		switch {
		case strings.HasPrefix(top, "erts-"):
			n = partERTS
			out[n].name = "ERTS " + strings.TrimPrefix(top, "erts-")
		case top == "lib" && rest != "":
			dir, _, _ := strings.Cut(rest, "/")
			n = partOf(dir, own)
		case top == "lib":
			n = partERTS // the directory itself, wherever it is written first
		}
		out[n].files = append(out[n].files, f)
	}
	return slices.DeleteFunc(out, func(p part) bool { return len(p.files) == 0 }), nil
}

func partOf(dir string, own map[string]bool) int {
	name, _, ok := apps.Split(dir)
	switch {
	case !ok || own[name]:
		return partApp
	case apps.OTP(name) || apps.Elixir(name):
		return partOTP
	}
	return partDeps
}

// ownApps are the team's own applications, as far as a release tells: those that no other
// one needs, the one of the release's name, and those that have either name before an
// underscore (shop, shop_web). A wrong guess puts an application into a layer that changes
// more or less often than it does, and does no other harm.
func ownApps(release string, files tree.Tree) (map[string]bool, error) {
	needed := map[string]bool{}
	all := map[string]bool{}
	err := eachApp(files, func(_ tree.File, app apps.App) {
		if !apps.OTP(app.Name) && !apps.Elixir(app.Name) {
			all[app.Name] = true
		}
		for _, n := range slices.Concat(app.Applications, app.Included) {
			needed[n] = true
		}
	})
	if err != nil {
		return nil, err
	}
	own := map[string]bool{}
	for name := range all {
		if !needed[name] || name == release {
			own[name] = true
		}
	}
	for name := range all {
		for root := range own {
			if strings.HasPrefix(name, root+"_") && len(root) > 2 {
				own[name] = true
			}
		}
	}
	return own, nil
}

// eachApp reads the .app file of every application. A file that only looks like one is passed
// over: SBOM and VM have their own say.
func eachApp(files tree.Tree, do func(tree.File, apps.App)) error {
	for _, f := range files {
		dir, file := path.Split(f.Path)
		if path.Ext(file) != ".app" || !strings.HasSuffix(dir, "/ebin/") {
			continue
		}
		text, err := f.Content()
		if err != nil {
			return err
		}
		if app, err := apps.Read(text); err == nil {
			do(f, app)
		}
	}
	return nil
}
