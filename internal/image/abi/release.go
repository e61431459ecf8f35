package abi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/image/tree"
)

// Release is what a release asks of the base that it is put on.
type Release struct {
	files   files
	foreign map[string]string // path → the other system that it is of
	scripts []*script
	dir     string          // where it lies: the directory that holds releases
	erts    bool            // it brings its emulator
	names   map[string]bool // what it is called: NAME.rel and bin/NAME
}

// Read reads a release's files, at their paths in the image. What can't be read is an error; what
// can't be understood is a finding of Check.
func Read(t tree.Tree) (*Release, error) {
	r := &Release{files: files{}, foreign: map[string]string{}, names: map[string]bool{}, dir: rootOf(t)}
	buf := bytes.NewBuffer(make([]byte, 0, 1<<16))
	for _, f := range t {
		name := path.Clean("/" + f.Path)
		if rel, ok := strings.CutSuffix(path.Base(name), ".rel"); ok && strings.HasPrefix(r.within(name), "releases/") {
			r.names[rel] = true
		}
		switch {
		case f.Mode.IsDir():
		case f.Mode&tree.ModeSymlink == tree.ModeSymlink:
			r.files[name] = node{Link: f.Link}
		default:
			if err := r.add(name, f, buf); err != nil {
				return nil, err
			}
		}
	}
	r.erts = slices.ContainsFunc(slices.Collect(maps.Keys(r.files)), r.isERTS)
	return r, nil
}

// rootOf finds the directory that a release's files are in.
func rootOf(t tree.Tree) string {
	for _, f := range t {
		if dir, ok := strings.CutSuffix(path.Clean("/"+f.Path), "/releases/start_erl.data"); ok {
			return path.Clean(dir + "/")
		}
	}
	for _, f := range t {
		if dir, _, ok := strings.Cut(path.Clean("/"+f.Path), "/erts-"); ok {
			return path.Clean(dir + "/")
		}
	}
	return "/"
}

// within gives a path inside of the release: bin/shop.
func (r *Release) within(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, r.dir), "/")
}

func (r *Release) isERTS(name string) bool { return strings.HasPrefix(r.within(name), "erts-") }

// app gives the application whose priv a file is in: lib/NAME-VSN.
func (r *Release) app(name string) string {
	parts := strings.SplitN(r.within(name), "/", 4)
	if len(parts) == 4 && parts[0] == "lib" && parts[2] == "priv" {
		return parts[1]
	}
	return ""
}

func (r *Release) add(name string, f tree.File, buf *bytes.Buffer) error {
	n := node{Exec: f.Mode&0o111 != 0}
	defer func() { r.files[name] = n }()
	c, err := f.Open()
	if err != nil {
		return err
	}
	defer c.Close()
	head := make([]byte, headLen)
	got, err := io.ReadFull(c, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read %s: %w", f.Path, err)
	}
	head = head[:got]
	rest := func(most int64) ([]byte, error) {
		buf.Reset()
		buf.Write(head)
		_, err := io.Copy(buf, io.LimitReader(c, most-int64(len(head))))
		return buf.Bytes(), err
	}
	switch {
	case isELF(head) && f.Size > maxFile:
		n.Problem = tooLarge
	case isELF(head):
		b, err := rest(maxFile)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Path, err)
		}
		if n.ELF, err = parseELF(b); err != nil {
			n.Problem = err.Error()
		}
	case r.isScript(name, n.Exec, head):
		b, err := rest(maxScript + 1)
		if err != nil {
			return fmt.Errorf("read %s: %w", f.Path, err)
		}
		r.scripts = append(r.scripts, parseScript(name, r.isSourced(name), r.isRead(name), b))
	default:
		what := foreign(head, func(off int64, size int) []byte {
			b, err := rest(min(off+int64(size), 1<<16))
			if err != nil || off < 0 || off+int64(size) > int64(len(b)) {
				return nil
			}
			return b[off:]
		})
		if what != "" {
			r.foreign[name] = what
		}
	}
	return nil
}

// isScript says whether a file is run by a shell or another interpreter: by its first bytes where it can be
// executed, and env.sh, which is read by another.
func (r *Release) isScript(name string, exec bool, head []byte) bool {
	return r.isSourced(name) || exec && bytes.HasPrefix(head, []byte("#!")) &&
		(r.isRead(name) || r.app(name) != "")
}

// isSourced is for env.sh, whose #! nobody looks at.
func (r *Release) isSourced(name string) bool {
	ok, err := path.Match("releases/*/env.sh", r.within(name))
	return ok && err == nil
}

// isRead says whether a script is gone through for the programs it calls: those that a person or
// a start runs. Of scripts of applications only the interpreter is looked at.
func (r *Release) isRead(name string) bool {
	return path.Dir(r.within(name)) == "bin" || r.inChain(name)
}

// inChain says whether a script has its part in every start: bin/NAME, env.sh, elixir, erl.
func (r *Release) inChain(name string) bool {
	in := r.within(name)
	for _, p := range []string{"releases/*/env.sh", "releases/*/elixir", "releases/*/iex", "erts-*/bin/erl"} {
		if ok, err := path.Match(p, in); ok && err == nil {
			return true
		}
	}
	return path.Dir(in) == "bin" && r.names[path.Base(in)]
}

// objects are the paths of the ELF files, in order.
func (r *Release) objects() (all []string) {
	for name, n := range r.files {
		if n.ELF != nil {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	return all
}

// emulator is the path of beam.smp, "" where the release brings none.
func (r *Release) emulator() string {
	for _, name := range r.objects() {
		if r.isERTS(name) && strings.HasPrefix(path.Base(name), "beam") {
			return name
		}
	}
	return ""
}

// Arch is what the release runs on, in Go's words (amd64, arm64); "" where it brings neither an
// emulator nor anything else that is compiled.
func (r *Release) Arch() string {
	if e := r.emulator(); e != "" {
		return archOf(r.files[e].ELF)
	}
	if all := r.objects(); len(all) > 0 {
		return archOf(r.files[all[0]].ELF)
	}
	return ""
}

// Libraries are the names of the shared libraries that the release needs and does not bring.
func (r *Release) Libraries() []string {
	libraries, _ := r.wants()
	return libraries
}

// Versions are the symbol versions that it needs of them.
func (r *Release) Versions() []string {
	_, versions := r.wants()
	return versions
}

func (r *Release) wants() (libraries, versions []string) {
	l := newLinker(r, &Root{}, nil, r.Arch())
	for _, name := range r.objects() {
		o := r.files[name].ELF
		if archOf(o) != r.Arch() {
			continue
		}
		own := map[string]bool{}
		for _, lib := range o.Needed {
			if _, _, own[lib] = l.find(lib, &loaded{name: name, object: o}); !own[lib] {
				libraries = append(libraries, lib)
			}
		}
		for _, v := range o.Requires {
			if !own[v.Library] {
				versions = append(versions, v.Name)
			}
		}
	}
	slices.Sort(libraries)
	slices.SortFunc(versions, compareVersions)
	return slices.Compact(libraries), slices.Compact(versions)
}

// Commands are the programs that the start scripts call, or that run them: names for PATH to find, and
// absolute paths.
func (r *Release) Commands() (all []string) {
	for _, c := range r.calls() {
		all = append(all, c.name)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
