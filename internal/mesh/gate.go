package mesh

import (
	"strings"
	"time"
)

// Gate decides whether one replica takes traffic. It opens once everything is there
// and then stays open: draining closes it, an island does (see OnPartition), and a new
// incarnation of the node starts over. Nothing else that happens to the mesh, to
// discovery, to the port or to the app closes it. The zero value is closed.
//
// Open takes: booted, the http port accepts, the app's own readiness if it gave one,
// and joined once. Alone counts as joined when no peer is alive; a peer that is
// booting, draining or cannot be reached is not alive and counts against nobody.
//
// # Islands
//
// With LargestOnly a replica closes when the agents show an island that serves with
// strictly more replicas than the own island could. It never closes by itself: that
// nobody serves any more must not come of a decision, and what it knows of the others
// is old. So it asks one of them, its anchor, whether it may lean on it:
//
//  1. A larger island has to be in sight for PartitionFor. Then a LeanRequest goes to
//     one of its serving members, and to the next where that one refuses or is silent.
//  2. The anchor grants only while it serves by a look at its node no older than
//     GrantLook, is not told to drain, leans on nobody, asks nobody, and is itself in an
//     island larger than the asker's. For GrantHold after it granted it asks nobody, so
//     it cannot close for an island.
//  3. The asker closes only within GrantValid of its asking, by its own clock. GrantValid
//     is shorter than GrantHold and DrainHold, so at that moment the anchor is open,
//     unless its node has crashed since.
//  4. An anchor that is told to drain first tells those who lean on it (Release) and
//     stays open until they have taken their leave, for DrainHold at most.
//  5. Who leans looks at its anchor's view at each decision. Where the anchor does not
//     serve, drains, or is no longer in a larger island, another anchor is asked within
//     SwapFor, or the gate opens again. It opens at once where its island is the largest
//     again, and where discovery lists nobody outside its island.
//  6. An own island with a member of which there is no fresh view may be larger than it
//     looks: nobody there closes. Without any view from outside the last answer stands:
//     open without limit, closed for BlindFor.
//
// Every step but the third only opens gates, so it may rest on old views. Two replicas
// cannot lean on each other: who asks does not grant, and who granted does not ask.
//
// A Gate holds no clock: times are the caller's monotonic ones, and messages are plain
// values that the caller carries. They may be lost, late, doubled or in any order.
type Gate struct {
	incarnation string
	joined      bool
	open        bool // opened once; closed for an island it stays set

	self     string
	worker   string
	up       bool // at the last look: the node has started
	draining bool
	lookedAt time.Duration
	looked   bool
	graceEnd time.Duration // a restarted worker neither asks nor grants before
	bornAt   time.Duration
	restored bool
	policy   OnPartition
	listed   []string // discovery's last answer
	views    viewGraph

	leaning
	anchoring
	quorum
}

// GateInput is what is known of the replica now.
type GateInput struct {
	Incarnation string   // of the node: changes when it restarts; empty: not known now
	Status      Status   // of the node
	MissingApps []string // applications of the release that do not run
	PortAccepts Tri      // the http port; Yes for an app without one
	AppReady    Tri      // the app's own readiness; Yes where it gave none
	Clustered   bool     // joining is asked for
	Peers       int      // connected nodes of this app
	PeerAlive   Tri      // another replica of this app is alive: reached and started
	Draining    bool     // told to drain

	// What islands are judged by. Without Self no island is.
	Now         time.Duration // monotonic
	Self        string        // the node's name
	Worker      string        // tells this worker of the agent from those before it
	OnPartition OnPartition
	Links       []string   // replicas of this app that the node is connected to; not changed afterwards
	Views       []GateView // the newest of each other replica, of any age
	Listed      []string   // what discovery lists; empty: no news
}

// GateDecision is the answer, with its reason in a few words. Open to LeansOn are what
// Restore needs.
type GateDecision struct {
	Open        bool   `json:"open"`
	Reason      string `json:"reason"`
	Incarnation string `json:"incarnation,omitempty"`
	Joined      bool   `json:"joined,omitempty"`
	Opened      bool   `json:"opened,omitempty"`  // opened in this incarnation; with Open false: closed for an island
	LeansOn     string `json:"leansOn,omitempty"` // the anchor on whose word it is closed

	View    GateView     `json:"-"` // what other agents are to be told when they ask
	Ask     *LeanRequest `json:"-"` // to be sent once to Ask.To; its answer goes to Answer
	Release []string     `json:"-"` // replicas to be told that they cannot lean on this one any longer
	Leave   []LeanLeave  `json:"-"` // to be sent once, each to its To
}

// Decide takes what is known now and gives the decision. It keeps what it learned. It
// wants to be called at least every second, and at once after Answer, Released and Left.
func (g *Gate) Decide(in GateInput) GateDecision {
	g.begin(in)
	d := GateDecision{}
	d.Open, d.Reason = g.base(in)
	if d.Open && !in.Draining {
		d.Open, d.Reason = g.partition(in, d.Reason)
	}
	d.Incarnation, d.Joined, d.Opened, d.LeansOn = g.incarnation, g.joined, g.open, g.on
	d.View = GateView{Node: in.Self, Serving: d.Open && g.up && !in.Draining, Willing: g.open && !in.Draining,
		Draining: in.Draining, Peers: in.Links, LeansOn: g.on}
	d.Ask, d.Leave, d.Release = g.post(in)
	return d
}

// begin takes note of the look.
func (g *Gate) begin(in GateInput) {
	if in.Incarnation != "" && in.Incarnation != g.incarnation {
		g.stand()
		g.stopAsking()
		*g = Gate{incarnation: in.Incarnation, listed: g.listed, views: g.views,
			leaning: leaning{asks: g.asks, leave: g.leave}, graceEnd: g.graceEnd}
	}
	if g.looked && in.Now-g.lookedAt > LookAtLeast {
		g.seen = false // the worker stood still: what it saw before was not seen since
	}
	g.self, g.worker, g.policy, g.up = in.Self, in.Worker, in.OnPartition, in.Status == Started
	g.looked, g.lookedAt = true, in.Now
	g.draining = g.draining && in.Draining
	if len(in.Listed) > 0 {
		g.listed = in.Listed
	}
	g.meet(in)
}

// base decides all but islands.
func (g *Gate) base(in GateInput) (open bool, reason string) {
	switch {
	case in.Draining:
		return g.drain(in.Now)
	case in.Status == Stopping:
		g.open = false
		g.stand()
		return false, "the node is stopping"
	case g.open:
		return true, "open since it joined"
	}
	alone := in.PeerAlive == No && in.Peers == 0
	if in.Status == Started && (in.Peers > 0 || alone || !in.Clustered) {
		g.joined = true
	}
	switch {
	case in.Status == StatusUnknown:
		return false, "the node does not answer"
	case in.Status != Started:
		return false, "the node is booting"
	case len(in.MissingApps) > 0:
		return false, "applications do not run: " + strings.Join(in.MissingApps, ", ")
	case in.PortAccepts == No:
		return false, "the http port does not accept"
	case in.PortAccepts == Unknown:
		return false, "the http port was not looked at yet"
	case in.AppReady == No:
		return false, "the app says that it is not ready"
	case in.AppReady == Unknown:
		return false, "the app's readiness is not known yet"
	case !g.joined && in.PeerAlive == Unknown:
		return false, "not joined, and whether a peer is alive is not known yet"
	case !g.joined:
		return false, "not joined: a peer is alive and there is no link to any"
	}
	g.open = true
	switch {
	case !in.Clustered:
		return true, "booted and ready"
	case in.Peers > 0:
		return true, "joined"
	case alone:
		return true, "alone: no peer is alive"
	}
	return true, "joined once"
}

// partition decides about islands, for a replica that is open but for them.
func (g *Gate) partition(in GateInput, reason string) (bool, string) {
	if in.Self == "" || !in.Clustered || in.OnPartition == PartitionServe {
		g.stand()
		g.noMajority = false
		return true, reason
	}
	if in.Status != Started { // what the node is linked to is not known: the last answer stands
		g.seen = false
		g.stopAsking()
		return g.on == "" && !g.noMajority, g.says(reason)
	}
	s := g.views.split(in)
	g.own = s.own
	if in.OnPartition == PartitionQuorum {
		g.stand()
		return g.majority(in, reason)
	}
	g.noMajority = false
	if g.on != "" {
		return g.lean(in, s)
	}
	return g.watch(in, s, reason)
}

// says is the reason while the node itself does not say anything.
func (g *Gate) says(reason string) string {
	switch {
	case g.on != "":
		return "closed for an island, and the node does not answer now"
	case g.noMajority:
		return "closed without a majority, and the node does not answer now"
	}
	return reason
}

// Restore takes over the last decision of a worker that is gone, before the first
// Decide of the new one. What it knew of others is lost, so for WorkerGrace it neither
// closes for an island nor lets anybody lean on it.
func (g *Gate) Restore(last GateDecision, now time.Duration) {
	*g = Gate{incarnation: last.Incarnation, joined: last.Joined, open: last.Opened,
		bornAt: now, restored: true, graceEnd: now + WorkerGrace}
	if last.Opened && !last.Open {
		g.on, g.heardAt = last.LeansOn, now
		g.noMajority = last.LeansOn == ""
	}
}
