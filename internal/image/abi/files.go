package abi

import (
	"path"
	"slices"
	"strings"
)

// node is what is kept of a file: enough to follow links, to see whether it can be
// executed, and to link against it.
type node struct {
	Link    string  `json:"link,omitempty"`    // of a symbolic link: where it leads
	Exec    bool    `json:"exec,omitempty"`    // somebody may execute it
	ELF     *object `json:"elf,omitempty"`     // of a library
	Text    string  `json:"text,omitempty"`    // of a setting that the loader goes by
	Problem string  `json:"problem,omitempty"` // why a library could not be read
}

// files are nodes by path: clean, with a slash in front. Directories are not in it: all that
// is above a path is one.
type files map[string]node

const maxLinks = 40 // as Linux

// layers are file systems on top of one another, the first on top: the release over its base.
type layers []files

func (l layers) get(name string) (node, bool) {
	for _, f := range l {
		if n, ok := f[name]; ok {
			return n, true
		}
	}
	return node{}, false
}

// follow gives the path of a file with all symbolic links on the way followed. What is not there is
// followed as far as it goes.
func (l layers) follow(name string) (string, bool) {
	rest, at := strings.Split(path.Clean("/" + name)[1:], "/"), "/"
	for links := 0; len(rest) > 0; {
		next := rest[0]
		rest = rest[1:]
		switch next {
		case "", ".":
			continue
		case "..":
			at = path.Dir(at)
			continue
		}
		here := path.Join(at, next)
		n, ok := l.get(here)
		if !ok || n.Link == "" {
			at = here
			continue
		}
		if links++; links > maxLinks {
			return "", false
		}
		if strings.HasPrefix(n.Link, "/") {
			at = "/"
		}
		rest = slices.Concat(strings.Split(n.Link, "/"), rest)
	}
	return at, true
}

// stat finds a file, symbolic links followed, and gives the path that it really has.
func (l layers) stat(name string) (string, node, bool) {
	at, ok := l.follow(name)
	if !ok {
		return "", node{}, false
	}
	n, ok := l.get(at)
	return at, n, ok
}

// settle moves what was written through a symbolic link (lib/x with lib -> usr/lib) to
// where it really lies, as it does when layers are put on top of one another.
func (f files) settle() {
	var moved []string
	l := layers{f}
	linked := map[string]string{} // directories, and where they really are
	for name := range f {
		dir := path.Dir(name)
		at, known := linked[dir]
		if !known {
			var ok bool
			if at, ok = l.follow(dir); !ok {
				at = dir
			}
			linked[dir] = at
		}
		if at != dir {
			moved = append(moved, name)
		}
	}
	slices.Sort(moved)
	for _, name := range moved {
		n := f[name]
		delete(f, name)
		f[path.Join(linked[path.Dir(name)], path.Base(name))] = n
	}
}
