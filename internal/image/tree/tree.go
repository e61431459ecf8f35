// Package tree is a file tree as it goes into an image: names, kinds, contents. What
// belongs to the machine it was read on (owners, times, umask, the order of directories)
// is not in it, so that the same files give the same tree anywhere.
package tree

import (
	"bytes"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// The only permissions that files of an image have: everything belongs to root, everybody
// may read it and nobody else may write it.
const (
	ModePlain      fs.FileMode = 0o644
	ModeExecutable fs.FileMode = 0o755
	ModeDir                    = fs.ModeDir | 0o755
	ModeSymlink                = fs.ModeSymlink | 0o777
)

// File is an entry of a tree.
type File struct {
	Path string      // in the image: clean, with slashes, without one in front
	Mode fs.FileMode // kind (regular, directory, symbolic link) and permissions
	Link string      // of a symbolic link: where it leads, as it is written there
	Size int64       // of a regular file, bytes
	Time int64       // seconds since 1970; 0 for most (see image.Times)
	Open func() (io.ReadCloser, error)
}

// Tree is a list of files, sorted by path, each path once. Directories that hold nothing
// else of note may be left out: whoever writes a tree makes the parents.
type Tree []File

// Text makes a regular file of its content.
func Text(name, content string, mode fs.FileMode) File { return Bytes(name, []byte(content), mode) }

// Bytes makes a regular file of its content, which must not change afterwards.
func Bytes(name string, content []byte, mode fs.FileMode) File {
	return File{Path: clean(name), Mode: mode, Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }}
}

// Dir makes a directory.
func Dir(name string) File { return File{Path: clean(name), Mode: ModeDir} }

// Symlink makes a symbolic link.
func Symlink(name, target string) File {
	return File{Path: clean(name), Mode: ModeSymlink, Link: target}
}

func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// Content reads a regular file.
func (f File) Content() ([]byte, error) {
	r, err := f.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

// Sort puts a tree in order; of several files of one path the last stays.
func Sort(t Tree) Tree {
	slices.SortStableFunc(t, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	out := t[:0]
	for _, f := range t {
		if n := len(out); n > 0 && out[n-1].Path == f.Path {
			out[n-1] = f
			continue
		}
		out = append(out, f)
	}
	return out
}

// Find gives the file of a path.
func (t Tree) Find(name string) (File, bool) {
	i, ok := slices.BinarySearchFunc(t, clean(name), func(f File, name string) int { return strings.Compare(f.Path, name) })
	if !ok {
		return File{}, false
	}
	return t[i], true
}

// Size is the sum of all contents, bytes.
func (t Tree) Size() (n int64) {
	for _, f := range t {
		n += f.Size
	}
	return n
}
