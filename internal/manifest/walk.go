package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxSource bounds one file, or standard input, in bytes. An API server takes no request of more than 3 MiB.
const MaxSource = 64 << 20

const (
	maxSources = 256 << 20 // bytes in all
	maxFiles   = 50_000    // files and directories that are looked at
)

// Tree is what was found below some paths.
type Tree struct {
	Sources   []Source
	Templates []Template // sources that a tool makes manifests of, and that are none themselves
	Skipped   Problems   // what was not read, and why

	seen    map[string]bool
	bytes   int
	visited int
}

// Template is a source of Helm's: {{ }} stands in it.
type Template struct {
	Source
	Chart string // the directory of the chart, or of the file where there is none
}

// skippedDir tells the directories that hold no manifests of a team's own. Some teams hide
// theirs.
func skippedDir(name string) bool {
	if slices.Contains([]string{".k8s", ".kube", ".kubernetes", ".deploy", ".helm"}, name) {
		return false
	}
	return len(name) > 1 && name[0] == '.' || slices.Contains([]string{"node_modules", "deps", "_build"}, name)
}

// Add reads a file, stdin, or every manifest in a directory and in those below it. The error is of what was named and
// can't be read; what lay in a directory and was not read is noted in Skipped. Links to directories are not followed.
func (t *Tree) Add(path string, stdin io.Reader) error {
	if t.seen == nil {
		t.seen = map[string]bool{}
	}
	if path == Stdin {
		return t.read(StdinName, stdin, false)
	}
	info, err := os.Stat(path)
	if err != nil {
		return &unreadable{path, err}
	}
	if !info.IsDir() {
		return t.file(path, false)
	}
	return filepath.WalkDir(path, func(file string, d fs.DirEntry, err error) error {
		if t.visited++; t.visited > maxFiles {
			t.skip(path, "more than %d files; those from %s on were not looked at: name the directories that hold manifests", maxFiles, file)
			return fs.SkipAll
		}
		switch {
		case err != nil && file == path:
			return &unreadable{path, err}
		case err != nil:
			t.skip(file, "can't be read: %v", cause(err))
			return nil
		case d.IsDir() && file != path && skippedDir(d.Name()):
			return fs.SkipDir
		case d.IsDir(), !slices.Contains(extensions, strings.ToLower(filepath.Ext(file))):
			return nil
		}
		return t.found(file)
	})
}

// found reads a file that lay in a directory.
func (t *Tree) found(file string) error {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil // a link to nothing is an editor's lock file
	case err != nil:
		if name := filepath.Clean(file); !t.seen[name] {
			t.seen[name] = true
			t.skip(file, "can't be read: %v", cause(err))
		}
		return nil
	case !info.Mode().IsRegular():
		return nil
	}
	if err := t.file(file, true); err != nil {
		t.skip(file, "can't be read: %v", cause(err))
	}
	return nil
}

func (t *Tree) file(path string, found bool) error {
	if name := filepath.Clean(path); t.seen[name] {
		if !found { // it lay in a directory as well
			for i, s := range t.Sources {
				t.Sources[i].Found = s.Found && filepath.Clean(s.Name) != name
			}
		}
		return nil
	}
	t.seen[filepath.Clean(path)] = true
	f, err := os.Open(path)
	if err != nil {
		return &unreadable{path, err}
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > MaxSource {
		t.tooLarge(path)
		return nil
	}
	return t.read(path, f, found)
}

func (t *Tree) read(name string, r io.Reader, found bool) error {
	var b bytes.Buffer
	if f, ok := r.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			b.Grow(int(info.Size()) + bytes.MinRead) // in one piece
		}
	}
	if _, err := b.ReadFrom(io.LimitReader(r, MaxSource+1)); err != nil {
		return &unreadable{name, err}
	}
	if b.Len() > MaxSource {
		t.tooLarge(name)
		return nil
	}
	if t.bytes += b.Len(); t.bytes > maxSources {
		t.skip(name, "not read: there are more than %d MiB of manifests before it; look at fewer at a time", maxSources>>20)
		return nil
	}
	s := Source{Name: name, Text: b.Bytes(), Found: found}
	if chart, ok := template(s); ok {
		t.Templates = append(t.Templates, Template{s, chart})
		return nil
	}
	t.Sources = append(t.Sources, s)
	return nil
}

func (t *Tree) tooLarge(name string) {
	t.skip(name, "not read: it has more than %d MiB; split it", MaxSource>>20)
}

func (t *Tree) skip(file, format string, args ...any) {
	t.Skipped = append(t.Skipped, Problem{Position: Position{File: file}, Text: fmt.Sprintf(format, args...)})
}

// cause leaves out the system call and the path, which is said already.
func cause(err error) error {
	var call *fs.PathError
	if errors.As(err, &call) {
		return call.Err
	}
	return err
}

// template tells Helm's sources: actions in braces, in a directory "templates", or on a line of their own, where YAML
// has no use for them.
func template(s Source) (chart string, ok bool) {
	if !bytes.Contains(s.Text, []byte("{{")) {
		return "", false
	}
	dir := filepath.Dir(s.Name)
	for d := dir; ; d = filepath.Dir(d) {
		if filepath.Base(d) == "templates" {
			return filepath.Dir(d), true
		}
		if filepath.Dir(d) == d {
			break
		}
	}
	for line := range bytes.Lines(s.Text) {
		if line = bytes.TrimSpace(line); bytes.HasPrefix(line, []byte("{{")) && bytes.HasSuffix(line, []byte("}}")) {
			return dir, true
		}
	}
	return "", false
}
