package mesh

import (
	"slices"

	"github.com/phialdev/phial/internal/finding"
)

// Report is the JSON of `phial mesh`.
type Report struct {
	Nodes    []ReportNode      `json:"nodes"`
	Islands  [][]string        `json:"islands"`
	Links    ReportLinks       `json:"links"`
	Findings []finding.Finding `json:"findings"`
}

// ReportNode is one node of a Report. What was not seen is left out.
type ReportNode struct {
	Name       string   `json:"name"`
	Replica    string   `json:"replica,omitempty"` // where whoever looked knows
	Phase      Phase    `json:"phase,omitempty"`   // why it does not count; empty: it does
	Reached    bool     `json:"reached"`
	Peers      []string `json:"peers"`  // null when the node could not say
	Hidden     []string `json:"hidden"` // likewise
	OTP        string   `json:"otp,omitempty"`
	ERTS       string   `json:"erts,omitempty"`
	Status     Status   `json:"status"`
	Apps       []App    `json:"apps,omitempty"`
	UptimeMS   int64    `json:"uptimeMs,omitempty"`
	Memory     uint64   `json:"memoryBytes,omitempty"`
	Processes  int      `json:"processes,omitempty"`
	RunQueue   int      `json:"runQueue"`
	Flags      Flags    `json:"flags"`
	Failure    *Failure `json:"failure,omitempty"`
	Unanswered []string `json:"unanswered,omitempty"`
}

// ReportLinks counts links: how many there should be, how many are up, and of how many
// that is not known, since neither end could be asked.
type ReportLinks struct {
	Expected int `json:"expected"`
	Up       int `json:"up"`
	Unknown  int `json:"unknown"`
}

// NewReport builds the graph of an observation, diagnoses it and puts both together.
// Nodes are sorted by name; a node that was expected and never looked at is in it.
func NewReport(o Observation) Report {
	g := Build(o)
	r := Report{
		Nodes:    make([]ReportNode, 0, len(g.names)),
		Findings: diagnose(o, g),
	}
	r.count(g)
	for i, name := range g.names {
		n := g.nodes[i]
		if n == nil {
			n = &Node{Name: name}
		}
		rn := ReportNode{
			Name: name, Reached: n.Reached, OTP: n.OTP, ERTS: n.ERTS,
			Status: n.Status, Apps: n.Apps, UptimeMS: n.Uptime.Milliseconds(), Memory: n.Memory,
			Processes: n.Processes, RunQueue: n.RunQueue, Flags: n.Flags, Failure: n.Failure,
			Unanswered: n.Unanswered,
		}
		if n.told() {
			rn.Peers = sorted(n.Peers)
		}
		if n.answered(AskHidden) {
			rn.Hidden = sorted(n.Hidden)
		}
		r.Nodes = append(r.Nodes, rn)
	}
	return r
}

// count takes over what a graph counts.
func (r *Report) count(g *Graph) {
	r.Links = ReportLinks{Expected: g.Expected(), Up: g.Up(), Unknown: g.Unknown()}
	if r.Islands = g.Islands(); r.Islands == nil {
		r.Islands = [][]string{}
	}
}

func sorted(s []string) []string {
	out := append([]string{}, s...)
	slices.Sort(out)
	return out
}

// Alone reports whether all that was looked at is one node, which was reached and knows
// no other, visible or hidden: it is either meant to be the only one, or waits to be
// joined.
func (r Report) Alone() bool {
	if len(r.Nodes) != 1 {
		return false
	}
	n := r.Nodes[0]
	return n.Reached && n.Peers != nil && len(n.Peers) == 0 && n.Hidden != nil && len(n.Hidden) == 0
}

// Full reports whether the mesh is one, whole, and without any finding above Info:
// what `phial mesh` says with exit status 0.
func (r Report) Full() bool {
	for _, n := range r.Nodes {
		if !n.Reached && n.Phase == Counts {
			return false
		}
	}
	return r.Links.Up == r.Links.Expected &&
		!slices.ContainsFunc(r.Findings, func(f finding.Finding) bool { return f.Severity > finding.Info })
}
