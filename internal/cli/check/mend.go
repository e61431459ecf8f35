package check

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing/fstest"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
)

// maxPasses bounds how often --fix looks again: edits in one place are made one at a time,
// and what is mended may show something else.
const maxPasses = 8

// fixAll makes the edits in place.
func (o *options) fixAll(ctx context.Context, s *term.IO, in *check.Input, r check.Report, decided check.Options) (*check.Input, check.Report, error) {
	return o.mend(ctx, s, in, r, decided, func(f check.Fixed) error {
		info, err := os.Stat(f.File)
		if err != nil {
			return fmt.Errorf("mend %s: %w", f.File, err)
		}
		now, err := os.ReadFile(f.File)
		if err != nil {
			return fmt.Errorf("can't read %s: %w", f.File, err)
		}
		if string(now) != f.Before {
			return fmt.Errorf("%s was changed by somebody else meanwhile: check again", f.File)
		}
		if err := os.WriteFile(f.File, []byte(f.After), info.Mode().Perm()); err != nil {
			return fmt.Errorf("write %s: %w", f.File, err)
		}
		s.Notef("%s: mended %s", f.File, strings.Join(f.Codes, ", "))
		return nil
	})
}

// patch shows all that --fix would change.
func (o *options) patch(ctx context.Context, s *term.IO, in *check.Input, r check.Report, decided check.Options) error {
	o.mended = map[string]string{}
	if _, _, err := o.mend(ctx, s, in, r, decided, func(f check.Fixed) error {
		o.mended[f.File] = f.After
		return nil
	}); err != nil {
		return err
	}
	if len(o.mended) == 0 {
		s.Notef("there is nothing that --fix could mend")
	}
	for _, file := range slices.Sorted(maps.Keys(o.mended)) {
		before, _ := in.Text(file)
		if _, err := s.Out.Write(unified(filepath.ToSlash(file), before, o.mended[file], check.SecretLines(in, file))); err != nil {
			return fmt.Errorf("write the patch: %w", err)
		}
	}
	return nil
}

// mend hands edits on, and looks again until none is left.
func (o *options) mend(ctx context.Context, s *term.IO, in *check.Input, r check.Report, decided check.Options, write func(check.Fixed) error) (*check.Input, check.Report, error) {
	for range maxPasses {
		fixed := check.Fix(in, r)
		if len(fixed) == 0 {
			break
		}
		for _, f := range fixed {
			if err := write(f); err != nil {
				return nil, r, err
			}
		}
		var err error
		if in, err = o.read(ctx, s); err != nil {
			return nil, r, err
		}
		r = o.judge(in, decided)
	}
	return in, r, nil
}

// judge lets the rules look.
func (o *options) judge(in *check.Input, decided check.Options) check.Report {
	r := check.Run(in, decided)
	onlyInFiles(r.Findings)
	return r
}

// onlyInFiles takes the edits away of what is not all in files, which can't be mended in place.
func onlyInFiles(all []check.Finding) {
	isFile := map[string]bool{}
	nowhere := func(e manifest.Edit) bool {
		is, known := isFile[e.File]
		if !known {
			info, err := os.Stat(e.File)
			is = err == nil && info.Mode().IsRegular()
			isFile[e.File] = is
		}
		return !is
	}
	var visit func(all []check.Finding)
	visit = func(all []check.Finding) {
		for i := range all {
			if slices.ContainsFunc(all[i].Edits, nowhere) {
				all[i].Edits = nil
			}
			visit(all[i].Beneath)
		}
	}
	visit(all)
}

// mendedFS is a project's directory with what --fix would have made of its files.
type mendedFS struct {
	fs.FS
	dir   string
	texts map[string]string // by the names of findings
}

// Open opens a file as it would be.
func (m mendedFS) Open(name string) (fs.File, error) {
	if text, ok := m.texts[filepath.Join(m.dir, filepath.FromSlash(name))]; ok {
		return fstest.MapFS{name: {Data: []byte(text), Mode: 0o644}}.Open(name)
	}
	return m.FS.Open(name)
}
