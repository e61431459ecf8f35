package checklist

import (
	"bytes"
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

// rendered is the name of the source that the plan of phial.yaml makes.
const rendered = "phial.yaml, as rendered"

// agentImage stands for the image that render is told: with it the plan is as it would be on a cluster that has one.
const agentImage = "phial-agent:0.0.0"

func (d *deployment) read() error {
	var tree manifest.Tree
	if err := tree.Add(d.dir, nil); err != nil {
		return err
	}
	mine, err := d.app()
	if err != nil {
		return err
	}
	set := manifest.ReadObjects(append(tree.Sources, mine...))
	refused := manifest.Refused(tree.Sources, set)
	if app := d.in.App; app != nil {
		for _, p := range refused {
			if place := d.place(p.Position); place.File == up.AppFile {
				app.Refused = append(app.Refused, checklist.Found{Text: p.Path + ": " + p.Text, At: place})
			}
		}
	}
	given := &check.Input{Objects: set, Project: d.in.Project, Root: filepath.Clean(d.dir), Files: fileOf(os.DirFS(d.dir)), Refused: refused, Now: time.Now()}
	d.workloads(given)
	d.check(given)
	return nil
}

// app reads phial.yaml, and gives the objects that follow from it.
func (d *deployment) app() ([]manifest.Source, error) {
	apps, err := manifest.ReadApps(filepath.Join(d.dir, up.AppFile), nil)
	var problems manifest.Problems
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.As(err, &problems):
		app := &checklist.App{Declared: true, Type: advise.Place{File: up.AppFile}}
		for _, p := range problems {
			app.Refused = append(app.Refused, checklist.Found{Text: p.Text, At: d.place(p.Position)})
		}
		d.in.App = app
		return nil, nil
	case err != nil:
		return nil, err
	}
	var all bytes.Buffer
	for i, a := range apps {
		made, err := plan.New(a.BeamApp, plan.Options{AgentImage: agentImage})
		if err != nil {
			d.in.App = &checklist.App{Name: a.Name, Declared: true, Type: advise.Place{File: up.AppFile},
				Refused: []checklist.Found{{Text: err.Error(), At: advise.Place{File: up.AppFile}}}}
			return nil, nil //nolint:nilerr // it is what the list says of phial.yaml
		}
		if i == 0 {
			d.in.App = d.appFacts(a, made.App)
		} else {
			all.WriteString("---\n")
		}
		if err := plan.Encode(&all, made.Objects()); err != nil {
			return nil, fmt.Errorf("write the objects of %s: %w", a.Name, err)
		}
	}
	return []manifest.Source{{Name: rendered, Text: all.Bytes()}}, nil
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
	if p.File == rendered {
		return advise.Place{File: up.AppFile}
	}
	name, err := filepath.Rel(d.dir, p.File)
	if err != nil {
		name = p.File
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
func (d *deployment) check(in *check.Input) {
	r := check.Run(in, check.Options{Rules: d.rules, Severity: finding.Warning})
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
