package peers

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestBucket(t *testing.T) {
	var b bucket
	now := time.Now()
	r := rate{perSecond: 10, burst: 3}
	for i, step := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true}, {0, true}, {0, true}, {0, false},
		{100 * time.Millisecond, true}, {0, false}, {50 * time.Millisecond, false}, {50 * time.Millisecond, true},
		{time.Hour, true}, {0, true}, {0, true}, {0, false},
	} {
		now = now.Add(step.after)
		if got := b.take(now, r); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
}

func TestAddressTableIsBounded(t *testing.T) {
	g := gate{limits: generous(), addrs: map[netip.Addr]*address{}}
	now := time.Now()
	busy := netip.MustParseAddr("10.0.0.1")
	g.address(busy, now).conns = 1
	for i := range 3 * g.limits.addrs {
		now = now.Add(time.Millisecond)
		g.address(netip.AddrFrom4([4]byte{11, 0, byte(i >> 8), byte(i)}), now)
	}
	if len(g.addrs) != g.limits.addrs || g.addrs[busy] == nil {
		t.Errorf("%d addresses, and who is connected is known: %v", len(g.addrs), g.addrs[busy] != nil)
	}
}

// One address that takes all it can get does not keep another out.
func TestOneAddressTooMany(t *testing.T) {
	r := serve(t, holds(t, 1), defaultLimits())
	good := r.caller(t, holds(t, 1), "127.0.0.2")
	var open []net.Conn
	for range r.gate.limits.perAddr {
		open = append(open, r.shaken(t, "127.0.0.3"))
	}
	bad := r.caller(t, holds(t, 1), "127.0.0.3")
	wantKind(t, bad.Call(t.Context(), "peer", "echo", 1, nil), Limited, "no more connections")
	asked(t, good)
	open[0].Close()
	eventually(t, "its place is free", func() bool { return bad.Call(t.Context(), "peer", "echo", 1, nil) == nil })
	for range 100 {
		c := r.raw(t, "127.0.0.3")
		ends(t, c)
	}
	asked(t, good)
	r.Close()
	if log := r.log.String(); strings.Count(log, `"msg"`) > 2 || !strings.Contains(log, whyAddr) || !strings.Contains(log, "127.0.0.3") {
		t.Errorf("the log: %s", log)
	}
}

func TestTooManyInAll(t *testing.T) {
	l := generous()
	l.conns = 3
	r := serve(t, holds(t, 1), l)
	for i := range l.conns {
		r.shaken(t, fmt.Sprint("127.0.0.", 10+i))
	}
	late := r.caller(t, holds(t, 1), "127.0.0.2")
	wantKind(t, late.Call(t.Context(), "peer", "echo", 1, nil), Limited, "")
}

func TestHandshakeRates(t *testing.T) {
	l := generous()
	l.signed = rate{0.001, 3}
	r := serve(t, holds(t, 1), l)
	for range 20 { // strangers cost nothing that others need
		wantKind(t, r.caller(t, holds(t, 2), "127.0.0.3").Call(t.Context(), "peer", "echo", 1, nil), NotAuthenticated, "")
	}
	for range 3 {
		asked(t, r.caller(t, holds(t, 1), "127.0.0.2"))
	}
	wantKind(t, r.caller(t, holds(t, 1), "127.0.0.2").Call(t.Context(), "peer", "echo", 1, nil), Limited, "")
}

func TestRequestRate(t *testing.T) {
	l := generous()
	l.requests = rate{0.001, 5}
	r := serve(t, holds(t, 1), l)
	one, two := r.caller(t, holds(t, 1), "127.0.0.2"), r.caller(t, holds(t, 1), "127.0.0.2")
	for range 5 {
		asked(t, one)
	}
	wantKind(t, one.Call(t.Context(), "peer", "echo", 1, nil), Limited, "too many requests")
	wantKind(t, two.Call(t.Context(), "peer", "echo", 1, nil), Limited, "too many requests") // of the same address
	asked(t, r.caller(t, holds(t, 1), "127.0.0.3"))
	if n := r.connections(); n != 3 {
		t.Errorf("%d connections: being refused a request should cost none", n)
	}
}

// What is no handshake ends at once, and who goes on for ever in one after 8 KiB.
func TestGarbage(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	hello := append([]byte{22, 3, 1, 0x40, 0, 1, 0, 0xff, 0}, make([]byte, 0x4000)...)
	for name, bytes := range map[string]string{
		"plain HTTP": "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1",
		"garbage":    strings.Repeat("\xff\x00garbage", 1000),
		"nothing":    "",
		"endless":    string(hello) + string(hello),
	} {
		c := r.raw(t, "127.0.0.2")
		io.WriteString(c, bytes)
		if bytes == "" {
			c.(*net.TCPConn).CloseWrite()
		}
		begun := time.Now()
		ends(t, c)
		if took := time.Since(begun); took > r.gate.limits.handshakeTime {
			t.Errorf("%s: closed after %v", name, took)
		}
	}
	asked(t, r.caller(t, holds(t, 1), "127.0.0.2"))
	r.Close()
	if log := r.log.String(); !strings.Contains(log, whyNotTLS) {
		t.Errorf("the log: %s", log)
	}
}

// Slow ends are cut to the second, and others get in all the while.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, w := holds(t, 1), newPipes("10.0.0.1")
		r := serveOn(t, w, keys, generous())
		good := NewClient(keys, 1, nil)
		good.dial = w.dial
		t.Cleanup(good.Close)
		ask := func() {
			t.Helper()
			if err := good.Call(t.Context(), "10.9.9.9", "echo", 1, nil); err != nil {
				t.Error(err)
			}
		}
		drip := func(c net.Conn, text string, want time.Duration) {
			t.Helper()
			go io.Copy(io.Discard, c) // a pipe has no room of its own for a farewell
			begun := time.Now()
			for i := range len(text) {
				if _, err := io.WriteString(c, text[i:i+1]); err != nil {
					break
				}
				time.Sleep(100 * time.Millisecond)
			}
			if took := time.Since(begun); took < want || took > want+200*time.Millisecond {
				t.Errorf("cut after %v, want %v", took, want)
			}
			c.Close()
			ask()
		}
		slow := func() net.Conn {
			c, err := w.dialFrom(t.Context(), "10.0.0.2")
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		ask()
		hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
		drip(slow(), hello+strings.Repeat("x", 100), r.gate.limits.handshakeTime)
		for _, request := range []string{"POST /v1/echo HTTP/1.1\r\nX: ", "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"} {
			c := shakenOver(t, slow(), keys)
			if strings.HasSuffix(request, "\r\n\r\n") {
				io.WriteString(c, request)
				request = ""
			}
			drip(c, request+strings.Repeat("x", 100), r.gate.limits.readTime)
		}
		c := shakenOver(t, slow(), keys) // and then says nothing
		begun := time.Now()
		c.Read(make([]byte, 1))
		if took := time.Since(begun); took != r.gate.limits.readTime {
			t.Errorf("who asks nothing is cut after %v", took)
		}
		c.Close()
	})
}

// Many slow handshakes make way for one that is not.
func TestSlowHandshakesMakeWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys, w := holds(t, 1), newPipes("10.0.0.1")
		r := serveOn(t, w, keys, generous())
		good := NewClient(keys, 1, nil)
		good.dial = w.dial
		t.Cleanup(good.Close)
		for i := range r.gate.limits.handshakes {
			c, err := w.dialFrom(t.Context(), fmt.Sprint("10.0.1.", i))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
		}
		call := func() error { return good.Call(t.Context(), "10.9.9.9", "echo", 1, nil) }
		if err := call(); KindOf(err) == 0 {
			t.Error("handshakes that just began make way")
		}
		time.Sleep(r.gate.limits.yieldAfter)
		if err := call(); err != nil {
			t.Error(err)
		}
	})
}

func TestTally(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log lines
		tl := tally{log: log.logger()}
		from := netip.MustParseAddr("10.0.0.1")
		count := func(want int, text string) {
			t.Helper()
			if s := log.String(); strings.Count(s, "\n") != want || !strings.Contains(s, text) {
				t.Errorf("want %d lines and %q:\n%s", want, text, s)
			}
		}
		tl.note(whyKey, from)
		count(1, `"count":1`)
		for range 500 {
			tl.note(whyKey, from)
			tl.note(whySlow, from)
		}
		count(1, "")
		time.Sleep(tallyEvery)
		synctest.Wait()
		count(2, `"count":1000,"why":"another key or none: 500; too slow in the handshake: 500","last":"10.0.0.1"`)
		time.Sleep(time.Hour)
		count(2, "")
		tl.note(whyKey, from)
		tl.note(whyBusy, from)
		count(3, "")
		tl.close()
		count(4, whyBusy)
		tl.note(whyKey, from)
		time.Sleep(time.Hour)
		count(4, "")
	})
}
