package beamtest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/phialdev/phial/erlang/epmd"
)

const (
	guardPort = 47654 // whoever listens there on a slot's guard address has the slot
	guardHost = 254
	basePort  = 9100 // first distribution port of replica 0
	portStep  = 8    // a node and the tools beside it
)

// Slot is a set of loopback addresses, 127.78.N.1 to 127.78.N.200, that one test has to itself on this machine.
type Slot struct{ number uint8 }

// FreeSlot takes a slot until the test ends. Tests in other processes don't get it meanwhile.
func FreeSlot(tb testing.TB) Slot {
	tb.Helper()
	for i := range 256 {
		n := uint8(os.Getpid() + i)
		guard := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 78, n, guardHost}), guardPort)
		l, err := listen(guard.String())
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			tb.Fatalf("loopback addresses of the test's own: %v", err)
		}
		tb.Cleanup(func() { l.Close() })
		return Slot{n}
	}
	tb.Fatal("all 256 sets of loopback addresses are taken: is a test stuck?")
	return Slot{}
}

// Addr gives the address of replica i, 0 to 199.
func (s Slot) Addr(i int) netip.Addr {
	if i < 0 || i > 199 {
		panic(fmt.Sprintf("a slot has replicas 0 to 199, not %d", i))
	}
	return netip.AddrFrom4([4]byte{127, 78, s.number, byte(i + 1)})
}

// Ports gives the first and last distribution port of replica i. No two replicas of a slot share one, so that an EPMD
// can tell whose registration it sees.
func (s Slot) Ports(i int) (first, last uint16) {
	first = uint16(basePort + portStep*i)
	return first, first + portStep - 1
}

// owner is the reverse of Ports.
func (s Slot) owner(e epmd.Entry) (netip.Addr, bool) {
	i := (int(e.Port) - basePort) / portStep
	if e.Port < basePort || i > 199 {
		return netip.Addr{}, false
	}
	return s.Addr(i), true
}

// EPMD is an EPMD for the nodes of one test: it listens on 127.0.0.1, where nodes register, and on each replica's
// address, where it answers with that replica's nodes only.
type EPMD struct {
	*epmd.Server
	Port int

	slot      Slot
	mu        sync.Mutex
	listeners map[netip.Addr]net.Listener
	serving   sync.WaitGroup
}

// EPMD starts one for the first n replicas of the slot.
func (s Slot) EPMD(tb testing.TB, n int) *EPMD {
	tb.Helper()
	e := &EPMD{slot: s, listeners: map[netip.Addr]net.Listener{}, Server: &epmd.Server{
		Owner:   s.owner,
		Replica: func(a netip.Addr) bool { b := a.As16(); return a.Is4() && b[13] == 78 && b[14] == s.number },
	}}
	tb.Cleanup(func() {
		e.Close()
		e.serving.Wait()
	})
	if err := e.listen(netip.AddrFrom4([4]byte{127, 0, 0, 1})); err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		if err := e.listen(s.Addr(i)); err != nil {
			tb.Fatal(err)
		}
	}
	return e
}

// listen serves on addr, and chooses the port if it is the first.
func (e *EPMD) listen(addr netip.Addr) error {
	l, err := listen(netip.AddrPortFrom(addr, uint16(e.Port)).String())
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.Port = cmp.Or(e.Port, l.Addr().(*net.TCPAddr).Port)
	e.listeners[addr] = l
	e.serving.Go(func() { e.Serve(context.Background(), l) }) //nolint:errcheck // a dead listener shows as refused connections
	return nil
}

// Lose takes the EPMD away from one replica's address: connecting to it is refused. What is registered stays.
func (e *EPMD) Lose(i int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.listeners[e.slot.Addr(i)]; l != nil {
		l.Close()
	}
}

// Return undoes Lose.
func (e *EPMD) Return(tb testing.TB, i int) {
	tb.Helper()
	if err := e.listen(e.slot.Addr(i)); err != nil {
		tb.Fatal(err)
	}
}

// At gives host:port of the EPMD on replica i's address.
func (e *EPMD) At(i int) string {
	return net.JoinHostPort(e.slot.Addr(i).String(), strconv.Itoa(e.Port))
}

// Options gives what a node of this test needs to be replica i: the name base@its-address, the address and ports of its
// own, and this EPMD.
func (e *EPMD) Options(base string, i int, cookie Cookie) NodeOptions {
	first, last := e.slot.Ports(i)
	addr := e.slot.Addr(i)
	return NodeOptions{
		Name: base + "@" + addr.String(), Cookie: cookie, Addr: addr, EPMDPort: e.Port, Ports: [2]uint16{first, last},
	}
}

func listen(addr string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
}
