package check

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// read reads all that the paths name.
func (o *options) read(ctx context.Context, s *term.IO) (*check.Input, error) {
	in := &check.Input{Now: today()}
	if err := o.readProjects(s, in); err != nil {
		return nil, err
	}
	var tree manifest.Tree
	for _, p := range o.paths {
		if p == manifest.Stdin {
			text, err := o.input(s)
			if err != nil {
				return nil, err
			}
			if err := tree.Add(p, text); err != nil {
				return nil, err
			}
			continue
		}
		if err := tree.Add(p, nil); err != nil {
			return nil, err
		}
	}
	for i, s := range tree.Sources {
		if text, ok := o.mended[s.Name]; ok {
			tree.Sources[i].Text = []byte(text)
		}
	}
	collect(gcKeeping)
	var err error
	if in.Objects, in.Refused, err = deployed.Objects(&tree, o.paths, o.decided); err != nil {
		return nil, err
	}
	if in.Project == nil && len(in.Objects.Objects)+len(in.Objects.Patches)+len(in.Objects.Templates)+len(in.Objects.Problems)+len(in.Objects.Skipped) == 0 {
		return nil, fmt.Errorf("nothing to check: %s has neither a mix.exs nor a Kubernetes manifest", spell.List(o.paths, "and", 4))
	}
	if in.Environments = deployed.Environments(ctx, in); len(in.Environments) == 0 {
		deployed.Predict(ctx, in)
	}
	return in, nil
}

// input is standard input, kept for when --fix looks again.
func (o *options) input(s *term.IO) (io.Reader, error) {
	if !o.stdinRead {
		// One byte more than is read of a file, so that what is too long is said to be.
		text, err := io.ReadAll(io.LimitReader(s.In, manifest.MaxSource+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		o.stdin, o.stdinRead = text, true
	}
	return bytes.NewReader(o.stdin), nil
}

// readProjects reads the project that a path names, or else the only one below them.
func (o *options) readProjects(s *term.IO, in *check.Input) error {
	for _, p := range o.paths {
		if p == manifest.Stdin || !deployed.IsProject(p) {
			continue
		}
		if err := o.readProject(in, p); err != nil {
			return err
		}
	}
	if in.Project != nil {
		return nil
	}
	var below []string
	for _, p := range o.paths {
		if p != manifest.Stdin {
			below = append(below, deployed.Projects(p)...)
		}
	}
	slices.Sort(below)
	below = slices.Compact(below)
	switch {
	case len(below) == 1:
		o.once(s, "the project is %s", below[0])
		return o.readProject(in, below[0])
	case len(below) > 1:
		o.once(s, "%d mix projects are below, and none of them was read: name one (phial check %s %s)", len(below), below[0], strings.Join(o.paths, " "))
	}
	return nil
}

// once tells what is so however often all is read.
func (o *options) once(s *term.IO, format string, args ...any) {
	if !o.noted {
		s.Notef(format, args...)
	}
	o.noted = true
}

// readProject reads the project of a directory that has one.
func (o *options) readProject(in *check.Input, dir string) error {
	var root fs.FS = mendedFS{os.DirFS(dir), dir, o.mended}
	p, err := project.Read(root)
	switch {
	case errors.Is(err, project.ErrNoProject):
		return nil
	case err != nil:
		return fmt.Errorf("read the project in %s: %w", dir, err)
	case in.Project != nil:
		return fmt.Errorf("both %s and %s are mix projects: check each by itself", in.Root, dir)
	}
	in.Project, in.Root = p, filepath.Clean(dir)
	in.Files = deployed.Files(root)
	return nil
}
