package agent

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

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
		w, all, agents := joinedPair(t)
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
		w, all, agents := joinedPair(t)
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

// joinedPair is two nodes in one mesh, and their agents; they end with the bubble.
func joinedPair(t *testing.T) (*world, []string, map[string]*Agent) {
	t.Helper()
	all := names(2)
	w := newWorld(t, all...)
	agents, stop := w.run(nil)
	t.Cleanup(stop)
	w.boot(all[0])
	w.boot(all[1])
	time.Sleep(2 * time.Second)
	return w, all, agents
}
