package peers

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Why somebody was refused, as it is logged.
const (
	whyKey      = "another key or none"
	whySlow     = "too slow in the handshake"
	whyNotTLS   = "not the protocol of agents"
	whyAddr     = "too many connections of one address"
	whyTotal    = "too many connections"
	whyBusy     = "too many handshakes at once"
	whyHellos   = "an address connects too often"
	whySigned   = "too many handshakes"
	whyRequests = "too many requests of one address"
	whyDropped  = "a key that counts no more"
)

var errHandshakeSize = errors.New("more bytes than a handshake has")

// gate counts who is connected, and decides who may.
type gate struct {
	limits limits

	mu      sync.Mutex
	addrs   map[netip.Addr]*address
	conns   int
	pending []*inbound // have not shown the key yet, oldest first
	signed  bucket
	closed  bool
}

// address is what is known of one remote address.
type address struct {
	conns            int
	seen             time.Time
	hellos, requests bucket
}

// inbound is one connection that was let in.
type inbound struct {
	net.Conn
	gate    *gate
	addr    netip.Addr
	address *address
	since   time.Time
	why     string // why the handshake is refused, where that is known; of the handshake's goroutine
	left    int    // bytes that the handshake may still send; of the reading goroutine
	known   atomic.Bool
	yielded atomic.Bool
	closed  sync.Once
}

// admit lets a connection in, or says why not.
func (g *gate) admit(conn net.Conn) (*inbound, string) {
	now, addr := time.Now(), remote(conn)
	g.mu.Lock()
	defer g.mu.Unlock()
	a := g.address(addr, now)
	switch {
	case g.closed:
		return nil, whyTotal
	case !a.hellos.take(now, g.limits.hellos):
		return nil, whyHellos
	case a.conns >= g.limits.perAddr:
		return nil, whyAddr
	case g.conns >= g.limits.conns:
		return nil, whyTotal
	case len(g.pending) >= g.limits.handshakes && !g.makeWay(now):
		return nil, whyBusy
	}
	in := &inbound{Conn: conn, gate: g, addr: addr, address: a, since: now, left: maxHandshake}
	a.conns++
	g.conns++
	g.pending = append(g.pending, in)
	return in, ""
}

// makeWay ends the oldest handshake if it had time enough: who is slow on purpose does
// not keep others out, and many that start at once do not end each other.
func (g *gate) makeWay(now time.Time) bool {
	oldest := g.pending[0]
	if now.Sub(oldest.since) < g.limits.yieldAfter {
		return false
	}
	g.pending = g.pending[1:]
	oldest.yielded.Store(true)
	oldest.Conn.Close() // its handshake fails, and closes it for good
	return true
}

// address gives what is known of an address. Its table is bounded: the address that
// is forgotten for a new one has no connection, and was not seen for longest.
func (g *gate) address(addr netip.Addr, now time.Time) *address {
	a := g.addrs[addr]
	if a == nil {
		if len(g.addrs) >= g.limits.addrs {
			g.forget()
		}
		a = &address{}
		g.addrs[addr] = a
	}
	a.seen = now
	return a
}

func (g *gate) forget() {
	var oldest netip.Addr
	for addr, a := range g.addrs {
		if a.conns == 0 && (!oldest.IsValid() || a.seen.Before(g.addrs[oldest].seen)) {
			oldest = addr
		}
	}
	delete(g.addrs, oldest)
}

// sign says whether one more handshake may cost a signature.
func (g *gate) sign() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.signed.take(time.Now(), g.limits.signed)
}

// request says whether a connection's address may make one more request.
func (g *gate) request(in *inbound) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return in.address.requests.take(time.Now(), g.limits.requests)
}

// settle takes a connection off those that have not shown the key.
func (g *gate) settle(in *inbound) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unpend(in)
}

func (g *gate) unpend(in *inbound) {
	for i, p := range g.pending {
		if p == in {
			g.pending = append(g.pending[:i], g.pending[i+1:]...)
			return
		}
	}
}

// close ends every handshake under way and lets nobody in any more.
func (g *gate) close() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = true
	for _, in := range g.pending {
		in.Conn.Close()
	}
}

// Read reads, and no more than a handshake has before the other end has shown the key.
func (in *inbound) Read(b []byte) (int, error) {
	if in.known.Load() {
		return in.Conn.Read(b)
	}
	if in.left <= 0 {
		return 0, errHandshakeSize
	}
	n, err := in.Conn.Read(b[:min(len(b), in.left)])
	in.left -= n
	return n, err
}

// Close closes the connection and gives its place back.
func (in *inbound) Close() error {
	err := in.Conn.Close()
	in.closed.Do(func() {
		in.gate.mu.Lock()
		defer in.gate.mu.Unlock()
		in.gate.unpend(in)
		in.gate.conns--
		in.address.conns--
	})
	return err
}

// remote gives the address at the other end, the same for IPv4 in whatever form.
func remote(conn net.Conn) netip.Addr {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap().WithZone("")
}
