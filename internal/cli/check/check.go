package check

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/report"
	"github.com/phialdev/phial/internal/version"
)

// How much garbage there may be beside what is kept, in percent of it: less once there are manifests, thousands of which stay
// in memory until the end.
const (
	gcReading = 100
	gcKeeping = 24
)

// collect sets the percentage, unless a person has, and gives the one before.
func collect(percent int) (before int) {
	if os.Getenv("GOGC") != "" {
		return percent
	}
	return debug.SetGCPercent(percent)
}

func run(ctx context.Context, s *term.IO, o *options) error {
	defer collect(collect(gcReading))
	var err error
	if o.decided, err = o.decisions(); err != nil {
		return err
	}
	decided := check.Options{Rules: o.rules, Severity: o.severity, Ignore: o.decided.Ignore, Exclude: o.decided.Exclude}
	if o.baseline != "" {
		if decided.Baseline, err = o.known(); err != nil {
			return err
		}
	}
	in, err := o.read(ctx, s)
	if err != nil {
		return err
	}
	found := o.judge(in, decided)
	for _, part := range in.Parts() {
		if p := part.Predicted(); p != nil {
			for _, why := range p.Beyond {
				s.Notef("not all of the mesh is worked out: %s", why)
			}
		}
	}
	switch {
	case o.explain && o.format == formatJSON:
		if len(found.Meshes) == 0 {
			return errors.New(report.NoMesh)
		}
		if err := s.WriteJSON(found.Meshes); err != nil {
			return err
		}
		return status(found)
	case o.explain:
		report.CheckMeshes(s.Out, found.Meshes, report.Style{Colour: s.Colour, Width: s.Width})
		return status(found)
	case o.writeBaseline:
		b := check.BaselineOf(found, decided.Baseline)
		if err := os.WriteFile(o.baseline, b.Encode(), 0o644); err != nil {
			return fmt.Errorf("write the baseline: %w", err)
		}
		s.Notef("%s: %d findings, which count no more", o.baseline, len(b.Known))
		return nil
	case o.diff:
		if err := o.patch(ctx, s, in, found, decided); err != nil {
			return err
		}
		return status(found)
	case o.fix:
		if in, found, err = o.fixAll(ctx, s, in, found, decided); err != nil {
			return err
		}
	}
	if err := o.write(s, in, found); err != nil {
		return err
	}
	return status(found)
}

func status(r check.Report) error {
	if !r.Clean() {
		return term.Found()
	}
	return nil
}

// write shows a report in the format that was asked for.
func (o *options) write(s *term.IO, in *check.Input, r check.Report) error {
	switch o.format {
	case formatJSON:
		return s.WriteJSON(r)
	case formatSARIF:
		return report.CheckSARIF(s.Out, r, version.String())
	case formatJUnit:
		return report.CheckJUnit(s.Out, r)
	case formatMarkdown:
		report.CheckMarkdown(s.Out, r)
	case formatGitHub:
		report.CheckGitHub(s.Out, r)
	default:
		report.Check(s.Out, r, in.Text, report.Style{Colour: s.Colour, Width: s.Width})
	}
	return nil
}

// decisions reads what the project has decided about its check.
func (o *options) decisions() (check.Config, error) {
	file := o.config
	if file == "" {
		for _, p := range o.paths {
			if info, err := os.Stat(p); p != manifest.Stdin && err == nil && info.IsDir() {
				file = filepath.Join(p, check.ConfigFile)
				break
			}
		}
		if _, err := os.Stat(file); file == "" || errors.Is(err, fs.ErrNotExist) {
			return check.Config{}, nil
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return check.Config{}, fmt.Errorf("can't read %s: %w", file, err)
	}
	c, err := check.ParseConfig(manifest.Source{Name: file, Text: text})
	if err != nil {
		return check.Config{}, fmt.Errorf("decisions about findings:\n%w", err)
	}
	return c, nil
}

// known reads the baseline. One that is to be written need not be there.
func (o *options) known() (*check.Baseline, error) {
	text, err := os.ReadFile(o.baseline)
	switch {
	case errors.Is(err, fs.ErrNotExist) && o.writeBaseline:
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no baseline %s; --write-baseline makes it", o.baseline)
	case err != nil:
		return nil, fmt.Errorf("can't read the baseline: %w", err)
	}
	return check.ParseBaseline(o.baseline, text)
}

// today is the day that suppressions expire by.
func today() time.Time { return time.Now() }
