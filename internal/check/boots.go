package check

import (
	"slices"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

// stops are the rules whose errors say that a release does not boot: there is no node of it for anybody to find.
var stops = []finding.Code{"NET-07", "PHX-06", "PHX-09"}

// down says of workloads, by their labels, what certainly keeps their releases from booting. What somebody decided about is none.
func (in *Input) down(o Options) map[string]*Finding {
	all := map[string]*Finding{}
	for _, code := range stops {
		rule, ok := Lookup(string(code))
		if !ok || rule.Needs&^in.Has() != 0 {
			continue
		}
		f := &Finder{in: in, rule: rule}
		rule.Check(in, f)
		for _, n := range f.found {
			n.weigh(rule)
		}
		in.doubt(rule, f.found, nil)
		for _, n := range f.found {
			if n.Severity != finding.Error || n.Confidence != Certain || in.decided(n, o) {
				continue
			}
			for _, b := range in.Serving() {
				if _, before := all[b.Label()]; !before && (n.about == aboutOf(b.Object) || n.object == nil && in.ofProject(b)) {
					all[b.Label()] = n
				}
			}
		}
	}
	return all
}

// decided says whether somebody has said, in a comment or in phial-check.yaml, that a finding is none.
func (in *Input) decided(n *Finding, o Options) bool {
	text, _ := in.Text(n.At.File)
	said, _ := comments(n.At.File, text)
	return slices.ContainsFunc(slices.Concat(said, o.Ignore), func(i Ignore) bool { return i.covers(n) && !i.expired(in.Now) })
}

// told is the mesh as it is told: without the nodes that do not boot, which rules see as if they did, so that one mistake hides
// no other.
func (in *Input) told(o Options) *mesh.Prediction {
	down := in.down(o)
	if len(down) == 0 {
		return in.Predicted()
	}
	i := *in.Intent
	i.Replicas = slices.Clone(i.Replicas)
	for k := range i.Replicas {
		r := &i.Replicas[k]
		if n := down[r.Workload]; n != nil && r.NoNode == "" {
			r.NoNode, r.Code, r.Slip, r.Twin = n.Cause, string(n.Code), 0, mesh.Flaw{}
			r.Node = mesh.Setting{From: n.At.String()}
		}
	}
	p := mesh.Predict(i)
	return &p
}
