package probe

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
)

func TestEPMDGone(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	first, last := c.slot.Ports(2)
	t.Run("where peers know the node", func(t *testing.T) {
		c.link(t, 0, 1, 2)
		c.epmd.Lose(2)
		r := c.wants(t, "NET-12 "+c.names[2])
		if r.Links.Up != 3 {
			t.Errorf("losing EPMD took links away: %+v", r.Links)
		}
	})
	t.Run("where its port is known", func(t *testing.T) {
		for port := first; port <= last; port++ {
			c.p.Ports = append(c.p.Ports, port)
		}
		r := c.wants(t, "NET-12 "+c.names[2])
		if n := r.Nodes[2]; !n.Reached || len(n.Peers) != 2 {
			t.Errorf("not reached past EPMD: %+v", n)
		}
	})
	t.Run("back", func(t *testing.T) {
		c.epmd.Return(t, 2)
		c.wants(t)
	})
}

func TestEPMDGoneBeforeAnybodyMet(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	first, _ := c.slot.Ports(1)
	c.p.Ports = []uint16{first}
	c.epmd.Lose(1)
	r := c.wants(t, "NET-12 "+c.names[1])
	if !strings.Contains(fmt.Sprint(r.Findings[0].Evidence), "missing link: "+c.pair(0, 1)) {
		t.Errorf("evidence: %q", r.Findings[0].Evidence)
	}
}

func TestKilled(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 0, 1, 2)
	c.nodes[2].Kill(syscall.SIGKILL)
	<-c.nodes[2].Done()
	r := c.wants(t, "NET-15 "+c.names[2])
	if d := slices.Concat(r.Islands...); len(r.Islands[0]) != 2 || len(d) != 3 {
		t.Errorf("islands %v", r.Islands)
	}
}

// An app that holds up its node's end keeps the application controller from answering:
// that is no load.
func TestStopping(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.p.Timeout = time.Second
	c.link(t, 0, 1)
	c.nodes[1].Eval(t, `Forms = [begin {ok, T, _} = erl_scan:string(S), {ok, F} = erl_parse:parse_form(T), F end || S <- [
			"-module(tardy).", "-export([start/2, prep_stop/1, stop/1]).",
			"start(_, _) -> {ok, spawn_link(fun() -> receive stop -> ok end end)}.",
			"prep_stop(_) -> receive never -> ok end.", "stop(_) -> ok."]],
		{ok, tardy, Code} = compile:forms(Forms), {module, tardy} = code:load_binary(tardy, "tardy.erl", Code),
		ok = application:load({application, tardy, [{mod, {tardy, []}}, {applications, [kernel, stdlib]}, {registered, []}]}),
		ok = application:start(tardy), init:stop()`)
	r := c.wants(t, "HLT-13 "+c.names[1])
	if f := r.Findings[0]; !strings.Contains(f.Cause, "is stopping") || !strings.Contains(fmt.Sprint(f.Evidence), "not answered meanwhile: applications") {
		t.Error(show(r.Findings))
	}
}

// Two apps at one address, registered with one EPMD: when one is killed, the other says
// nothing of its name.
func TestKilledBesideAnotherApp(t *testing.T) {
	t.Parallel()
	var shop beamtest.NodeOptions
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == 0 {
			shop = *o
			return
		}
		*o = shop
		o.Name = strings.Replace(shop.Name, "shop@", "worker@", 1)
	})
	c.names = []string{c.nodes[0].Name, c.nodes[1].Name}
	c.link(t, 0, 1)
	c.wants(t)
	c.nodes[0].Kill(syscall.SIGKILL)
	<-c.nodes[0].Done()
	r := c.wants(t, "NET-15 "+c.names[0])
	if !strings.Contains(r.Findings[0].Cause, "runs and does not know shop; others registered there: worker") {
		t.Error(show(r.Findings))
	}
}

// EPMD listens on another port than Phial is told.
func TestEPMDOnAnotherPort(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 1, nil)
	first, last := c.slot.Ports(1) // nothing listens there
	c.p.EPMDPort, c.p.Ports = int(last), []uint16{first}
	r := c.wants(t, "NET-15 "+c.names[0])
	at := fmt.Sprintf("%s:%d", c.slot.Addr(0), last)
	if f := r.Findings[0]; !strings.Contains(f.Cause, at+", refuses connections, and no node of that name answers on port "+fmt.Sprint(first)) ||
		!strings.Contains(f.Fix, "--epmd-port") {
		t.Error(show(r.Findings))
	}
}

func TestFrozen(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 0, 1, 2)
	c.p.Timeout = time.Second
	c.nodes[2].Freeze()
	t.Cleanup(c.nodes[2].Thaw)
	r := c.wants(t, "NET-18 "+c.names[2])
	if n := r.Nodes[2]; n.Reached || n.Failure.Cause != mesh.CauseFrozen {
		t.Errorf("%+v", n)
	}
	c.nodes[2].Thaw()
	c.wants(t)
}
