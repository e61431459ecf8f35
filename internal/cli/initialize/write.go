package initialize

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/phialdev/phial/internal/scaffold"
)

// What becomes of a file.
const (
	stateNew       = "new"
	stateOverwrite = "overwrite"
	stateKept      = "kept"
	stateSame      = "same"
)

// change is one file, as it is there and as it is to be.
type change struct {
	path    string // slash-separated, from the project's root
	state   string
	old     []byte
	mode    fs.FileMode
	content []byte
}

func (c change) writes() bool { return c.state == stateNew || c.state == stateOverwrite }

type changes []change

// compare looks at what is there.
func compare(dir string, files []scaffold.File, force bool) (changes, error) {
	var all changes
	for _, f := range files {
		c := change{path: f.Path, content: f.Content, mode: 0o644}
		old, fi, err := readRegular(filepath.Join(dir, filepath.FromSlash(f.Path)))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			c.state = stateNew
		case err != nil:
			return nil, err
		case bytes.Equal(old, f.Content):
			c.state = stateSame
		case force:
			c.state, c.old, c.mode = stateOverwrite, old, fi.Mode().Perm()
		default:
			c.state = stateKept
		}
		all = append(all, c)
	}
	return all, nil
}

func readRegular(path string) ([]byte, fs.FileInfo, error) {
	fi, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, dangling := os.Lstat(path); dangling == nil {
			return nil, nil, fmt.Errorf("%s is in the way: it is a link to nothing; move it", path)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if !fi.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is in the way: it is no regular file; move it", path)
	}
	b, err := os.ReadFile(path)
	return b, fi, err
}

// kept says whether a file stays that is not ours.
func (all changes) kept(path string) bool {
	return slices.ContainsFunc(all, func(c change) bool { return c.path == path && c.state == stateKept })
}

// toWrite leaves out what stays as it is.
func (all changes) toWrite() changes {
	var todo changes
	for _, c := range all {
		if c.writes() {
			todo = append(todo, c)
		}
	}
	return todo
}

// write writes every file or none: all are there in full under other names before the first gets its own, and what was
// done is undone when one fails.
func (all changes) write(dir string) (err error) {
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for i := len(undo) - 1; i >= 0; i-- {
			if e := undo[i](); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = fmt.Errorf("%w; could not undo: %w", err, e)
			}
		}
		err = fmt.Errorf("nothing written: %w", err)
	}()
	staged := make([]string, len(all))
	for i, c := range all {
		to := filepath.Join(dir, filepath.FromSlash(c.path))
		made, err := makeDirs(filepath.Dir(to))
		for _, d := range made {
			undo = append(undo, func() error { return os.Remove(d) })
		}
		if err != nil {
			return err
		}
		tmp, err := stage(filepath.Dir(to), c.content, c.mode)
		if err != nil {
			return err
		}
		staged[i] = tmp
		undo = append(undo, func() error { return os.Remove(tmp) })
	}
	for i, c := range all {
		to, err := target(filepath.Join(dir, filepath.FromSlash(c.path)))
		if err != nil {
			return err
		}
		if err := c.unchanged(to); err != nil {
			return err
		}
		if err := os.Rename(staged[i], to); err != nil {
			return err
		}
		undo = append(undo, func() error { return c.restore(to) })
	}
	return nil
}

// target follows a link, so that what it points to is written and not the link.
func target(path string) (string, error) {
	to, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return to, err
}

// unchanged makes sure that the file is still what was shown.
func (c change) unchanged(path string) error {
	now, _, err := readRegular(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.state == stateNew:
		return nil
	case err != nil:
		return err
	case c.state == stateNew || !bytes.Equal(now, c.old):
		return fmt.Errorf("%s has changed meanwhile; run this again", path)
	}
	return nil
}

func (c change) restore(path string) error {
	if c.state == stateNew {
		return os.Remove(path)
	}
	tmp, err := stage(filepath.Dir(path), c.old, c.mode)
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

// stage writes a file under a name that nobody has.
func stage(dir string, content []byte, mode fs.FileMode) (path string, err error) {
	f, err := os.CreateTemp(dir, ".phial-init-*")
	if err != nil {
		return "", err
	}
	_, err = f.Write(content)
	err = errors.Join(err, f.Chmod(mode), f.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// makeDirs makes a directory and those above it, and gives those that were not there, the outermost first.
func makeDirs(dir string) (made []string, err error) {
	switch _, err := os.Stat(dir); {
	case err == nil:
		return nil, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, err
	}
	if made, err = makeDirs(filepath.Dir(dir)); err != nil {
		return made, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return made, err
	}
	return append(made, dir), nil
}
