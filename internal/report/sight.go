package report

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// Sight is the JSON of `phial mesh`: what was seen of the nodes and, in a cluster, what
// each replica's agent says of it.
type Sight struct {
	mesh.Report
	// From is the pod that looked at the nodes.
	From   string  `json:"from,omitempty"`
	Agents []Agent `json:"agents,omitempty"`
}

// Gate is an answer to whether a replica takes traffic.
type Gate string

// The answers. The gate of a replica whose agent could not be asked is unknown.
const (
	GateOpen    Gate = "open"
	GateClosed  Gate = "closed"
	GateUnknown Gate = "unknown"
)

// Agent is what the agent beside a replica says of it, itself.
type Agent struct {
	Replica  string      `json:"replica"` // the pod
	Node     string      `json:"node,omitempty"`
	Phase    mesh.Phase  `json:"phase,omitempty"` // why its node does not count; empty: it does
	Gate     Gate        `json:"gate"`
	Reason   string      `json:"reason"` // of the gate; where it is unknown, why
	Status   mesh.Status `json:"status"` // of the node
	Booted   bool        `json:"booted"`
	Joined   bool        `json:"joined"`
	Join     string      `json:"join,omitempty"` // what joining says
	Draining bool        `json:"draining"`
	Drained  bool        `json:"drained"`
	// SilentSeconds is for how long the node has not answered; 0: it answers.
	SilentSeconds  float64    `json:"silentSeconds,omitempty"`
	Cookie         string     `json:"cookie"` // expected, another or unknown
	CookieSwitchAt *time.Time `json:"cookieSwitchAt,omitempty"`
	AgentSeconds   float64    `json:"agentSeconds,omitempty"` // for how long it has run
	Version        string     `json:"version,omitempty"`      // of the agent
}

// Good says whether the mesh is whole and every gate is open, but for those of replicas
// that leave or are starting: what `phial mesh` says with exit status 0. What is not known
// is not good, and neither is a mesh of nobody.
func (s Sight) Good() bool {
	counts := func(a Agent) bool { return a.Phase == mesh.Counts && !a.Draining }
	if len(s.Agents) > 0 && !slices.ContainsFunc(s.Agents, counts) {
		return false
	}
	return s.Full() && !slices.ContainsFunc(s.Agents, func(a Agent) bool { return a.Gate != GateOpen && counts(a) })
}

// Replicas writes what Mesh does, with a column for the gates and why they are closed.
func Replicas(w io.Writer, r Sight, s Style) {
	if len(r.Agents) == 0 {
		Mesh(w, r.Report, s)
		return
	}
	nodes(w, r.Report, s, r.Agents)
	for _, a := range r.Agents {
		remarks(w, a, s)
	}
	if len(r.Nodes) > 0 {
		links(w, r.Report, s)
		return
	}
	fmt.Fprintln(w, "\n"+s.paint(red, "No node is there to be looked at."))
	Findings(w, r.Findings, s)
}

func gate(a Agent) cell {
	switch {
	case a.Draining:
		return cell{"draining", yellow}
	case a.Gate == GateUnknown && a.Phase != mesh.Counts:
		return cell{"-", ""}
	case a.Gate == GateOpen:
		return cell{string(a.Gate), green}
	case a.Gate == GateClosed && !a.Booted:
		return cell{string(a.Gate), yellow} // as it should be
	}
	return cell{string(a.Gate), red}
}

// remarks says of a replica what its row cannot.
func remarks(w io.Writer, a Agent, s Style) {
	say := func(what, text string) {
		line := a.Replica + ": " + what
		// Agents begin with the same word.
		text = strings.TrimPrefix(strings.TrimPrefix(text, "closed: "), "not joined: ")
		if text != "" {
			line += ": " + s.plain(text)
		}
		for i, l := range wrap(line, s.width()-2) {
			if i > 0 {
				l = "  " + l
			}
			fmt.Fprintln(w, "  "+l)
		}
	}
	switch {
	case a.Drained:
		say("drained", a.Reason)
	case a.Draining:
		say("draining", a.Reason)
	case a.Gate == GateClosed:
		say("gate closed", a.Reason)
	case a.Phase == mesh.Stuck: // there is a finding
	case a.Phase == mesh.Starting && a.Gate == GateUnknown:
		say("starting", a.Reason)
	case a.Gate == GateUnknown:
		say("gate unknown", a.Reason)
	}
	if a.Gate != GateUnknown && !a.Joined && a.Join != "" && a.Join != a.Reason {
		say("not joined", a.Join)
	}
	if a.Cookie == "another" {
		say("cookie", "the node has another than the Secret says")
	}
	if a.SilentSeconds > 0 {
		say("node", "it has not answered its agent for "+Since(time.Duration(a.SilentSeconds*float64(time.Second))))
	}
}
