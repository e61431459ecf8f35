package mesh

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// node makes a reached, started node of OTP 25 with everything at its default.
func node(name string, peers ...string) Node {
	return Node{Name: name, Reached: true, Peers: peers, OTP: "25", Status: Started,
		Flags: Flags{LongNames: Yes, ConnectAll: Yes, PreventOverlapping: Yes, Hidden: No, Proto: "inet_tcp"}}
}

func unreached(name string, c Cause) Node {
	return Node{Name: name, Failure: &Failure{Stage: KindHandshake, Cause: c, Detail: "as seen by the test"}}
}

func TestGraphOfThree(t *testing.T) {
	const a, b, c = "s@10.0.0.1", "s@10.0.0.2", "s@10.0.0.3"
	tests := []struct {
		name          string
		nodes         []Node
		islands       [][]string
		up            int
		missing, ways []Link
	}{
		{"full", []Node{node(a, b, c), node(b, a, c), node(c, a, b)}, [][]string{{a, b, c}}, 3, nil, nil},
		{"apart", []Node{node(a), node(b), node(c)}, [][]string{{a}, {b}, {c}}, 0, []Link{{a, b}, {a, c}, {b, c}}, nil},
		{"one out", []Node{node(a, b), node(b, a), node(c)}, [][]string{{a, b}, {c}}, 1, []Link{{a, c}, {b, c}}, nil},
		{"a chain is one island and no full mesh", []Node{node(a, b), node(b, a, c), node(c, b)}, [][]string{{a, b, c}}, 2, []Link{{a, c}}, nil},
		{"one way", []Node{node(a, b), node(b), node(c)}, [][]string{{a}, {b}, {c}}, 0, []Link{{a, b}, {a, c}, {b, c}}, []Link{{a, b}}},
		{"an end that could not be asked does not deny", []Node{node(a, b, c), unreached(b, CauseFrozen), node(c, a, b)}, [][]string{{a, b, c}}, 3, nil, nil},
		{"nobody looked", nil, [][]string{{a}, {b}, {c}}, 0, []Link{{a, b}, {a, c}, {b, c}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := Build(Observation{Expected: []string{c, a, b}, Nodes: tt.nodes})
			if d := cmp.Diff(tt.islands, g.Islands()); d != "" {
				t.Errorf("islands (-want +got):\n%s", d)
			}
			if g.Up() != tt.up || g.Expected() != 3 {
				t.Errorf("links: %d of %d, want %d of 3", g.Up(), g.Expected(), tt.up)
			}
			if d := cmp.Diff(tt.missing, g.Missing()); d != "" && len(tt.missing)+len(g.Missing()) > 0 {
				t.Errorf("missing (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.ways, g.OneWay()); d != "" {
				t.Errorf("one way (-want +got):\n%s", d)
			}
		})
	}
}

// Nodes that choose their own links are in the graph, but no link to them is missed.
func TestGraphDoesNotWantWhatNobodyWants(t *testing.T) {
	const a, b, h, p = "s@10.0.0.1", "s@10.0.0.2", "s@10.0.0.3", "s@10.0.0.4"
	hidden, chooser := node(h), node(p, a)
	hidden.Flags.Hidden = Yes
	chooser.Flags.ConnectAll = No
	g := Build(Observation{Expected: []string{a, b, h, p}, Nodes: []Node{node(a, b, p), node(b, a), hidden, chooser}})
	if g.Expected() != 1 || g.Up() != 1 {
		t.Errorf("links %d of %d, want 1 of 1", g.Up(), g.Expected())
	}
	if d := cmp.Diff([][]string{{a, b, p}, {h}}, g.Islands()); d != "" {
		t.Errorf("islands (-want +got):\n%s", d)
	}
}

// observations draws a mesh of up to 8 nodes in any state, with walks that know or do
// not know something of the missing links.
func observations(t *rapid.T) Observation {
	n := rapid.IntRange(0, 8).Draw(t, "n")
	var o Observation
	name := func(i int) string { return fmt.Sprintf("s@10.0.0.%d", i+1) }
	causes := []Cause{CauseDNSNotFound, CauseDNSSilent, CauseEPMDRefused, CauseEPMDFiltered, CauseEPMDMute, CauseNotRegistered,
		CausePortRefused, CausePortFiltered, CauseNotDistributed, CauseTLS, CausePlain, CauseFrozen, CauseNameMismatch, CauseNotAllowed,
		CauseVersions, CauseCookie, CauseCookieSpace, CauseCookiePerPeer, CauseNames, CauseCalls, CauseOther, CauseBadName}
	cause := rapid.SampledFrom(causes)
	for i := range n {
		if rapid.Bool().Draw(t, "expected") {
			o.Expected = append(o.Expected, name(i))
		}
		x := node(name(i))
		switch rapid.IntRange(0, 9).Draw(t, "state") {
		case 0:
			o.Expected = append(o.Expected, name(i))
			continue // not looked at
		case 1:
			x = unreached(name(i), cause.Draw(t, "failure"))
			x.Failure.PeerName = rapid.SampledFrom([]string{"", "s@127.0.0.1", "other@10.0.0.9", "s@short"}).Draw(t, "answers")
			x.Failure.Known = rapid.SampledFrom([][]string{nil, {"other"}, {"rpc-1-s"}}).Draw(t, "known")
		default:
			x.Status = rapid.SampledFrom([]Status{Started, Started, Started, Booting, Stopping}).Draw(t, "status")
			x.Creation = 1
			x.Flags.Hidden = rapid.SampledFrom([]Tri{No, No, No, Yes}).Draw(t, "hidden")
			x.Flags.ConnectAll = rapid.SampledFrom([]Tri{Yes, Yes, Yes, No}).Draw(t, "connect_all")
			x.Flags.LongNames = rapid.SampledFrom([]Tri{Yes, Yes, Unknown, No}).Draw(t, "long")
			x.Flags.Proto = rapid.SampledFrom([]string{"inet_tcp", "inet_tcp", "inet_tls", "inet6_tcp", ""}).Draw(t, "proto")
			x.Flags.Allowed = rapid.SampledFrom([][]string{nil, nil, nil, {name(0)}}).Draw(t, "allowed")
			x.Unanswered = rapid.SampledFrom([][]string{nil, nil, nil, {AskPeers}}).Draw(t, "unanswered")
			for j := range n {
				other := name(j)
				switch rapid.IntRange(0, 4).Draw(t, "link") {
				case 0:
					x.Pending = append(x.Pending, other)
				case 1:
					x.Lost = append(x.Lost, Loss{By: other, Node: name(i), Creation: 1}, Loss{By: name(i), Node: other, Creation: 1})
				case 2, 3:
					x.Peers = append(x.Peers, other)
				}
			}
		}
		o.Nodes = append(o.Nodes, x)
	}
	for _, l := range Build(o).Missing() {
		for _, w := range []Link{{l.A, l.B}, {l.B, l.A}} {
			tr := Trace{From: w.A, To: w.B, Place: w.A, Steps: []Step{{Kind: KindName, State: Passed}}}
			switch rapid.IntRange(0, 3).Draw(t, "walk") {
			case 0:
				continue
			case 1:
				tr.Steps = append(tr.Steps, Step{Kind: KindEPMD, State: Failed, Cause: cause.Draw(t, "step"), Found: []string{"9100"}})
			case 2:
				tr.Steps = append(tr.Steps, Step{Kind: KindCookie, State: Unseen})
			}
			tr.Steps = append(tr.Steps, Step{Kind: KindLink, State: Failed, Cause: CauseUnlinked})
			o.Traces = append(o.Traces, tr)
		}
	}
	return o
}

func TestIslandsPartitionTheNodes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := observations(t)
		g := Build(o)
		var all []string
		for i, island := range g.Islands() {
			if len(island) == 0 {
				t.Fatalf("island %d is empty", i)
			}
			all = append(all, island...)
		}
		slices.Sort(all)
		if !slices.Equal(all, g.Names()) {
			t.Fatalf("islands hold %v, the nodes are %v", all, g.Names())
		}
		of := map[string]int{}
		for i, island := range g.Islands() {
			for _, n := range island {
				of[n] = i
			}
		}
		for _, a := range g.Names() {
			for _, b := range g.Names() {
				if g.Linked(a, b) && of[a] != of[b] {
					t.Fatalf("%s and %s are linked and stand in two islands", a, b)
				}
			}
		}
	})
}

// A link is there from both ends, missing from both, or one-way and then missing.
func TestLinksAreSymmetricOrOneWay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Build(observations(t))
		oneWay := map[Link]bool{}
		for _, l := range g.OneWay() {
			if g.Linked(l.A, l.B) {
				t.Fatalf("%v is one-way and up", l)
			}
			oneWay[l] = true
		}
		for _, a := range g.Names() {
			for _, b := range g.Names() {
				if g.Linked(a, b) != g.Linked(b, a) {
					t.Fatalf("%s and %s do not agree", a, b)
				}
				if oneWay[Link{a, b}] && oneWay[Link{b, a}] {
					t.Fatalf("%s -- %s is one-way both ways", a, b)
				}
			}
		}
		if len(g.Missing()) != g.Expected()-g.Up() {
			t.Fatalf("%d missing of %d, %d up", len(g.Missing()), g.Expected(), g.Up())
		}
	})
}

func shuffled(o Observation, seed uint64) Observation {
	r := rand.New(rand.NewPCG(seed, 1))
	o.Expected, o.Nodes, o.Traces = slices.Clone(o.Expected), slices.Clone(o.Nodes), slices.Clone(o.Traces)
	r.Shuffle(len(o.Expected), func(i, j int) { o.Expected[i], o.Expected[j] = o.Expected[j], o.Expected[i] })
	r.Shuffle(len(o.Nodes), func(i, j int) { o.Nodes[i], o.Nodes[j] = o.Nodes[j], o.Nodes[i] })
	r.Shuffle(len(o.Traces), func(i, j int) { o.Traces[i], o.Traces[j] = o.Traces[j], o.Traces[i] })
	for i := range o.Nodes {
		n := &o.Nodes[i]
		n.Peers, n.Lost, n.Pending = slices.Clone(n.Peers), slices.Clone(n.Lost), slices.Clone(n.Pending)
		r.Shuffle(len(n.Peers), func(i, j int) { n.Peers[i], n.Peers[j] = n.Peers[j], n.Peers[i] })
		r.Shuffle(len(n.Lost), func(i, j int) { n.Lost[i], n.Lost[j] = n.Lost[j], n.Lost[i] })
	}
	return o
}

func TestReportDoesNotDependOnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := observations(t)
		once := NewReport(o)
		if d := cmp.Diff(once, NewReport(o)); d != "" {
			t.Fatalf("the second diagnosis differs:\n%s", d)
		}
		if d := cmp.Diff(once, NewReport(shuffled(o, rapid.Uint64().Draw(t, "seed")))); d != "" {
			t.Fatalf("another order gives another report:\n%s", d)
		}
	})
}
