package tree

import (
	"archive/tar"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
)

// WriteTar writes the tree as a layer of an image: parents before what is in them,
// everything owned by root, nothing of the machine's own in it. The same tree gives the
// same bytes.
func (t Tree) WriteTar(w io.Writer) error {
	tw := tar.NewWriter(w)
	made := map[string]bool{".": true}
	for _, f := range t {
		if err := parents(tw, made, path.Dir(f.Path)); err != nil {
			return err
		}
		if f.Mode.IsDir() {
			if made[f.Path] {
				continue
			}
			made[f.Path] = true
		}
		if err := f.write(tw); err != nil {
			return err
		}
	}
	return tw.Close()
}

// parents writes the directories above a file that the tree does not have.
func parents(tw *tar.Writer, made map[string]bool, dir string) error {
	if made[dir] {
		return nil
	}
	if err := parents(tw, made, path.Dir(dir)); err != nil {
		return err
	}
	made[dir] = true
	return Dir(dir).write(tw)
}

func (f File) write(tw *tar.Writer) error {
	h := &tar.Header{Name: f.Path, Mode: int64(f.Mode.Perm()), ModTime: time.Unix(f.Time, 0)}
	switch {
	case f.Mode.IsDir():
		h.Typeflag, h.Name = tar.TypeDir, f.Path+"/"
		if f.Mode&fs.ModeSticky != 0 {
			h.Mode |= 0o1000
		}
	case f.Mode&fs.ModeSymlink != 0:
		h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
	default:
		h.Typeflag, h.Size = tar.TypeReg, f.Size
	}
	if err := tw.WriteHeader(h); err != nil {
		return fmt.Errorf("%s can't be put into a layer: %w", f.Path, err)
	}
	if !f.Mode.IsRegular() {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(tw, r)
	return err
}
