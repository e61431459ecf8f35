package peers

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// testSecret is looked for in everything that is printed.
const testSecret = "a-very-secret-secret-of-agents-"

func testKey(tb testing.TB, n int) Key {
	tb.Helper()
	key, err := NewKey(fmt.Appendf(nil, "%s%d\n", testSecret, n))
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// holds gives keys of which the last is the current one; 0 is no key.
func holds(tb testing.TB, numbers ...int) *Keys {
	tb.Helper()
	var keys Keys
	for _, n := range numbers {
		keys.Set(testKey(tb, n))
	}
	return &keys
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) logger() *slog.Logger { return slog.New(slog.NewJSONHandler(l, nil)) }

// running is a server on loopback.
type running struct {
	*Server
	keys *Keys
	port int
	log  *lines
	end  chan error
}

var echoes = map[string]Handler{
	"echo": func(_ context.Context, _ netip.Addr, body json.RawMessage) (any, error) { return body, nil },
	"from": func(_ context.Context, from netip.Addr, _ json.RawMessage) (any, error) { return from, nil },
	"fail": func(context.Context, netip.Addr, json.RawMessage) (any, error) {
		return nil, errors.New("no such\nnode " + strings.Repeat("x", 2*maxText))
	},
	"panic": func(context.Context, netip.Addr, json.RawMessage) (any, error) { panic("on purpose") },
	"large": func(context.Context, netip.Addr, json.RawMessage) (any, error) {
		return strings.Repeat("x", maxAnswer), nil
	},
	"odd": func(context.Context, netip.Addr, json.RawMessage) (any, error) { return func() {}, nil },
	"wait": func(ctx context.Context, _ netip.Addr, _ json.RawMessage) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	},
}

func serve(tb testing.TB, keys *Keys, l limits) *running {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return serveOn(tb, ln, keys, l)
}

func serveOn(tb testing.TB, ln net.Listener, keys *Keys, l limits) *running {
	tb.Helper()
	r := &running{keys: keys, log: &lines{}, end: make(chan error, 1)}
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		r.port = tcp.Port
	}
	r.Server = newServer(keys, echoes, r.log.logger(), l)
	go func() { r.end <- r.Serve(ln) }()
	tb.Cleanup(func() {
		r.Close()
		if err := <-r.end; err != nil {
			tb.Error(err)
		}
		if strings.Contains(r.log.String(), testSecret) {
			tb.Error("the log shows the key")
		}
	})
	return r
}

// generous limits do not get in a test's way.
func generous() limits {
	l := defaultLimits()
	l.hellos, l.signed, l.requests = rate{1e6, 1e6}, rate{1e6, 1e6}, rate{1e6, 1e6}
	return l
}

// caller gives a client for the server's port whose connections come from an address.
func (r *running) caller(tb testing.TB, keys *Keys, from string) *Client {
	tb.Helper()
	c := NewClient(keys, r.port, func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	})
	c.dial = func(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
		return dialFrom(ctx, from, to.String())
	}
	tb.Cleanup(c.Close)
	return c
}

func dialFrom(ctx context.Context, from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	return d.DialContext(ctx, "tcp", to)
}

// raw gives a bare connection to the server from an address.
func (r *running) raw(tb testing.TB, from string) net.Conn {
	tb.Helper()
	c, err := dialFrom(tb.Context(), from, fmt.Sprint("127.0.0.1:", r.port))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// shaken gives a connection that has shown the key.
func (r *running) shaken(tb testing.TB, from string) *tls.Conn {
	tb.Helper()
	return shakenOver(tb, r.raw(tb, from), r.keys)
}

// ends waits for the other end to close a connection.
func ends(tb testing.TB, c net.Conn) {
	tb.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b := make([]byte, 1024)
	for {
		if _, err := c.Read(b); err != nil {
			if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
				tb.Error("the connection is still open")
			}
			return
		}
	}
}

func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), 10*time.Second)
	defer cancel()
	if err := testkit.Poll(ctx, func() (bool, error) { return ok(), nil }); err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
}

func (r *running) connections() int {
	r.gate.mu.Lock()
	defer r.gate.mu.Unlock()
	return r.gate.conns
}

// asked makes a call that has to work.
func asked(tb testing.TB, c *Client) {
	tb.Helper()
	var out string
	if err := c.Call(tb.Context(), "peer", "echo", "hello", &out); err != nil || out != "hello" {
		tb.Errorf("answer %q, %v", out, err)
	}
}

// wantKind fails unless err is of a kind, and never shows a key.
func wantKind(tb testing.TB, err error, want Kind, text string) {
	tb.Helper()
	if KindOf(err) != want || !strings.Contains(fmt.Sprint(err), text) {
		tb.Errorf("got %v (%v), want %v with %q", KindOf(err), err, want, text)
	}
	if strings.Contains(fmt.Sprintf("%v %+v %#v", err, err, err), testSecret) {
		tb.Error("the error shows the key")
	}
}

// shakenOver shows the key over a connection.
func shakenOver(tb testing.TB, conn net.Conn, keys *Keys) *tls.Conn {
	tb.Helper()
	c := tls.Client(conn, keys.caller())
	if err := c.Handshake(); err != nil {
		tb.Fatal(err)
	}
	return c
}
