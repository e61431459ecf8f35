package checklist

import (
	"cmp"
	"context"
	"path/filepath"
	"slices"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/project"
)

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
	in, name, err := look(ctx, o)
	if err != nil {
		return err
	}
	if o.verify {
		if in.Builds, err = verify(ctx, s, o); err != nil {
			return err
		}
	}
	if o.run {
		if in.Trial, err = trial(ctx, s, o, in.NoHTTP); err != nil {
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
func look(ctx context.Context, o options) (in checklist.Input, name string, err error) {
	if in.Project, err = deployed.Project(o.dir, "checklist"); err != nil {
		return in, "", err
	}
	if filepath.Clean(o.dir) != "." {
		in.Dir = term.Word(o.dir)
	}
	in.NoHTTP = !serves(in.Project)
	if in.Around, err = around(o.dir, in.Project); err != nil {
		return in, "", err
	}
	d := deployment{dir: o.dir, in: &in, rules: o.rules}
	if err := d.read(ctx); err != nil {
		return in, "", err
	}
	return in, called(in, o.dir), nil
}

// called is what people call the app: as phial.yaml does, or as mix.exs does, of which an umbrella's has no app, or as its
// directory is called.
func called(in checklist.Input, dir string) string {
	name := in.Project.Mix.App.Value
	if in.App != nil {
		name = in.App.Name
	}
	if name = cmp.Or(name, advise.FactsOf(in.Project).Name); name != "" {
		return name
	}
	if abs, err := filepath.Abs(dir); err == nil {
		dir = abs
	}
	return filepath.Base(dir)
}

// serves says whether an app serves HTTP, as far as its project tells; where that can't be read, it does.
func serves(p *project.Project) bool {
	return p.Port.Name != "" || p.FixedPort.State != project.Absent || len(p.Endpoints) > 0 ||
		slices.ContainsFunc(p.Mixes(), func(m project.Mix) bool { return m.Deps.State == project.Unknown }) ||
		slices.ContainsFunc(project.HTTPServers, func(name string) bool {
			_, ok := p.Dep(name)
			return ok
		})
}
