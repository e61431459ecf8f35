package mesh

import (
	"cmp"
	"maps"
	"slices"
)

// Graph is an observation's nodes and links. It is built once and answers without
// looking at the observation again. Its answers are sorted and do not depend on
// the order in which anything was observed.
type Graph struct {
	names []string // sorted: everything expected or looked at
	index map[string]int
	nodes []*Node // by index; nil when it was not looked at
	says  []bits  // says[a] has b: a reports b among its visible peers
	wants []bool  // takes part in the full mesh
	up    int
	need  int
	dark  int // of need, those of which neither end could be asked
}

// bits is a set of small numbers.
type bits []uint64

func (b bits) set(i int)      { b[i>>6] |= 1 << (i & 63) }
func (b bits) has(i int) bool { return b[i>>6]&(1<<(i&63)) != 0 }

// Build makes the graph of an observation. Its nodes are those expected and those
// looked at; a peer that is neither is left to Diagnose.
func Build(o Observation) *Graph {
	set := make(map[string]*Node, len(o.Expected)+len(o.Nodes))
	for _, e := range o.Expected {
		set[e] = nil
	}
	for i := range o.Nodes {
		set[o.Nodes[i].Name] = &o.Nodes[i]
	}
	g := &Graph{names: slices.Sorted(maps.Keys(set)), index: make(map[string]int, len(set))}
	n := len(g.names)
	g.nodes, g.says, g.wants = make([]*Node, n), make([]bits, n), make([]bool, n)
	words := (n + 63) / 64
	all := make(bits, n*words)
	for i, name := range g.names {
		g.index[name] = i
		g.nodes[i] = set[name]
		g.says[i] = all[i*words : (i+1)*words]
		g.wants[i] = set[name] == nil || set[name].inFullMesh()
	}
	for i, node := range g.nodes {
		if !node.told() {
			continue
		}
		for _, p := range node.Peers {
			if j, ok := g.index[p]; ok && j != i {
				g.says[i].set(j)
			}
		}
	}
	for i := range n {
		for j := i + 1; j < n; j++ {
			if g.wants[i] && g.wants[j] {
				g.need++
				switch {
				case g.linked(i, j):
					g.up++
				case !g.known(i, j):
					g.dark++
				}
			}
		}
	}
	return g
}

// inFullMesh tells whether links to every other node are expected of a node. A
// hidden node and one that runs with -connect_all false choose their own.
func (n *Node) inFullMesh() bool { return n.Flags.Hidden != Yes && n.Flags.ConnectAll != No }

func (g *Graph) reached(i int) bool { return g.nodes[i] != nil && g.nodes[i].Reached }

// linked: both ends say so, or the one that could be asked does.
func (g *Graph) linked(i, j int) bool {
	a, b := g.says[i].has(j), g.says[j].has(i)
	return a && b || a && !g.nodes[j].told() || b && !g.nodes[i].told()
}

// known: at least one of the ends said who its peers are.
func (g *Graph) known(i, j int) bool { return g.nodes[i].told() || g.nodes[j].told() }

// Known reports whether it is known if two nodes are connected: one of them could be
// asked.
func (g *Graph) Known(a, b string) bool {
	i, ok := g.index[a]
	j, ok2 := g.index[b]
	return ok && ok2 && g.known(i, j)
}

// Names gives every node of the graph, sorted.
func (g *Graph) Names() []string { return slices.Clone(g.names) }

// Linked reports whether two nodes are connected: both say so, or one says so and
// the other could not be asked.
func (g *Graph) Linked(a, b string) bool {
	i, ok := g.index[a]
	j, ok2 := g.index[b]
	return ok && ok2 && i != j && g.linked(i, j)
}

// Expected counts the links that a full mesh of these nodes has. Hidden nodes and
// nodes that run with -connect_all false choose their own links and do not count.
func (g *Graph) Expected() int { return g.need }

// Up counts those of the expected links that are there.
func (g *Graph) Up() int { return g.up }

// Unknown counts those of the expected links of which neither end could be asked.
func (g *Graph) Unknown() int { return g.dark }

// Islands gives the connected parts: every node stands in exactly one, the largest
// island first, equal ones by their first name. A node that was not reached, and
// that nobody sees, is an island of its own.
func (g *Graph) Islands() [][]string {
	n := len(g.names)
	part := make([]int, n)
	for i := range part {
		part[i] = -1
	}
	var out [][]string
	var queue []int
	for i := range n {
		if part[i] >= 0 {
			continue
		}
		id := len(out)
		var island []string
		part[i] = id
		for queue = append(queue[:0], i); len(queue) > 0; {
			k := queue[len(queue)-1]
			queue = queue[:len(queue)-1]
			island = append(island, g.names[k])
			for j := range n {
				if part[j] < 0 && g.linked(k, j) {
					part[j] = id
					queue = append(queue, j)
				}
			}
		}
		slices.Sort(island)
		out = append(out, island)
	}
	slices.SortFunc(out, func(a, b []string) int {
		return cmp.Or(-cmp.Compare(len(a), len(b)), cmp.Compare(a[0], b[0]))
	})
	return out
}

// Missing gives the expected links that are not there, as far as anybody says, sorted. A
// link that only one of two reached ends reports is missing, and among OneWay; one of
// which neither end could be asked is among them, and not Known.
func (g *Graph) Missing() []Link {
	out := make([]Link, 0, g.need-g.up)
	for i := range g.names {
		for j := i + 1; j < len(g.names); j++ {
			if g.wants[i] && g.wants[j] && !g.linked(i, j) {
				out = append(out, Link{g.names[i], g.names[j]})
			}
		}
	}
	return out
}

// OneWay gives the links that A reports and B, though reached, does not.
func (g *Graph) OneWay() []Link {
	var out []Link
	for i := range g.names {
		for j := range g.names {
			if i != j && g.says[i].has(j) && g.nodes[j].told() && !g.says[j].has(i) {
				out = append(out, Link{g.names[i], g.names[j]})
			}
		}
	}
	return out
}

// Node gives what was seen of a node; nil when it was not looked at.
func (g *Graph) Node(name string) *Node {
	if i, ok := g.index[name]; ok {
		return g.nodes[i]
	}
	return nil
}
