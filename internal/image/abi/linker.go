package abi

import (
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// linker finds the libraries of a release's files as the dynamic loader of the image does.
type linker struct {
	layers   layers
	arch     string
	triplet  string   // Debian's directory for the architecture, where the base has one
	main     *loaded  // the emulator, which libraries of applications are loaded into
	libPath  []string // LD_LIBRARY_PATH
	lenient  bool     // a start script sets LD_LIBRARY_PATH, to something that only running it tells
	release  *Release
	base     *Root
	defaults map[string][]string // by C library: where the loader looks by itself
}

// loaded is an object in the order of loading.
type loaded struct {
	name   string // its path
	node   node
	object *object
	parent *loaded
}

func newLinker(r *Release, base *Root, env []string, arch string) *linker {
	l := &linker{layers: layers{r.files, base.files}, arch: arch, release: r, base: base}
	l.libPath = strings.FieldsFunc(lookup(env, "LD_LIBRARY_PATH"), func(c rune) bool { return c == ':' || c == ';' })
	for _, s := range r.scripts {
		l.lenient = l.lenient || s.setsLibPath
	}
	if t := platforms[arch].triplet; t != "" && l.holds("/lib/"+t, "/usr/lib/"+t) {
		l.triplet = t
	}
	l.defaults = map[string][]string{glibc: l.glibcDirs(), musl: l.muslDirs()}
	if e := r.emulator(); e != "" && archOf(r.files[e].ELF) == arch {
		l.main = &loaded{name: e, node: r.files[e], object: r.files[e].ELF}
	}
	return l
}

func lookup(env []string, key string) (value string) {
	for _, kv := range env {
		if k, v, ok := strings.Cut(kv, "="); ok && k == key {
			value = v
		}
	}
	return value
}

// glibcDirs are the directories that are built into ld.so and those of ld.so.conf. The latter
// count where ldconfig made a cache of them; ld.so itself never reads ld.so.conf.
func (l *linker) glibcDirs() (dirs []string) {
	if _, _, ok := l.layers.stat(cache); ok {
		dirs = l.conf("/etc/ld.so.conf", 0)
	}
	if l.triplet != "" {
		dirs = append(dirs, "/lib/"+l.triplet, "/usr/lib/"+l.triplet)
	} else {
		dirs = append(dirs, "/lib64", "/usr/lib64")
	}
	return append(dirs, "/lib", "/usr/lib")
}

// holds says whether one of these directories holds anything of the base.
func (l *linker) holds(dirs ...string) bool {
	for _, dir := range dirs {
		at, ok := l.layers.follow(dir)
		if !ok {
			continue
		}
		for name := range l.base.files {
			if path.Dir(name) == at {
				return true
			}
		}
	}
	return false
}

// conf reads ld.so.conf: directories, one a line, and files of the like to include.
func (l *linker) conf(file string, depth int) (dirs []string) {
	_, n, ok := l.layers.stat(file)
	if !ok || depth > 8 {
		return nil
	}
	for line := range strings.Lines(n.Text) {
		line, _, _ = strings.Cut(line, "#")
		fields := strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t\r\n:,=", c) })
		if len(fields) == 0 {
			continue
		}
		if fields[0] != "include" {
			dirs = append(dirs, fields[0])
			continue
		}
		for _, pattern := range fields[1:] {
			if !strings.HasPrefix(pattern, "/") {
				pattern = path.Join(path.Dir(file), pattern)
			}
			for _, name := range l.glob(pattern) {
				dirs = append(dirs, l.conf(name, depth+1)...)
			}
		}
	}
	return dirs
}

func (l *linker) glob(pattern string) (found []string) {
	for _, f := range l.layers {
		for name := range f {
			if ok, err := filepath.Match(pattern, name); ok && err == nil {
				found = append(found, name)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// muslDirs are those of /etc/ld-musl-ARCH.path, or the ones built in.
func (l *linker) muslDirs() []string {
	name := strings.TrimSuffix(path.Base(platforms[l.arch].musl), ".so.1")
	if _, n, ok := l.layers.stat("/etc/" + name + ".path"); ok {
		return strings.FieldsFunc(n.Text, func(c rune) bool { return c == ':' || c == '\n' })
	}
	return []string{"/lib", "/usr/local/lib", "/usr/lib"}
}

// loader gives the C library whose loader loads a file: what stands behind the name that it asks for. A library
// of an application is loaded by whoever loaded the emulator. "" is a loader that is not there.
func (l *linker) loader(o *object) (name, libc string) {
	asked := o.Interp
	if asked == "" && l.main != nil {
		asked = l.main.object.Interp
	}
	if asked == "" { // no emulator in the release: the base has one
		for _, libc := range []string{glibc, musl} {
			if name := l.loaderOf(libc); name != "" {
				return name, libc
			}
		}
		return "", ""
	}
	at, n, ok := l.layers.stat(asked)
	if !ok || n.ELF != nil && archOf(n.ELF) != l.arch {
		return "", ""
	}
	if libc := libcOfLoader(at); libc != "" {
		return at, libc
	}
	return at, libcOfLoader(asked)
}

// loaderOf gives the base's loader of a C library, "" where it has none.
func (l *linker) loaderOf(libc string) string {
	name := platforms[l.arch].glibc
	if libc == musl {
		name = platforms[l.arch].musl
	}
	if _, _, ok := l.layers.stat(name); !ok || name == "" {
		return ""
	}
	return name
}

// find gives the library of a name for the object that needs it, first in the directories written into
// objects, then in LD_LIBRARY_PATH, then where the loader looks by itself. Files of other architectures
// are passed by.
func (l *linker) find(lib string, by *loaded) (string, node, bool) {
	if strings.Contains(lib, "/") {
		return l.usable(l.expand(lib, by))
	}
	_, libc := l.loader(by.object)
	for _, dir := range l.dirs(by, libc) {
		if name, n, ok := l.usable(path.Join(dir, lib)); ok {
			return name, n, true
		}
	}
	if l.lenient {
		for _, name := range l.release.objects() {
			if n := l.release.files[name]; path.Base(name) == lib && archOf(n.ELF) == l.arch {
				return name, n, true
			}
		}
	}
	return "", node{}, false
}

func (l *linker) usable(name string) (string, node, bool) {
	at, n, ok := l.layers.stat(name)
	if !ok || n.ELF == nil && n.Problem == "" || n.ELF != nil && archOf(n.ELF) != l.arch {
		return "", node{}, false
	}
	return at, n, true
}

func (l *linker) dirs(by *loaded, libc string) (dirs []string) {
	written := func(list string, of *loaded) {
		for _, dir := range strings.Split(list, ":") {
			if dir != "" {
				dirs = append(dirs, l.expand(dir, of))
			}
		}
	}
	if libc == musl { // takes both alike, of everybody on the way
		dirs = append(dirs, l.libPath...)
		for of := range l.chain(by) {
			if written(of.object.Runpath, of); of.object.Runpath == "" {
				written(of.object.Rpath, of)
			}
		}
		return append(dirs, l.defaults[musl]...)
	}
	if by.object.Runpath == "" { // a RUNPATH turns every RPATH off
		for of := range l.chain(by) {
			if of.object.Runpath == "" {
				written(of.object.Rpath, of)
			}
		}
	}
	dirs = append(dirs, l.libPath...)
	written(by.object.Runpath, by)
	return append(dirs, l.defaults[glibc]...)
}

// chain is an object, who needed it, and so on, up to the emulator.
func (l *linker) chain(o *loaded) func(func(*loaded) bool) {
	return func(yield func(*loaded) bool) {
		program := false
		for ; o != nil; o = o.parent {
			if !yield(o) {
				return
			}
			program = o.object.Interp != ""
		}
		if !program && l.main != nil {
			yield(l.main)
		}
	}
}

// expand fills in what may stand in such a path.
func (l *linker) expand(dir string, of *loaded) string {
	if !strings.Contains(dir, "$") {
		return dir
	}
	lib, uname := "lib64", platforms[l.arch].uname
	if l.triplet != "" {
		lib = "lib/" + l.triplet
	}
	at := path.Dir(of.name)
	return path.Clean(strings.NewReplacer("${ORIGIN}", at, "$ORIGIN", at, "${LIB}", lib, "$LIB", lib,
		"${PLATFORM}", uname, "$PLATFORM", uname).Replace(dir))
}
