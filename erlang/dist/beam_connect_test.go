package dist_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beamtest"
)

// freeze stops a node and waits until all its threads stand: on a busy machine
// the signal takes a while to reach them.
func freeze(tb testing.TB, n *beamtest.Node) {
	tb.Helper()
	n.Freeze()
	eventually(tb, "every thread stands", func() bool {
		stats, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", n.Pid))
		if err != nil || len(stats) == 0 {
			tb.Fatalf("threads of process %d: %v", n.Pid, err)
		}
		return !slices.ContainsFunc(stats, func(stat string) bool {
			b, _ := os.ReadFile(stat)
			_, state, _ := strings.Cut(string(b), ") ")
			return !strings.HasPrefix(state, "T")
		})
	})
}

// However often one connects, the node's atoms do not grow.
func TestBEAMGivenNames(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			dial := func() string {
				c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
				if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
					t.Fatal(err)
				}
				c.Close()
				n.Eventually(t, "nodes(connected)", "[]")
				return c.Local()
			}
			name := dial()
			const count = `erlang:system_info(atom_count)`
			before := n.Eval(t, count)
			for range 25 {
				if again := dial(); again != name {
					t.Errorf("given the name %s, then %s", name, again)
				}
			}
			if after := n.Eval(t, count); after != before {
				t.Errorf("25 connections took atoms from %s to %s", before, after)
			}
		})
	}
}

func TestBEAMFixedName(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			cfg := dist.Config{Cookie: secret, EPMDPort: e.Port, Name: "probe@example.com"}
			first := connect(t, n.Name, cfg)
			n.Eventually(t, "nodes(hidden)", "['probe@example.com']")
			_, err := dist.Dial(within(t), n.Name, cfg)
			want(t, err, dist.StageStatus, dist.CauseAlive)
			if _, err := first.Call(within(t), "erlang", "nodes"); err != nil {
				t.Error("the first connection ended:", err)
			}
			cfg.TakeOver = true
			second := connect(t, n.Name, cfg)
			<-first.Done()
			if _, err := second.ERPC(within(t), "erlang", "nodes"); err != nil {
				t.Error("the second connection took over:", err)
			}
		})
	}
}

// What is wrong with a node that runs, is registered and answers.
func TestBEAMCauses(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			dial := func(node string, change func(*dist.Config)) error {
				cfg := dist.Config{Cookie: secret, EPMDPort: e.Port}
				if change != nil {
					change(&cfg)
				}
				c, err := dist.Dial(within(t), node, cfg)
				if err == nil {
					c.Close()
				}
				return err
			}
			addr := n.Addr()

			err := dial(n.Name, func(c *dist.Config) { c.Cookie = dist.NewCookie("another") })
			if got := want(t, err, dist.StageAck, dist.CauseCookie); got.Peer != n.Name {
				t.Errorf("the peer's name is %q", got.Peer)
			}
			n.Eventually(t, "nodes(connected)", "[]")

			// Who asks for the name only needs no cookie, and the node says nothing of it.
			who, err := dist.Identify(within(t), n.Name, dist.Config{EPMDPort: e.Port})
			if err != nil || who.Name != n.Name || who.Creation == 0 {
				t.Errorf("the node identifies as %+v, %v", who, err)
			}
			n.Eventually(t, "nodes(connected)", "[]")
			if log := n.Log(); strings.Count(log, "ERROR REPORT") > 1 {
				t.Errorf("the node logs more than the one wrong cookie:\n%s", log)
			}

			// The host part is not the one that the node has.
			err = dial("app@app-0.app.default.svc.cluster.local", func(c *dist.Config) {
				c.Resolve = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{addr}, nil }
			})
			if got := want(t, err, dist.StageChallenge, dist.CauseNameMismatch); got.Peer != n.Name {
				t.Errorf("the peer's name is %q", got.Peer)
			}

			want(t, dial("other@"+addr.String(), nil), dist.StageEPMD, dist.CauseNotRegistered)
			want(t, dial(n.Name, func(c *dist.Config) { c.Port = 1 }), dist.StageConnect, dist.CausePortRefused)
			// EPMD in the place of the node: it takes the name for a request, and hangs up.
			want(t, dial(n.Name, func(c *dist.Config) { c.Port = e.Port }), dist.StageStatus, dist.CauseNotDistribution)
			// The node in the place of EPMD.
			err = dial(n.Name, func(c *dist.Config) { c.EPMDPort, c.ConnectTimeout = int(n.Port), 300*time.Millisecond })
			var de *dist.Error
			if !errors.As(err, &de) || de.Stage != dist.StageEPMD || de.Cause != dist.CauseEPMDMute && de.Cause != dist.CauseEPMDGarbage {
				t.Errorf("a node in the place of EPMD: %v", err)
			}
			e.Lose(0)
			// One that came while it closed may still have been taken.
			eventually(t, "EPMD is gone", func() bool { return !errors.As(dial(n.Name, nil), &de) || de.Cause != dist.CauseEPMDGarbage })
			want(t, dial(n.Name, nil), dist.StageEPMD, dist.CauseEPMDRefused)
			e.Return(t, 0)

			// Frozen: its kernel still takes connections.
			freeze(t, n)
			want(t, dial(n.Name, func(c *dist.Config) { c.HandshakeTimeout = 300 * time.Millisecond }), dist.StageStatus, dist.CauseFrozen)
			n.Thaw()
			if err := dial(n.Name, nil); err != nil {
				t.Error("thawed:", err)
			}

			// Last, as it can't be taken back.
			n.Eval(t, "net_kernel:allow(['friend@127.0.0.1'])")
			want(t, dial(n.Name, nil), dist.StageStatus, dist.CauseNotAllowed)
			if err := dial(n.Name, func(c *dist.Config) { c.Name = "friend@127.0.0.1" }); err != nil {
				t.Error("a friend is not allowed:", err)
			}
		})
	}
}

// An idle connection to a node of a tick time much shorter than ours lives by
// our answers to its ticks, and is given up when the node falls silent.
func TestBEAMTicks(t *testing.T) {
	short := func(o *beamtest.NodeOptions) { o.ExtraArgs = append(o.ExtraArgs, "-kernel", "net_ticktime", "2") }
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, short)
			idle := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			watching := connect(t, n.Name, dist.Config{EPMDPort: e.Port, Tick: 2 * time.Second})
			// A tick every half second: ten are more than twice the tick time.
			eventually(t, "ten ticks", func() bool {
				return idle.Err() != nil || watching.Err() != nil || idle.Heard() >= 40 && watching.Heard() >= 40
			})
			for _, c := range []*dist.Conn{idle, watching} {
				if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
					t.Error(err)
				}
			}
			freeze(t, n)
			<-watching.Done()
			want(t, watching.Err(), dist.StageConn, dist.CauseSilent)
			n.Thaw()
		})
	}
}

// A node of IPv6, whose EPMD it expects at ::1.
func TestBEAMIPv6(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			e := erltest.StartEPMD(t, "::1", "127.0.0.1")
			n := o.StartNode(t, beamtest.NodeOptions{
				Name: "app@::1", Cookie: beamtest.Cookie(secret.Reveal()), Addr: netip.IPv6Loopback(), EPMDPort: e.Port(),
				ExtraArgs: []string{"-proto_dist", "inet6_tcp"},
			})
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port()})
			for name, call := range callers(c) {
				if got, err := call(within(t), "erlang", "node"); err != nil || !got.IsAtom("app@::1") {
					t.Errorf("%s: %v, %v", name, got, err)
				}
			}
		})
	}
}

func TestBEAMEnds(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			c := connect(t, n.Name, dist.Config{EPMDPort: e.Port})
			done := make(chan error, 1)
			go func() {
				_, err := c.Call(within(t), "timer", "sleep", etf.Atom("infinity"))
				done <- err
			}()
			eventually(t, "the call is under way", func() bool { return c.Pending() == 1 })
			n.Stop(t)
			want(t, <-done, dist.StageConn, dist.CauseClosed)
			want(t, c.Err(), dist.StageConn, dist.CauseClosed)
		})
	}
}

// A node that takes nothing more holds up neither a call beyond its time nor
// Close, however much waits to be written.
func TestBEAMFrozenWhileWriting(t *testing.T) {
	t.Parallel()
	ca := beamtest.NewTLS(t)
	for _, secure := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", secure), func(t *testing.T) {
			t.Parallel()
			cfg := dist.Config{}
			n, e := app(t, beamtest.Host(t), func(o *beamtest.NodeOptions) {
				if secure {
					o.TLS, cfg.TLS = ca, ca.Config(t, "127.0.0.1")
				}
			})
			cfg.EPMDPort = e.Port
			c := connect(t, n.Name, cfg)
			freeze(t, n)
			long := make([]byte, 1<<20)
			var wg sync.WaitGroup
			errs := make([]error, 100) // more than the queue holds
			for i := range errs {
				call := c.Call
				if i%2 == 0 {
					call = c.ERPC
				}
				wg.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
					defer cancel()
					_, errs[i] = call(ctx, "erlang", "byte_size", long)
				})
			}
			wg.Wait()
			for _, err := range errs {
				want(t, err, dist.StageCall, dist.CauseTimeout)
			}
			if k := c.Pending(); k != 0 {
				t.Errorf("%d calls are still known", k)
			}
			c.Close()
			n.Thaw()
		})
	}
}
