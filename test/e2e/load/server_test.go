package load

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// server does with each request what it is told to, and counts.
type server struct {
	url string

	mu              sync.Mutex
	conns, requests int
	arrived         []time.Time
}

// answer is told which request of its connection this is, from 1. Where it is false the server ends the connection.
type answer func(c *net.TCPConn, n int, req *http.Request) (keep bool)

func serve(t *testing.T, a answer) *server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	s := &server{url: "http://" + l.Addr().String()}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go s.speak(c.(*net.TCPConn), a)
		}
	}()
	return s
}

func (s *server) speak(c *net.TCPConn, a answer) {
	defer c.Close()
	s.mu.Lock()
	s.conns++
	s.mu.Unlock()
	r := bufio.NewReader(c)
	for n := 1; ; n++ {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		io.Copy(io.Discard, req.Body)
		s.mu.Lock()
		s.requests++
		s.arrived = append(s.arrived, time.Now())
		s.mu.Unlock()
		if !a(c, n, req) {
			return
		}
	}
}

func (s *server) counted() (conns, requests int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns, s.requests
}

// says answers with a text, and keeps the connection.
func says(text string) answer {
	return func(c *net.TCPConn, _ int, _ *http.Request) bool {
		_, err := io.WriteString(c, text)
		return err == nil
	}
}

// ends answers with a text, if any, and ends the connection.
func ends(text string) answer {
	return func(c *net.TCPConn, n int, req *http.Request) bool {
		says(text)(c, n, req)
		return false
	}
}

func resets(c *net.TCPConn, _ int, _ *http.Request) bool {
	c.SetLinger(0)
	return false
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// crowded is a port whose queue is full: the kernel drops who wants to connect, who tries again after a second. drain
// takes everybody in the queue, now and later.
func crowded(t *testing.T) (url string, drain func()) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 0); err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	l, err := net.FileListener(f)
	f.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	for range 2 {
		c, err := net.DialTimeout("tcp", l.Addr().String(), 100*time.Millisecond)
		if err != nil {
			break
		}
		t.Cleanup(func() { c.Close() })
	}
	return "http://" + l.Addr().String(), func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go (&server{}).speak(c.(*net.TCPConn), says(ok))
		}
	}
}

// burst is a configuration of so many requests to a URL, within a fifth of a second, all of them like those that it is
// told of.
func burst(url string, n int) Config {
	c := Defaults()
	c.Targets = []Target{{URL: url}}
	c.Rate, c.Slow, c.New, c.Post = float64(n)*5, 0, 1, 0.5
	c.ConnectLimit = 5 * time.Second // the machine may be busy
	c.Duration = 200*time.Millisecond - 100*time.Millisecond/time.Duration(n)
	return c
}

// inTurn sends requests on kept connections, each when the one before is over and between has returned.
func inTurn(t *testing.T, url string, n int, between func(*target)) Report {
	t.Helper()
	cfg := burst(url, n)
	cfg.New = 0
	cfg, err := cfg.ready()
	if err != nil {
		t.Fatal(err)
	}
	c := newClient(cfg, logger{t})
	for range n {
		c.do(c.choose(c.targets[0], time.Now()))
		between(c.targets[0])
	}
	c.rec.stopped()
	c.targets[0].pool.close()
	return c.rec.report(cfg)
}

// runUntil sends until something has come about.
func runUntil(t *testing.T, c Config, so func() bool) Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	go func() {
		for !so() && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		cancel()
	}()
	c.Duration = 0
	r, err := Run(ctx, c, logger{t})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// saw: the server has had so many requests.
func (s *server) saw(n int) func() bool {
	return func() bool {
		_, requests := s.counted()
		return requests >= n
	}
}

func run(t *testing.T, c Config) Report {
	t.Helper()
	r, err := Run(t.Context(), c, logger{t})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

type logger struct{ testing.TB }

func (l logger) Write(p []byte) (int, error) {
	l.Logf("%s", p)
	return len(p), nil
}
