package agent

import (
	"context"
	"slices"
	"strings"
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
	Board *Board
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

// The pace of the loop. A boot is watched closely, so that the mesh stands
// soon after it; one look costs the node well under a millisecond.
const (
	paceBoot    = 50 * time.Millisecond
	paceSettled = time.Second
	paceLost    = 250 * time.Millisecond // the node does not answer, and not because it boots
	lookTimeout = 2 * time.Second        // for one question; a node that is frozen must not stop the loop
	bootWatch   = 2 * time.Minute        // after that long a boot is watched at paceLost
	silentAfter = 3 * time.Second        // without an answer; one look that a busy machine delays is no silence
)

// Agent watches one life of one node.
type Agent struct {
	conf  Config
	drain chan struct{}
	once  sync.Once

	mu    sync.Mutex
	state State

	// What follows belongs to Run.
	gate    mesh.Gate
	conn    Node
	view    View
	booted  bool
	last    string    // incarnation
	lostWhy error     // why there is no view
	lostAt  time.Time // when the first look began that found none; zero: there is a view
	refused int       // how often in a row the node did not let us in
	joiner  joiner
	begun   time.Time
}

// New makes an agent for a node that is about to start.
func New(c Config) *Agent {
	if c.Changed == nil {
		c.Changed = func(State) {}
	}
	if c.Log == nil {
		c.Log = func(string) {}
	}
	c.Board.forget(c.Node) // what its former life was told is over
	a := &Agent{conf: c, drain: make(chan struct{})}
	a.joiner = joiner{conf: &a.conf}
	a.state = State{Reason: "the node is booting", Waiting: true}
	return a
}

// State gives the latest state.
func (a *Agent) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// Drain closes the gate for good.
func (a *Agent) Drain() { a.once.Do(func() { close(a.drain) }) }

func (a *Agent) draining() bool {
	select {
	case <-a.drain:
		return true
	default:
		return false
	}
}

// Run looks, joins and decides until ctx ends.
func (a *Agent) Run(ctx context.Context) {
	a.begun = time.Now()
	defer func() {
		if a.conn != nil {
			a.conn.Close()
		}
	}()
	for ctx.Err() == nil {
		a.look(ctx)
		pace := a.decide(ctx)
		select {
		case <-ctx.Done():
		case <-a.drainOnce():
		case <-a.conf.Board.changed():
			// Another agent's node was told to connect: what kept this one
			// out may be gone. Not more often than a boot is watched, though.
			a.joiner.nextTry = time.Time{}
			sleep(ctx, min(pace, paceBoot))
		case <-time.After(pace):
		}
	}
}

// drainOnce wakes Run when Drain is called, until the gate has closed for it.
func (a *Agent) drainOnce() <-chan struct{} {
	if strings.HasPrefix(a.State().Reason, "draining") {
		return nil
	}
	return a.drain
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// look asks the node how it is, and notes since when it does not say.
func (a *Agent) look(ctx context.Context) {
	begun := time.Now()
	a.ask(ctx)
	switch {
	case a.lostWhy == nil, refuses(a.lostWhy): // no is an answer
		a.lostAt = time.Time{}
	case a.lostAt.IsZero():
		a.lostAt = begun
	}
}

// silent gives since when a node that had booted does not answer.
func (a *Agent) silent() time.Time {
	if !a.booted || a.lostAt.IsZero() || time.Since(a.lostAt) < silentAfter {
		return time.Time{}
	}
	return a.lostAt
}

// ask asks the node how it is, over a connection that is kept.
func (a *Agent) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	if a.conn == nil {
		conn, err := a.conf.Network.Open(ctx, a.conf.Node)
		if err != nil {
			a.view, a.lostWhy = View{}, err
			if refuses(err) {
				a.refused++
			}
			return
		}
		a.conn, a.refused = conn, 0
	}
	view, err := a.conn.Look(ctx)
	if err != nil {
		a.conn.Close()
		a.conn = nil
		a.view, a.lostWhy = View{}, err
		return
	}
	a.view, a.lostWhy = view, nil
}

// decide works out the new state and how soon to look again.
func (a *Agent) decide(ctx context.Context) (pace time.Duration) {
	v := a.view
	s := State{Peers: v.Peers, Stopping: v.Status == mesh.Stopping, Silent: a.silent()}
	missing := missingApps(a.conf.Apps, v.Apps)
	if v.Status != mesh.Started {
		missing = nil
	}
	s.Booted = v.Status == mesh.Started && len(missing) == 0
	draining := a.draining()

	in := mesh.GateInput{Incarnation: a.incarnation(v), Status: v.Status, MissingApps: missing,
		PortAccepts: mesh.Yes, AppReady: mesh.Yes, Clustered: !a.conf.Never && !a.conf.Unjoined, Draining: draining}
	var portErr error
	wasReady := a.State().Ready
	if a.conf.HTTPAccepts != nil && s.Booted && !wasReady {
		if portErr = a.conf.HTTPAccepts(ctx); portErr != nil {
			in.PortAccepts = mesh.No
		}
	}
	next := paceSettled
	if s.Booted && !draining {
		if !a.booted { // said before joining, which may take its time
			a.booted = true
			a.publish(State{Booted: true, Reason: "booted; looking for peers", Waiting: true, Peers: v.Peers})
		}
		next = a.joiner.step(ctx, a.conn, v)
	}
	in.Peers, in.PeerAlive = a.joiner.peers, a.joiner.alive
	s.Join, s.Joined = a.joiner.says, a.joiner.joined
	if a.joiner.fresh != nil { // a join has changed what the node sees
		s.Peers = a.joiner.fresh
	}
	d := a.gate.Decide(in)
	s.Ready, s.Reason = d.Open, d.Reason
	switch {
	case d.Open && !s.Silent.IsZero():
		s.Reason = "ready, but the node does not answer since " + s.Silent.Format(time.TimeOnly)
	case d.Open && !s.Joined && s.Join != "" && !a.conf.Never:
		s.Reason = s.Join
	case d.Open || draining:
	case v.Status == mesh.StatusUnknown && a.lostWhy != nil:
		s.Reason = unreached(a.conf.Node, a.lostWhy)
	case portErr != nil:
		s.Reason = portErr.Error()
	case s.Booted && s.Join != "":
		s.Reason = s.Join
	}
	s.Waiting = a.waiting(s, v)
	a.publish(s)

	switch {
	case draining:
		return paceSettled
	case refuses(a.lostWhy):
		return slower(a.refused)
	case s.Ready && v.Status == mesh.Started:
		return next
	case v.Status == mesh.StatusUnknown && !booting(a.lostWhy), time.Since(a.begun) > bootWatch:
		return paceLost
	case s.Booted && portErr == nil:
		return min(next, paceSettled)
	}
	return paceBoot
}

// incarnation is the node's last known one: silence is no restart.
func (a *Agent) incarnation(v View) string {
	if v.Incarnation != "" {
		a.last = v.Incarnation
	}
	return a.last
}

// waiting says whether the node is on its way to something better by itself.
func (a *Agent) waiting(s State, v View) bool {
	switch {
	case s.Stopping:
		return true
	case v.Status == mesh.Booting:
		return true
	case v.Status == mesh.StatusUnknown:
		return booting(a.lostWhy)
	case s.Booted:
		return a.joiner.busy
	}
	return false
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

func missingApps(want, have []string) []string {
	var out []string
	for _, app := range want {
		if !slices.Contains(have, app) {
			out = append(out, app)
		}
	}
	return out
}
