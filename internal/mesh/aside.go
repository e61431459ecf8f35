package mesh

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
)

// Phase is why a node does not count in a mesh, as whoever runs it knows. A node does not
// say it itself: one that is not there yet and one that has died look alike.
type Phase string

// The phases. Counts is that of a node that is to be in the mesh.
const (
	Counts   Phase = ""
	Starting Phase = "starting" // its program has not started, or its node has not booted
	Leaving  Phase = "leaving"  // it was told to stop
	Stuck    Phase = "stuck"    // it does not start; whoever says so has a finding for it
	Gone     Phase = "gone"     // it does not answer, and whoever ran it does so no more
)

// notYet are the findings that a node gives which is not there yet. Any other says that
// something answers, and that it answers wrongly: that is no matter of time.
var notYet = map[finding.Code]bool{
	finding.NodeDown: true, finding.PortFiltered: true, finding.KeptOut: true, finding.PortClosed: true, finding.EPMDGone: true, finding.EPMDMute: true,
	finding.NodeFrozen: true, finding.NodeUnexplained: true, finding.LinkUnexplained: true, finding.CallsUnanswered: true,
	finding.PodNameUnknown: true, finding.HostUnknown: true, finding.PodRecordName: true,
	finding.NotListed: true, finding.NobodyDials: true, finding.OneWayLink: true, finding.StillBooting: true, finding.OverlapCut: true,
}

// Aside gives the report with the nodes of some phases left out of account: they stand
// among its nodes, and neither in its islands and links nor in its findings. A node that
// is starting, and shown to be wrong already, counts.
func (r Report) Aside(phases map[string]Phase) Report {
	aside := map[string]bool{}
	r.Nodes = slices.Clone(r.Nodes)
	var o Observation
	for i := range r.Nodes {
		n := &r.Nodes[i]
		n.Phase = phases[n.Name]
		if n.Phase == Starting && r.wrongAlready(n.Name) {
			n.Phase = Counts
		}
		if n.Phase != Counts {
			aside[n.Name] = true
			continue
		}
		o.Nodes = append(o.Nodes, Node{Name: n.Name, Reached: n.Reached, Peers: n.Peers, Unanswered: n.Unanswered, Flags: n.Flags})
	}
	g := Build(o)
	r.count(g)
	var left []finding.Finding
	for _, f := range r.Findings {
		if f, stays := without(f, aside); stays {
			left = append(left, f)
		}
	}
	r.Findings = append([]finding.Finding{}, left...)
	return r
}

func (r Report) wrongAlready(node string) bool {
	return slices.ContainsFunc(r.Findings, func(f finding.Finding) bool {
		return f.Severity > finding.Info && !notYet[f.Code] && slices.Contains(Subjects(f), node)
	})
}

// Subjects gives the nodes, or whatever else, that a finding's subject names.
func Subjects(f finding.Finding) []string {
	return strings.FieldsFunc(strings.ReplaceAll(f.Subject, " -- ", ", "), func(r rune) bool { return r == ',' || r == ' ' })
}

// without gives what of a finding is left without some nodes. One that was found between
// nodes goes with the last of its links; one about nodes by themselves with the last of
// them.
func without(f finding.Finding, aside map[string]bool) (finding.Finding, bool) {
	isAside := func(name string) bool { return aside[name] }
	if len(f.Links) == 0 {
		named := Subjects(f)
		if strings.Contains(f.Subject, " -- ") {
			return f, !slices.ContainsFunc(named, isAside)
		}
		return f, slices.ContainsFunc(named, func(n string) bool { return !isAside(n) })
	}
	var before, after []Link
	for _, l := range f.Links {
		before = append(before, Link{l[0], l[1]})
		if !aside[l[0]] && !aside[l[1]] {
			after = append(after, Link{l[0], l[1]})
		}
	}
	if len(after) == len(before) {
		return f, true
	}
	// It was found between nodes that were reached.
	known := func(string, string) bool { return true }
	said := linksText(before, known)
	f.Evidence = slices.DeleteFunc(slices.Clone(f.Evidence), func(e string) bool { return slices.Contains(said, e) })
	f.Evidence = append(f.Evidence, linksText(after, known)...)
	f.Links = pairs(after)
	return f, len(after) > 0
}
