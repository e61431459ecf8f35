package checklist

import (
	"regexp"
	"slices"
	"strconv"

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
		for _, doubt := range g.Doubts {
			at, text := d.stands(doubt)
			to.Doubts = append(to.Doubts, checklist.Item{State: checklist.NotKnown, Text: text, At: at})
		}
		var of []*mesh.Replica
		for _, w := range g.Workloads {
			of = append(of, replicas[w]...)
			if rs := replicas[w]; len(rs) > 0 {
				to.Steps = append(to.Steps, d.steps(rs[0].ID, steps[rs[0].ID])...)
			}
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
			i.At, _ = d.stands("(" + of[0].Node.From + ")")
			to.NoNodes = &i
		}
		all.Groups = append(all.Groups, to)
	}
	return all
}

// standsIn is where something stands, in what the prediction says.
var standsIn = regexp.MustCompile(` ?\(([^()\n]+):(\d{1,9}):(\d{1,9})\)`)

// stands takes the first place out of a text, and gives what is left of that.
func (d *deployment) stands(text string) (*advise.Place, string) {
	m := standsIn.FindStringSubmatchIndex(text)
	if m == nil {
		return nil, text
	}
	line, _ := strconv.Atoi(text[m[4]:m[5]]) // these are digits, and few
	column, _ := strconv.Atoi(text[m[6]:m[7]])
	at := d.place(manifest.Position{File: text[m[2]:m[3]], Line: line, Column: column})
	return &at, text[:m[0]] + text[m[1]:]
}

// steps are those of a replica that tell something: what was read of its name and of whom it looks for, and what does not
// go well. That it dials each of the others is told by the islands.
func (d *deployment) steps(replica string, all []mesh.Narration) (told []checklist.Item) {
	for _, s := range all {
		at, text := d.stands(s.Text)
		i := checklist.Item{Text: replica + ": " + text, Code: s.Code, At: at}
		switch s.State {
		case mesh.Failed:
			i.State = checklist.Failed
		case mesh.Passed:
			if at == nil {
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
