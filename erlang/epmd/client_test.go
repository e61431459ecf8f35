package epmd_test

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/epmd"
)

// deadline is generous: it only ends a test that hangs.
const deadline = 20 * time.Second

func testContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// listen gives a listener on a free port of addr (an IP address).
func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(addr, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// answering gives the address of something that treats every connection in one way.
func answering(t *testing.T, treat func(net.Conn)) string {
	t.Helper()
	l := listen(t, "127.0.0.1")
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			treat(conn)
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return l.Addr().String()
}

// readRequest takes the request off the connection, so that closing it does not reset it.
func readRequest(conn net.Conn) {
	head := make([]byte, 2)
	io.ReadFull(conn, head)
	io.ReadFull(conn, make([]byte, int(head[0])<<8|int(head[1])))
}

func reply(b string) func(net.Conn) {
	return func(conn net.Conn) {
		readRequest(conn)
		conn.Write([]byte(b))
		conn.Close()
	}
}

// Every way in which EPMD can fail to answer is told apart, for each of the three questions.
func TestCauses(t *testing.T) {
	closed := listen(t, "127.0.0.1")
	closed.Close()
	dialError := func(err error) func(context.Context, string, string) (net.Conn, error) {
		return func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: err}
		}
	}
	unanswered := func(ctx context.Context, _, _ string) (net.Conn, error) { // a filter drops the SYN
		<-ctx.Done()
		return nil, &net.OpError{Op: "dial", Err: ctx.Err()}
	}
	mute := answering(t, func(net.Conn) {})
	for name, c := range map[string]struct {
		client epmd.Client
		addr   string
		want   epmd.Cause
	}{
		"nobody listens":     {addr: closed.Addr().String(), want: epmd.Refused},
		"filtered":           {client: epmd.Client{Dial: unanswered, Timeout: 50 * time.Millisecond}, addr: "127.0.0.1:1", want: epmd.DialTimeout},
		"kernel gives up":    {client: epmd.Client{Dial: dialError(syscall.ETIMEDOUT)}, addr: "127.0.0.1:1", want: epmd.DialTimeout},
		"no route":           {client: epmd.Client{Dial: dialError(syscall.EHOSTUNREACH)}, addr: "127.0.0.1:1", want: epmd.Unreachable},
		"no network":         {client: epmd.Client{Dial: dialError(syscall.ENETUNREACH)}, addr: "127.0.0.1:1", want: epmd.Unreachable},
		"dialling fails":     {client: epmd.Client{Dial: dialError(errors.New("odd"))}, addr: "127.0.0.1:1", want: epmd.Other},
		"mute":               {client: epmd.Client{Timeout: 50 * time.Millisecond}, addr: mute, want: epmd.ReadTimeout},
		"closes at once":     {addr: answering(t, func(c net.Conn) { readRequest(c); c.Close() }), want: epmd.Closed},
		"another protocol":   {addr: answering(t, reply("HTTP/1.1 400 Bad Request\r\n\r\n")), want: epmd.Garbage},
		"a long line of it":  {addr: answering(t, reply("\x00\x00\x11\x11name \xff at port 1\n")), want: epmd.Garbage},
		"address without it": {addr: "127.0.0.1", want: epmd.Other},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, lookupErr := c.client.Lookup(testContext(t), c.addr, "shop")
			_, namesErr := c.client.Names(testContext(t), c.addr)
			_, registerErr := c.client.Register(testContext(t), c.addr, epmd.Entry{Name: "shop", Port: 1})
			for op, err := range map[string]error{"lookup": lookupErr, "names": namesErr, "register": registerErr} {
				var got *epmd.Error
				if !errors.As(err, &got) {
					t.Fatalf("%s: error %v is no *epmd.Error", op, err)
				}
				if got.Cause != c.want || got.Op != op || got.Addr != c.addr {
					t.Errorf("%s: %v (cause %v), want cause %v", op, err, got.Cause, c.want)
				}
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	ctx, cancel := context.WithCancel(testContext(t))
	mute := answering(t, func(net.Conn) { cancel() })
	_, err := new(epmd.Client).Lookup(ctx, mute, "shop")
	if cause(err) != epmd.Canceled {
		t.Errorf("canceled while waiting: %v", err)
	}
	if _, err := new(epmd.Client).Names(ctx, mute); cause(err) != epmd.Canceled {
		t.Errorf("canceled before: %v", err)
	}
}

func TestCutAnswer(t *testing.T) {
	cut := answering(t, reply("\x77\x00\x23\x8cM\x00\x00\x06"))
	if _, err := new(epmd.Client).Lookup(testContext(t), cut, "shop"); cause(err) != epmd.Closed {
		t.Errorf("half an answer: %v", err)
	}
}

// An answer in which a name is promised but never ends must not be waited for beyond the limit, nor stored.
func TestEndlessListing(t *testing.T) {
	endless := answering(t, func(conn net.Conn) {
		readRequest(conn)
		go func() {
			for chunk := make([]byte, 1<<16); ; {
				if _, err := conn.Write(chunk); err != nil {
					return
				}
			}
		}()
	})
	if _, err := new(epmd.Client).Names(testContext(t), endless); cause(err) != epmd.Garbage {
		t.Errorf("endless answer: %v", err)
	}
}

func TestBadEntry(t *testing.T) {
	var client epmd.Client
	if _, err := client.Lookup(testContext(t), "127.0.0.1:1", ""); cause(err) != epmd.BadEntry {
		t.Errorf("empty name: %v", err)
	}
	if _, err := client.Register(testContext(t), "127.0.0.1:1", epmd.Entry{Name: "a", Extra: make([]byte, 1021)}); cause(err) != epmd.BadEntry {
		t.Errorf("long extra: %v", err)
	}
}

func TestErrorText(t *testing.T) {
	for want, err := range map[string]*epmd.Error{
		`epmd 10.0.0.1:4369: lookup "shop": name not registered`: {
			Op: "lookup", Addr: "10.0.0.1:4369", Name: "shop", Cause: epmd.NotRegistered},
		`epmd 10.0.0.1:4369: names: connection refused`: {
			Op: "names", Addr: "10.0.0.1:4369", Cause: epmd.Refused, Err: syscall.ECONNREFUSED},
		`epmd 10.0.0.1:4369: names: failed: odd`: {
			Op: "names", Addr: "10.0.0.1:4369", Err: errors.New("odd")},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if err := (&epmd.Error{Err: syscall.ECONNREFUSED}); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the detail can't be found by errors.Is")
	}
	if got := epmd.Cause(200).String(); got != "cause 200" {
		t.Errorf("an unknown cause is called %q", got)
	}
}

// cause gives the cause of an *epmd.Error, and for any other error a number that no cause has.
func cause(err error) epmd.Cause {
	var e *epmd.Error
	if !errors.As(err, &e) {
		return 255
	}
	return e.Cause
}
