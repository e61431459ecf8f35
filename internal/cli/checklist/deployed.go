package checklist

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/up"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/plan"
)

// deployment is what would run on Kubernetes: the objects that follow from phial.yaml, and the manifests that are there.
type deployment struct {
	dir   string
	in    *checklist.Input
	rules []*check.Rule // nil = all
}

func (d *deployment) read(ctx context.Context) error {
	var tree manifest.Tree
	if err := tree.Add(d.dir, nil); err != nil {
		return err
	}
	if err := d.app(); err != nil {
		return err
	}
	var decided check.Config
	for _, s := range tree.Sources {
		if filepath.Clean(s.Name) != filepath.Join(d.dir, check.ConfigFile) {
			continue
		}
		var err error
		if decided, err = check.ParseConfig(s); err != nil {
			return fmt.Errorf("decisions about findings:\n%w", err)
		}
	}
	set, refused, err := deployed.Objects(&tree, []string{d.dir}, decided)
	if err != nil {
		return err
	}
	if app := d.in.App; app != nil {
		for _, p := range refused {
			if place := d.place(p.Position); place.File == up.AppFile {
				app.Refused = append(app.Refused, checklist.Found{Text: p.Path + ": " + p.Text, At: place})
			}
		}
	}
	given := &check.Input{Objects: set, Project: d.in.Project, Root: filepath.Clean(d.dir), Files: deployed.Files(os.DirFS(d.dir)), Refused: refused, Now: time.Now()}
	deployed.Predict(ctx, given)
	d.workloads(given)
	d.check(given, decided.Ignore)
	return nil
}

// app reads what phial.yaml says of the app.
func (d *deployment) app() error {
	apps, err := manifest.ReadApps(filepath.Join(d.dir, up.AppFile), nil)
	var problems manifest.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.As(err, &problems):
		app := &checklist.App{Declared: true, Type: advise.Place{File: up.AppFile}}
		for _, p := range problems {
			app.Refused = append(app.Refused, checklist.Found{Text: p.Text, At: d.place(p.Position)})
		}
		d.in.App = app
		return nil
	case err != nil:
		return err
	}
	for i, a := range apps {
		made, err := plan.New(a.BeamApp, plan.Options{AgentImage: deployed.AgentImage})
		if err != nil {
			d.in.App = &checklist.App{Name: a.Name, Declared: true, Type: advise.Place{File: up.AppFile},
				Refused: []checklist.Found{{Text: err.Error(), At: advise.Place{File: up.AppFile}}}}
			return nil //nolint:nilerr // it is what the list says of phial.yaml
		}
		if i == 0 {
			d.in.App = d.appFacts(a, made.App)
		}
	}
	return nil
}

func (d *deployment) appFacts(a *manifest.App, full *v1alpha1.BeamApp) *checklist.App {
	app := &checklist.App{
		Name: a.Name, Clustered: full.Spec.Type == v1alpha1.Clustered, Declared: a.Spec.Type != "",
		Agent: full.Spec.Agent != v1alpha1.Disabled, Type: d.place(a.Find("spec.type")),
	}
	if c := full.Spec.Clustered; c != nil {
		app.Identity, app.Discovery = beam.Identity(c.Identity), beam.Discovery(c.Discovery)
	}
	return app
}

// place is a place as seen from the project's root. Lines of what was rendered are nobody's.
func (d *deployment) place(p manifest.Position) advise.Place {
	file, rendered := deployed.RenderedFrom(p.File)
	name, err := filepath.Rel(d.dir, file)
	if err != nil {
		name = file
	}
	if rendered {
		return advise.Place{File: filepath.ToSlash(name)}
	}
	return advise.Place{File: filepath.ToSlash(name), Line: p.Line, Column: p.Column}
}

func (d *deployment) at(f manifest.Field) *advise.Place {
	if f.Null() {
		return nil
	}
	p := d.place(f.Position())
	return &p
}

// workloads gathers what runs the release, and the headless Services that list it.
func (d *deployment) workloads(in *check.Input) {
	for _, b := range in.Serving() {
		c := b.Container
		w := checklist.Workload{
			Label: b.Label(), At: d.place(b.Position),
			Readiness: d.at(c.At("readinessProbe")), Liveness: d.at(c.At("livenessProbe")), Startup: d.at(c.At("startupProbe")),
			Cookie: d.cookie(c),
		}
		if f := b.Pod.At("terminationGracePeriodSeconds"); !f.Null() {
			if n, ok := f.Int(); ok {
				w.Grace = &checklist.Number{Value: int(n), At: d.place(f.Position())}
			}
		}
		if e, ok := c.EnvVar(beam.EnvDNSClusterQuery); ok {
			w.Query, w.QueryAt = e.Value().String(), d.place(e.Position())
		}
		for _, s := range in.Selecting("Service", b.Workload) {
			if s.At("spec.clusterIP").String() != "None" {
				w.Served = true
				continue
			}
			w.Meshed = true
			d.in.Headless = append(d.in.Headless, checklist.Service{Label: s.Label(), Name: s.Name, At: d.place(s.Position)})
		}
		d.in.Workloads = append(d.in.Workloads, w)
	}
	d.idle(in)
}

// idle gathers the headless Services that list no pod of any workload. One without a selector is listed by hand.
func (d *deployment) idle(in *check.Input) {
	used := map[*manifest.Object]bool{}
	for w := range in.Objects.Workloads() {
		for _, s := range in.Selecting("Service", w) {
			used[s] = true
		}
	}
	for _, s := range in.Objects.Objects {
		if s.Kind == "Service" && s.At("spec.clusterIP").String() == "None" && !s.At("spec.selector").Null() && !used[s] {
			d.in.Idle = append(d.in.Idle, checklist.Service{Label: s.Label(), Name: s.Name, At: d.place(s.Position)})
		}
	}
}

func (d *deployment) cookie(c manifest.Container) checklist.Cookie {
	e, ok := c.EnvVar(beam.EnvReleaseCookie)
	if !ok {
		return checklist.Cookie{Unseen: c.EnvFrom(), At: d.place(c.Position())}
	}
	at := d.place(e.Position())
	if ref := e.From().Key("secretKeyRef"); !ref.Null() {
		return checklist.Cookie{Secret: ref.Key("name").String() + "/" + ref.Key("key").String(), At: at}
	}
	if !e.Value().Null() {
		return checklist.Cookie{Literal: true, At: at}
	}
	return checklist.Cookie{Unseen: true, At: at}
}

// check asks the rules of `phial check`. Others of its findings have lines of their own, or none here.
func (d *deployment) check(in *check.Input, decided []check.Ignore) {
	r := check.Run(in, check.Options{Rules: d.rules, Severity: finding.Warning, Ignore: decided})
	if len(r.Meshes) > 0 {
		d.in.Mesh = d.foretold(in, &r.Meshes[0])
	}
	d.in.Checked = &checklist.Checked{}
	for _, f := range r.Findings {
		text := f.Title
		if f.Cause != "" {
			text += ": " + f.Cause
		}
		d.in.Checked.Found = append(d.in.Checked.Found, checklist.Found{Code: f.Code, Counts: f.Severity >= finding.Warning, Text: text,
			At: d.place(manifest.Position{File: f.At.File, Line: f.At.Line, Column: f.At.Column})})
	}
}
