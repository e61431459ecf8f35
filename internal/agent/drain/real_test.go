package drain_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/agent/drain"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/probe"
)

const (
	tally  = "../../../examples/tally"
	cookie = "a-cookie-for-drains"
)

// replica is a running tally, and what a drain needs of it.
type replica struct {
	*beamtest.Node
	*probe.Drain
	t    *testing.T
	addr string
}

func start(t *testing.T, otp beamtest.OTP, release string) *replica {
	t.Helper()
	e := beamtest.FreeSlot(t).EPMD(t, 1)
	opts := e.Options("tally", 0, cookie)
	opts.Release = release
	opts.Env = []string{"POD_IP=" + opts.Addr.String(), "PORT=4000"}
	n := otp.StartNode(t, opts)
	p := &probe.Prober{Cookie: dist.NewCookie(cookie), EPMDPort: e.Port, Ports: []uint16{}}
	s, err := p.Session(t.Context(), n.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return &replica{n, s.Drain(), t, net.JoinHostPort(opts.Addr.String(), "4000")}
}

// onBoth runs a test on tally with inets, on each OTP, and on cowboy, where that is.
func onBoth(t *testing.T, f func(t *testing.T, r *replica, cowboy bool)) {
	t.Helper()
	for _, otp := range beamtest.OTPs(t) {
		t.Run("inets on "+otp.String(), func(t *testing.T) {
			t.Parallel()
			f(t, start(t, otp, otp.BuildRelease(t, tally)), false)
		})
		if otp.HasCowboy() {
			t.Run("cowboy on "+otp.String(), func(t *testing.T) {
				t.Parallel()
				f(t, start(t, otp, otp.BuildOnCowboy(t, tally)), true)
			})
		}
	}
}

// client keeps one connection.
type client struct {
	conn net.Conn
	r    *bufio.Reader
}

func (r *replica) dial() *client {
	r.t.Helper()
	c, err := new(net.Dialer).DialContext(r.t.Context(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &client{c, bufio.NewReader(c)}
}

// get may be called by any goroutine.
func (c *client) get(path string) (status int, closes bool, err error) {
	if _, err := fmt.Fprintf(c.conn, "GET %s HTTP/1.1\r\nHost: tally\r\n\r\n", path); err != nil {
		return 0, false, err
	}
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		return 0, false, err
	}
	defer resp.Body.Close()
	for b := make([]byte, 512); err == nil; {
		_, err = resp.Body.Read(b)
	}
	return resp.StatusCode, resp.Close, nil
}

// busy waits until n requests are being answered.
func (r *replica) busy(n int) {
	r.t.Helper()
	r.Eventually(r.t, "'Elixir.Tally.Web.Requests':count()", fmt.Sprint(n))
}

// A slow request ends, a client that sends one request after the other is told to go by
// Connection: close and never loses an answer, and an idle one holds up nobody.
func TestDrainTally(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, r *replica, cowboy bool) {
		t.Helper()
		idle := r.dial()
		if status, _, err := idle.get("/"); status != 200 {
			t.Fatal(status, err)
		}
		var all sync.WaitGroup
		slow := r.dial()
		all.Go(func() {
			if status, _, err := slow.get("/slow?ms=3000"); status != 200 {
				t.Errorf("the slow request: %d, %v", status, err)
			}
		})
		steady := r.dial()
		all.Go(func() {
			for n := 1; ; n++ {
				status, closes, err := steady.get("/slow?ms=40")
				if status != 200 {
					t.Errorf("request %d of a steady client: %d, %v", n, status, err)
					return
				}
				if closes {
					return
				}
			}
		})
		r.busy(2)
		begun := time.Now()
		report := drain.Run(t.Context(), r.Drain, drain.Config{EndpointDelay: 500 * time.Millisecond, Budget: 20 * time.Second}, func(e drain.Event) {
			t.Logf("%5d ms  %s %s %+v", e.ElapsedMS, e.Phase, e.Step.Name, e.Work)
		})
		if took := time.Since(begun); report.Outcome != drain.Done || took < 2*time.Second || took > 10*time.Second {
			t.Errorf("%s after %s", report.Outcome, took)
		}
		all.Wait()
		stay := 2 // on httpd the slow one, too: its request came before httpd was told
		if cowboy {
			stay = 1
		}
		if report.Before.Requests < 1 || report.After != (drain.Work{Connections: stay}) {
			t.Errorf("work before %+v, after %+v, want %d connections to stay", report.Before, report.After, stay)
		}
		if cowboy != (report.Told > 0) {
			t.Errorf("told %d connections", report.Told)
		}
		status, closes, err := idle.get("/")
		if status != 200 || !closes {
			t.Errorf("the idle one's next answer: %d, closes %t, %v", status, closes, err)
		}
		r.Stop(t)
	})
}

// A drain that is cancelled leaves the node as it was.
func TestCancelDrainOfTally(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, r *replica, _ bool) {
		t.Helper()
		slow := r.dial()
		done := make(chan error, 1)
		go func() {
			_, _, err := slow.get("/slow?ms=1500")
			done <- err
		}()
		r.busy(1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		report := drain.Run(ctx, r.Drain, drain.Config{Budget: 20 * time.Second}, func(e drain.Event) {
			if e.Phase == drain.Progress {
				cancel()
			}
		})
		if report.Outcome != drain.Cancelled || report.Before.Requests != 1 {
			t.Errorf("%s, work %+v", report.Outcome, report.Before)
		}
		for _, s := range report.Undo(t.Context()) {
			if s.Outcome != drain.Done {
				t.Errorf("undo: %+v", s)
			}
		}
		if err := <-done; err != nil {
			t.Errorf("the slow request: %v", err)
		}
		again := r.dial()
		for range 2 {
			if status, closes, err := again.get("/"); status != 200 || closes {
				t.Errorf("after the undo: %d, closes %t, %v", status, closes, err)
			}
		}
	})
}

// A node that is killed while it drains ends the drain at once, and one that is frozen
// not before the budget does.
func TestDrainOfANodeThatIsLost(t *testing.T) {
	t.Parallel()
	otp := beamtest.OTPs(t)[1]
	release := otp.BuildRelease(t, tally)
	for name, lose := range map[string]func(*replica){
		"killed": func(r *replica) { r.Kill(9) },
		"frozen": func(r *replica) { r.Freeze() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, otp, release)
			go r.dial().get("/slow?ms=20000")
			r.busy(1)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			var report *drain.Report
			lost := false
			begun := time.Now()
			report = drain.Run(ctx, r.Drain, drain.Config{EndpointDelay: 200 * time.Millisecond, Budget: 4 * time.Second}, func(e drain.Event) {
				if e.Phase == drain.Progress && !lost {
					lost = true
					lose(r)
				}
			})
			took := time.Since(begun)
			if name == "killed" && (report.Outcome != drain.Gone || took > 2*time.Second) ||
				name == "frozen" && (report.Outcome != drain.TimedOut || took < 3*time.Second || took > 5*time.Second) {
				t.Errorf("%s after %s: %+v", report.Outcome, took, report.Steps)
			}
		})
	}
}
