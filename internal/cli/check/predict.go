package check

import (
	"bytes"
	"context"
	"fmt"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/intent"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/project"
)

// maxPredicted bounds the workloads whose mesh is worked out: every replica is held against
// every other. Of more, each app is better checked by itself; the rules of the prediction
// are not checked then.
const maxPredicted = 64

// defaultNamespace is that of objects that name none.
const defaultNamespace = "default"

// predict works out what the workloads that run releases would do. Those of one name that
// stand in several files are overlays of one app, which never run together: they are left
// out.
func predict(ctx context.Context, in *check.Input) {
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
		for _, b := range in.OfProject() {
			paired[b.Object] = true
		}
	}
	var runs []intent.Runs
	for _, b := range in.Serving() {
		if seen[b.Label()] > 1 {
			continue
		}
		r := intent.Runs{Workload: b.Workload, Container: b.Container}
		if paired[b.Object] {
			r.App = app
		}
		runs = append(runs, r)
	}
	if len(runs) == 0 || len(runs) > maxPredicted {
		return
	}
	all := intent.Of(ctx, in.Objects, runs, defaultNamespace)
	in.Intent = &all
}

// rendered adds the objects that BeamApps stand for, as `phial render` writes them, unless
// they are among what was read already.
func rendered(tree *manifest.Tree, set *manifest.Set) (added bool, err error) {
	var texts []manifest.Source
	for _, s := range tree.Sources {
		if !bytes.Contains(s.Text, []byte("BeamApp")) {
			continue
		}
		r, err := manifest.Read([]manifest.Source{s}, manifest.Options{})
		if err != nil {
			continue // what is wrong with it is told elsewhere
		}
		for _, app := range r.Apps {
			p, err := plan.New(app.BeamApp, plan.Options{AgentImage: "phial-agent:" + agentVersion})
			if err != nil || there(set, app.Name) {
				continue
			}
			var b bytes.Buffer
			if err := plan.Encode(&b, p.Objects()); err != nil {
				return false, fmt.Errorf("render %s: %w", app.Document.Label(), err)
			}
			texts = append(texts, manifest.Source{Name: s.Name + ", rendered", Text: b.Bytes(), Found: true})
		}
	}
	tree.Sources = append(tree.Sources, texts...)
	return len(texts) > 0, nil
}

// agentVersion stands for the agent's image in objects that nobody applies.
const agentVersion = "0.0.0"

func there(set *manifest.Set, name string) bool {
	for w := range set.Workloads() {
		if w.Name == name {
			return true
		}
	}
	return false
}
