package agent

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// Network is how an agent sees nodes.
type Network interface {
	// Open connects to a node and holds the connection until Close.
	Open(ctx context.Context, node string) (Node, error)
	// JoinView gives the Members, Reach and Why of a mesh.JoinInput: each of
	// these nodes as it says itself, and who reaches whom, as seen from each
	// node's own network: name, EPMD, port, handshake, cookie and flags.
	JoinView(ctx context.Context, nodes []string) mesh.JoinInput
}

// Node is a connection to one node.
type Node interface {
	// Look asks the node how it is.
	Look(ctx context.Context) (View, error)
	// Connect tells the node to connect to another.
	Connect(ctx context.Context, other string) error
	Close() error
}

// View is what a node says of itself.
type View struct {
	Status      mesh.Status
	Incarnation string   // changes when the node restarts
	Peers       []string // connected visible nodes
	Apps        []string // running applications
	Missing     []string // applications that should run and do not, besides those of the Config
}

// Discovery lists the node names of all replicas, the own one included or not.
// An error, or an empty list, is no news: what was known before stays known.
type Discovery func(ctx context.Context) ([]string, error)

// Config is what an agent is told.
type Config struct {
	Node     string // full name that the own node should have
	Network  Network
	Discover Discovery
	// HTTPAccepts tries the app's http port; nil: the app has none. Its error is
	// the reason for which the gate stays closed, in words for people.
	HTTPAccepts func(ctx context.Context) error
	// Apps are the applications that have to run before the node has booted.
	Apps []string
	// Never leaves joining to the app.
	Never bool
	// Unjoined opens the gate without waiting for the join.
	Unjoined bool
	// Board is shared by the agents that join one after another; nil: none does.
	Board Board
	// Knock tries, from the agent's own network, whether a peer that is linked
	// could be linked anew; nil: nobody tries. Its error says what is in the way.
	Knock func(ctx context.Context, node string) error
	// OnPartition is what the gate does on an island.
	OnPartition mesh.OnPartition
	// Peers are the agents of the other replicas, by which islands are judged; nil:
	// none are heard of, and islands close nobody.
	Peers Peers
	// Up asks whether the agent of another node says that its node has started, and
	// whom it is connected to. That may be so though the node is not reached from
	// here; nil: no agent says anything.
	Up func(node string) (peers []string, up bool)
	// Worker tells this agent of the node from those before it.
	Worker string
	// Restore is the last decision of the agent before; nil: there was none.
	Restore *mesh.GateDecision
	// Hold says that nobody should join now; nil: never.
	Hold func() bool
	// Changed is called with every new state, from one goroutine; nil: nobody is told.
	Changed func(State)
	// Log takes a line when joining begins, is refused for another reason, or
	// is done; nil: nobody is told.
	Log func(line string)
}

// State is what an agent has found out and decided.
type State struct {
	Status   mesh.Status // of the node
	Booted   bool        // the node has started, with all its applications
	Stopping bool        // the node is on its way out
	Ready    bool        // the gate is open
	Joined   bool        // linked to every replica that discovery lists and that is alive
	Reason   string      // of the gate, and of what joining says where that is why
	Join     string      // what joining says
	// Waiting says that something is on its way by itself: a boot, a join.
	Waiting bool
	// Silent is since when a node that has booted does not answer, once that has
	// lasted for some seconds; zero: it answers. The gate does not close for it.
	Silent time.Time
	Peers  []string // of the node, as it says
}

func (s State) equal(o State) bool {
	return s.Status == o.Status && s.Booted == o.Booted && s.Stopping == o.Stopping && s.Ready == o.Ready && s.Joined == o.Joined &&
		s.Reason == o.Reason && s.Join == o.Join && s.Waiting == o.Waiting && s.Silent.Equal(o.Silent) && slices.Equal(s.Peers, o.Peers)
}

// Agent watches one node, through its restarts. Three loops share what they find
// out: one looks at the node, one joins it, one decides. None waits for another.
type Agent struct {
	conf   Config
	began  time.Time
	again  chan struct{} // look now
	wake   chan struct{} // decide now
	joiner joiner

	mu       sync.Mutex
	state    State
	draining bool
	now      now

	gateMu   sync.Mutex
	gate     mesh.Gate
	decision mesh.GateDecision
}

// now is what the loops tell one another.
type now struct {
	conn        Node
	view        View
	seenAt      time.Time // when the look began that gave the view
	why         error     // why there is no view
	lostAt      time.Time // when the first look began that found none; zero: there is a view
	refused     int       // how often in a row the node did not let us in
	incarnation string    // the node's last known one: silence is no restart
	gone        int       // how often the node was found gone
	portErr     error     // of the http port, while it is asked
	portAsked   bool      // in this incarnation
	since       time.Time // of this incarnation, or of the wait for it
	hasBooted   bool      // once in this incarnation
	peers       []string  // as the joining loop was last woken for
	booted      bool      // now, and not draining: there is something to join
	found       found     // by joining
}

// New makes an agent for a node that is about to start, or has started.
func New(c Config) *Agent {
	if c.Changed == nil {
		c.Changed = func(State) {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	if c.Board == nil {
		c.Board = noBoard{}
	}
	if c.Peers == nil {
		c.Peers = noPeers{}
	}
	c.Board.Forget(c.Node) // what its former life was told is over
	a := &Agent{conf: c, began: time.Now(), again: make(chan struct{}, 1), wake: make(chan struct{}, 1)}
	a.joiner = joiner{conf: &a.conf, kicked: make(chan struct{}, 1)}
	a.state = State{Reason: "the node is booting", Waiting: true}
	a.now.since = a.began
	if last := c.Restore; last != nil {
		a.gate.Restore(*last, 0)
		a.decision = *last
		a.now.incarnation, a.now.hasBooted = last.Incarnation, last.Opened
		a.state.Ready, a.state.Reason = last.Open, last.Reason
	}
	return a
}

// State gives the latest state.
func (a *Agent) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// Decision gives the gate's latest decision: its View is what other agents are to
// be told, the rest is what the next agent of this node has to be given as Restore.
func (a *Agent) Decision() mesh.GateDecision {
	a.gateMu.Lock()
	defer a.gateMu.Unlock()
	return a.decision
}

// Known lists the replicas that discovery found, the own one left out.
func (a *Agent) Known() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.now.found.known
}

// Drain closes the gate until Undrain.
func (a *Agent) Drain() { a.setDraining(true) }

// Undrain takes a Drain back.
func (a *Agent) Undrain() { a.setDraining(false) }

func (a *Agent) setDraining(on bool) {
	a.mu.Lock()
	a.draining = on
	a.mu.Unlock()
	signal(a.wake)
}

// Run looks, joins and decides until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { a.join(ctx) })
	loops.Go(func() { a.look(ctx) })
	for ctx.Err() == nil {
		a.decide()
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-time.After(paceDecide):
		}
	}
	loops.Wait()
	if conn := a.now.conn; conn != nil {
		conn.Close()
	}
}

// signal wakes who waits for c, now or the next time that it does.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (a *Agent) publish(s State) {
	a.mu.Lock()
	same := a.state.equal(s)
	a.state = s
	a.mu.Unlock()
	if !same {
		a.conf.Changed(s)
	}
}
