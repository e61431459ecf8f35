package deployed

import (
	"context"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/intent"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// defaultNamespace is that of objects that name none.
const defaultNamespace = "default"

// Predict works out what the workloads that run releases would do. Those of one name that stand in several files are
// overlays of one app, which never run together: they are left out.
func Predict(ctx context.Context, in *check.Input) {
	seen := map[string]int{}
	for _, b := range in.Serving() {
		seen[b.Label()]++
	}
	var app intent.App
	paired := map[*manifest.Object]bool{}
	if in.Project != nil {
		app = intent.AppOf(in.Project, func(p project.Pos) string {
			return manifest.Position{File: in.ProjectFile(p.File), Line: p.Line, Column: p.Col}.String()
		})
		if app.EnvSh.Name != "" {
			app.EnvSh.Name = in.ProjectFile(app.EnvSh.Name) // as people find it from where they are
		}
		for _, b := range in.OfProject() {
			paired[b.Object] = true
		}
	}
	var runs []intent.Runs
	for _, b := range in.Serving() {
		if seen[b.Label()] > 1 {
			continue
		}
		r := intent.Runs{Workload: b.Workload, Container: b.Container, Scaled: in.Scaled(b.Workload), Beside: in.Beside(b)}
		if paired[b.Object] {
			r.App = app
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 {
		return
	}
	all := intent.Of(ctx, in.Objects, runs, defaultNamespace)
	in.Intent = &all
}
