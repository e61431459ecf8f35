package debian

import (
	"context"
	"path"

	"github.com/phialdev/phial/internal/image/tree"
)

// addNotices adds, for each package that something was taken of, its copyright file and its
// control paragraph. The latter is what scanners for vulnerabilities look for where there
// is no dpkg, as in distroless images.
func (a *assembly) addNotices(ctx context.Context) error {
	for _, u := range a.build.used() {
		b, err := a.copyright(ctx, u.deb)
		if err != nil {
			return err
		}
		if b == nil {
			a.say("%s %s has no copyright file", u.deb.Name, u.deb.Version)
		} else {
			a.build.put(tree.Bytes("usr/share/doc/"+u.deb.Name+"/copyright", b, tree.ModePlain))
		}
		a.build.put(tree.Text("var/lib/dpkg/status.d/"+u.deb.Name, u.deb.control, tree.ModePlain))
	}
	return nil
}

// copyright finds a package's copyright file, which packages of one source may have in one of
// them, and symbolic links to it in the others (policy 12.5).
func (a *assembly) copyright(ctx context.Context, d *deb) ([]byte, error) {
	for range 4 {
		dir := "usr/share/doc/" + d.Name
		if chain := d.follow(dir + "/copyright"); chain != nil && chain[len(chain)-1].mode.IsRegular() {
			return d.content(chain[len(chain)-1])
		}
		var other string
		if e := d.files[dir]; e != nil && e.link != "" {
			other = path.Base(linkTarget(e))
		} else if e := d.files[dir+"/copyright"]; e != nil && e.link != "" {
			other = path.Base(path.Dir(linkTarget(e)))
		}
		r, ok := a.find(other)
		if !ok {
			return nil, nil
		}
		var err error
		if d, err = a.open(ctx, r); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
