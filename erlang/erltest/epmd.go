package erltest

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"testing"

	"github.com/phialdev/phial/erlang/epmd"
)

// EPMDFault is a way in which an EPMD fails.
type EPMDFault uint8

// The faults of an EPMD at one address.
const (
	EPMDFine    EPMDFault = iota
	EPMDRefused           // nothing listens
	EPMDMute              // takes connections and never answers
	EPMDGarbage           // answers, but not as EPMD does
	EPMDClosed            // takes connections and closes them
)

// EPMD is a port mapper for fake nodes: one port, on one address or several.
type EPMD struct {
	server epmd.Server
	port   int
	cancel context.CancelFunc
	ctx    context.Context // ends the listeners, also those that Fail opens again
	wg     sync.WaitGroup

	mu    sync.Mutex
	gates map[netip.Addr]*gate
}

// StartEPMD starts an EPMD on a free port of each address, 127.0.0.1 if none is
// given, and stops it when the test ends. The nodes of an address are its own: a
// question there does not find those of another address, except on 127.0.0.1,
// which knows all.
func StartEPMD(tb testing.TB, addrs ...string) *EPMD {
	tb.Helper()
	e, err := NewEPMD(addrs...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(e.Close)
	return e
}

// NewEPMD is StartEPMD outside a test; Close stops it.
func NewEPMD(addrs ...string) (*EPMD, error) {
	if len(addrs) == 0 {
		addrs = []string{"127.0.0.1"}
	}
	const attempts = 20 // a port that is free on one address may be taken on another
	var err error
	for range attempts {
		var e *EPMD
		if e, err = listenAll(addrs); err == nil {
			return e, nil
		}
	}
	return nil, err
}

func listenAll(addrs []string) (*EPMD, error) {
	e := &EPMD{gates: make(map[netip.Addr]*gate)}
	e.server.MaxConns, e.server.MaxNames = 1<<16, 1<<16
	e.ctx, e.cancel = context.WithCancel(context.Background())
	for _, text := range addrs {
		a, err := netip.ParseAddr(text)
		if err == nil {
			err = e.listen(a)
		}
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("fake EPMD: %w", err)
		}
	}
	return e, nil
}

// listen opens a listener at a, on the port that the first one got.
func (e *EPMD) listen(a netip.Addr) error {
	l, err := new(net.ListenConfig).Listen(e.ctx, "tcp", net.JoinHostPort(a.String(), strconv.Itoa(e.port)))
	if err != nil {
		return err
	}
	e.port = l.Addr().(*net.TCPAddr).Port
	g := &gate{Listener: l}
	e.mu.Lock()
	e.gates[a] = g
	e.mu.Unlock()
	e.wg.Go(func() { e.server.Serve(e.ctx, g) }) //nolint:errcheck // a fake that does not serve fails its test
	return nil
}

// Port is the TCP port, the same on every address.
func (e *EPMD) Port() int { return e.port }

// Fail makes the EPMD at an address fail, or fine again.
func (e *EPMD) Fail(addr string, f EPMDFault) error {
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return err
	}
	e.mu.Lock()
	g := e.gates[a]
	e.mu.Unlock()
	if g == nil {
		return fmt.Errorf("fake EPMD: it is not on %s", a)
	}
	was := g.set(f)
	if f == EPMDRefused {
		return shut(g.Listener)
	}
	if was == EPMDRefused {
		if err := e.listen(a); err != nil {
			return err
		}
		e.mu.Lock()
		g = e.gates[a]
		e.mu.Unlock()
		g.set(f)
	}
	return nil
}

// Close stops the EPMD and closes every connection to it.
func (e *EPMD) Close() {
	e.cancel()
	e.mu.Lock()
	for _, g := range e.gates {
		g.set(EPMDFine)
		g.Close()
	}
	e.mu.Unlock()
	e.server.Close()
	e.wg.Wait()
}

// add registers a node until remove is called. Where the EPMD is on several
// addresses the name belongs to the node's own.
func (e *EPMD) add(owner netip.Addr, entry epmd.Entry) (remove func(), err error) {
	e.mu.Lock()
	if len(e.gates) < 2 {
		owner = netip.Addr{}
	}
	e.mu.Unlock()
	return e.server.Add(owner, entry)
}

// gate is a listener that keeps connections to itself while its EPMD fails.
type gate struct {
	net.Listener
	mu    sync.Mutex
	fault EPMDFault
	held  []net.Conn
}

func (g *gate) set(f EPMDFault) (was EPMDFault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	was, g.fault = g.fault, f
	for _, c := range g.held {
		c.Close()
	}
	g.held = nil
	return was
}

// Accept gives the next connection that the EPMD is to answer.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		g.mu.Lock()
		fault := g.fault
		if fault == EPMDMute {
			g.held = append(g.held, c)
		}
		g.mu.Unlock()
		switch fault {
		case EPMDMute:
		case EPMDGarbage:
			c.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")) //nolint:errcheck // a fault is not meant to work
			c.Close()
		case EPMDClosed:
			c.Close()
		default:
			return c, nil
		}
	}
}
