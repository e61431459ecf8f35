package load

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// held is a configuration of nothing but connections that are held, apart from one request at the beginning.
func held(url string) Config {
	c := burst(url, 1)
	c.Rate = 0.01
	return c
}

func TestIdle(t *testing.T) {
	t.Parallel()
	s := serve(t, says(ok))
	c := held(s.url)
	c.Idle, c.IdleEvery = 4, 200*time.Millisecond
	r := runUntil(t, c, s.saw(1+12))
	got := r.Targets[0].Classes[Idle]
	if conns, _ := s.counted(); conns != 5 || got.Sent < 12 || got.OK != got.Sent || got.Closed != 0 || r.Apart != got.Count {
		t.Errorf("%d connections, %+v", conns, got)
	}
}

// An idle connection that ends while it rests is opened anew at its next use; one that ends under a request has that
// request failed, apart from the others.
func TestIdleLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer answer
		check  func(ClassReport) bool
	}{
		"resting": {ends(ok), func(c ClassReport) bool {
			return c.OK == c.Sent && c.Closed >= c.Sent-1 && total(c.Reopened) == c.Sent-1
		}},
		"used": {func(c *net.TCPConn, n int, req *http.Request) bool { return n < 2 && says(ok)(c, n, req) }, func(c ClassReport) bool {
			return c.Failed > 0 && c.Failed == c.Kinds[Reset] && c.Closed == 0
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answer)
			c := held(s.url)
			c.Idle, c.IdleEvery = 1, 100*time.Millisecond
			r := runUntil(t, c, s.saw(1+4))
			if got := r.Targets[0].Classes[Idle]; got.Sent < 4 || !tt.check(got) || r.Failed != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func total(seconds []Second) (n int) {
	for _, s := range seconds {
		n += s.Count
	}
	return n
}

// Long-lived connections that are ended together come back together; one that streams when the run ends is no failure.
func TestLong(t *testing.T) {
	t.Parallel()
	var streams atomic.Int32
	s := serve(t, func(c *net.TCPConn, n int, req *http.Request) bool {
		if req.URL.Path != "/stream" {
			return says(ok)(c, n, req)
		}
		says("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")(c, n, req)
		// The first ten end when all of them are there; the others go on.
		for later := streams.Add(1) > 10; later || streams.Load() < 10; time.Sleep(10 * time.Millisecond) {
			if !says("2\r\nhi\r\n")(c, n, req) {
				return false
			}
		}
		time.Sleep(1200 * time.Millisecond) // longer than an answer may take that does not stream
		return says("0\r\n\r\n")(c, n, req) && false
	})
	c := held(s.url)
	c.Long, c.LongPath, c.Timeout = 10, "/stream", time.Second
	r := runUntil(t, c, func() bool { return streams.Load() == 20 })
	got := r.Targets[0].Classes[Long]
	if want := (Count{Sent: 20, OK: 10}); got.Count != want || total(got.Reopened) != 10 || got.AskedClose != 10 {
		t.Errorf("%+v", got)
	}
	if len(got.Reopened) > 2 || got.Reopened[0].Second < 1 {
		t.Errorf("reopened %+v", got.Reopened)
	}
}

// Without an answer that streams, they are seen to end although nobody uses them.
func TestLongHeld(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *net.TCPConn, n int, req *http.Request) bool {
		says(ok)(c, n, req)
		time.Sleep(50 * time.Millisecond)
		return false
	})
	c := held(s.url)
	c.Long, c.LongEvery = 1, time.Hour
	r := runUntil(t, c, s.saw(1+4))
	got := r.Targets[0].Classes[Long]
	if got.Sent < 4 || got.Failed != 0 || got.Closed < total(got.Reopened) || total(got.Reopened) < 3 {
		t.Errorf("%+v", got)
	}
}

// The report can be found in what the container printed, and is the same then.
func TestReport(t *testing.T) {
	t.Parallel()
	s := serve(t, ends(""))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	c := burst(s.url, 20)
	c.Duration = 0
	var told strings.Builder
	r, err := Run(ctx, c, &told)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadReport([]byte(told.String() + string(text) + "\nlast words\n"))
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(read); string(again) != string(text) {
		t.Errorf("%s\n%s", text, again)
	}
	if read.Failed == 0 || read.Seconds < 0.15 || strings.Count(told.String(), "\n") != min(read.Failed, c.Examples) {
		t.Errorf("%s\n%s", told.String(), text)
	}
	if _, err := ReadReport([]byte("   5s: sent 1\n")); err == nil {
		t.Error("a report was found where there is none")
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Config){
		"no target": func(c *Config) { c.Targets = nil },
		"https":     func(c *Config) { c.Targets[0].URL = "https://tally" },
		"no host":   func(c *Config) { c.Targets[0].URL = "http://:80" },
		"no scheme": func(c *Config) { c.Targets[0].URL = "tally:80" },
		"rate":      func(c *Config) { c.Rate = 0 },
		"share":     func(c *Config) { c.Slow = 1.1 },
		"delays":    func(c *Config) { c.SlowMax = time.Second },
		"path":      func(c *Config) { c.Path = "tally" },
		"bad path":  func(c *Config) { c.SlowPath = "/%zz" },
		"limit":     func(c *Config) { c.ConnectLimit = 0 },
	} {
		c := Defaults()
		c.Targets = []Target{{URL: "http://tally"}}
		if err := c.Check(); err != nil {
			t.Fatal(err)
		}
		change(&c)
		if err := c.Check(); err == nil {
			t.Errorf("%s: nothing is wrong", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}
