package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("shop@10.0.0.%d", i+1)
	}
	return out
}

func TestColdStart(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7} {
		synctest.Test(t, func(t *testing.T) {
			all := names(n)
			w := newWorld(t, all...)
			agents, stop := w.run(nil)
			defer stop()
			for _, name := range all { // one after another, at no particular moment
				time.Sleep(time.Duration(rand.N(700)) * time.Millisecond)
				w.boot(name)
			}
			time.Sleep(time.Second) // by when the mesh has to stand after the slowest boot
			if err := w.full(); err != nil {
				t.Errorf("%d nodes, 1 s after the last boot: %v", n, err)
			}
			time.Sleep(3 * time.Second) // a ready replica's agent looks at its ease
			if err := allReady(agents); err != nil {
				t.Errorf("%d nodes: %v", n, err)
			}
			if n := w.lost(); n != 0 {
				t.Errorf("%d links were lost on the way", n)
			}
		})
	}
}

// All boot at the same moment: each would dial every other if they did not
// take turns.
func TestAllAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(9)
		w := newWorld(t, all...)
		agents, stop := w.run(nil)
		defer stop()
		time.Sleep(10 * time.Second)
		for _, name := range all {
			if s := agents[name].State(); s.Ready || s.Booted {
				t.Fatalf("%s before its boot: %+v", name, s)
			}
			w.boot(name)
		}
		time.Sleep(time.Second)
		if err := w.full(); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
		if err := allReady(agents); err != nil {
			t.Error(err)
		}
	})
}

// A node that cannot be joined with all is not joined at all, its own gate
// alone stays closed, it is tried less and less often, and comes in when it can.
func TestOneBadPair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		a, c := all[0], all[2]
		w := newWorld(t, all...)
		w.cut[mesh.Link{A: c, B: a}] = true
		agents, stop := w.run(nil)
		defer stop()
		for _, name := range all {
			w.boot(name)
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(3 * time.Second)
		seen := func() (n int) {
			w.set(func(w *world) { n = w.views })
			return n
		}
		before := seen()
		time.Sleep(2 * time.Minute)
		if looks := seen() - before; looks > 3*15 { // the refused one, and the two that see it standing outside
			t.Errorf("three agents looked at everything %d times in two minutes", looks)
		}
		s := agents[c].State()
		if s.Ready || s.Joined || s.Waiting || !strings.Contains(s.Reason, c+" does not reach "+a) {
			t.Errorf("the node that reaches one of two: %+v", s)
		}
		for _, name := range all[:2] {
			if s := agents[name].State(); !s.Ready {
				t.Errorf("%s: %+v", name, s)
			}
		}
		w.set(func(w *world) {
			if w.parted != 0 || !w.links[mesh.LinkOf(a, all[1])] || len(w.links) != 1 {
				t.Errorf("links %v, %d parted", w.links, w.parted)
			}
		})
		w.set(func(w *world) { clear(w.cut) })
		time.Sleep(paceRefuse + time.Second)
		if err := errors.Join(w.full(), allReady(agents)); err != nil {
			t.Error(err)
		}
	})
}

func TestLookupsThatFailChangeNothing(t *testing.T) {
	for what, break_ := range map[string]func(w *world){
		"error": func(w *world) { w.dnsErr = errors.New("no such host") },
		"empty": func(w *world) { w.listed = nil },
		"self":  func(w *world) { w.listed = names(1) },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, names(3)...)
			agents, stop := w.run(nil)
			defer stop()
			for _, n := range names(3) {
				w.boot(n)
			}
			time.Sleep(2 * time.Second)
			w.set(break_)
			time.Sleep(time.Minute)
			if err := w.full(); err != nil || w.lost() > 0 {
				t.Errorf("%s: %v, %d parted", what, err, w.lost())
			}
			for name, a := range agents {
				if s := a.State(); !s.Ready {
					t.Errorf("%s: %s: %+v", what, name, s)
				}
			}
		})
	}
}

func TestWithoutDiscoveryTheGateStaysClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, names(2)...)
		w.dnsErr = errors.New("lookup shop: no such host")
		agents, stop := w.run(nil)
		defer stop()
		w.boot(names(2)[0])
		time.Sleep(5 * time.Second)
		s := agents[names(2)[0]].State()
		if s.Ready || s.Waiting || !strings.Contains(s.Reason, "no such host") {
			t.Errorf("nobody can be found: %+v", s)
		}
		w.set(func(w *world) { w.dnsErr = nil })
		time.Sleep(time.Second)
		if s := agents[names(2)[0]].State(); !s.Ready || !s.Joined {
			t.Errorf("found, and nobody else is alive: %+v", s)
		}
	})
}

// A node that falls silent keeps its gate; it does not hold the others up, and
// one that comes new stays out of an island that it cannot join as a whole.
func TestFrozenNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(4)
		w := newWorld(t, all...)
		agents, stop := w.run(nil)
		defer stop()
		for _, n := range all[:3] {
			w.boot(n)
		}
		time.Sleep(2 * time.Second)
		w.set(func(w *world) { w.nodes[all[1]].frozen = true })
		time.Sleep(30 * time.Second)
		for _, n := range all[:3] {
			s := agents[n].State()
			if !s.Ready {
				t.Errorf("%s with a frozen peer: %+v", n, s)
			}
			silent := !s.Silent.IsZero() && strings.Contains(s.Reason, "does not answer since")
			if silent != (n == all[1]) {
				t.Errorf("%s: silent since %v: %s", n, s.Silent, s.Reason)
			}
		}
		w.boot(all[3])
		time.Sleep(10 * time.Second)
		if s := agents[all[3]].State(); s.Ready {
			t.Errorf("the new one: %+v", s)
		}
		w.set(func(w *world) {
			if w.parted != 0 || len(w.links) != 3 {
				t.Errorf("links %v, %d parted", w.links, w.parted)
			}
		})
		w.set(func(w *world) { w.nodes[all[1]].frozen = false })
		time.Sleep(peerMax + paceRefuse)
		if err := errors.Join(w.full(), allReady(agents)); err != nil {
			t.Error(err)
		}
	})
}

func TestUnreachedNamesTheNodeOnce(t *testing.T) {
	const node = "shop@10.0.0.1"
	for detail, want := range map[string]string{
		node + " (10.0.0.1:9100): handshake: it has another cookie": "the node cannot be reached (10.0.0.1:9100): handshake: it has another cookie",
		node + ": resolve: no such host":                            "the node cannot be reached: resolve: no such host",
		"the name has no host":                                      "the node cannot be reached: the name has no host",
	} {
		err := &probe.Unreached{Node: node, Failure: mesh.Failure{Detail: detail}}
		if got := unreached(node, err); got != want {
			t.Errorf("%s:\n got %s\nwant %s", detail, got, want)
		}
	}
	if got := unreached(node, errors.New("timeout")); got != "the node does not answer: timeout" {
		t.Error(got)
	}
}

// A node that has not booted is not silent, one slow answer is no silence, a
// longer one is, and it ends with the next answer.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := names(1)[0]
		w := newWorld(t, n)
		freeze := func(on bool) { w.set(func(w *world) { w.nodes[n].frozen = on }) }
		var seen []State
		agents, stop := w.run(func(c *Config) { c.Changed = func(s State) { w.set(func(*world) { seen = append(seen, s) }) } })
		defer stop()
		freeze(true)
		time.Sleep(time.Minute)
		freeze(false)
		w.boot(n)
		time.Sleep(5 * time.Second)
		freeze(true)
		time.Sleep(silentAfter - time.Second)
		freeze(false)
		time.Sleep(10 * time.Second)
		w.set(func(*world) {
			for _, s := range seen {
				if !s.Silent.IsZero() {
					t.Errorf("silent: %+v", s)
				}
			}
		})
		began := time.Now()
		freeze(true)
		time.Sleep(silentAfter + 2*lookTimeout + paceAgain)
		if s := agents[n].State(); !s.Ready || s.Silent.Before(began) || s.Reason != "ready, but the node does not answer since "+s.Silent.Format(time.TimeOnly) {
			t.Errorf("frozen: %+v", s)
		}
		freeze(false)
		time.Sleep(lookTimeout + time.Second)
		if s := agents[n].State(); !s.Ready || !s.Silent.IsZero() || strings.Contains(s.Reason, "does not answer") {
			t.Errorf("it answers again: %+v", s)
		}
	})
}

// A node that lets nobody in writes a line to its log at each try: whoever asks it asks
// less and less often, and its peers go on without it.
func TestRefusingNodeIsNotPestered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		w := newWorld(t, all...)
		w.set(func(w *world) { w.nodes[all[2]].refusing = true })
		agents, stop := w.run(nil)
		defer stop()
		for _, n := range all {
			w.boot(n)
		}
		time.Sleep(time.Minute)
		for _, n := range all[:2] {
			if s := agents[n].State(); !s.Ready {
				t.Errorf("%s beside a node that refuses: %+v", n, s)
			}
		}
		if s := agents[all[2]].State(); s.Ready {
			t.Errorf("the node that refuses: %+v", s)
		}
		w.set(func(w *world) {
			// Its own agent every 10 s, and two peers every 15 s, once they have slowed down.
			if k := w.nodes[all[2]].knocks; k < 5 || k > 25 {
				t.Errorf("asked %d times in a minute", k)
			}
			w.nodes[all[2]].refusing = false
		})
		time.Sleep(peerMax + paceRefuse)
		if err := errors.Join(w.full(), allReady(agents)); err != nil {
			t.Error(err)
		}
	})
}

func TestRestartedNodeStartsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(2)
		w := newWorld(t, all...)
		agents, stop := w.run(nil)
		defer stop()
		w.boot(all[0])
		w.boot(all[1])
		time.Sleep(2 * time.Second)
		w.stop(all[1])
		w.set(func(w *world) { w.nodes[all[1]].status = mesh.Booting; w.nodes[all[1]].incarnation++ })
		time.Sleep(3 * time.Second)
		if s := agents[all[1]].State(); s.Ready || !s.Waiting {
			t.Errorf("a new life that boots: %+v", s)
		}
		if s := agents[all[0]].State(); !s.Ready {
			t.Errorf("its peer: %+v", s)
		}
		w.set(func(w *world) { w.nodes[all[1]].status = mesh.Started })
		time.Sleep(time.Second)
		if err := errors.Join(w.full(), allReady(agents)); err != nil {
			t.Error(err)
		}
	})
}

// A node that is gone takes no traffic, before and while another life of it boots; one
// that merely does not answer keeps its gate.
func TestAGoneNodeIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(2)
		w := newWorld(t, all...)
		agents, stop := w.run(nil)
		defer stop()
		w.boot(all[0])
		w.boot(all[1])
		time.Sleep(2 * time.Second)
		for range 2 {
			w.end(all[0])
			time.Sleep(2 * time.Second)
			if s := agents[all[0]].State(); s.Ready || s.Booted || !s.Waiting {
				t.Errorf("gone: %+v", s)
			}
			time.Sleep(time.Minute)
			w.set(func(w *world) {
				n := w.nodes[all[0]]
				n.ended, n.status = false, mesh.Booting
				n.incarnation++
			})
			time.Sleep(5 * time.Second)
			if s := agents[all[0]].State(); s.Ready || s.Booted || !s.Waiting {
				t.Errorf("it boots: %+v", s)
			}
			w.set(func(w *world) { w.nodes[all[0]].status = mesh.Started })
			time.Sleep(2 * time.Second)
			if err := errors.Join(w.full(), allReady(agents)); err != nil {
				t.Error(err)
			}
		}
		w.stop(all[0])
		time.Sleep(10 * time.Second)
		if s := agents[all[0]].State(); !s.Ready || s.Silent.IsZero() {
			t.Errorf("it does not answer: %+v", s)
		}
	})
}

func TestGateWaitsForAppsAndPort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, names(1)...)
		n := names(1)[0]
		portErr := errors.New("connection refused")
		agents, stop := w.run(func(c *Config) {
			c.Apps = []string{"kernel", "shop"}
			c.HTTPAccepts = func(context.Context) error {
				w.mu.Lock()
				defer w.mu.Unlock()
				return portErr
			}
		})
		defer stop()
		w.boot(n)
		w.set(func(w *world) { w.nodes[n].apps = []string{"kernel"} })
		time.Sleep(time.Second)
		if s := agents[n].State(); s.Booted || s.Ready || !strings.Contains(s.Reason, "shop") {
			t.Errorf("an application does not run: %+v", s)
		}
		w.set(func(w *world) { w.nodes[n].apps = []string{"shop", "kernel"} })
		time.Sleep(time.Second)
		if s := agents[n].State(); !s.Booted || s.Ready || !strings.Contains(s.Reason, "refused") {
			t.Errorf("the port is closed: %+v", s)
		}
		w.set(func(*world) { portErr = nil })
		time.Sleep(200 * time.Millisecond)
		if s := agents[n].State(); !s.Ready {
			t.Errorf("all there: %+v", s)
		}
		agents[n].Drain()
		time.Sleep(100 * time.Millisecond)
		if s := agents[n].State(); s.Ready || s.Reason != "draining" {
			t.Errorf("draining: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := agents[n].State(); s.Ready {
			t.Errorf("it opened while draining: %+v", s)
		}
	})
}

func TestNeverLeavesJoiningAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, names(2)...)
		agents, stop := w.run(func(c *Config) { c.Never = true })
		defer stop()
		w.boot(names(2)[0])
		w.boot(names(2)[1])
		time.Sleep(time.Minute)
		w.set(func(w *world) {
			if len(w.links) != 0 {
				t.Error("somebody joined")
			}
		})
		for n, a := range agents {
			if s := a.State(); !s.Ready {
				t.Errorf("%s: %+v", n, s)
			}
		}
	})
}

// A gate that asks for no join is open though the join is refused.
func TestUnjoinedOpensTheGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(2)
		w := newWorld(t, all...)
		agents, stop := w.run(func(c *Config) { c.Unjoined = true })
		defer stop()
		w.set(func(w *world) {
			w.cut[mesh.Link{A: all[0], B: all[1]}], w.cut[mesh.Link{A: all[1], B: all[0]}] = true, true
		})
		w.boot(all[0])
		w.boot(all[1])
		time.Sleep(time.Minute)
		for n, a := range agents {
			if s := a.State(); !s.Ready || s.Joined {
				t.Errorf("%s: %+v", n, s)
			}
		}
	})
}

// Whatever boots, dies, freezes and is cut off in whatever order: joining never
// parts anybody, and once everything works again there is one full mesh.
func TestNothingIsEverDestroyed(t *testing.T) {
	for seed := range uint64(40) {
		synctest.Test(t, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			all := names(3 + rng.IntN(4))
			w := newWorld(t, all...)
			agents, stop := w.run(nil)
			defer stop()
			pick := func() string { return all[rng.IntN(len(all))] }
			for range 30 {
				time.Sleep(time.Duration(rng.IntN(4000)) * time.Millisecond)
				n := pick()
				switch rng.IntN(7) {
				case 0, 1, 2:
					w.set(func(w *world) {
						if f := w.nodes[n]; f.status != mesh.Started {
							f.status = mesh.Started
							f.incarnation++
						}
					})
				case 3:
					w.stop(n)
				case 4:
					w.set(func(w *world) { w.nodes[n].frozen = !w.nodes[n].frozen })
				case 5: // a path that breaks without breaking a link that is up
					l := mesh.Link{A: n, B: pick()}
					w.set(func(w *world) { w.cut[l] = !w.links[mesh.LinkOf(l.A, l.B)] })
				case 6:
					w.set(func(w *world) {
						if w.dnsErr = nil; rng.IntN(2) == 0 {
							w.dnsErr = errors.New("server misbehaving")
						}
					})
				}
			}
			w.set(func(w *world) {
				clear(w.cut)
				w.dnsErr = nil
				for _, f := range w.nodes {
					f.frozen = false
					if f.status != mesh.Started {
						f.status = mesh.Started
						f.incarnation++
					}
				}
			})
			time.Sleep(2 * time.Minute)
			if n := w.lost(); n != 0 {
				t.Errorf("seed %d: joining parted %d links", seed, n)
			}
			if err := errors.Join(w.full(), allReady(agents)); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}
