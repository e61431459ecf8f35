package manifest

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Source is a text with the name that positions in it are given with.
type Source struct {
	Name string
	Text []byte
	// Found says that the source was not named, but lay in a directory: what is
	// no Kubernetes object in it is nobody's mistake.
	Found bool
}

// Standard input, as a path and in positions.
const (
	Stdin     = "-"
	StdinName = "standard input"
)

// Called is what a path is called in what is said of it.
func Called(path string) string {
	if path == Stdin {
		return StdinName
	}
	return path
}

// unreadable is a path that can't be read, without the system call that failed.
type unreadable struct {
	path string
	err  error
}

func (e *unreadable) Error() string {
	if errors.Is(e.err, fs.ErrNotExist) {
		return "there is no " + e.path
	}
	cause := e.err
	var call *fs.PathError
	if errors.As(cause, &call) {
		cause = call.Err
	}
	return fmt.Sprintf("can't read %s: %v", e.path, cause)
}

func (e *unreadable) Unwrap() error { return e.err }

// extensions are those that kubectl reads in a directory.
var extensions = []string{".yaml", ".yml", ".json"}

// Open reads a file, the manifests of a directory (as kubectl does: those that end in
// .yaml, .yml or .json, in alphabetical order, none of directories below), or, for
// "-", stdin. The error of a path that is not there is an [fs.ErrNotExist].
func Open(path string, stdin io.Reader) ([]Source, error) {
	if path == Stdin {
		text, err := io.ReadAll(stdin)
		if err != nil {
			return nil, &unreadable{StdinName, err}
		}
		return []Source{{Name: StdinName, Text: text}}, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, &unreadable{path, err}
	}
	if !info.IsDir() {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, &unreadable{path, err}
		}
		return []Source{{Name: path, Text: text}}, nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, &unreadable{path, err}
	}
	var all []Source
	for _, e := range entries {
		file := filepath.Join(path, e.Name())
		if !slices.Contains(extensions, strings.ToLower(filepath.Ext(file))) {
			continue
		}
		if info, err := os.Stat(file); err != nil || info.IsDir() {
			continue // a link to nothing is an editor's lock file
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, &unreadable{file, err}
		}
		all = append(all, Source{Name: file, Text: text, Found: true})
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("the directory %s holds no file that ends in .yaml, .yml or .json", path)
	}
	return all, nil
}
