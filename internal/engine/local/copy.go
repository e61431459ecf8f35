package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/phialdev/phial/internal/release"
)

// copyRelease makes a release stand at another place as well, by hard links where
// the file system lets it: `mix release` writes its files anew, never into the
// old ones. What stood there before goes.
func copyRelease(r release.Release, dir string) (release.Release, error) {
	if err := copyTree(r.Root, dir); err != nil {
		return r, fmt.Errorf("take a copy of the release: %w", err)
	}
	r.Root = dir
	return r, nil
}

func copyTree(from, to string) error {
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.Mkdir(dst, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(target, dst)
		case d.Type().IsRegular():
			if os.Link(path, dst) == nil {
				return nil
			}
			return copyFile(path, dst)
		}
		return nil // a pipe or socket that somebody left: no part of a release
	})
}

// copyFile is for where links cannot be: another file system, another owner.
func copyFile(from, to string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	fi, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fi.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}
