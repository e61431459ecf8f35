package debian

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// build is a root in the making.
type build struct {
	files map[string]tree.File
	owner map[string]string // of a file: the package that it came from, "" for our own
	uses  map[string]*use   // by package
}

// use is what a root has of a package.
type use struct {
	deb   *deb
	whole bool
}

func newBuild() *build {
	return &build{map[string]tree.File{}, map[string]string{}, map[string]*use{}}
}

// put adds a file of our own, in place of one that is there.
func (b *build) put(files ...tree.File) {
	for _, f := range files {
		b.files[f.Path], b.owner[f.Path] = f, ""
	}
}

// has says whether there is something at a path.
func (b *build) has(name string) bool {
	_, ok := b.files[name]
	return ok
}

// take adds a file of a package, at its own path. A directory that is there already stays
// what it is.
func (b *build) take(d *deb, e *entry) {
	if was, ok := b.files[e.path]; ok && e.mode.IsDir() && !was.Mode.IsRegular() {
		return
	}
	f := tree.File{Path: e.path, Mode: e.mode, Link: e.link, Size: e.size}
	if e.mode.IsRegular() {
		name, off, size := d.path, e.off, e.size
		f.Open = func() (io.ReadCloser, error) { return section(name, off, size) }
	}
	b.files[e.path], b.owner[e.path] = f, d.Name
	b.note(d)
}

// note says that something of a package is in the root.
func (b *build) note(d *deb) *use {
	if b.uses[d.Name] == nil {
		b.uses[d.Name] = &use{deb: d}
	}
	return b.uses[d.Name]
}

// used gives the packages that files came from, by name.
func (b *build) used() []*use {
	return slices.SortedFunc(maps.Values(b.uses), func(x, y *use) int { return strings.Compare(x.deb.Name, y.deb.Name) })
}

// tree gives the files in order. What lies below a symbolic link goes to where that leads, as
// it does when dpkg unpacks one package after another; what lies below a file is an error.
func (b *build) tree() (tree.Tree, error) {
	var t tree.Tree
	for _, name := range slices.Sorted(maps.Keys(b.files)) {
		f := b.files[name]
		at, err := b.settle(name)
		if err != nil {
			return nil, err
		}
		if at != name {
			if b.has(at) || f.Mode.IsDir() {
				continue // the package that has the file under its real name has it
			}
			f.Path = at
		}
		t = append(t, f)
	}
	return tree.Sort(t), nil
}

// settle gives the path of a file with no symbolic link above it.
func (b *build) settle(name string) (string, error) {
	for range 16 {
		moved := false
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			f, ok := b.files[dir]
			if !ok || f.Mode.IsDir() {
				continue
			}
			if f.Mode&fs.ModeSymlink == 0 {
				return "", fmt.Errorf("the package %s has the file %s below %s, which is a file of %s: leave out one of the two",
					b.owner[name], name, dir, cmpOwner(b.owner[dir]))
			}
			name = path.Join(linkTarget(&entry{path: dir, link: f.Link}), strings.TrimPrefix(name, dir+"/"))
			moved = true
			break
		}
		if !moved {
			return name, nil
		}
	}
	return "", fmt.Errorf("the symbolic links above %s go round in a circle", name)
}

func cmpOwner(name string) string {
	if name == "" {
		return "the root itself"
	}
	return "the package " + name
}
