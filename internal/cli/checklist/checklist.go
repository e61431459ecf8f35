package checklist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/project"
)

// maxFile bounds a file of the project that is read as a text, in bytes.
const maxFile = 1 << 20

// Report is the JSON of `phial checklist`.
type Report struct {
	Dir      string `json:"dir"`
	Name     string `json:"name"`
	Passed   int    `json:"passed"`
	Failed   int    `json:"failed"`
	NotKnown int    `json:"notKnown"`
	checklist.Report
}

func run(ctx context.Context, s *term.IO, o options) error {
	in, name, err := look(o)
	if err != nil {
		return err
	}
	if o.verify {
		if in.Builds, err = verify(ctx, s, o); err != nil {
			return err
		}
	}
	if o.run {
		if in.Trial, err = trial(ctx, s, o); err != nil {
			return err
		}
	}
	list := checklist.New(in)
	r := Report{Dir: o.dir, Name: name, Report: list,
		Passed: list.Count(checklist.Passed), Failed: list.Count(checklist.Failed), NotKnown: list.Count(checklist.NotKnown)}
	switch o.format {
	case formatJSON:
		err = s.WriteJSON(r)
	case formatMarkdown:
		markdown(s.Out, r)
	default:
		text(s, r)
	}
	if err == nil && r.Failed > 0 {
		return term.Found()
	}
	return err
}

// look reads all that is there to be read.
func look(o options) (in checklist.Input, name string, err error) {
	fi, err := os.Stat(o.dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return in, "", fmt.Errorf("%s is not there", o.dir)
	case err != nil:
		return in, "", err
	case !fi.IsDir():
		return in, "", fmt.Errorf("%s is not a directory", o.dir)
	}
	root := os.DirFS(o.dir)
	in.Project, err = project.Read(root)
	if errors.Is(err, project.ErrNoProject) {
		return in, "", fmt.Errorf("no mix project in %s: there is no mix.exs; name its directory (phial checklist DIR)", o.dir)
	}
	if err != nil {
		return in, "", fmt.Errorf("read the project in %s: %w", o.dir, err)
	}
	if filepath.Clean(o.dir) != "." {
		in.Dir = quote(o.dir)
	}
	d := deployment{dir: o.dir, in: &in, rules: o.rules}
	if err := d.read(); err != nil {
		return in, "", err
	}
	name = in.Project.Mix.App.Value
	if in.App != nil {
		name = in.App.Name
	}
	return in, name, nil
}

// fileOf reads files of a directory as texts.
func fileOf(root fs.FS) func(name string) (string, bool) {
	return func(name string) (string, bool) {
		info, err := fs.Stat(root, name)
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return "", false
		}
		text, err := fs.ReadFile(root, name)
		return string(text), err == nil
	}
}

// quote writes a path so that a shell takes it as one word.
func quote(s string) string {
	if strings.ContainsAny(s, " \t\n'\"$`\\!*?[](){}<>|&;#~") {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return s
}
