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
	// Changed is called with every new state, from one goroutine; nil: nobody is told.
	Changed func(State)
	// Log takes a line when joining begins, is refused for another reason, or
	// is done; nil: nobody is told.
	Log func(line string)
}

// State is what an agent has found out and decided.
type State struct {
	Booted   bool   // the node has started, with all its applications
	Stopping bool   // the node is on its way out
	Ready    bool   // the gate is open
	Joined   bool   // linked to every replica that discovery lists and that is alive
	Reason   string // of the gate, and of what joining says where that is why
	Join     string // what joining says
	// Waiting says that something is on its way by itself: a boot, a join.
	Waiting bool
	// Silent is since when a node that has booted does not answer, once that has
	// lasted for some seconds; zero: it answers. The gate does not close for it.
	Silent time.Time
	Peers  []string // of the node, as it says
}

func (s State) equal(o State) bool {
	return s.Booted == o.Booted && s.Stopping == o.Stopping && s.Ready == o.Ready && s.Joined == o.Joined &&
		s.Reason == o.Reason && s.Join == o.Join && s.Waiting == o.Waiting && s.Silent.Equal(o.Silent) && slices.Equal(s.Peers, o.Peers)
}

// Agent watches one node, through its restarts.
type Agent struct {
	conf   Config
	wake   chan struct{} // somebody has found out something: look now
	joiner joiner

	mu       sync.Mutex
	state    State
	draining bool
	now      now

	// What follows belongs to the loop that looks.
	gate    mesh.Gate
	booted  bool
	last    string    // incarnation
	lostWhy error     // why there is no view
	lostAt  time.Time // when the first look began that found none; zero: there is a view
	refused int       // how often in a row the node did not let us in
	begun   time.Time
}

// now is what the loop that looks tells the loop that joins, and the other way round.
type now struct {
	conn   Node
	view   View
	peers  []string // as the joining loop was last woken for
	booted bool
	found  found // by joining
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
	c.Board.Forget(c.Node) // what its former life was told is over
	a := &Agent{conf: c, wake: make(chan struct{}, 1)}
	a.joiner = joiner{conf: &a.conf, kicked: make(chan struct{}, 1)}
	a.state = State{Reason: "the node is booting", Waiting: true}
	return a
}

// State gives the latest state.
func (a *Agent) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
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
	a.begun = time.Now()
	var joining sync.WaitGroup
	joining.Go(func() { a.join(ctx) })
	for ctx.Err() == nil {
		a.look(ctx)
		pace := a.decide(ctx)
		select {
		case <-ctx.Done():
		case <-a.wake:
		case <-time.After(pace):
		}
	}
	joining.Wait()
	a.mu.Lock()
	conn := a.now.conn
	a.mu.Unlock()
	if conn != nil {
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
