package local

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func serveAs(t *testing.T, name string, h http.HandlerFunc) netip.AddrPort {
	t.Helper()
	if h == nil {
		h = func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			fmt.Fprintf(w, "%s %s %s %s", name, r.Method, r.Host, body)
		}
	}
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

func (g *ingress) addAt(pod string, at netip.AddrPort) *backend {
	return g.add(pod, at.Addr(), int(at.Port()))
}

func closedPort(t *testing.T) netip.AddrPort {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).AddrPort()
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

func TestIngressTakesTurns(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	if code, body := get(t, front.URL); code != http.StatusServiceUnavailable || !strings.Contains(body, "no replica of shop is ready") {
		t.Errorf("without replicas: %d %q", code, body)
	}
	for _, name := range []string{"a", "b", "c"} {
		g.addAt(name, serveAs(t, name, nil))
	}
	seen := map[string]int{}
	for range 9 {
		_, body := get(t, front.URL)
		seen[strings.Fields(body)[0]]++
		if want := strings.TrimPrefix(front.URL, "http://"); !strings.Contains(body, want) {
			t.Errorf("the replica sees %q, want the client's Host %s", body, want)
		}
	}
	if seen["a"] != 3 || seen["b"] != 3 || seen["c"] != 3 {
		t.Errorf("nine requests went to %v, want three to each", seen)
	}
}

// A replica whose node is silent gets nothing while another takes requests, and
// all when none does.
func TestIngressPrefersNodesThatAnswer(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	silent := g.addAt("silent", serveAs(t, "silent", nil))
	a := g.addAt("a", serveAs(t, "a", nil))
	b := g.addAt("b", serveAs(t, "b", nil))
	share := func(want map[string]int) {
		t.Helper()
		seen := map[string]int{}
		for range 6 {
			_, body := get(t, front.URL)
			seen[strings.Fields(body)[0]]++
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("six requests (-want +got):\n%s", diff)
		}
	}
	g.mark(silent, true)
	share(map[string]int{"a": 3, "b": 3})
	g.mark(silent, false)
	share(map[string]int{"a": 2, "b": 2, "silent": 2})
	g.mark(silent, true)
	g.remove(a)
	g.remove(b)
	share(map[string]int{"silent": 6})
	g.addAt("refuses", closedPort(t)) // no other is left
	share(map[string]int{"silent": 6})
}

// A replica that refuses connections costs no request, whatever the method and
// the size of its body: nothing of it had been sent.
func TestIngressTriesAnother(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	g.addAt("gone", closedPort(t))
	g.addAt("there", serveAs(t, "there", nil))
	for _, size := range []int{0, 10, 10 * maxReplay} {
		for range 4 {
			body := strings.Repeat("x", size)
			resp, err := http.Post(front.URL, "text/plain", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			got, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(got), "there POST") || !strings.HasSuffix(string(got), body) {
				t.Fatalf("POST of %d bytes: %d, %d bytes back", size, resp.StatusCode, len(got))
			}
		}
	}
	only := newIngress("shop")
	front2 := httptest.NewServer(only)
	defer front2.Close()
	only.addAt("gone", closedPort(t))
	if code, body := get(t, front2.URL); code != http.StatusBadGateway || !strings.Contains(body, "gone") {
		t.Errorf("all refuse: %d %q, want 502 that names the replica", code, body)
	}
}

// A request that reached a replica is not sent twice.
func TestIngressSendsOnce(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	var mu sync.Mutex
	hits := 0
	g.addAt("cuts", serveAs(t, "cuts", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		hits++
		mu.Unlock()
		conn, _, _ := w.(http.Hijacker).Hijack()
		conn.Close()
	}))
	other := serveAs(t, "other", nil)
	resp, err := http.Post(front.URL, "text/plain", strings.NewReader("once"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	mu.Lock()
	defer mu.Unlock()
	if resp.StatusCode != http.StatusBadGateway || hits != 1 {
		t.Errorf("%d after %d tries, want 502 after one (another replica was at %s)", resp.StatusCode, hits, other)
	}
}

// A removed replica finishes what it has and gets nothing new.
func TestIngressDrains(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	entered, finish := make(chan struct{}), make(chan struct{})
	slow := g.addAt("slow", serveAs(t, "slow", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusOK)
		w.(http.Flusher).Flush()
		close(entered)
		<-finish
		io.WriteString(w, "done")
	}))
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get(front.URL)
		if err != nil {
			answer <- err.Error()
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		answer <- string(b)
	}()
	<-entered
	g.remove(slow)
	if code, _ := get(t, front.URL); code != http.StatusServiceUnavailable {
		t.Errorf("a removed replica was sent a request: %d", code)
	}
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	slow.wait(short)
	if short.Err() == nil {
		t.Error("wait returned while a request was under way")
	}
	close(finish)
	slow.wait(t.Context())
	if got := <-answer; got != "done" {
		t.Errorf("the request under way got %q, want done", got)
	}
}

func TestIngressUpgrades(t *testing.T) {
	g := newIngress("shop")
	front := httptest.NewServer(g)
	defer front.Close()
	b := g.addAt("ws", serveAs(t, "ws", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "websocket" {
			http.Error(w, "no upgrade", http.StatusBadRequest)
			return
		}
		conn, rw, _ := w.(http.Hijacker).Hijack()
		defer conn.Close()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		line, _ := rw.ReadString('\n')
		io.WriteString(conn, "echo "+line)
	}))
	conn, err := net.Dial("tcp", front.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, "GET /live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %s", resp.Status)
	}
	g.remove(b)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if b.wait(ctx); ctx.Err() != nil {
		t.Error("a drain waits for a WebSocket")
	}
	io.WriteString(conn, "hello\n")
	if line, err := r.ReadString('\n'); line != "echo hello\n" {
		t.Errorf("over the WebSocket: %q, %v", line, err)
	}
}

func TestIngressPorts(t *testing.T) {
	taken, err := listenIngress(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := taken.Addr().(*net.TCPAddr).Port
	if _, err := listenIngress(t.Context(), port); err == nil || !strings.Contains(err.Error(), "is taken") || strings.Contains(err.Error(), "\n") {
		t.Errorf("asked for a taken port: %v", err)
	}
	next, err := listenIngress(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer next.Close()
	if got := next.Addr().(*net.TCPAddr).Port; got <= port {
		t.Errorf("the next free port after %d is %d", port, got)
	}
}
