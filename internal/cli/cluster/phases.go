package cluster

import (
	"context"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// phase is why a replica's node does not count. The kubelet hears of a node's boot some
// seconds after its agent.
func (w word) phase() mesh.Phase {
	switch p := w.health.phase; {
	case p == mesh.Leaving || w.err == nil && w.Draining:
		return mesh.Leaving
	case w.err != nil:
		return p
	case w.Booted:
		return mesh.Counts
	case p == mesh.Counts && w.Status == mesh.Booting.String():
		return mesh.Starting
	default:
		return p
	}
}

// refresh looks at the pods again: while the nodes were looked at, some may have been told
// to stop, or come.
func (a *App) refresh(ctx context.Context, words []word) error {
	pods, err := a.client.living(ctx, ofPhial+","+plan.LabelName+"="+a.Name)
	if err != nil {
		return err
	}
	a.come = nil
	now := map[string]replica{}
	for _, r := range replicasOf(pods) {
		now[r.name] = r
		if !slices.ContainsFunc(words, func(w word) bool { return w.name == r.name }) {
			a.come = append(a.come, r)
		}
	}
	for i := range words {
		w := &words[i]
		if r, there := now[w.name]; there && r.pod.UID == w.pod.UID {
			w.pod, w.health = r.pod, r.health
		} else {
			w.health = health{phase: mesh.Leaving, why: "its pod is gone"}
		}
	}
	return nil
}

// awaited finds out what pods wait for that have not begun to start.
func (a *App) awaited(ctx context.Context, words []word) {
	asked := 0
	for i := range words {
		w := &words[i]
		if w.health.phase != mesh.Starting || w.away == "" || asked == mostAsked {
			continue
		}
		asked++
		if t := a.client.waitsFor(ctx, w.pod); t != nil {
			w.health = health{mesh.Stuck, t.state + ": " + t.reason, t}
		}
	}
}

// stuckPods gives a finding for the pods that do not start, those with the same reason
// together. It is a list, never nil, as findings are in JSON.
func stuckPods(words []word) []finding.Finding {
	all := []finding.Finding{}
	first := map[trouble]int{}
	for _, w := range words {
		t := w.health.trouble
		if t == nil {
			continue
		}
		alike := trouble{state: t.state, reason: strings.ReplaceAll(t.reason, w.name, "")}
		i, had := first[alike]
		if !had {
			first[alike] = len(all)
			all = append(all, t.finding(w.pod))
			continue
		}
		f := &all[i]
		f.Replicas = append(f.Replicas, w.name)
		f.Subject = some(f.Replicas)
		f.Cause = f.Subject + ": " + t.state + ": " + t.reason
	}
	return all
}

// phases gives why nodes do not count: by their pods, and where a node that does not answer
// has none any more.
func (a *App) phases(r mesh.Report, words []word) map[string]mesh.Phase {
	phases, pods := map[string]mesh.Phase{}, map[string]bool{}
	allKnown := true // of the pods whose nodes count; any other's does not count by any name
	know := func(node string, p mesh.Phase) {
		if node == "" {
			allKnown = allKnown && p != mesh.Counts
			return
		}
		pods[node] = true
		if p != mesh.Counts {
			phases[node] = p
		}
	}
	for _, w := range words {
		know(w.node, w.phase())
	}
	for _, c := range a.come {
		know(c.node, mesh.Starting)
	}
	for _, n := range r.Nodes {
		if allKnown && !n.Reached && !pods[n.Name] {
			phases[n.Name] = mesh.Gone
		}
	}
	return phases
}
