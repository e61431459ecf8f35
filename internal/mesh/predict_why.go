package mesh

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
)

// verdict is how a link ends, and why it is not up.
func (p *predictor) verdict(i, j int) (Tri, []Obstacle) {
	l, dialled := p.links[pairOf(i, j)]
	if dialled && l.up == Yes {
		return Yes, nil
	}
	var why []Obstacle
	if dialled {
		why = slices.Clip(l.why)
	}
	doubted := false
	for _, end := range []int{i, j} {
		if d := p.unclear[end]; d.Text != "" {
			why, doubted = append(why, d), true
		}
	}
	switch {
	case doubted:
		return Unknown, why
	case !dialled:
		return No, []Obstacle{p.silence(i, j)}
	}
	return l.up, why
}

// lack is what a replica has against all that it does not dial, the graver first.
type lack uint8

const (
	lacksNode   lack = iota
	lacksWay         // one of its ways dials nobody
	lacksTarget      // it dials who is not there
	lacksNone
)

func (p *predictor) lack(i int) lack {
	r := &p.in.Replicas[i]
	switch {
	case r.NoNode != "":
		return lacksNode
	case slices.ContainsFunc(r.Ways, func(w Way) bool { return w.Idle != "" }):
		return lacksWay
	case p.stray[i] != nil:
		return lacksTarget
	}
	return lacksNone
}

// silence is why two that nobody has dial each other are apart: what one of them lacks.
func (p *predictor) silence(i, j int) Obstacle {
	if p.lack(j) < p.lack(i) {
		i, j = j, i
	}
	r, other := &p.in.Replicas[i], p.in.Replicas[j].ID
	switch p.lack(i) {
	case lacksNode:
		return Obstacle{From: r.ID, Code: finding.Code(r.Code), Slip: r.Slip, Text: r.NoNode, At: []string{r.Node.From}}
	case lacksWay:
		w := &r.Ways[slices.IndexFunc(r.Ways, func(w Way) bool { return w.Idle != "" })]
		return Obstacle{From: r.ID, To: other, Code: w.idleCode(), Text: w.Name + " dials nobody: " + w.Idle, At: []string{w.From}}
	case lacksTarget:
		return *p.stray[i]
	case lacksNone:
	}
	if b := &p.in.Replicas[j]; r.Workload == b.Workload && p.islands.same(i, j) { // the nodes between would connect them
		for _, r := range []*Replica{r, b} {
			if r.ConnectAll == No {
				return Obstacle{
					From: r.ID, Code: finding.PartialByChoice, At: []string{r.ConnectAt},
					Text: "with connect_all false only links that something dials are there, and neither " + p.in.Replicas[i].ID + " nor " + other + " dials the other",
				}
			}
		}
	}
	return Obstacle{From: r.ID, To: other, Code: finding.NobodyDials, Text: "neither dials the other"}
}

// idleCode is the code of a way that dials nobody.
func (w *Way) idleCode() finding.Code { return cmp.Or(finding.Code(w.Code), finding.NobodyDials) }

// finish puts links, islands and doubts together.
func (p *predictor) finish() {
	rows := p.rows()
	p.doubts(rows)
	p.tellers(rows)
	for i, row := range rows {
		slices.Sort(row)
		for _, j := range row {
			up, why := p.verdict(i, j)
			p.out.Links = append(p.out.Links, PredictedLink{A: p.in.Replicas[i].ID, B: p.in.Replicas[j].ID, Up: up, Why: why})
		}
	}
	for _, island := range p.islands.members {
		var ids []string
		for _, i := range island {
			ids = append(ids, p.in.Replicas[i].ID)
		}
		if len(ids) > 0 {
			p.out.Islands = append(p.out.Islands, ids)
		}
	}
	slices.SortFunc(p.out.Islands, func(a, b []string) int {
		return cmp.Or(len(b)-len(a), strings.Compare(a[0], b[0]))
	})
}

// shown says whether the link of two is told of, whatever comes of it.
func (p *predictor) shown(i, j int) bool {
	_, dialled := p.links[pairOf(i, j)]
	return dialled || p.in.Replicas[i].Workload == p.in.Replicas[j].Workload
}

// rows are, of each replica, those after it whose link to it is shown, in order.
func (p *predictor) rows() [][]int {
	rows := make([][]int, len(p.in.Replicas))
	for l := range p.links {
		rows[l[0]] = append(rows[l[0]], l[1])
	}
	for _, all := range p.index.workload {
		for k, i := range all {
			rows[i] = append(rows[i], all[k+1:]...)
		}
	}
	for i := range rows {
		slices.Sort(rows[i])
		rows[i] = slices.Compact(rows[i])
	}
	return rows
}

// doubts collects what is not known of links between islands, each once, as going through
// all pairs would find it. A replica that may dial anybody is in doubt with everybody:
// once it is told, nothing new comes of its other pairs.
func (p *predictor) doubts(rows [][]int) {
	told := map[string]bool{}
	var open []int // those of whom it is not told yet
	for i, why := range p.unclear {
		if why.Text != "" {
			open = append(open, i)
		}
	}
	for i, row := range rows {
		after := slices.Clone(row)
		for _, j := range open {
			if j > i {
				after = append(after, j)
			}
		}
		if why := p.unclear[i].Text; why != "" && !told[why] {
			for j := i + 1; j < len(rows); j++ {
				if !p.islands.same(i, j) {
					after = append(after, j)
					break
				}
			}
		}
		slices.Sort(after)
		before := len(told)
		for _, j := range slices.Compact(after) {
			if p.islands.same(i, j) {
				continue
			}
			up, why := p.verdict(i, j)
			for _, o := range why {
				if up == Unknown && !told[o.Text] {
					told[o.Text] = true
					p.out.Doubts = append(p.out.Doubts, o.Text)
				}
			}
		}
		if len(told) > before {
			open = slices.DeleteFunc(open, func(i int) bool { return told[p.unclear[i].Text] })
		}
	}
}

// tellers adds to the rows, of each replica that lacks something, the first of the pairs
// which are not shown that tells it.
func (p *predictor) tellers(rows [][]int) {
	var with [lacksNone + 1][]int
	for i := range rows {
		if p.unclear[i].Text == "" {
			with[p.lack(i)] = append(with[p.lack(i)], i)
		}
	}
	for own := lacksNode; own < lacksNone; own++ {
		for _, i := range with[own] {
			if j, ok := p.teller(i, own, &with); ok {
				l := pairOf(i, j)
				rows[l[0]] = append(rows[l[0]], l[1])
			}
		}
	}
}

// teller finds that pair: silence speaks of the one that lacks the graver thing, and of
// two alike of the first.
func (p *predictor) teller(i int, own lack, with *[lacksNone + 1][]int) (j int, ok bool) {
	before, after := -1, -1
	for other := own; other <= lacksNone; other++ {
		all := with[other]
		from, _ := slices.BinarySearch(all, i)
		if other > own {
			if k := slices.IndexFunc(all[:from], func(j int) bool { return !p.shown(i, j) }); k >= 0 && (before < 0 || all[k] < before) {
				before = all[k]
			}
		}
		if k := slices.IndexFunc(all[from:], func(j int) bool { return j > i && !p.shown(i, j) }); k >= 0 && (after < 0 || all[from+k] < after) {
			after = all[from+k]
		}
	}
	if before >= 0 {
		return before, true
	}
	return after, after >= 0
}
