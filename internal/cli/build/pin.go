package build

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/manifest"
)

// pins is one file of --resolve with the digest in it.
type pins struct {
	file string
	text []byte
	same bool // it says so already
}

// pin puts the digest into the files of --resolve: into all of them or, where one can't be
// understood, into none.
func (o *options) pin(s *term.IO, f facts, r *image.Result, published []publish.Published) error {
	if len(o.resolve) == 0 {
		return nil
	}
	to := manifest.Pinned{}
	for _, p := range published {
		if len(p.Names) > 1 && isDigest(p.Names[0]) {
			to.Image = p.Names[1] + "@" + r.Digest.String()
		}
	}
	if f.image != "" {
		// phial.yaml says what the image is called, wherever it was pushed to.
		to.From = append(to.From, f.repository)
	}
	var all []pins
	for _, file := range o.resolve {
		sources, err := manifest.Open(file, s.In)
		if err != nil {
			return fmt.Errorf("--resolve: %w; the image was pushed", err)
		}
		found := 0
		for _, source := range sources {
			text, n, err := manifest.Pin(source, to)
			if err != nil {
				return fmt.Errorf("--resolve: %w; the image was pushed, and no file was changed", err)
			}
			if n > 0 {
				all = append(all, pins{source.Name, text, slices.Equal(text, source.Text)})
			}
			found += n
		}
		if found == 0 {
			return fmt.Errorf("--resolve: %s refers to no image of %s; the image was pushed, and no file was changed", file, o.push)
		}
	}
	for _, p := range all {
		if p.same {
			continue
		}
		if err := replace(p.file, p.text); err != nil {
			return fmt.Errorf("--resolve: write %s: %w; the image was pushed", p.file, err)
		}
		s.Notef("%s refers to %s now", p.file, to.Image)
	}
	return nil
}

// replace writes a file in one step and leaves it the permissions that it had.
func replace(file string, text []byte) error {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if fi, err := os.Stat(real); err == nil {
		mode = fi.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(real), "."+filepath.Base(real)+".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) //nolint:errcheck // gone already where all went well
	if _, err := tmp.Write(text); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Chmod(mode); err != nil {
		tmp.Close()
		return err
	}
	if err := tmp.Close(); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), real)
}
