package build

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/manifest"
)

// pins is one file of --resolve with the digest in it.
type pins struct {
	file  string
	image string // that it refers to then
	text  []byte
	same  bool // it says so already
}

// plan works out what the files of --resolve become. The error is about the first that can't
// be understood, or that has no reference to the image.
func (o *options) plan(s *term.IO, f facts, r *image.Result) ([]pins, error) {
	if len(o.resolve) == 0 {
		return nil, nil
	}
	tags, err := o.tagsOf(f, r)
	if err != nil {
		return nil, err
	}
	to := manifest.Pinned{Image: o.repository.Tag(tags[0]).Name() + "@" + r.Digest.String()}
	if f.repository != "" {
		// phial.yaml says what the image is called, wherever it was pushed to.
		to.From = append(to.From, f.repository)
	}
	var all []pins
	for _, file := range o.resolve {
		sources, err := manifest.Open(file, s.In)
		if err != nil {
			return nil, fmt.Errorf("--resolve: %w", err)
		}
		found := 0
		for _, source := range sources {
			text, n, err := manifest.Pin(source, to)
			if err != nil {
				return nil, fmt.Errorf("--resolve: %w", err)
			}
			if n > 0 {
				all = append(all, pins{source.Name, to.Image, text, slices.Equal(text, source.Text)})
			}
			found += n
		}
		if found == 0 {
			return nil, fmt.Errorf("--resolve: %s refers to no image of %s: write image: %s there", file, o.push, o.repository.Tag(tags[0]).Name())
		}
	}
	return all, nil
}

// pin puts the digest into the files of --resolve: into all of them or, where one can't be
// understood, into none. They are read anew: a push takes minutes, and people have editors.
func (o *options) pin(s *term.IO, f facts, r *image.Result) error {
	all, err := o.plan(s, f, r)
	if err != nil {
		return fmt.Errorf("%w; the image was pushed, and no file was changed", err)
	}
	for _, p := range all {
		if p.same {
			continue
		}
		if err := replace(p.file, p.text); err != nil {
			return fmt.Errorf("--resolve: write %s: %w; the image was pushed", p.file, err)
		}
		s.Notef("%s refers to %s now", p.file, p.image)
	}
	return nil
}

// replace writes a file in one step and leaves it the permissions that it had.
func replace(file string, text []byte) error {
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if fi, err := os.Stat(target); err == nil {
		mode = fi.Mode().Perm()
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".new-*")
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
	return os.Rename(tmp.Name(), target)
}
