package peers

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"time"
)

// pipes is a network in memory, for tests in which time is not real.
type pipes struct {
	from  string
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes(from string) *pipes {
	return &pipes{from: from, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.done) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipes"} }

// dial connects from the network's address.
func (p *pipes) dial(ctx context.Context, _ netip.AddrPort) (net.Conn, error) {
	return p.dialFrom(ctx, p.from)
}

func (p *pipes) dialFrom(ctx context.Context, from string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- pipe{far, from}:
		return near, nil
	case <-p.done:
	case <-ctx.Done():
	case <-time.After(time.Second):
	}
	return nil, net.ErrClosed
}

type pipe struct {
	net.Conn
	from string
}

func (p pipe) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(p.from), 40000))
}
