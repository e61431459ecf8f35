package agent

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
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
