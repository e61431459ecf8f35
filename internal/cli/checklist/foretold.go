package checklist

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// foretold is what was worked out of manifests and project together; nil: nothing was.
func (d *deployment) foretold(in *check.Input, m *check.Mesh) *checklist.Mesh {
	if m == nil || in.Intent == nil {
		return nil
	}
	replicas := map[string][]*mesh.Replica{} // by workload
	for i := range in.Intent.Replicas {
		r := &in.Intent.Replicas[i]
		replicas[r.Workload] = append(replicas[r.Workload], r)
	}
	steps := map[string][]mesh.Narration{} // by replica
	for _, p := range m.Replicas {
		steps[p.ID] = p.Steps
	}
	all := &checklist.Mesh{}
	for _, g := range m.Groups {
		to := checklist.Group{Workloads: g.Workloads, Meant: g.Meant, Islands: g.Islands}
		var of []*mesh.Replica
		for _, w := range g.Workloads {
			of = append(of, replicas[w]...)
			if rs := replicas[w]; len(rs) > 0 {
				to.Steps = append(to.Steps, d.steps(rs[0].ID, steps[rs[0].ID])...)
			}
		}
		for _, doubt := range g.Doubts {
			to.Doubts = append(to.Doubts, d.doubt(doubt, of, steps))
		}
		api := 0
		for _, r := range of {
			for i := range r.Ways {
				if w := &r.Ways[i]; w.Idle == "" {
					to.Dials = true
					if w.Looks == beam.LookupAPI {
						api++
					}
				}
			}
		}
		to.Asks = api > 0 && !slices.ContainsFunc(of, func(r *mesh.Replica) bool {
			return slices.ContainsFunc(r.Ways, func(w mesh.Way) bool { return w.Idle == "" && w.Looks != beam.LookupAPI })
		})
		if len(of) > 0 && !slices.ContainsFunc(of, func(r *mesh.Replica) bool { return r.NoNode == "" || r.Code != "" }) {
			i := checklist.Item{State: checklist.Passed, Text: of[0].NoNode}
			if p, ok := mesh.ParsePlace(of[0].Node.From); ok {
				i.At = d.stands(p)
			}
			to.NoNodes = &i
		}
		all.Groups = append(all.Groups, to)
	}
	return all
}

// stands is a place of the prediction's in the project.
func (d *deployment) stands(p mesh.Place) *advise.Place {
	at := d.place(manifest.Position{File: p.File, Line: p.Line, Column: p.Column})
	return &at
}

// doubt is what is not known and could make islands others, where a step of a replica's says where that stands.
func (d *deployment) doubt(text string, of []*mesh.Replica, steps map[string][]mesh.Narration) checklist.Item {
	i := checklist.Item{State: checklist.NotKnown, Text: text}
	for _, r := range of {
		for _, s := range steps[r.ID] {
			if s.State == mesh.Unseen && s.At != (mesh.Place{}) && strings.Contains(s.Text, text) {
				i.At, i.Text = d.stands(s.At), mesh.Narration{Text: text, At: s.At}.Plain()
				return i
			}
		}
	}
	return i
}

// steps are those of a replica that tell something: what was read of its name and of whom it looks for, and what does not
// go well. That it dials each of the others is told by the islands.
func (d *deployment) steps(replica string, all []mesh.Narration) (told []checklist.Item) {
	for _, s := range all {
		i := checklist.Item{Text: replica + ": " + s.Plain(), Code: s.Code}
		if s.At != (mesh.Place{}) {
			i.At = d.stands(s.At)
		}
		switch s.State {
		case mesh.Failed:
			i.State = checklist.Failed
		case mesh.Passed:
			if i.At == nil {
				continue
			}
			i.State = checklist.Passed
		default:
			i.State = checklist.NotKnown
		}
		told = append(told, i)
	}
	return told
}
