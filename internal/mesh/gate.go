package mesh

import "strings"

// Gate decides whether one replica takes traffic. It opens once everything is there
// and then stays open: what happens to the mesh afterwards does not close it; draining
// does, and a new incarnation of the node starts over. The zero value is closed.
//
// Open takes: booted, the http port accepts, the app's own readiness if it gave one,
// and joined once. Alone counts as joined when no peer is alive; a peer that is
// booting, draining or cannot be reached is not alive and counts against nobody.
type Gate struct {
	incarnation string
	joined      bool
	open        bool
}

// GateInput is what is known of the replica now.
type GateInput struct {
	Incarnation string   // of the node: changes when it restarts
	Status      Status   // of the node
	MissingApps []string // applications of the release that do not run
	PortAccepts Tri      // the http port; Yes for an app without one
	AppReady    Tri      // the app's own readiness; Yes where it gave none
	Clustered   bool     // joining is asked for
	Peers       int      // connected nodes of this app
	PeerAlive   Tri      // another replica of this app is alive: reached and started
	Draining    bool     // told to drain
}

// GateDecision is the answer, with its reason in a few words.
type GateDecision struct {
	Open   bool   `json:"open"`
	Reason string `json:"reason"`
}

// Decide takes what is known now and gives the decision. It keeps what it learned.
func (g *Gate) Decide(in GateInput) GateDecision {
	if in.Incarnation != g.incarnation {
		*g = Gate{incarnation: in.Incarnation}
	}
	closed := func(reason string) GateDecision { return GateDecision{false, reason} }
	switch {
	case in.Draining:
		g.open = false
		return closed("draining")
	case in.Status == Stopping:
		g.open = false
		return closed("the node is stopping")
	case g.open:
		return GateDecision{true, "open since it joined"}
	}
	alone := in.PeerAlive == No && in.Peers == 0
	if in.Status == Started && (in.Peers > 0 || alone || !in.Clustered) {
		g.joined = true
	}
	switch {
	case in.Status == StatusUnknown:
		return closed("the node does not answer")
	case in.Status != Started:
		return closed("the node is booting")
	case len(in.MissingApps) > 0:
		return closed("applications do not run: " + strings.Join(in.MissingApps, ", "))
	case in.PortAccepts == No:
		return closed("the http port does not accept")
	case in.PortAccepts == Unknown:
		return closed("the http port was not looked at yet")
	case in.AppReady == No:
		return closed("the app says that it is not ready")
	case in.AppReady == Unknown:
		return closed("the app's readiness is not known yet")
	case !g.joined && in.PeerAlive == Unknown:
		return closed("not joined, and whether a peer is alive is not known yet")
	case !g.joined:
		return closed("not joined: a peer is alive and there is no link to any")
	}
	g.open = true
	switch {
	case !in.Clustered:
		return GateDecision{true, "booted and ready"}
	case in.Peers > 0:
		return GateDecision{true, "joined"}
	case alone:
		return GateDecision{true, "alone: no peer is alive"}
	}
	return GateDecision{true, "joined once"}
}
