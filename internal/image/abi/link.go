package abi

import (
	"path"
	"strings"
)

// problem is one thing that keeps one file of the release from being loaded.
type problem struct {
	kind    problemKind
	file    string // of the release
	by      string // who needs it: file, or a library on the way
	library string // needed library, as it is called
	version string // needed version of it
	at      string // the path of the library that lacks the version
	why     string // of what can't be read
}

type problemKind uint8

const (
	missing   problemKind = iota // a library that is not there
	lacking                      // a version that a library does not define
	unchecked                    // a library that could not be read
)

// link loads a file of the release as the loader would, with all that it needs, and gives what is in the way and the
// files of the release that it brought in.
func (l *linker) link(name string) (problems []problem, reached []string) {
	root := &loaded{name: name, node: l.release.files[name], object: l.release.files[name].ELF}
	byName := map[string]*loaded{} // as the loader has it: nil is not there
	loader, libc := l.loader(root.object)
	if n, ok := l.layers.get(loader); ok {
		it := &loaded{name: loader, node: n, object: n.ELF}
		byName[path.Base(loader)] = it
		if n.ELF != nil && n.ELF.Soname != "" {
			byName[n.ELF.Soname] = it
		}
	}
	starts := []*loaded{root}
	if root.object.Interp == "" && l.main != nil && l.main.name != name {
		starts = []*loaded{l.main, root} // what the emulator has loaded is there already
	}
	seen := map[string]*loaded{}
	var queue, all []*loaded
	// need gives what a name leads to, and nil for what is not there.
	need := func(o *loaded, lib string) *loaded {
		found, n, ok := l.find(lib, o)
		if !ok {
			if of(o, root) {
				problems = append(problems, problem{kind: missing, file: name, by: o.name, library: lib})
			}
			return nil
		}
		if it := seen[found]; it != nil {
			return it
		}
		it := &loaded{name: found, node: n, object: n.ELF, parent: o}
		seen[found] = it
		if _, own := l.release.files[found]; own && of(o, root) {
			reached = append(reached, found)
		}
		switch {
		case n.ELF != nil:
			queue = append(queue, it)
			if n.ELF.Soname != "" && byName[n.ELF.Soname] == nil {
				byName[n.ELF.Soname] = it
			}
		case of(o, root):
			problems = append(problems, problem{kind: unchecked, file: name, by: o.name, library: lib, at: found, why: n.Problem})
		}
		return it
	}
	for _, start := range starts {
		for queue = append(queue, start); len(queue) > 0; queue = queue[1:] {
			o := queue[0]
			all = append(all, o)
			for _, lib := range o.object.Needed {
				if _, known := byName[lib]; known || libc == musl && isMuslItself(lib) {
					continue
				}
				byName[lib] = need(o, lib)
			}
		}
	}
	if libc == musl { // binds by name alone
		return problems, reached
	}
	for _, o := range all {
		if !of(o, root) {
			continue
		}
		for _, v := range o.object.Requires {
			lib := byName[v.Library]
			if v.Weak || lib == nil || lib.object == nil || lib.object.defines(v.Name) {
				continue
			}
			if len(lib.object.Defines) == 0 && lib.object.Versym {
				continue // ld.so warns and goes on; without a table at all it gives up (check_match in dl-lookup.c)
			}
			problems = append(problems, problem{kind: lacking, file: name, by: o.name, library: v.Library, version: v.Name, at: lib.name})
		}
	}
	return problems, reached
}

// of says whether an object is loaded because of root, and not because of the emulator.
func of(o, root *loaded) bool {
	for ; o != nil; o = o.parent {
		if o == root {
			return true
		}
	}
	return false
}

// isMuslItself says whether musl takes a library for itself, whatever is in the base.
func isMuslItself(lib string) bool {
	rest, ok := strings.CutPrefix(lib, "lib")
	if !ok {
		return false
	}
	for _, own := range []string{"c", "pthread", "rt", "m", "dl", "util", "xnet"} {
		if strings.HasPrefix(rest, own+".") {
			return true
		}
	}
	return false
}
