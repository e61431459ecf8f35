package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

func (a *app) breakPod(pod string, f Fault) {
	a.t.Helper()
	if _, err := a.Break(a.t.Context(), pod, f); err != nil {
		a.t.Fatalf("break %s %s: %v", pod, f, err)
	}
}

func (a *app) mendPod(pod string) {
	a.t.Helper()
	if _, err := a.Mend(a.t.Context(), pod); err != nil {
		a.t.Fatalf("mend %s: %v", pod, err)
	}
}

// links gives the pairs that are up.
func links(r mesh.Report) []string {
	var out []string
	for _, n := range r.Nodes {
		for _, p := range n.Peers {
			if n.Name < p {
				out = append(out, n.Name+" "+p)
			}
		}
	}
	slices.Sort(out)
	return out
}

func codes(r mesh.Report) []finding.Code {
	var out []finding.Code
	for _, f := range r.Findings {
		out = append(out, f.Code)
	}
	return out
}

// Every fault keeps only its own replica out, shows from outside, and is mended.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, id := range []Identity{IdentityAddress, IdentityStable} {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			a := up(t, Options{Dir: tally(t), Identity: id})
			s := a.allReady(3)
			a.fullMesh(3)
			stays := s.Pods[0].Node + " " + s.Pods[1].Node
			for _, c := range []struct {
				fault Fault
				code  finding.Code
				says  string // part of the reason for which the broken replica is not ready
			}{
				{FaultCookie, "COO-01", "another cookie"},
				{FaultName, "NAM-02", "another name"},
				{FaultPort, "NET-01", "connection refused"},
				{FaultEPMD, "", "no EPMD there"},
			} {
				a.breakPod("tally-2", c.fault)
				eventually(t, string(c.fault)+" shows", func() error {
					p := a.pod("tally-2")
					if !a.status().Settled || p.Ready || !strings.Contains(p.Reason, c.says) {
						return fmt.Errorf("%+v", p)
					}
					return nil
				})
				r := a.mesh()
				if got := links(r); !slices.Equal(got, []string{stays}) {
					t.Errorf("%s: links %v, want %s alone", c.fault, got, stays)
				}
				if len(r.Findings) == 0 || c.code != "" && !slices.Contains(codes(r), c.code) {
					t.Errorf("%s: findings %+v, want %s", c.fault, r.Findings, c.code)
				}
				if len(r.Findings) > 0 && !strings.Contains(fmt.Sprint(r.Findings), s.Pods[2].Node) {
					t.Errorf("%s: findings %+v do not name %s", c.fault, r.Findings, s.Pods[2].Node)
				}
				if st := a.status(); st.Ready() != 2 {
					t.Errorf("%s: %d replicas are ready, want the other two", c.fault, st.Ready())
				}
				if _, err := a.Break(t.Context(), "tally-2", c.fault); err == nil {
					t.Errorf("%s: broken twice", c.fault)
				}
				a.mendPod("")
				a.allReady(3)
				a.fullMesh(3)
			}
			if r, err := a.Mend(t.Context(), ""); err != nil || len(r.Pods) != 0 {
				t.Errorf("mend without a fault: %+v %v", r, err)
			}
		})
	}
}

// A frozen replica parts nobody, and goes on as if nothing had been.
func TestFreeze(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t), Break: map[string]Fault{"tally-1": FaultFreeze}})
	frozen := a.allReady(3).Pods[1]
	eventually(t, "frozen and seen to be", func() error {
		r := a.mesh()
		if !strings.Contains(fmt.Sprint(codes(r)), "NET-18") {
			return fmt.Errorf("findings %+v", r.Findings)
		}
		if got := links(r); !slices.Contains(got, a.pod("tally-0").Node+" "+a.pod("tally-2").Node) {
			return fmt.Errorf("links %v", got)
		}
		return nil
	})
	// Its gate stays open, and no request goes there while others take them.
	eventually(t, "the engine knows that it is silent", func() error {
		if p := a.pod("tally-1"); p.SilentSince.IsZero() || !p.Ready || !strings.Contains(p.Reason, "ready, but the node does not answer since") {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	url, there := a.status().URL, fmt.Sprintf(`"node":%q`, frozen.Node)
	for range 12 {
		if code, body := get(t, url); code != http.StatusOK || strings.Contains(body, there) {
			t.Errorf("with one of three frozen: %d %s", code, body)
		}
	}
	a.mendPod("tally-1")
	a.fullMesh(3)
	eventually(t, "requests go to the thawed replica", func() error {
		if _, body := get(t, url); !strings.Contains(body, there) {
			return fmt.Errorf("the last went elsewhere: %s; %+v", body, a.pod("tally-1"))
		}
		return nil
	})
	if p := a.pod("tally-1"); p.PID != frozen.PID || p.Restarts != 0 {
		t.Errorf("thawed: %+v, want the same process as before (%d)", p, frozen.PID)
	}
	// Going down does not wait for what cannot hear.
	a.breakPod("tally-1", FaultFreeze)
	if err := a.Down(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestKilledAndBack(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t)})
	before := a.allReady(3)
	for n := range 2 { // the second time at once: it is no crash loop
		pid := a.pod("tally-1").PID
		a.breakPod("tally-1", FaultKill)
		eventually(t, "tally-1 was seen to be gone", func() error {
			if p := a.pod("tally-1"); p.Restarts != n+1 {
				return fmt.Errorf("%+v", p)
			}
			return nil
		})
		if n == 0 { // mended while it is away; the other time when it is back
			mendSays(t, a, "tally-1: was killed, starts again by itself")
		}
		s, err := a.WaitSettled(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if p := s.Pods[1]; p.Restarts != n+1 || !p.Ready || p.PID == pid {
			t.Errorf("settled before it is back: %+v", p)
		}
	}
	mendSays(t, a, "tally-1: was killed and is back by itself")
	mendSays(t, a, "nothing was broken")
	a.fullMesh(3)
	for _, i := range []int{0, 2} {
		if p := a.pod(before.Pods[i].Name); p.PID != before.Pods[i].PID {
			t.Errorf("%s was restarted, too", p.Name)
		}
	}
}

func mendSays(t *testing.T, a *app, want string) {
	t.Helper()
	if r, err := a.Mend(t.Context(), ""); err != nil || r.Text != want {
		t.Errorf("mend says %q, %v; want %q", r.Text, err, want)
	}
}

// With DNS gone nothing parts. Only a replica that starts anew without it
// stays out, and comes in when DNS is back, without another start.
func TestDNSLost(t *testing.T) {
	t.Parallel()
	for _, id := range []Identity{IdentityAddress, IdentityStable} {
		t.Run(string(id), func(t *testing.T) {
			t.Parallel()
			a := up(t, Options{Dir: tally(t), Identity: id})
			a.allReady(3)
			a.fullMesh(3)
			parted := watchPartings(t, a, "tally-0")
			for _, pod := range []string{"tally-0", "tally-1", "tally-2"} {
				a.breakPod(pod, FaultDNS)
			}
			// Several rounds of every agent's loop without an answer.
			holds(t, 5*time.Second, func() error {
				if s := a.status(); s.Ready() != 3 {
					return fmt.Errorf("%+v", s.Pods)
				}
				return nil
			})
			if n := parted(); n != 0 {
				t.Errorf("%d links parted without DNS", n)
			}
			a.mendPod("tally-0")
			a.mendPod("tally-1")
			if err := a.Restart(t.Context(), "tally-2"); err != nil {
				t.Fatal(err)
			}
			eventually(t, "tally-2 settles outside", func() error {
				p := a.pod("tally-2")
				if !a.status().Settled || p.Ready || !strings.Contains(p.Reason, "peers cannot be found") {
					return fmt.Errorf("%+v", p)
				}
				return nil
			})
			if got := links(a.mesh()); len(got) != 1 {
				t.Errorf("links %v, want that of the other two", got)
			}
			pid := a.pod("tally-2").PID
			a.mendPod("")
			a.allReady(3)
			a.fullMesh(3)
			if got := a.pod("tally-2").PID; got != pid {
				t.Error("mending DNS restarted tally-2")
			}
		})
	}
}

// watchPartings counts the nodedown messages that a replica gets, in a process
// of its own there.
func watchPartings(t *testing.T, a *app, pod string) func() int {
	t.Helper()
	a.rpc(pod, `spawn(fn ->
	  Process.register(self(), :phial_watch)
	  :net_kernel.monitor_nodes(true)
	  loop = fn f, n ->
	    receive do
	      {:nodedown, _} -> f.(f, n + 1)
	      {:count, from} -> send(from, {:count, n}); f.(f, n)
	      _ -> f.(f, n)
	    end; end
	  loop.(loop, 0)
	end)`)
	return func() int {
		var n int
		got := a.rpc(pod, `send(:phial_watch, {:count, self()}); receive do {:count, n} -> IO.puts(n) after 5000 -> IO.puts("nobody counts") end`)
		if _, err := fmt.Sscan(got, &n); err != nil {
			t.Fatalf("counting partings: %q", got)
		}
		return n
	}
}

// holds wants f to have no complaint for a while.
func holds(t *testing.T, d time.Duration, f func() error) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
}

// A replica that reaches only one of two is not told to join, and the two keep
// their link. (Told to, all three would part: OTP 25 prevents overlapping partitions.)
func TestReachesOnlyOneOfTwo(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t)})
	s := a.allReady(3)
	a.fullMesh(3)
	node2 := s.Pods[2].Node
	// tally-0 keeps another cookie for tally-2, from tally-2's next start on.
	setPeerCookie := func(cookie dist.Cookie) {
		a.rpc("tally-0", fmt.Sprintf(`:erlang.set_cookie(:"%s", :"%s")`, node2, cookie.Reveal()))
	}
	setPeerCookie(dist.NewCookie("another"))
	parted := watchPartings(t, a, "tally-1")
	if err := a.Restart(t.Context(), "tally-2"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "tally-2 says why it stays out", func() error {
		p := a.pod("tally-2")
		if p.Ready || !strings.Contains(p.Reason, "as a whole or not at all") || !strings.Contains(p.Reason, "tally-0") {
			return fmt.Errorf("%+v", p)
		}
		return nil
	})
	if n := parted(); n != 1 {
		t.Errorf("tally-1 lost %d links, want one: the restarted replica's", n)
	}
	if got := links(a.mesh()); !slices.Equal(got, []string{s.Pods[0].Node + " " + s.Pods[1].Node}) {
		t.Errorf("links %v, want that of tally-0 and tally-1 alone", got)
	}
	if st := a.status(); st.Ready() != 2 {
		t.Errorf("%d ready, want 2", st.Ready())
	}
	cookie, err := dist.CookieFromFile(a.Dir() + "/cookie")
	if err != nil {
		t.Fatal(err)
	}
	setPeerCookie(cookie)
	a.allReady(3)
	a.fullMesh(3)
	if n := parted(); n != 1 {
		t.Errorf("tally-1 lost %d links in all, want 1", n)
	}
}

// load sends requests until it is stopped, and counts those that failed.
type load struct {
	sent, failed atomic.Int64
	first        atomic.Value // string: the first failure
}

func (l *load) fail(format string, args ...any) {
	l.failed.Add(1)
	l.first.CompareAndSwap(nil, fmt.Sprintf(format, args...))
}

func (l *load) run(ctx context.Context, url string, keepAlive bool) {
	c := &http.Client{Transport: &http.Transport{DisableKeepAlives: !keepAlive}, Timeout: 20 * time.Second}
	defer c.CloseIdleConnections()
	for i := 0; ctx.Err() == nil; i++ {
		method, path := http.MethodGet, "/"
		switch i % 4 {
		case 1:
			method, path = http.MethodPost, "/tally/rolling"
		case 2:
			path = "/slow?ms=30"
		}
		req, _ := http.NewRequestWithContext(context.WithoutCancel(ctx), method, url+path, nil)
		resp, err := c.Do(req)
		l.sent.Add(1)
		if err != nil {
			l.fail("%s %s: %v", method, path, err)
			continue
		}
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			l.fail("%s %s: %s %v", method, path, resp.Status, err)
		}
	}
}

func TestRollingRestartUnderLoad(t *testing.T) {
	t.Parallel()
	a := up(t, Options{Dir: tally(t)})
	before := a.allReady(3)
	a.fullMesh(3)
	ctx, cancel := context.WithCancel(t.Context())
	var l load
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() { l.run(ctx, before.URL, i%2 == 0) })
	}
	err := a.Restart(t.Context(), "")
	cancel()
	wg.Wait()
	if err != nil {
		t.Fatal(err)
	}
	first, _ := l.first.Load().(string)
	t.Logf("%d requests", l.sent.Load())
	if n := l.failed.Load(); n != 0 || l.sent.Load() < 100 {
		t.Errorf("%d of %d requests failed, the first: %s", n, l.sent.Load(), first)
	}
	after := a.status()
	for i, p := range after.Pods {
		if !p.Ready || p.PID == before.Pods[i].PID {
			t.Errorf("%s after the rolling restart: %+v", p.Name, p)
		}
	}
	a.fullMesh(3)
}

func TestUnknownReplica(t *testing.T) {
	a := up(t, Options{Dir: fakeRelease(t, "solo", "sleep 1000"), Replicas: 1, NoHTTP: true, Grace: time.Second})
	for what, err := range map[string]error{
		"restart": a.Restart(t.Context(), "solo-1"),
		"break":   second(a.Break(t.Context(), "solo-1", FaultDNS)),
		"mend":    second(a.Mend(t.Context(), "tally-0")),
		"remote":  second(a.Remote(t.Context(), "x")),
		"fault":   second(a.Break(t.Context(), "solo-0", "fire")),
	} {
		if err == nil || !strings.Contains(err.Error(), "there are") {
			t.Errorf("%s: %v, want an error that says what there is", what, err)
		}
	}
	if errors.Is(a.Restart(t.Context(), "solo-1"), errGoingDown) {
		t.Error("the engine is going down")
	}
}

func second[T any](_ T, err error) error { return err }
