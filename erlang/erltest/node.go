package erltest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/erlang/etf"
)

// Options make a node.
type Options struct {
	// Name is the full name, base@host.
	Name string
	// Cookie is the node's secret.
	Cookie dist.Cookie
	// Addr is the address to listen on; the host part if that is an address,
	// else 127.0.0.1.
	Addr string
	// Port is the distribution port; 0 takes a free one.
	Port int
	// EPMD is where the node registers; nil registers nowhere.
	EPMD *EPMD
	// Hidden registers the node as a hidden one.
	Hidden bool
	// TLS makes the node speak distribution over TLS.
	TLS *tls.Config
	// OTP is the release it claims to be, "27" by default.
	OTP string
	// Faults are those that it starts with.
	Faults Faults

	// Peers are the names of visible nodes that it says it is connected to. The
	// nodes of a Mesh know their peers themselves.
	Peers []string
	// Answers are functions by "module:function/arity"; they go before those
	// that every node has.
	Answers map[string]Answer
	// Handler, if not nil, is asked before Answers, with a false for what it
	// leaves to them. It is called in a goroutine of its own and may take its
	// time.
	Handler func(mod, fun string, args []etf.Term) (answer any, ok bool)
	// Env is what application:get_env says, by "app.key".
	Env map[string]any
	// Args is what init:get_argument says, by flag.
	Args map[string][][]string

	// FragmentSize, if not 0, sends answers in fragments of that many bytes to
	// whoever understands them.
	FragmentSize int
	// Tick, if not 0, is how often the node sends a keep-alive of its own.
	Tick time.Duration
}

// Answer is what a function of a node returns: a term for etf.Append, or a
// Raise.
type Answer func(n *Node, args []etf.Term) any

// Raise as an answer makes the call fail.
type Raise struct {
	Class  string // "error", "exit" or "throw"
	Reason any
}

// Node is a fake node.
type Node struct {
	o        Options
	base     string
	addr     netip.AddrPort
	started  time.Time
	creation uint32
	mesh     *Mesh

	quit chan struct{}
	wg   sync.WaitGroup

	mu         sync.Mutex
	closed     bool
	faults     Faults
	cookie     dist.Cookie
	listener   net.Listener
	unregister func()
	conns      map[*conn]struct{}
	names      names
	accepted   int
	ticks      int
}

// Start starts a node and stops it when the test ends.
func Start(tb testing.TB, o Options) *Node {
	tb.Helper()
	n, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(n.Close)
	return n
}

// New starts a node; Close stops it.
func New(o Options) (*Node, error) { return newNode(o, nil) }

func newNode(o Options, m *Mesh) (*Node, error) {
	base, host, err := dist.SplitName(o.Name)
	if err != nil {
		return nil, fmt.Errorf("fake node: %w", err)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1"
		if _, err := netip.ParseAddr(host); err == nil {
			o.Addr = host
		}
	}
	if o.OTP == "" {
		o.OTP = "27"
	}
	a, err := netip.ParseAddr(o.Addr)
	if err != nil {
		return nil, fmt.Errorf("fake node %s: %w", o.Name, err)
	}
	n := &Node{
		o: o, base: base, mesh: m, started: time.Now(), cookie: o.Cookie,
		addr: netip.AddrPortFrom(a, uint16(o.Port)), creation: uint32(time.Now().UnixNano()) | 1,
		quit: make(chan struct{}), conns: make(map[*conn]struct{}),
	}
	// The port is opened even for Refused, so that it is one that is free.
	if err := n.listen(); err != nil {
		return nil, fmt.Errorf("fake node %s: %w", o.Name, err)
	}
	if err := n.register(); err != nil {
		n.Close()
		return nil, fmt.Errorf("fake node %s: %w", o.Name, err)
	}
	if err := n.Fail(o.Faults); err != nil {
		n.Close()
		return nil, fmt.Errorf("fake node %s: %w", o.Name, err)
	}
	return n, nil
}

// Name is the node's full name.
func (n *Node) Name() string { return n.o.Name }

// Addr is where its distribution port is.
func (n *Node) Addr() netip.AddrPort { return n.addr }

// Accepted is how many connections have come to its port.
func (n *Node) Accepted() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.accepted
}

// Ticks is how many keep-alives have come over all connections.
func (n *Node) Ticks() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ticks
}

// Seen are all the names that have ever connected, each of which would have cost
// a BEAM an atom.
func (n *Node) Seen() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.names.seen))
}

// Connected are the names of those connected now.
func (n *Node) Connected() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	out := []string{}
	for c := range n.conns {
		if c.up {
			out = append(out, c.peer)
		}
	}
	slices.Sort(out)
	return out
}

// Cookie is the cookie that the node has now.
func (n *Node) Cookie() dist.Cookie {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.cookie
}

// SetCookie gives the node another cookie; connections stay.
func (n *Node) SetCookie(c dist.Cookie) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cookie = c
}

// Faults are those that are set now.
func (n *Node) Faults() Faults {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.faults
}

// Fail sets all faults at once; the zero Faults mends the node. Connections that
// are up stay, and behave as the new faults say.
func (n *Node) Fail(f Faults) error {
	n.mu.Lock()
	was := n.faults
	n.faults = f
	l, unregister := n.listener, n.unregister
	n.mu.Unlock()
	var err error
	switch {
	case f.Refused && l != nil:
		err = n.unlisten()
	case !f.Refused && was.Refused:
		err = n.listen()
	}
	switch {
	case f.NotRegistered && unregister != nil:
		n.deregister()
	case !f.NotRegistered && was.NotRegistered:
		err = errors.Join(err, n.register())
	}
	return err
}

// Disconnect closes every connection to the node.
func (n *Node) Disconnect() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.nc.Close()
	}
}

// Close stops the node: its name and port are gone and its connections closed.
func (n *Node) Close() {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return
	}
	n.closed = true
	n.mu.Unlock()
	close(n.quit)
	n.deregister()
	n.unlisten() //nolint:errcheck // nothing to do about a listener that is gone
	n.Disconnect()
	n.wg.Wait()
}

// Alive says whether the node has not been closed.
func (n *Node) Alive() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return !n.closed
}

func (n *Node) register() error {
	if n.o.EPMD == nil {
		return nil
	}
	remove, err := n.o.EPMD.add(n.addr.Addr(), epmd.Entry{
		Name: n.base, Port: n.addr.Port(), Hidden: n.o.Hidden, Highest: 6, Lowest: 6,
	})
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.unregister = remove
	return nil
}

func (n *Node) deregister() {
	n.mu.Lock()
	remove := n.unregister
	n.unregister = nil
	n.mu.Unlock()
	if remove != nil {
		remove()
	}
}

func (n *Node) listen() error {
	at := net.JoinHostPort(n.addr.Addr().String(), strconv.Itoa(int(n.addr.Port())))
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", at)
	if err != nil {
		return err
	}
	if n.addr.Port() == 0 {
		n.addr = netip.AddrPortFrom(n.addr.Addr(), uint16(l.Addr().(*net.TCPAddr).Port))
	}
	if n.o.TLS != nil {
		l = tls.NewListener(l, n.o.TLS)
	}
	n.mu.Lock()
	n.listener = l
	n.mu.Unlock()
	n.wg.Go(func() { n.accept(l) })
	return nil
}

func (n *Node) unlisten() error {
	n.mu.Lock()
	l := n.listener
	n.listener = nil
	n.mu.Unlock()
	if l == nil {
		return nil
	}
	return shut(l)
}

func (n *Node) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		c := &conn{n: n, nc: nc}
		n.mu.Lock()
		n.accepted++
		if n.closed {
			n.mu.Unlock()
			nc.Close()
			return
		}
		n.conns[c] = struct{}{}
		n.wg.Go(c.serve)
		n.mu.Unlock()
	}
}
