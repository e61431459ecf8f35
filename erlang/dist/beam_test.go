package dist_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beamtest"
)

// app starts a node: replica 0 of an EPMD that has four addresses.
func app(tb testing.TB, o beamtest.OTP, change func(*beamtest.NodeOptions)) (*beamtest.Node, *beamtest.EPMD) {
	tb.Helper()
	e := beamtest.FreeSlot(tb).EPMD(tb, 4)
	opts := e.Options("app", 0, beamtest.Cookie(secret.Reveal()))
	if change != nil {
		change(&opts)
	}
	return o.StartNode(tb, opts), e
}

func TestBEAMCalls(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			if p := c.Peer(); p.Name != n.Name || p.Hidden || p.Creation == 0 || !strings.HasSuffix(c.Local(), "@"+dist.DefaultHost) {
				t.Errorf("peer %+v, we are %s", p, c.Local())
			}
			for name, call := range callers(c) {
				got, err := call(within(t), "erlang", "system_info", etf.Atom("otp_release"))
				if s, _ := got.Text(); err != nil || s != n.OTP.Release {
					t.Errorf("%s: release %v, %v", name, got, err)
				}
				// Everything that an argument can be comes back as it went.
				many := etf.List{
					1, -1 << 40, new(big.Int).Lsh(big.NewInt(7), 200), 1.5, "binary", etf.Atom("ätom"), true,
					etf.Tuple{}, etf.List{}, etf.Map{{Key: etf.Atom("k"), Value: etf.Charlist("text")}},
					etf.ImproperList{Elems: []any{1}, Tail: 2}, etf.BitString{Bytes: []byte{0xa0}, Bits: 3},
					etf.Export{Module: "erlang", Function: "node", Arity: 0},
				}
				sent, err := etf.Marshal(many)
				if err != nil {
					t.Fatal(err)
				}
				expect, err := etf.Decode(sent)
				if err != nil {
					t.Fatal(err)
				}
				got, err = call(within(t), "lists", "reverse", many)
				if err == nil {
					got, err = call(within(t), "lists", "reverse", got)
				}
				if err != nil || !got.Equal(expect) {
					t.Errorf("%s: sent %v, got %v, %v", name, expect, got, err)
				}
				// What is printed is dropped, and does not block.
				if got, err = call(within(t), "io", "format", etf.Charlist("~s~n"), etf.List{"text"}); err != nil || !got.IsAtom("ok") {
					t.Errorf("%s: io:format: %v, %v", name, got, err)
				}
			}

			// We are connected, hidden, and answer a ping.
			us := c.Local()
			if got := n.Eval(t, fmt.Sprintf("{nodes(), nodes(hidden), net_adm:ping('%s')}", us)); got != fmt.Sprintf("{[],['%s'],pong}", us) {
				t.Errorf("the node sees us as %s", got)
			}
			// Who calls us learns at once that there is nothing to call.
			if got := n.Eval(t, fmt.Sprintf("{rpc:call('%s', erlang, nodes, []), catch erpc:call('%[1]s', erlang, nodes, [])}", us)); !strings.HasPrefix(got, "{{badrpc,") || !strings.Contains(got, "notsup") {
				t.Errorf("rpc and erpc to us give %s", got)
			}

			// The node ends the connection.
			if got := n.Eval(t, fmt.Sprintf("erlang:disconnect_node('%s')", us)); got != "true" {
				t.Errorf("disconnect_node gives %s", got)
			}
			<-c.Done()
			want(t, c.Err(), dist.StageConn, dist.CauseClosed)

			c = connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			c.Close()
			n.Eventually(t, "nodes(connected)", "[]")
		})
	}
}

func TestBEAMFailures(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			tests := []struct {
				call          caller
				mod, fun      string
				arg           any
				class, reason string
			}{
				{c.Call, "no", "such", 1, "badrpc", "{'EXIT',{undef,[{no,such,[1],"},
				{c.Call, "erlang", "error", etf.Atom("why"), "badrpc", "{'EXIT',{why,"},
				{c.Call, "erlang", "exit", etf.Atom("why"), "badrpc", "{'EXIT',why}"},
				{c.ERPC, "no", "such", 1, "error", "undef"},
				{c.ERPC, "erlang", "error", etf.Atom("why"), "error", "why"},
				{c.ERPC, "erlang", "exit", etf.Atom("why"), "exit", "why"},
				{c.ERPC, "erlang", "throw", etf.Atom("why"), "throw", "why"},
			}
			for _, tt := range tests {
				_, err := tt.call(within(t), tt.mod, tt.fun, tt.arg)
				want(t, err, dist.StageCall, dist.CauseCallFailed)
				var f *dist.Failure
				if !errors.As(err, &f) || f.Class != tt.class || !strings.HasPrefix(f.Reason.String(), tt.reason) {
					t.Errorf("%s:%s: got %v, want %s: %s", tt.mod, tt.fun, f, tt.class, tt.reason)
				}
			}
			// The process of an erpc call is killed.
			killed := make(chan error, 1)
			go func() {
				_, err := c.ERPC(within(t), "timer", "sleep", etf.Atom("infinity"))
				killed <- err
			}()
			n.Eventually(t, `length([exit(P, kill) || P <- processes(),
			{initial_call, {erpc, execute_call, 4}} <- [process_info(P, initial_call)]])`, "1")
			err := <-killed
			want(t, err, dist.StageCall, dist.CauseCallFailed)
			var f *dist.Failure
			if !errors.As(err, &f) || f.Class != "signal" || !f.Reason.IsAtom("killed") {
				t.Errorf("got %v, want signal: killed", f)
			}

			// rex is gone, and comes back (its supervisor restarts it).
			n.Eval(t, "supervisor:terminate_child(kernel_sup, rex)")
			_, err = c.Call(within(t), "erlang", "nodes")
			want(t, err, dist.StageCall, dist.CauseCallFailed)
			if _, err := c.ERPC(within(t), "erlang", "nodes"); err != nil {
				t.Error("erpc without rex:", err)
			}
			n.Eval(t, "supervisor:restart_child(kernel_sup, rex)")
			if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
				t.Error("rex is back:", err)
			}
			n.Eventually(t, "length(nodes(hidden))", "1")
		})
	}
}

// Long messages go both ways, in fragments where the node cuts them.
func TestBEAMLongMessages(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			const size = 6 << 20
			for name, call := range callers(c) {
				got, err := call(within(t), "binary", "copy", "x", size)
				if b, _ := got.Bytes(); err != nil || len(b) != size || bytes.Count(b, []byte("x")) != size {
					t.Errorf("%s: got %d bytes, %v", name, len(b), err)
				}
				got, err = call(within(t), "lists", "seq", 1, 500_000)
				if last, _ := got.At(499_999).Int(); err != nil || got.Len() != 500_000 || last != 500_000 {
					t.Errorf("%s: got %d elements, %v", name, got.Len(), err)
				}
				got, err = call(within(t), "erlang", "byte_size", bytes.Repeat([]byte("y"), size))
				if k, _ := got.Int(); err != nil || k != size {
					t.Errorf("%s: sent %d bytes, %v arrived, %v", name, size, got, err)
				}
			}
			// More than is allowed ends the connection, not the program.
			small := connect(t, n.Name, dist.Config{EPMDPort: e.Port, MaxMessage: 1 << 20})
			_, err := small.Call(within(t), "binary", "copy", "x", size)
			want(t, err, dist.StageConn, dist.CauseProtocol)
		})
	}
}

// Many calls at once share a connection; long answers do not hold up short ones
// for good, and each gets its own.
func TestBEAMConcurrentCalls(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			var wg sync.WaitGroup
			for i := range 100 {
				for name, call := range callers(c) {
					wg.Go(func() {
						size := 1 + i%10*50_000
						got, err := call(within(t), "binary", "copy", []byte{byte(i)}, size)
						if b, _ := got.Bytes(); err != nil || len(b) != size || bytes.Count(b, []byte{byte(i)}) != size {
							t.Errorf("%s %d: got %d bytes, %v", name, i, len(b), err)
						}
					})
				}
			}
			wg.Wait()
			if k := c.Pending(); k != 0 {
				t.Errorf("%d calls are still known", k)
			}
		})
	}
}

func TestBEAMCanceledCalls(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			for name, call := range callers(c) {
				for range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					_, err := call(ctx, "timer", "sleep", 1500)
					cancel()
					want(t, err, dist.StageCall, dist.CauseTimeout)
				}
				if k := c.Pending(); k != 0 {
					t.Errorf("%s: %d calls are still known", name, k)
				}
				// The late answers of those calls are nobody's.
				if got, err := call(within(t), "timer", "sleep", 1600); err != nil || !got.IsAtom("ok") {
					t.Errorf("%s: the connection does not go on: %v, %v", name, got, err)
				}
			}
		})
	}
}
