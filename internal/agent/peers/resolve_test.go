package peers

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// names is a DNS that can be told what to say.
type names struct {
	addrs []netip.Addr
	err   error
	hang  bool
	asked int
}

func (n *names) resolve(ctx context.Context, _ string) ([]netip.Addr, error) {
	n.asked++
	if n.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return n.addrs, n.err
}

func TestDNSDown(t *testing.T) {
	keys := holds(t, 1)
	r := serve(t, keys, generous())
	var dns names
	c := NewClient(keys, r.port, dns.resolve)
	defer c.Close()
	call := func() error { return c.Call(t.Context(), "peer", "echo", 1, nil) }
	reconnect := func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hosts["peer"].drop()
	}

	dns.err = errors.New("server misbehaving")
	wantKind(t, call(), Unreachable, "can't be looked up: server misbehaving")
	dns.err = nil
	wantKind(t, call(), Unreachable, "the name has no address")
	dead, alive := netip.MustParseAddr("127.0.0.9"), netip.MustParseAddr("127.0.0.1")
	dns.addrs = []netip.Addr{dead, alive} // nobody listens at the first
	if err := call(); err != nil {
		t.Fatal(err)
	}
	for _, down := range []names{{err: errors.New("no servers")}, {}, {hang: true}, {addrs: []netip.Addr{alive}}} {
		dns = down
		reconnect()
		if err := call(); err != nil || dns.asked != 1 {
			t.Errorf("%+v: %v", down, err)
		}
		if err := call(); err != nil || dns.asked != 1 {
			t.Errorf("%+v over the kept connection: %v", down, err)
		}
	}
	dns = names{err: errors.New("asked for a literal")}
	if err := c.Call(t.Context(), "127.0.0.1", "echo", 1, nil); err != nil || dns.asked != 0 {
		t.Errorf("a literal: %v", err)
	}
}

func TestManyAddresses(t *testing.T) {
	var dns names
	for i := range 20 {
		dns.addrs = append(dns.addrs, netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}))
	}
	c := NewClient(holds(t, 1), 1, dns.resolve)
	defer c.Close()
	var tried int
	c.dial = func(context.Context, netip.AddrPort) (net.Conn, error) {
		tried++
		return nil, errors.New("no route to host")
	}
	wantKind(t, c.Call(t.Context(), "peer", "echo", 1, nil), Unreachable, "no route to host")
	if tried != maxAddrs {
		t.Errorf("%d addresses were tried", tried)
	}
}

// Connections and hosts that are not used any more go, and the client then sleeps.
func TestForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := holds(t, 1)
		w := newPipes("10.0.0.1")
		r := serveOn(t, w, keys, generous())
		var dns names
		dns.addrs = []netip.Addr{netip.MustParseAddr("10.9.9.9")}
		c := NewClient(keys, 1, dns.resolve)
		c.dial = w.dial
		t.Cleanup(c.Close)
		asked(t, c)
		time.Sleep(keepFor - time.Second)
		asked(t, c)
		if dns.asked != 1 {
			t.Errorf("%d lookups for one connection", dns.asked)
		}
		time.Sleep(keepFor + sweepEvery)
		synctest.Wait()
		if n := r.connections(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		if len(c.hosts) != 1 {
			t.Error("the host is forgotten already")
		}
		dns.err = errors.New("down")
		asked(t, c)
		time.Sleep(rememberFor + 2*sweepEvery)
		synctest.Wait()
		if len(c.hosts) != 0 || c.timer != nil {
			t.Error("the host is not forgotten")
		}
		wantKind(t, c.Call(t.Context(), "peer", "echo", 1, nil), Unreachable, "down")
	})
}

func TestHostTableIsBounded(t *testing.T) {
	c := NewClient(holds(t, 1), 1, nil)
	defer c.Close()
	var busy []*host
	for i := range maxHosts + 10 {
		h, err := c.begin(fmt.Sprint("host", i))
		if err != nil {
			t.Fatal(err)
		}
		c.done(h)
	}
	if len(c.hosts) != maxHosts {
		t.Errorf("%d hosts are remembered", len(c.hosts))
	}
	for i := range maxHosts {
		h, err := c.begin(fmt.Sprint("busy", i))
		if err != nil {
			t.Fatal(err)
		}
		busy = append(busy, h)
	}
	wantKind(t, c.Call(t.Context(), "peer", "echo", 1, nil), Unreachable, "too many hosts")
	for _, h := range busy {
		c.done(h)
	}
}
