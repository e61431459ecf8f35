package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// world is a set of nodes that behave as OTP 25 does: connecting to one node
// of an island connects to all of it, and where that fails for one pair the
// whole of both falls apart (prevent_overlapping_partitions).
type world struct {
	t *testing.T

	mu     sync.Mutex
	nodes  map[string]*fakeNode
	links  map[mesh.Link]bool
	cut    map[mesh.Link]bool // A does not reach B
	listed []string
	dnsErr error
	parted int    // links lost to an overlapping partition
	joins  int    // calls of Connect under way
	views  int    // JoinViews given
	mute   string // whoever this node's agent asks gives no answer
}

type fakeNode struct {
	status      mesh.Status
	frozen      bool
	refusing    bool // another cookie
	knocks      int  // refused
	ended       bool // EPMD says that nobody of that name is there
	incarnation int
	apps        []string
}

var errDown = errors.New("connection refused")

func newWorld(t *testing.T, names ...string) *world {
	t.Helper()
	w := &world{t: t, nodes: map[string]*fakeNode{}, links: map[mesh.Link]bool{}, cut: map[mesh.Link]bool{}, listed: names}
	for _, n := range names {
		w.nodes[n] = &fakeNode{}
	}
	return w
}

const latency = 2 * time.Millisecond // of one question

func (w *world) boot(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[name].status, w.nodes[name].ended = mesh.Started, false
	w.nodes[name].incarnation++
}

// end is stop, and EPMD says so.
func (w *world) end(name string) {
	w.stop(name)
	w.set(func(w *world) { w.nodes[name].ended = true })
}

func (w *world) stop(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.nodes[name].status = mesh.StatusUnknown
	maps.DeleteFunc(w.links, func(l mesh.Link, _ bool) bool { return l.A == name || l.B == name })
}

func (w *world) set(f func(w *world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f(w)
}

// peers: mu is held.
func (w *world) peers(name string) []string {
	var out []string
	for l := range w.links {
		switch name {
		case l.A:
			out = append(out, l.B)
		case l.B:
			out = append(out, l.A)
		}
	}
	slices.Sort(out)
	return out
}

func (w *world) island(name string) []string {
	out := []string{name}
	for i := 0; i < len(out); i++ {
		for _, p := range w.peers(out[i]) {
			if !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

func (w *world) reaches(a, b string) bool {
	return !w.cut[mesh.Link{A: a, B: b}] && w.nodes[b] != nil && w.nodes[b].status != mesh.StatusUnknown && !w.nodes[b].frozen
}

// lost counts the links that were lost to overlapping partitions.
func (w *world) lost() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.parted
}

// full says whether every pair of started nodes is linked.
func (w *world) full() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for a, na := range w.nodes {
		for b, nb := range w.nodes {
			if a < b && na.status == mesh.Started && nb.status == mesh.Started && !w.links[mesh.LinkOf(a, b)] {
				return fmt.Errorf("no link %s -- %s", a, b)
			}
		}
	}
	return nil
}

// muted is the world as the agent of one node sees it.
type muted struct {
	*world
	self string
}

func (m muted) Open(ctx context.Context, name string) (Node, error) {
	m.mu.Lock()
	mute := m.mute == m.self && name != m.self
	m.mu.Unlock()
	if mute {
		time.Sleep(1500 * time.Millisecond)
		return nil, &probe.Unreached{Node: name, Failure: mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseEPMDFiltered}}
	}
	return m.world.Open(ctx, name)
}

// JoinView of a muted one reaches nobody else.
func (m muted) JoinView(ctx context.Context, names []string) mesh.JoinInput {
	in := m.world.JoinView(ctx, names)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mute != m.self {
		return in
	}
	for i := range in.Members {
		if in.Members[i].Name != m.self {
			in.Members[i].Status, in.Members[i].Peers = mesh.StatusUnknown, nil
			in.Reach[mesh.Link{A: m.self, B: in.Members[i].Name}] = mesh.No
		}
	}
	return in
}

func (w *world) Open(ctx context.Context, name string) (Node, error) {
	w.mu.Lock()
	n := w.nodes[name]
	up, frozen, inc := n.status != mesh.StatusUnknown, n.frozen, n.incarnation
	refusing := up && n.refusing && !frozen
	ended := n.ended
	if refusing {
		n.knocks++
	}
	w.mu.Unlock()
	if refusing {
		return nil, &probe.Unreached{Node: name, Failure: mesh.Failure{Stage: mesh.KindCookie, Cause: mesh.CauseCookie}}
	}
	if frozen {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	time.Sleep(latency)
	if ended {
		return nil, &probe.Unreached{Node: name, Failure: mesh.Failure{Stage: mesh.KindEPMD, Cause: mesh.CauseNotRegistered}}
	}
	if !up {
		return nil, errDown
	}
	return &fakeConn{w, name, inc}, nil
}

func (w *world) JoinView(ctx context.Context, names []string) mesh.JoinInput {
	time.Sleep(latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.views++
	in := mesh.JoinInput{Reach: map[mesh.Link]mesh.Tri{}, Why: map[mesh.Link]string{}}
	for _, name := range names {
		m := mesh.Member{Name: name}
		if n := w.nodes[name]; n != nil && !n.frozen && n.status != mesh.StatusUnknown {
			m.Status, m.Peers = n.status, w.peers(name)
		}
		in.Members = append(in.Members, m)
		for _, other := range names {
			if other != name && m.Status != mesh.StatusUnknown {
				in.Reach[mesh.Link{A: name, B: other}] = mesh.TriOf(w.reaches(name, other))
			}
		}
	}
	return in
}

func (w *world) discover(ctx context.Context) ([]string, error) {
	time.Sleep(latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.listed), w.dnsErr
}

type fakeConn struct {
	w           *world
	name        string
	incarnation int
}

func (c *fakeConn) Close() error { return nil }

func (c *fakeConn) Look(ctx context.Context) (View, error) {
	c.w.mu.Lock()
	n := c.w.nodes[c.name]
	v := View{Status: n.status, Incarnation: fmt.Sprint(n.incarnation), Peers: c.w.peers(c.name), Apps: n.apps}
	frozen := n.frozen
	c.w.mu.Unlock()
	if frozen {
		<-ctx.Done()
		return View{}, ctx.Err()
	}
	time.Sleep(latency)
	if v.Status == mesh.StatusUnknown || v.Incarnation != fmt.Sprint(c.incarnation) {
		return View{}, errDown
	}
	return v, nil
}

func (c *fakeConn) Connect(ctx context.Context, other string) error {
	w := c.w
	w.mu.Lock()
	if w.joins++; w.joins > 1 {
		w.t.Error("two joins at one time")
	}
	w.mu.Unlock()
	time.Sleep(5 * time.Millisecond)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.joins--
	if !w.reaches(c.name, other) || !w.reaches(other, c.name) {
		return errDown
	}
	mine, theirs := w.island(c.name), w.island(other)
	for _, a := range mine {
		for _, b := range theirs {
			if a != b && (!w.reaches(a, b) || !w.reaches(b, a)) {
				before := len(w.links)
				maps.DeleteFunc(w.links, func(l mesh.Link, _ bool) bool {
					return slices.Contains(mine, l.A) || slices.Contains(theirs, l.A)
				})
				w.parted += before - len(w.links) + 1
				return nil
			}
		}
	}
	for _, a := range mine {
		for _, b := range theirs {
			if a != b {
				w.links[mesh.LinkOf(a, b)] = true
			}
		}
	}
	return nil
}

// run starts an agent for each node of the world; stop ends and awaits them.
func (w *world) run(change func(c *Config)) (agents map[string]*Agent, stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	board := NewShared()
	agents = map[string]*Agent{}
	var wg sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(w.nodes)) {
		c := Config{Node: name, Network: muted{w, name}, Discover: w.discover, Board: board}
		if change != nil {
			change(&c)
		}
		a := New(c)
		agents[name] = a
		wg.Go(func() { a.Run(ctx) })
	}
	return agents, func() { cancel(); wg.Wait() }
}

func allReady(agents map[string]*Agent) error {
	for _, name := range slices.Sorted(maps.Keys(agents)) {
		if s := agents[name].State(); !s.Ready || !s.Joined {
			return fmt.Errorf("%s: %+v", name, s)
		}
	}
	return nil
}
