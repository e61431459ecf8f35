package mesh

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sim is a cluster under the rule that OTP 25 brought (prevent_overlapping_partitions):
// global connects whoever meets to everybody that either knows, and a connection that is
// lost, or cannot be made, makes all who hear of it cut both its ends off.
type sim struct {
	names  []string
	reach  map[Link]bool // directed: A can open a connection to B
	up     map[Link]bool
	status []Status
	dials  []Dial
	now    time.Duration
}

func newSim(n int, blocked []Link) *sim {
	w := &sim{reach: map[Link]bool{}, up: map[Link]bool{}, status: make([]Status, n)}
	for i := range n {
		w.names = append(w.names, fmt.Sprintf("s@10.0.0.%02d", i+1))
		w.status[i] = Started
	}
	for _, x := range w.names {
		for _, y := range w.names {
			w.reach[Link{x, y}] = !slices.Contains(blocked, Link{x, y})
		}
	}
	return w
}

func (w *sim) peers(n string) []string {
	var out []string
	for _, o := range w.names {
		if w.up[LinkOf(n, o)] && o != n {
			out = append(out, o)
		}
	}
	return out
}

func (w *sim) links() int { return len(w.up) }

func (w *sim) snapshot() map[Link]bool {
	s := map[Link]bool{}
	for l := range w.up {
		s[l] = true
	}
	return s
}

// connect is net_kernel:connect_node and what global makes of it. A connection exists if
// either end can open it; those who meet then introduce everybody to everybody.
func (w *sim) connect(from, to string) {
	if w.up[LinkOf(from, to)] || !w.reach[Link{from, to}] {
		return
	}
	left, right := append(w.peers(from), from), append(w.peers(to), to)
	w.up[LinkOf(from, to)] = true
	var lost []Link
	for _, x := range left {
		for _, y := range right {
			if x == y || w.up[LinkOf(x, y)] {
				continue
			}
			if w.reach[Link{x, y}] || w.reach[Link{y, x}] {
				w.up[LinkOf(x, y)] = true
			} else {
				lost = append(lost, LinkOf(x, y))
			}
		}
	}
	for _, l := range lost {
		w.lose(l)
	}
}

// lose is global's protection: everybody who is connected to both ends cuts both off,
// and so it was measured that all of three part.
func (w *sim) lose(l Link) {
	delete(w.up, l)
	for _, n := range w.names {
		if n != l.A && n != l.B && w.up[LinkOf(n, l.A)] && w.up[LinkOf(n, l.B)] {
			delete(w.up, LinkOf(n, l.A))
			delete(w.up, LinkOf(n, l.B))
		}
	}
}

// stop takes a node away, as a clean stop does: global is told before.
func (w *sim) stop(i int) {
	w.status[i] = StatusUnknown
	for _, p := range w.peers(w.names[i]) {
		delete(w.up, LinkOf(w.names[i], p))
	}
}

func (w *sim) input(self string) JoinInput {
	in := JoinInput{Self: self, Reach: map[Link]Tri{}}
	for i, n := range w.names {
		m := Member{Name: n, Status: w.status[i]}
		if w.status[i] != StatusUnknown {
			m.Peers, m.ConnectAll = w.peers(n), Yes
		}
		in.Members = append(in.Members, m)
		for j, o := range w.names {
			if w.status[i] != StatusUnknown && w.status[j] != StatusUnknown {
				in.Reach[Link{n, o}] = TriOf(w.reach[Link{n, o}])
			}
		}
	}
	for _, d := range w.dials {
		d.Ago = w.now - d.Ago
		in.Dials = append(in.Dials, d)
	}
	return in
}

type failer interface{ Fatalf(string, ...any) }

// round lets every replica look once and do as it is told, half a second apart, and
// fails where that cost a link.
func (w *sim) round(t failer, plan func(JoinInput) JoinDecision) {
	if w.step(plan) {
		t.Fatalf("joining took links away")
	}
}

// step is round, and reports whether a link was lost.
func (w *sim) step(plan func(JoinInput) JoinDecision) bool {
	w.now += 500 * time.Millisecond
	lost := false
	for i, n := range w.names {
		if w.status[i] != Started {
			continue
		}
		d := plan(w.input(n))
		if d.Act != Join {
			continue
		}
		before := w.snapshot()
		for _, to := range d.Dial {
			w.connect(n, to)
		}
		for l := range before {
			lost = lost || !w.up[l]
		}
		w.dials = slices.DeleteFunc(w.dials, func(o Dial) bool { return o.By == n })
		w.dials = append(w.dials, Dial{By: n, Targets: d.Dial, Ago: w.now})
	}
	return lost
}

func blocked(t *rapid.T, n int) []Link {
	var out []Link
	w := newSim(n, nil)
	for _, x := range w.names {
		for _, y := range w.names {
			if x != y && rapid.IntRange(0, 5).Draw(t, "blocked") == 0 {
				out = append(out, Link{x, y})
			}
		}
	}
	return out
}

// With any reachability, any order and nodes that come and go, doing what PlanJoin says
// never costs a link; and where everybody reaches everybody it ends in one mesh.
func TestJoiningNeverDestroys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 7).Draw(t, "n")
		w := newSim(n, blocked(t, n))
		for range rapid.IntRange(1, 30).Draw(t, "rounds") {
			switch i := rapid.IntRange(0, n-1).Draw(t, "who"); rapid.IntRange(0, 7).Draw(t, "event") {
			case 0:
				w.stop(i)
			case 1:
				w.status[i] = Booting
				w.stop(i)
				w.status[i] = Booting
			case 2:
				w.status[i] = Started
			case 3: // a way opens; one that closes is the network's doing, not the joiner's
				w.reach[Link{w.names[i], w.names[rapid.IntRange(0, n-1).Draw(t, "to")]}] = true
			}
			w.round(t, PlanJoin)
		}
		for i := range n {
			w.status[i] = Started
		}
		for l := range w.reach {
			w.reach[l] = true
		}
		w.now += time.Hour
		for range 3 * n {
			w.round(t, PlanJoin)
		}
		if want := n * (n - 1) / 2; w.links() != want {
			t.Fatalf("the network is whole, and %d of %d links are up", w.links(), want)
		}
	})
}

// The simulation has to catch joiners that destroy: one that dials whomever it can
// reach, one that asks only for its own half of the way, and one that joins any member
// of an island by the best reached one.
func TestSimulationCatchesBadJoiners(t *testing.T) {
	bad := map[string]func(JoinInput) JoinDecision{
		"dials whom it reaches": func(in JoinInput) JoinDecision {
			var d JoinDecision
			for _, m := range in.Members {
				if m.Name != in.Self && m.Status == Started && in.Reach[Link{in.Self, m.Name}] == Yes {
					d.Act, d.Dial = Join, append(d.Dial, m.Name)
				}
			}
			return d
		},
		"asks for one member alone": func(in JoinInput) JoinDecision {
			good := PlanJoin(in)
			if good.Act != Refuse {
				return good
			}
			for _, n := range good.Island {
				if in.Reach[Link{in.Self, n}] == Yes {
					return JoinDecision{Act: Join, Dial: []string{n}}
				}
			}
			return good
		},
		"takes unknown for yes": func(in JoinInput) JoinDecision {
			seen := in
			seen.Reach = map[Link]Tri{}
			for _, x := range in.Members {
				for _, y := range in.Members {
					l := Link{x.Name, y.Name}
					if seen.Reach[l] = Yes; x.Name == in.Self || y.Name == in.Self {
						seen.Reach[l] = in.Reach[l]
					}
				}
			}
			seen.Dials = nil
			return PlanJoin(seen)
		},
	}
	for name, plan := range bad {
		t.Run(name, func(t *testing.T) {
			caught := false
			for seed := range 2000 {
				w := seededSim(seed)
				for range 12 {
					caught = caught || w.step(plan)
				}
				if caught {
					return
				}
			}
			t.Error("2,000 clusters and not a link was lost: the simulation does not catch it")
		})
	}
}

// seededSim is the seed-th of a row of small clusters with a way or two closed, every
// other one with two islands of two in it.
func seededSim(seed int) *sim {
	n := 3 + seed%3
	w := newSim(n, nil)
	for k := seed / 3; k > 0; k /= 7 {
		x, y := w.names[k%n], w.names[(k/n)%n]
		if x != y {
			w.reach[Link{x, y}], w.reach[Link{y, x}] = false, false
		}
	}
	if n >= 4 && seed%2 == 1 {
		w.connect(w.names[0], w.names[1])
		w.connect(w.names[2], w.names[3])
	}
	return w
}
