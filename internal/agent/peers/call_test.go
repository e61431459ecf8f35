package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestCall(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	c := r.caller(t, holds(t, 1), "127.0.0.2")
	asked(t, c)
	var from netip.Addr
	if err := c.Call(t.Context(), "peer", "from", nil, &from); err != nil || from.String() != "127.0.0.2" {
		t.Errorf("asked from %v, %v", from, err)
	}
	for _, q := range []struct {
		name, host, method string
		in                 any
		want               Kind
		text               string
	}{
		{"an error of the method", "peer", "fail", nil, Answered, "peer for fail: no such node xxx"},
		{"a panic", "peer", "panic", nil, Answered, "panic failed, see this agent's log"},
		{"unknown method", "peer", "nothing", nil, Answered, `does not know "nothing"`},
		{"odd method", "peer", "../x", nil, Invalid, "no name of a method"},
		{"odd question", "peer", "echo", func() {}, Invalid, "can't be written"},
		{"odd answer", "peer", "odd", nil, Answered, "can't be written"},
		{"large question", "peer", "echo", strings.Repeat("x", maxRequest), Invalid, "more than 64 KiB"},
		{"large answer", "peer", "large", nil, Answered, "more than 256 KiB"},
		{"no host", "", "echo", nil, Invalid, "no name of a host"},
	} {
		err := c.Call(t.Context(), q.host, q.method, q.in, nil)
		wantKind(t, err, q.want, q.text)
		if len(fmt.Sprint(err)) > maxText+200 {
			t.Errorf("%s: an error of %d bytes", q.name, len(fmt.Sprint(err)))
		}
	}
	var number int
	wantKind(t, c.Call(t.Context(), "peer", "echo", "text", &number), Invalid, "not what was asked for")
	asked(t, c) // and after all that the server is well
	if n := r.connections(); n != 1 {
		t.Errorf("%d connections for calls one after another", n)
	}
	if log := r.log.String(); strings.Count(log, `"msg"`) != 1 || !strings.Contains(log, "on purpose") {
		t.Errorf("of the panic, the log says: %s", log)
	}
}

func TestCallsAtOnce(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	c := r.caller(t, holds(t, 1), "127.0.0.1")
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() { asked(t, c) })
	}
	all.Wait()
	if n := r.connections(); n > perHost {
		t.Errorf("%d connections of one client", n)
	}
}

func TestLargestMessages(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	c := r.caller(t, holds(t, 1), "127.0.0.1")
	in, out := strings.Repeat("x", maxRequest-2), ""
	if err := c.Call(t.Context(), "peer", "echo", in, &out); err != nil || in != out {
		t.Errorf("%d bytes: %v", len(out), err)
	}
}

func TestOtherKeys(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	wantKind(t, r.caller(t, holds(t, 2), "127.0.0.1").Call(t.Context(), "peer", "echo", 1, nil), NotAuthenticated, "mount the same Secret")
	wantKind(t, r.caller(t, holds(t), "127.0.0.1").Call(t.Context(), "peer", "echo", 1, nil), NotAuthenticated, "no key yet")

	// Who knows how to greet, and has no certificate or another.
	for name, tamper := range map[string]func(*tls.Config){
		"none": func(c *tls.Config) {
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &tls.Certificate{}, nil }
		},
		"another": func(c *tls.Config) {
			cert := testKey(t, 2).identity().cert
			c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &cert, nil }
		},
	} {
		config := r.keys.caller()
		tamper(config)
		conn := tls.Client(r.raw(t, "127.0.0.1"), config)
		if err := conn.Handshake(); err != nil {
			t.Errorf("%s: %v", name, err) // with TLS 1.3, the refusal comes afterwards
		}
		fmt.Fprint(conn, "POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n1")
		if b, err := io.ReadAll(conn); err == nil || len(b) > 0 {
			t.Errorf("%s: %q, %v", name, b, err)
		} else if got := classify(err); got.kind != NotAuthenticated {
			t.Errorf("%s: %v", name, err)
		}
	}
	if r.connections() != 0 {
		eventually(t, "all are closed", func() bool { return r.connections() == 0 })
	}
}

// A caller looks at who answers as closely as a server at who asks.
func TestOtherServer(t *testing.T) {
	for name, answer := range map[string]func(net.Conn){
		"another key": func(c net.Conn) {
			tc := tls.Server(c, testKey(t, 2).identity().server)
			tc.Handshake()
		},
		"plain HTTP": func(c net.Conn) {
			io.ReadFull(c, make([]byte, 5)) // some of what comes, so that the answer is not lost in a reset
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
			io.Copy(io.Discard, c)
		},
	} {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		var done sync.WaitGroup
		done.Go(func() {
			c, err := ln.Accept()
			if err == nil {
				answer(c)
				c.Close()
			}
		})
		c := NewClient(holds(t, 1), ln.Addr().(*net.TCPAddr).Port, nil)
		err = c.Call(t.Context(), "127.0.0.1", "echo", 1, nil)
		if KindOf(err) != NotAuthenticated {
			t.Errorf("%s: %v", name, err)
		}
		c.Close()
		ln.Close()
		done.Wait()
	}
}

// Answers that are too large or none at all, from who has the key.
func TestOddAnswers(t *testing.T) {
	for answer, want := range map[string]Kind{
		"HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n":                                          Invalid,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n80000\r\n" + strings.Repeat("x", 0x80000): Invalid,
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 300<<10):                                         Unreachable,
		"SSH-2.0-OpenSSH\r\n\r\n":                                                            Invalid,
		"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12":                                    Unreachable,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]":                                     Invalid,
		"HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\nwhat":                                   Answered,
		"HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n":                                       Limited,
		"HTTP/1.1 422 No\r\nContent-Length: 29\r\n\r\n{\"error\":\"\\u001b[31mred\\u0000\"}": Answered,
		"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n":                                       NotAuthenticated,
		"": Unreachable,
	} {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", testKey(t, 1).identity().server)
		if err != nil {
			t.Fatal(err)
		}
		var done sync.WaitGroup
		done.Go(func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Read(make([]byte, 1))
			io.WriteString(c, answer)
			c.Close()
		})
		c := NewClient(holds(t, 1), ln.Addr().(*net.TCPAddr).Port, nil)
		var out any
		err = c.Call(t.Context(), "127.0.0.1", "echo", 1, &out)
		if KindOf(err) != want || strings.ContainsAny(fmt.Sprint(err), "\x1b\x00") {
			t.Errorf("%.60q: %v (%v), want %v", answer, err, KindOf(err), want)
		}
		c.Close()
		ln.Close()
		done.Wait()
	}
}

func TestNobodyThere(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	open := NewClient(holds(t, 1), ln.Addr().(*net.TCPAddr).Port, nil)
	defer open.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err = open.Call(ctx, "127.0.0.1", "echo", 1, nil) // connects, and gets no word
	wantKind(t, err, Unreachable, "no answer in time")
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the deadline is not in %v", err)
	}
	ln.Close()
	err = open.Call(t.Context(), "127.0.0.1", "echo", 1, nil)
	wantKind(t, err, Refused, "nobody listens")
	open.Close()
	wantKind(t, open.Call(t.Context(), "127.0.0.1", "echo", 1, nil), Unreachable, "closed")
}

// A connection that the server has closed meanwhile costs no call.
func TestKeptConnectionEnded(t *testing.T) {
	keys := holds(t, 1)
	r := serve(t, keys, generous())
	c := r.caller(t, keys, "127.0.0.1")
	asked(t, c)
	r.Close()
	<-r.end
	ln, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", r.port))
	if err != nil {
		t.Fatal(err)
	}
	r.end <- nil // for the cleanup
	serveOn(t, ln, keys, generous())
	asked(t, c)
}

func TestCallerGone(t *testing.T) {
	l := generous()
	r := serve(t, holds(t, 1), l)
	c := r.caller(t, holds(t, 1), "127.0.0.1")
	asked(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantKind(t, c.Call(ctx, "peer", "wait", nil, nil), Unreachable, "no answer in time")
	eventually(t, "the handler's context ends", func() bool { return r.connections() == 0 })
	asked(t, c)
}

// A method may take longer than reading its request.
func TestSlowMethod(t *testing.T) {
	l := generous()
	l.readTime = 200 * time.Millisecond
	r := serve(t, holds(t, 1), l)
	c := r.caller(t, holds(t, 1), "127.0.0.1")
	ctx, cancel := context.WithTimeout(t.Context(), 3*l.readTime)
	defer cancel()
	wantKind(t, c.Call(ctx, "peer", "wait", nil, nil), Unreachable, "no answer in time")
}

func TestOnlyPOST(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	for request, want := range map[string]int{
		"GET /v1/echo HTTP/1.1\r\nHost: x\r\n\r\n":                                          http.StatusMethodNotAllowed,
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                           http.StatusNotFound,
		"POST /v1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                        http.StatusNotFound,
		"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n":                    http.StatusOK,
		"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{]":                  http.StatusBadRequest,
		"POST /v1/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n":                http.StatusRequestEntityTooLarge,
		"POST /v1/echo HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 5000) + "\r\n\r\n": http.StatusRequestHeaderFieldsTooLarge,
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n":                                             http.StatusMethodNotAllowed,
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":                                                  http.StatusMethodNotAllowed,
	} {
		conn := r.shaken(t, "127.0.0.1")
		io.WriteString(conn, request)
		if strings.Contains(request, "70000") {
			io.WriteString(conn, strings.Repeat(" ", 70000))
		}
		conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		b := make([]byte, 12)
		if _, err := io.ReadFull(conn, b); err != nil || string(b[9:]) != fmt.Sprint(want) {
			t.Errorf("%.50q: %q, %v, want %d", request, b, err, want)
		}
		conn.NetConn().Close()
	}
}
