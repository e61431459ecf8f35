package local

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"
)

// portEngine is an engine with n replicas that have no process, in a slot that
// no engine of a test gets to.
func portEngine(t *testing.T, n int, id Identity) *engine {
	t.Helper()
	c, _, err := planOf(Options{Name: "shop", Namespace: "prod", Identity: id}, "shop")
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{ctx: t.Context(), cast: c, net: c.network(maxSlot - 1), state: openState("/", "shop")}
	for i := range n {
		r := newReplica(e, c.serving, i)
		r.stops, r.once = make(chan struct{}), new(sync.Once)
		e.replicas = append(e.replicas, r)
	}
	return e
}

func (e *engine) mustChoose(t *testing.T, n int) int {
	t.Helper()
	port, err := e.chooseHTTPPort(e.replicas[n])
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// A listener of a former life that dies in time does not push a replica off its
// own port; one that stays does, each replica to another port.
func TestHTTPPorts(t *testing.T) {
	e := portEngine(t, 4, IdentityAddress)
	occupy := func(n int) (free func() error) {
		ln, err := listenTCP(t.Context(), e.net.addr(n).String(), e.net.httpPort(n))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { ln.Close() })
		return ln.Close
	}
	free := occupy(0)
	time.AfterFunc(portPatience/4, func() { free() })
	occupy(1)
	occupy(2)
	if got := e.mustChoose(t, 0); got != e.net.httpPort(0) {
		t.Errorf("its own port was free soon: got %d, want %d", got, e.net.httpPort(0))
	}
	seen := map[int]int{e.net.httpPort(0): 0}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range []int{1, 2, 3} { // at the same time, and nobody listens on what another was given
		all.Go(func() {
			port, err := e.chooseHTTPPort(e.replicas[n])
			mu.Lock()
			defer mu.Unlock()
			if other, taken := seen[port]; taken || err != nil || port < e.net.httpPort(0) || port > e.net.httpPort(maxPlaces-1) {
				t.Errorf("shop-%d got %d, %v; shop-%d has it: %v", n, port, err, other, taken)
			}
			seen[port] = n
		})
	}
	all.Wait()
	if n, ok := seen[e.net.httpPort(3)]; !ok || n != 3 {
		t.Errorf("shop-3 did not get its own port: %v", seen)
	}
	begun := time.Now()
	if e.mustChoose(t, 1); time.Since(begun) > portPatience {
		t.Error("it waited again for a port that somebody keeps")
	}
}

func TestHTTPPortIsNotWaitedForByWhoStops(t *testing.T) {
	e := portEngine(t, 1, IdentityAddress)
	ln, err := listenTCP(t.Context(), "0.0.0.0", e.net.httpPort(0))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	close(e.replicas[0].stops)
	if port, err := e.chooseHTTPPort(e.replicas[0]); !errors.Is(err, errGoingDown) {
		t.Errorf("a replica that stops: %d, %v", port, err)
	}
	e = portEngine(t, 1, IdentityAddress)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	e.ctx = ctx
	if port, err := e.chooseHTTPPort(e.replicas[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("an engine that ends: %d, %v", port, err)
	}
}
