package erltest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
)

// MeshOptions make a mesh.
type MeshOptions struct {
	// Size is the number of nodes.
	Size int
	// Cookie is the secret of all.
	Cookie dist.Cookie
	// Name names the i-th node, from 0; "n0001@127.0.0.1" and so on by default.
	Name func(i int) string
	// Options, if not nil, changes what the i-th node is made of.
	Options func(i int, o *Options)
}

// Mesh is nodes that know one another: each tells all others as its peers, but
// for links that were cut. All register with one EPMD.
//
// The links are what the nodes tell of, not connections between them: nobody
// dials anybody.
type Mesh struct {
	EPMD  *EPMD
	Nodes []*Node

	mu     sync.Mutex
	byName map[string]*Node
	down   map[link]state
}

// link is a direction: what the first node says of the second.
type link struct{ from, to string }

type state uint8

const (
	parted state = iota + 1 // down; connect_node brings it up
	cut                     // down, and connect_node fails
)

// StartMesh starts a full mesh and stops it when the test ends.
func StartMesh(tb testing.TB, o MeshOptions) *Mesh {
	tb.Helper()
	m := &Mesh{EPMD: StartEPMD(tb), byName: make(map[string]*Node), down: make(map[link]state)}
	for i := range o.Size {
		no := Options{Cookie: o.Cookie, EPMD: m.EPMD, Name: fmt.Sprintf("n%04d@127.0.0.1", i+1)}
		if o.Name != nil {
			no.Name = o.Name(i)
		}
		if o.Options != nil {
			o.Options(i, &no)
		}
		n, err := newNode(no, m)
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(n.Close)
		m.Nodes = append(m.Nodes, n)
		m.mu.Lock()
		m.byName[no.Name] = n
		m.mu.Unlock()
	}
	return m
}

// Names are the nodes' full names, in their order.
func (m *Mesh) Names() []string {
	out := make([]string, len(m.Nodes))
	for i, n := range m.Nodes {
		out[i] = n.Name()
	}
	return out
}

// Node gives the node of a name, or nil.
func (m *Mesh) Node(name string) *Node {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byName[name]
}

// Cut takes the link between two nodes down; net_kernel:connect_node/1 does not
// bring it up again.
func (m *Mesh) Cut(a, b string) {
	m.CutOneWay(a, b)
	m.CutOneWay(b, a)
}

// CutOneWay makes from know nothing of to any more, while to still tells of
// from.
func (m *Mesh) CutOneWay(from, to string) { m.set(from, to, cut) }

// Part takes the link between two nodes down, until one is told to connect to
// the other.
func (m *Mesh) Part(a, b string) { m.part(a, b) }

// Mend brings the link between two nodes up.
func (m *Mesh) Mend(a, b string) {
	m.set(a, b, 0)
	m.set(b, a, 0)
}

func (m *Mesh) set(from, to string, s state) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s == 0 {
		delete(m.down, link{from, to})
		return
	}
	m.down[link{from, to}] = s
}

func (m *Mesh) part(a, b string) bool {
	if m.Node(b) == nil {
		return false
	}
	m.set(a, b, parted)
	m.set(b, a, parted)
	return true
}

// connect is net_kernel:connect_node(to) on from.
func (m *Mesh) connect(from, to string) bool {
	n := m.Node(to)
	if n == nil || !n.Alive() {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down[link{from, to}] == cut || m.down[link{to, from}] == cut {
		return false
	}
	delete(m.down, link{from, to})
	delete(m.down, link{to, from})
	return true
}

func (m *Mesh) peersOf(name string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]string, 0, len(m.Nodes))
	for _, n := range m.Nodes {
		if n.o.Name != name && !n.o.Hidden && m.down[link{name, n.o.Name}] == 0 && n.Alive() {
			out = append(out, n.o.Name)
		}
	}
	return out
}
