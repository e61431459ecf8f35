package tree

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Read reads a directory of this machine. The files' paths go below at. A symbolic link that leads
// out of the directory, a device, a pipe or a socket, and what can't be read are errors:
// an image has no place for them, or would lack something.
func Read(dir, at string) (Tree, error) {
	fi, err := os.Stat(dir)
	if err == nil && !fi.IsDir() {
		return nil, fmt.Errorf("%s is not a directory", dir)
	}
	if err != nil {
		return nil, plain(err)
	}
	return read(os.DirFS(dir), dir, at)
}

// read is Read for any file system; called is its name for messages.
func read(fsys fs.FS, called, at string) (Tree, error) {
	var t Tree
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return plain(renamed(err, filepath.Join(called, filepath.FromSlash(name))))
		}
		f, err := entry(fsys, called, name, d)
		if err != nil || name == "." {
			return err
		}
		f.Path = clean(path.Join(at, name))
		t = append(t, f)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return Sort(t), nil
}

func entry(fsys fs.FS, called, name string, d fs.DirEntry) (File, error) {
	where := filepath.Join(called, filepath.FromSlash(name))
	switch d.Type() {
	case fs.ModeDir:
		return File{Mode: ModeDir}, nil
	case fs.ModeSymlink:
		target, err := fs.ReadLink(fsys, name)
		if err != nil {
			return File{}, plain(renamed(err, where))
		}
		if leadsOut(name, target) {
			return File{}, fmt.Errorf("%s is a symbolic link out of the tree, to %s: put the file itself there", where, target)
		}
		return File{Mode: ModeSymlink, Link: target}, nil
	case 0:
	default:
		return File{}, fmt.Errorf("%s is a %s, which has no place in an image: remove it", where, kind(d.Type()))
	}
	fi, err := d.Info()
	if err != nil {
		return File{}, plain(renamed(err, where))
	}
	mode := ModePlain
	if fi.Mode()&0o100 != 0 { // its owner's: umasks take from the others only
		mode = ModeExecutable
	}
	size := fi.Size()
	return File{Mode: mode, Size: size, Open: func() (io.ReadCloser, error) {
		r, err := fsys.Open(name)
		if err != nil {
			return nil, plain(renamed(err, where))
		}
		return &exact{r, where, size}, nil
	}}, nil
}

// leadsOut says whether a link at name, inside the tree, leads to somewhere outside.
func leadsOut(name, target string) bool {
	if path.IsAbs(target) {
		return true
	}
	to := path.Join(path.Dir(name), target)
	return to == ".." || strings.HasPrefix(to, "../")
}

func kind(t fs.FileMode) string {
	switch {
	case t&fs.ModeDevice != 0:
		return "device"
	case t&fs.ModeNamedPipe != 0:
		return "named pipe"
	case t&fs.ModeSocket != 0:
		return "socket"
	}
	return "special file"
}

// exact is a file that must have the length that it had when the tree was read.
type exact struct {
	fs.File
	where string
	left  int64
}

func (e *exact) Read(p []byte) (int, error) {
	n, err := e.File.Read(p)
	e.left -= int64(n)
	if e.left < 0 || e.left > 0 && errors.Is(err, io.EOF) {
		return 0, fmt.Errorf("%s changed while it was read: run this again when nothing else builds there", e.where)
	}
	return n, err
}

// renamed puts the whole path into an error of a file system that knows only the lower
// part of it.
func renamed(err error, where string) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return &fs.PathError{Op: p.Op, Path: where, Err: p.Err}
	}
	return err
}

// plain says what stands in the way in words.
func plain(err error) error {
	var p *fs.PathError
	switch {
	case !errors.As(err, &p):
		return err
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s can't be read: permission denied; make it readable for the user who builds", p.Path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is not there", p.Path)
	}
	return err
}
