package agent

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// inRoom runs the world's agents within sight of one another, their nodes gone when
// nobody runs.
func (w *world) inRoom(change func(*Config)) (map[string]*Agent, func()) {
	room := NewRoom()
	agents, stop := w.run(func(c *Config) {
		c.Peers = room.Seat(c.Node)
		if change != nil {
			change(c)
		}
	})
	for _, a := range agents {
		room.Enter(a)
	}
	return agents, stop
}

// part cuts every way between a node and the others, and drops the links.
func (w *world) part(node string, all []string) {
	w.set(func(w *world) {
		for _, o := range all {
			if o != node {
				w.cut[mesh.Link{A: node, B: o}], w.cut[mesh.Link{A: o, B: node}] = true, true
				delete(w.links, mesh.LinkOf(node, o))
			}
		}
	})
}

// A replica that has lost the others closes while they are more, says so, and opens
// again when they are no more than itself, or when it has come back.
func TestAnIslandCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		w := newWorld(t, all...)
		agents, stop := w.inRoom(nil)
		defer stop()
		for _, n := range all {
			w.boot(n)
		}
		time.Sleep(5 * time.Second)
		if err := allReady(agents); err != nil {
			t.Fatal(err)
		}
		w.part(all[2], all)
		time.Sleep(10 * time.Second)
		if s := agents[all[2]].State(); s.Ready || s.Join == "" {
			t.Errorf("the lesser island: %+v", s)
		}
		for _, n := range all[:2] {
			if s := agents[n].State(); !s.Ready {
				t.Errorf("of the larger island: %+v", s)
			}
		}
		agents[all[0]].Drain()
		time.Sleep(5 * time.Second)
		if s := agents[all[2]].State(); !s.Ready {
			t.Errorf("one against one: %+v", s)
		}
		agents[all[0]].Undrain()
		time.Sleep(15 * time.Second)
		if s := agents[all[2]].State(); s.Ready {
			t.Errorf("one against two again: %+v", s)
		}
		w.set(func(w *world) { clear(w.cut) })
		time.Sleep(paceRefuse + 5*time.Second)
		if err := w.full(); err != nil {
			t.Error(err)
		}
		if err := allReady(agents); err != nil {
			t.Error(err)
		}
	})
}

// The same with Serve closes nobody.
func TestServeClosesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		w := newWorld(t, all...)
		agents, stop := w.inRoom(func(c *Config) { c.OnPartition = mesh.PartitionServe })
		defer stop()
		for _, n := range all {
			w.boot(n)
		}
		time.Sleep(5 * time.Second)
		w.part(all[2], all)
		time.Sleep(time.Minute)
		for _, n := range all {
			if s := agents[n].State(); !s.Ready {
				t.Errorf("%s: %+v", n, s)
			}
		}
	})
}

// An agent that takes over from one that died goes on where that one was.
func TestTheNextAgentGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(2)
		w := newWorld(t, all...)
		agents, stop := w.inRoom(nil)
		w.boot(all[0])
		w.boot(all[1])
		time.Sleep(5 * time.Second)
		last := agents[all[0]].Decision()
		stop()
		w.set(func(w *world) { w.dnsErr = errDown }) // nothing that it could open by
		next, stop := w.run(func(c *Config) {
			if c.Node == all[0] {
				c.Restore = &last
			}
		})
		defer stop()
		if s := next[all[0]].State(); !s.Ready {
			t.Errorf("at once: %+v", s)
		}
		time.Sleep(10 * time.Second)
		if s := next[all[0]].State(); !s.Ready {
			t.Errorf("later: %+v", s)
		}
	})
}

// A replica that nobody can reach over distribution, and whose agent says that it is up,
// is no reason to think oneself alone: what is in the way is said, and closes nobody.
func TestNotAloneWhenTheOthersAgentsSpeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(3)
		w := newWorld(t, all...)
		agents, stop := w.inRoom(func(c *Config) {
			if c.Node == all[0] {
				c.Up = func(node string) ([]string, bool) { return nil, node == all[2] }
			}
		})
		defer stop()
		w.boot(all[0])
		w.boot(all[1])
		time.Sleep(20 * time.Second)
		s := agents[all[0]].State()
		if !s.Ready || s.Joined || !strings.Contains(s.Join, all[2]) || !strings.Contains(s.Join, "reach") {
			t.Errorf("%+v", s)
		}
	})
}

// A replica that boots cut off from all others does not take itself for the only one:
// their agents are heard a moment later, and then it stays closed. Where nothing is heard
// either, it opens after a while: unreachable peers count against nobody.
func TestSilenceIsNotBeingAlone(t *testing.T) {
	for _, heard := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			all := names(3)
			w := newWorld(t, all...)
			w.set(func(w *world) { w.mute = all[2] })
			began := time.Now()
			agents, stop := w.run(func(c *Config) {
				if c.Node == all[2] && heard {
					c.Up = func(string) ([]string, bool) { return nil, time.Since(began) > 4*time.Second }
				}
			})
			defer stop()
			for _, n := range all {
				w.boot(n)
			}
			time.Sleep(3 * time.Second)
			if s := agents[all[2]].State(); s.Ready || !s.Waiting || !strings.Contains(s.Reason, "not known yet") {
				t.Errorf("heard %v, at first: %+v", heard, s)
			}
			time.Sleep(20 * time.Second)
			if s := agents[all[2]].State(); s.Ready == heard {
				t.Errorf("heard %v: %+v", heard, s)
			}
		})
	}
}

// A list that DNS has kept, of replicas that are gone and without the own one, is no
// evidence of being alone, for as long as such lists last.
func TestAnOldListIsNotBeingAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := names(5)
		w := newWorld(t, all...)
		w.set(func(w *world) { w.listed = all[:2] }) // which never boot
		agents, stop := w.run(nil)
		defer stop()
		for _, n := range all[2:] {
			w.boot(n)
		}
		time.Sleep(5 * time.Second)
		for _, n := range all[2:] {
			if s := agents[n].State(); s.Ready || !s.Waiting || !strings.Contains(s.Reason, "an old one") {
				t.Errorf("with the old list: %+v", s)
			}
		}
		w.set(func(w *world) { w.listed = all[2:] })
		time.Sleep(3 * time.Second)
		for _, n := range all[2:] {
			if s := agents[n].State(); !s.Ready || len(s.Peers) != 2 {
				t.Errorf("with the new one: %+v", s)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) { // and where it is never listed, it opens in the end
		all := names(2)
		w := newWorld(t, all...)
		w.set(func(w *world) { w.listed = all[:1] })
		agents, stop := w.run(nil)
		defer stop()
		w.boot(all[1])
		time.Sleep(listFor + 2*time.Second)
		if s := agents[all[1]].State(); !s.Ready {
			t.Errorf("never listed: %+v", s)
		}
	})
}
