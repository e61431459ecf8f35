package dist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
)

// start starts a fake node and connects to it.
func start(tb testing.TB, o erltest.Options, cfg dist.Config) (*erltest.Node, *dist.Conn) {
	tb.Helper()
	o.Name, o.Cookie = "shop@127.0.0.1", secret
	n := erltest.Start(tb, o)
	cfg.Port = int(n.Addr().Port())
	return n, connect(tb, o.Name, cfg)
}

type caller func(ctx context.Context, mod, fun string, args ...any) (etf.Term, error)

func callers(c *dist.Conn) map[string]caller {
	return map[string]caller{"rex": c.Call, "erpc": c.ERPC}
}

func echo(_ *erltest.Node, args []etf.Term) any { return etf.Tuple{etf.Atom("echo"), args[0]} }

func TestCalls(t *testing.T) {
	t.Parallel()
	for _, fragment := range []int{0, 1, 64} {
		t.Run(fmt.Sprintf("fragments of %d", fragment), func(t *testing.T) {
			t.Parallel()
			_, c := start(t, erltest.Options{
				FragmentSize: fragment,
				Answers: map[string]erltest.Answer{
					"m:echo/1":  echo,
					"m:raise/2": func(_ *erltest.Node, a []etf.Term) any { return erltest.Raise{Class: a[0].String(), Reason: a[1]} },
				},
			}, dist.Config{})
			for name, call := range callers(c) {
				got, err := call(within(t), "m", "echo", etf.List{1, "two", etf.Atom("three")})
				if err != nil {
					t.Fatal(name, err)
				}
				if s := got.String(); s != `{echo,[1,<<"two">>,three]}` {
					t.Errorf("%s: got %s", name, s)
				}
				got, err = call(within(t), "erlang", "system_info", etf.Atom("otp_release"))
				if s, _ := got.Text(); err != nil || s != "27" {
					t.Errorf("%s: got %v, %v; want 27", name, got, err)
				}
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	_, c := start(t, erltest.Options{Answers: map[string]erltest.Answer{
		"m:raise/1": func(_ *erltest.Node, a []etf.Term) any {
			return erltest.Raise{Class: a[0].String(), Reason: etf.Atom("why")}
		},
	}}, dist.Config{})
	tests := []struct {
		name  string
		call  caller
		class any
		want  string
	}{
		{"rex error", c.Call, etf.Atom("error"), "badrpc: {'EXIT',{why,[{m,raise,[error],[]}]}}"},
		{"rex exit", c.Call, etf.Atom("exit"), "badrpc: {'EXIT',why}"},
		{"erpc error", c.ERPC, etf.Atom("error"), "error: why"},
		{"erpc exit", c.ERPC, etf.Atom("exit"), "exit: why"},
		{"erpc throw", c.ERPC, etf.Atom("throw"), "throw: why"},
	}
	for _, tt := range tests {
		_, err := tt.call(within(t), "m", "raise", tt.class)
		want(t, err, dist.StageCall, dist.CauseCallFailed)
		var f *dist.Failure
		if !errors.As(err, &f) || f.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, f, tt.want)
		}
	}
	for name, call := range callers(c) {
		_, err := call(within(t), "no", "such")
		want(t, err, dist.StageCall, dist.CauseCallFailed)
		_, err = call(within(t), "m", "raise", make(chan int))
		want(t, err, dist.StageCall, dist.CauseBadArgs)
		if n := c.Pending(); n != 0 {
			t.Errorf("%s: %d calls are still known", name, n)
		}
	}
	// A throw by rpc is a value.
	if got, err := c.Call(within(t), "m", "raise", etf.Atom("throw")); err != nil || got.String() != "why" {
		t.Errorf("a throw by rpc: got %v, %v", got, err)
	}
}

// Without a rex server a call is answered at once, not when its time is up.
func TestNoRex(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{Faults: erltest.Faults{NoRex: true}}, dist.Config{})
	for range 3 {
		_, err := c.Call(within(t), "erlang", "nodes")
		e := want(t, err, dist.StageCall, dist.CauseCallFailed)
		var f *dist.Failure
		if !errors.As(e, &f) || !f.Reason.IsAtom("noproc") {
			t.Errorf("got %v, want noproc", e)
		}
	}
	if _, err := c.ERPC(within(t), "erlang", "nodes"); err != nil {
		t.Error("erpc needs no rex:", err)
	}
	n.Fail(erltest.Faults{})
	if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
		t.Error("rex is back:", err)
	}
}

func TestConcurrentCalls(t *testing.T) {
	t.Parallel()
	_, c := start(t, erltest.Options{
		FragmentSize: 512, // answers of several calls interleave
		Handler: func(_, _ string, args []etf.Term) (any, bool) {
			return etf.Tuple{args[0], bytes.Repeat([]byte{'x'}, 5000)}, true
		},
	}, dist.Config{})
	var wg sync.WaitGroup
	for i := range 200 {
		for _, call := range callers(c) {
			wg.Go(func() {
				got, err := call(within(t), "m", "f", i)
				if k, _ := got.At(0).Int(); err != nil || int(k) != i {
					t.Errorf("call %d: got %.60s, %v", i, got, err)
				}
			})
		}
	}
	wg.Wait()
	if n := c.Pending(); n != 0 {
		t.Errorf("%d calls are still known", n)
	}
}

// A call that is given up leaves nothing behind, and the connection goes on.
func TestCanceledCalls(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{Faults: erltest.Faults{CallHangs: true}}, dist.Config{})
	for name, call := range callers(c) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		_, err := call(ctx, "erlang", "nodes")
		cancel()
		e := want(t, err, dist.StageCall, dist.CauseTimeout)
		if !errors.Is(e, context.DeadlineExceeded) {
			t.Errorf("%s: %v does not wrap the context's error", name, e)
		}
		ctx, cancel = context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := call(ctx, "erlang", "nodes")
			done <- err
		}()
		eventually(t, "the call is under way", func() bool { return c.Pending() == 1 })
		cancel()
		want(t, <-done, dist.StageCall, dist.CauseCanceled)
		_, err = call(ctx, "erlang", "nodes")
		want(t, err, dist.StageCall, dist.CauseCanceled)
		if n := c.Pending(); n != 0 {
			t.Errorf("%s: %d calls are still known", name, n)
		}
	}
	n.Fail(erltest.Faults{})
	if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
		t.Error("the connection does not go on:", err)
	}
}

func TestConnectionEndsInCall(t *testing.T) {
	t.Parallel()
	for _, erpc := range []bool{false, true} {
		_, c := start(t, erltest.Options{Faults: erltest.Faults{DropAtCall: true}}, dist.Config{})
		call := c.Call
		if erpc {
			call = c.ERPC
		}
		_, err := call(within(t), "erlang", "nodes")
		want(t, err, dist.StageConn, dist.CauseClosed)
		<-c.Done()
		want(t, c.Err(), dist.StageConn, dist.CauseClosed)
		_, err = call(within(t), "erlang", "nodes")
		want(t, err, dist.StageConn, dist.CauseClosed)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	n, c := start(t, erltest.Options{Faults: erltest.Faults{CallHangs: true}}, dist.Config{})
	done := make(chan error, 1)
	go func() {
		_, err := c.Call(within(t), "erlang", "nodes")
		done <- err
	}()
	eventually(t, "the call is under way", func() bool { return c.Pending() == 1 })
	if c.Err() != nil {
		t.Error("an open connection has the error", c.Err())
	}
	c.Close()
	c.Close()
	want(t, <-done, dist.StageConn, dist.CauseClosed)
	eventually(t, "the node sees the end", func() bool { return len(n.Connected()) == 0 })
}
