package mesh

import (
	"cmp"

	"github.com/phialdev/phial/internal/finding"
)

// verdict is how a link ends, and why it is not up.
func (p *predictor) verdict(i, j int) (Tri, []Obstacle) {
	a, b := p.in.Replicas[i].ID, p.in.Replicas[j].ID
	l := LinkOf(a, b)
	up, dialled := p.up[l]
	if up == Yes {
		return Yes, nil
	}
	why := p.why[l]
	doubted := false
	for _, end := range []string{a, b} {
		if d := p.unclear[end]; d != "" {
			why, doubted = append(why, Obstacle{From: end, Text: d}), true
		}
	}
	switch {
	case doubted:
		return Unknown, why
	case !dialled:
		return No, []Obstacle{p.silence(i, j)}
	}
	return up, why
}

// silence is why two that nobody has dial each other are apart.
func (p *predictor) silence(i, j int) Obstacle {
	a, b := &p.in.Replicas[i], &p.in.Replicas[j]
	for _, r := range []*Replica{a, b} {
		if r.NoNode != "" {
			return Obstacle{From: r.ID, Code: finding.Code(r.Code), Text: r.NoNode, At: []string{r.Node.From}}
		}
	}
	for _, r := range []*Replica{a, b} {
		for _, w := range r.Ways {
			if w.Idle != "" {
				return Obstacle{From: r.ID, To: otherID(r, a, b), Code: w.idleCode(), Text: w.Name + " dials nobody: " + w.Idle, At: []string{w.From}}
			}
		}
	}
	for _, r := range []*Replica{a, b} {
		if o, ok := p.stray[r.ID]; ok {
			return o
		}
	}
	return Obstacle{From: a.ID, To: b.ID, Code: finding.NobodyDials, Text: "neither dials the other"}
}

// idleCode is the code of a way that dials nobody.
func (w *Way) idleCode() finding.Code { return cmp.Or(finding.Code(w.Code), finding.NobodyDials) }

func otherID(r, a, b *Replica) string {
	if r == a {
		return b.ID
	}
	return a.ID
}
