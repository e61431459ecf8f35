package mesh

import (
	"slices"

	"github.com/phialdev/phial/internal/finding"
)

// ThePlace is the looker of a KeptOut finding where nobody knows what it is called.
const ThePlace = "the place that Phial looks from"

// keptOut finds nodes that only Phial does not reach, since packets are dropped: others
// are connected to them, or no node at all sent anything back. Of the way between the
// nodes that says nothing. nil where there are none.
func (d *diagnosis) keptOut() *cause {
	var nodes []*Node
	for _, n := range d.g.nodes {
		if d.beyond(n) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		return nil
	}
	var names, seen []string
	for _, n := range nodes {
		names = append(names, n.Name)
		if by := d.seenBy(n.Name); len(by) > 0 {
			seen = append(seen, "connected to "+n.Name+": "+some(by))
		}
	}
	c := d.add(finding.KeptOut, some(names), keptOutValues(nodes, ThePlace), keptOutDetails(nodes)...)
	c.evidence = append(c.evidence, seen...)
	if len(c.evidence) > maxEvidence {
		c.evidence = c.evidence[:maxEvidence]
	}
	return c
}

// beyond: the node is where Phial's packets do not get through, and not shown to be where
// nobody's do.
func (d *diagnosis) beyond(n *Node) bool {
	return n.filtered() && (len(d.seenBy(n.Name)) > 0 || d.nothingCameBack())
}

func (d *diagnosis) nothingCameBack() bool {
	for _, n := range d.g.nodes {
		if n != nil && !n.filtered() {
			return false
		}
	}
	return true
}

func (n *Node) filtered() bool { return n != nil && n.Failure.Filtered() }

// Filtered reports whether packets were dropped on the way.
func (f *Failure) Filtered() bool {
	return f != nil && (f.Cause == CauseEPMDFiltered || f.Cause == CausePortFiltered)
}

func keptOutValues(nodes []*Node, looker string) finding.Values {
	f := nodes[0].Failure
	v := filteredValues(parts(nodes[0].Name), f.Cause, f.Addr)
	if len(nodes) > 1 {
		var names []string
		for _, n := range nodes {
			names = append(names, n.Name)
		}
		v["what"] = "what listens at " + some(names)
	}
	v["looker"] = looker
	return v
}

func keptOutDetails(nodes []*Node) (details []string) {
	for _, n := range nodes {
		if n.Failure.Detail != "" {
			details = append(details, n.Name+": "+n.Failure.Detail)
		}
	}
	return details
}

// KeptOut gives the report with a name for the place that was looked from, and with what
// keeps it out of nodes: these, and those that are found to be kept from it already. That
// packets to them are dropped is then no finding of their own.
func (r Report) KeptOut(looker string, nodes []string, why ...string) Report {
	kept := map[string]bool{}
	for _, n := range nodes {
		kept[n] = true
	}
	for _, f := range r.Findings {
		if f.Code == finding.KeptOut {
			for _, n := range Subjects(f) {
				kept[n] = true
			}
		}
	}
	var out []*Node
	for _, n := range r.Nodes {
		if kept[n.Name] && n.Failure.Filtered() {
			out = append(out, &Node{Name: n.Name, Failure: n.Failure})
		}
	}
	if len(out) == 0 {
		return r
	}
	var names []string
	for _, n := range out {
		names = append(names, n.Name)
	}
	f := finding.New(finding.KeptOut, some(names), keptOutValues(out, looker), why...)
	var rest []finding.Finding
	for _, old := range r.Findings {
		if old.Code != finding.KeptOut && (old.Code != finding.PortFiltered || len(old.Links) > 0 || !kept[old.Subject]) {
			rest = append(rest, old)
			continue
		}
		for _, e := range old.Evidence {
			if !slices.Contains(f.Evidence, e) && len(f.Evidence) < maxEvidence {
				f.Evidence = append(f.Evidence, e)
			}
		}
	}
	r.Findings = append([]finding.Finding{f}, rest...)
	return r
}
