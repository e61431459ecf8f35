package dist_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/erlang/erltest"
)

func TestPeer(t *testing.T) {
	t.Parallel()
	e := erltest.StartEPMD(t)
	for _, hidden := range []bool{false, true} {
		name := map[bool]string{false: "seen@127.0.0.1", true: "hidden@127.0.0.1"}[hidden]
		n := erltest.Start(t, erltest.Options{Name: name, Cookie: secret, EPMD: e, Hidden: hidden})
		p := connect(t, name, dist.Config{EPMDPort: e.Port()}).Peer()
		if p.Name != name || p.Addr != n.Addr().String() || p.Hidden != hidden || p.Creation == 0 {
			t.Errorf("got %+v", p)
		}
		if !strings.Contains(p.Flags.String(), "HANDSHAKE_23|") {
			t.Errorf("flags are %s", p.Flags)
		}
	}
}

// Names that nodes give are given again, so that a node sees one name however
// often one connects.
func TestGivenName(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{}, dist.Config{})
	for range 20 {
		if !strings.HasSuffix(c.Local(), "@"+dist.DefaultHost) {
			t.Fatalf("the given name is %q", c.Local())
		}
		c.Close()
		eventually(t, "the name is free", func() bool { return len(n.Connected()) == 0 })
		c = connect(t, n.Name(), dist.Config{Port: int(n.Addr().Port())})
	}
	if seen := n.Seen(); len(seen) != 1 {
		t.Errorf("the node saw the names %q, want one", seen)
	}
}

func TestFixedName(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{Faults: erltest.Faults{NoNames: true}}, dist.Config{})
	if c.Local() != "phial_hidden@phial" {
		t.Errorf("towards a node that gives no names we are %q", c.Local())
	}
	port := int(n.Addr().Port())

	// A second one of that name is in the way, unless it takes over.
	_, err := dist.Dial(within(t), n.Name(), dist.Config{Cookie: secret, Port: port})
	want(t, err, dist.StageStatus, dist.CauseAlive)
	if c.Err() != nil {
		t.Fatal("the first connection ended:", c.Err())
	}
	c2 := connect(t, n.Name(), dist.Config{Port: port, TakeOver: true})
	<-c.Done()
	if _, err := c2.Call(within(t), "erlang", "nodes"); err != nil {
		t.Error(err)
	}

	n.Fail(erltest.Faults{})
	c3 := connect(t, n.Name(), dist.Config{Port: port, Name: "probe@here"})
	if c3.Local() != "probe@here" {
		t.Errorf("asked for probe@here, we are %q", c3.Local())
	}
	if _, err := c3.ERPC(within(t), "erlang", "nodes"); err != nil {
		t.Error(err)
	}
}

// A node that speaks only versions before 6 is not even dialled.
func TestOldNodeInEPMD(t *testing.T) {
	t.Parallel()
	e := erltest.StartEPMD(t)
	var client epmd.Client
	at := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(e.Port())).String()
	r, err := client.Register(within(t), at, epmd.Entry{Name: "old", Port: 9, Highest: 5, Lowest: 5})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	_, err = dist.Dial(within(t), "old@127.0.0.1", dist.Config{Cookie: secret, EPMDPort: e.Port()})
	want(t, err, dist.StageEPMD, dist.CauseTooOld)
}

// An idle connection stays up by its ticks, and one whose peer falls silent
// ends.
func TestTicks(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{}, dist.Config{Tick: 400 * time.Millisecond})
	eventually(t, "eight ticks come", func() bool { return n.Ticks() >= 8 || c.Err() != nil })
	if c.Err() != nil {
		t.Fatal("an idle connection ended:", c.Err())
	}
	if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
		t.Error(err)
	}
	n.Fail(erltest.Faults{Silent: true})
	<-c.Done()
	want(t, c.Err(), dist.StageConn, dist.CauseSilent)
}

// A peer's keep-alive is answered, so that one with a shorter tick time hears
// from us in its time.
func TestTickIsAnswered(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{Tick: 20 * time.Millisecond}, dist.Config{})
	eventually(t, "three ticks are answered", func() bool { return n.Ticks() >= 3 })
	if c.Err() != nil {
		t.Error(c.Err())
	}
}

func TestIPv6(t *testing.T) {
	t.Parallel()
	e := erltest.StartEPMD(t, "::1")
	n := erltest.Start(t, erltest.Options{Name: "shop@::1", Cookie: secret, EPMD: e})
	c := connect(t, "shop@::1", dist.Config{EPMDPort: e.Port()})
	if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
		t.Error(err)
	}
	if c.Peer().Addr != n.Addr().String() {
		t.Errorf("connected to %s, want %s", c.Peer().Addr, n.Addr())
	}
}
