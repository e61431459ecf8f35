package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

// What each fault is counted as, and that a request that failed is not sent again.
func TestKinds(t *testing.T) {
	for name, tt := range map[string]struct {
		answer answer
		kind   Kind
	}{
		"reset":        {resets, Reset},
		"end":          {ends(""), Reset},
		"cut":          {ends("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"), Cut},
		"cut chunks":   {ends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), Cut},
		"cut head":     {ends("HTTP/1.1 200 OK\r\nContent-Le"), Cut},
		"silence":      {func(*net.TCPConn, int, *http.Request) bool { time.Sleep(400 * time.Millisecond); return false }, Timeout},
		"503":          {says("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), Status5xx},
		"404":          {says("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"), StatusOther},
		"junk":         {ends("SSH-2.0-OpenSSH\r\n\r\n"), BadAnswer},
		"100 then 503": {says("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"), Status5xx},
		"ok":           {says(ok), ""},
		"ok to EOF":    {ends("HTTP/1.1 200 OK\r\n\r\nok"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answer)
			c := burst(s.url, 20)
			c.Examples = 3
			if tt.kind == Timeout {
				c.Timeout = 200 * time.Millisecond
			}
			r := run(t, c)
			checkAll(t, r, New, 20, tt.kind)
			if conns, requests := s.counted(); conns != 20 || requests != 20 {
				t.Errorf("the server saw %d requests on %d connections", requests, conns)
			}
			if tt.kind != "" && (len(r.Examples) != 3 || r.Examples[0].Kind != tt.kind || r.Examples[0].Remote == "") {
				t.Errorf("examples %+v", r.Examples)
			}
		})
	}
}

// checkAll: all of a class's requests ended in the same way.
func checkAll(t *testing.T, r Report, class Class, n int, kind Kind) {
	t.Helper()
	got := r.Targets[0].Classes[class]
	want := Count{Sent: n, OK: n}
	if kind != "" {
		want = Count{Sent: n, Failed: n}
	}
	if got.Count != want || got.Kinds[kind] != want.Failed {
		t.Errorf("%s: %+v, kinds %v; want %+v, %q", class, got.Count, got.Kinds, want, kind)
	}
	if r.Count != want {
		t.Errorf("in all: %+v, want %+v", r.Count, want)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	checkAll(t, run(t, burst("http://"+l.Addr().String(), 5)), New, 5, ConnectRefused)
}

func TestFullQueue(t *testing.T) {
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		url, _ := crowded(t)
		c := burst(url, 5)
		c.Timeout = 300 * time.Millisecond
		checkAll(t, run(t, c), New, 5, ConnectTimeout)
	})
	t.Run("slow", func(t *testing.T) {
		t.Parallel()
		url, drain := crowded(t)
		time.AfterFunc(600*time.Millisecond, drain)
		c := burst(url, 5)
		c.ConnectLimit = 500 * time.Millisecond
		r := run(t, c)
		checkAll(t, r, New, 5, ConnectSlow)
		if r.Targets[0].Connects != 5 || r.Targets[0].ConnectMS.P50 < 500 {
			t.Errorf("connects %d, %+v", r.Targets[0].Connects, r.Targets[0].ConnectMS)
		}
	})
}

// Each new connection has its lookup; one that fails is a failed request.
func TestLookups(t *testing.T) {
	t.Parallel()
	s := serve(t, says(ok))
	_, port, _ := net.SplitHostPort(s.url[len("http://"):])
	cfg, err := burst("http://tally.example:"+port, 20).ready()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(cfg, logger{t})
	asked := make(chan string, 20)
	c.resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
		asked <- host
		if len(asked)%2 == 0 {
			return nil, errors.New("SERVFAIL")
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}
	c.run(t.Context())
	r := c.rec.report(cfg)
	if host := <-asked; host != "tally.example" {
		t.Errorf("looked up %s", host)
	}
	class := r.Targets[0].Classes[New]
	if r.DNS.Lookups != 20 || r.DNS.Failed == 0 || r.DNS.Failed != class.Kinds[DNS] || class.Failed != r.DNS.Failed || class.OK != 20-class.Failed {
		t.Errorf("dns %+v, class %+v", r.DNS, class)
	}
}

// A server that ends a busy connection as the second request arrives has that request failed: net/http's client would
// send it again.
func TestNothingIsSentAgain(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *net.TCPConn, n int, req *http.Request) bool { return n < 2 && says(ok)(c, n, req) })
	r := inTurn(t, s.url, 20, func(*target) {})
	got := r.Targets[0].Classes[KeepAlive]
	conns, requests := s.counted()
	if requests != 20 || conns != 10 || got.Count != (Count{Sent: 20, OK: 10, Failed: 10}) || got.Kinds[Reset] != 10 {
		t.Errorf("%d requests on %d connections: %+v", requests, conns, got)
	}
	for _, e := range r.Examples {
		if e.Uses != 2 {
			t.Errorf("failed: %s", e)
		}
	}
}

// A connection that was ended while nobody used it is not used, and is no failure.
func TestEndedBetweenRequests(t *testing.T) {
	t.Parallel()
	s := serve(t, ends(ok))
	r := inTurn(t, s.url, 10, func(to *target) {
		for !to.pool.free[0].closedByPeer() {
			time.Sleep(time.Millisecond)
		}
	})
	checkAll(t, r, KeepAlive, 10, "")
	if got := r.Targets[0].Classes[KeepAlive]; got.Closed != 9 || got.AskedClose != 0 {
		t.Errorf("%+v", got)
	}
}

func TestBusyConnectionsAreReused(t *testing.T) {
	t.Parallel()
	s := serve(t, says(ok))
	r := inTurn(t, s.url, 10, func(*target) {})
	checkAll(t, r, KeepAlive, 10, "")
	if conns, _ := s.counted(); conns != 1 || conns != r.Targets[0].Connects {
		t.Errorf("%d connections, %d in the report", conns, r.Targets[0].Connects)
	}
}

func TestConnectionCloseIsHonoured(t *testing.T) {
	t.Parallel()
	s := serve(t, says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
	c := burst(s.url, 10)
	c.New = 0
	r := run(t, c)
	checkAll(t, r, KeepAlive, 10, "")
	if conns, _ := s.counted(); conns != 10 || r.Targets[0].Classes[KeepAlive].AskedClose != 10 {
		t.Errorf("%d connections, %+v", conns, r.Targets[0].Classes)
	}
}

// Requests are sent at their time, however long answers take; slow ones are judged without the delay they asked for.
func TestOpenLoop(t *testing.T) {
	t.Parallel()
	s := serve(t, func(c *net.TCPConn, n int, req *http.Request) bool {
		delay, err := strconv.ParseFloat(req.URL.Query().Get("delay"), 64)
		if err != nil || delay < 0.8 || delay > 1 {
			return says(fmt.Sprintf("HTTP/1.1 400 %v\r\nContent-Length: 0\r\n\r\n", err))(c, n, req)
		}
		time.Sleep(time.Duration(delay * float64(time.Second)))
		return says(ok)(c, n, req)
	})
	c := burst(s.url, 20)
	c.Rate, c.Slow, c.Duration = 100, 1, 995*time.Millisecond
	c.SlowMin, c.SlowMax, c.Timeout = 800*time.Millisecond, time.Second, 5*time.Second
	r := run(t, c)
	checkAll(t, r, Slow, 100, "")
	if r.InFlightMax < 60 || r.Targets[0].Classes[Slow].MS.P50 > 600 {
		t.Errorf("in flight %d, %+v", r.InFlightMax, r.Targets[0].Classes[Slow].MS)
	}
	first, last := s.arrived[0], s.arrived[len(s.arrived)-1]
	if took := last.Sub(first); took < 900*time.Millisecond || took > 2000*time.Millisecond {
		t.Errorf("100 requests arrived within %s", took)
	}
}

// Targets take turns, and shares are kept to.
func TestShares(t *testing.T) {
	t.Parallel()
	cfg := Defaults()
	cfg.Targets = []Target{{URL: "http://a"}, {URL: "http://b/base/", Host: "c"}}
	cfg, err := cfg.ready()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(cfg, logger{t})
	count := map[any]int{}
	for range 10000 {
		j := c.choose(c.targets[1], time.Now())
		count[j.class]++
		count[j.method]++
		req, err := j.request()
		if err != nil || req.Host != "c" || req.URL.Host != "b:80" || (j.delay != 0) != (req.URL.RawQuery != "") {
			t.Fatalf("%v %v", req, err)
		}
	}
	for what, want := range map[any]int{Slow: 1000, New: 4500, KeepAlive: 4500, http.MethodPost: 5000} {
		if got := count[what]; got < want*9/10 || got > want*11/10 {
			t.Errorf("%v: %d of 10000, want about %d", what, got, want)
		}
	}
}
