package peers

import (
	"context"
	"io"
	"net"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
)

func TestCloseEndsAll(t *testing.T) {
	before := runtime.NumGoroutine()
	r := serve(t, holds(t, 1), generous())
	c := r.caller(t, holds(t, 1), "127.0.0.2")
	asked(t, c)
	r.raw(t, "127.0.0.3")    // in its handshake
	r.shaken(t, "127.0.0.3") // idle
	begun := make(chan error)
	go func() { begun <- c.Call(context.Background(), "peer", "wait", nil, nil) }()
	eventually(t, "all are connected", func() bool { return r.connections() == 3 })
	r.Close()
	if err := <-r.end; err != nil {
		t.Error(err)
	}
	r.end <- nil // for the cleanup
	wantKind(t, <-begun, Refused, "")
	if err := r.Serve(nilListener{}); err != nil {
		t.Error(err)
	}
	c.Close()
	eventually(t, "all goroutines end", func() bool { return runtime.NumGoroutine() <= before && r.connections() == 0 })
}

type nilListener struct{ net.Listener }

func (nilListener) Close() error { return nil }

// A client's Close ends its calls.
func TestClientCloses(t *testing.T) {
	r := serve(t, holds(t, 1), generous())
	c := r.caller(t, holds(t, 1), "127.0.0.2")
	ended := make(chan error)
	go func() { ended <- c.Call(context.Background(), "peer", "wait", nil, nil) }()
	eventually(t, "it is connected", func() bool { return r.connections() == 1 })
	c.Close()
	wantKind(t, <-ended, Unreachable, "closed")
	eventually(t, "its connection ends", func() bool { return r.connections() == 0 })
}

// A listener that fails for a moment is waited for; one that is gone ends Serve.
func TestListenerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(holds(t, 1), echoes, nil)
		err := s.Serve(&failing{errs: []error{temporary{}, temporary{}, temporary{}, io.ErrUnexpectedEOF}})
		if err == nil || !strings.Contains(err.Error(), "the agents' port: unexpected EOF") {
			t.Error(err)
		}
	})
}

type failing struct {
	nilListener
	errs []error
}

func (f *failing) Accept() (net.Conn, error) {
	err := f.errs[0]
	f.errs = f.errs[1:]
	return nil, err
}

func (f *failing) Addr() net.Addr { return &net.UnixAddr{} }

type temporary struct{}

func (temporary) Error() string   { return "too many open files" }
func (temporary) Timeout() bool   { return false }
func (temporary) Temporary() bool { return true }
