package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	perHost     = 2                // connections to one host
	keepFor     = 45 * time.Second // an idle connection; the server ends it later than that
	rememberFor = 5 * time.Minute  // a host that is not called any more
	sweepEvery  = 15 * time.Second
	maxHosts    = 1024
	maxName     = 253              // of a host, as DNS has it
	maxAddrs    = 4                // of one name that are tried
	dialTime    = 3 * time.Second  // for one address, up to the end of the handshake
	resolveTime = time.Second      // where an address is known that worked before
	wholeTime   = 15 * time.Second // for a call whose context gives more
)

var (
	errClosed    = errors.New("this client is closed")
	errNoKey     = errors.New("this agent has no key yet")
	errTooMany   = errors.New("too many hosts are being called")
	errNoAddress = errors.New("the name has no address")
	errName      = invalid("that is no name of a host")
)

// A Caller calls a method of the agent at a host.
type Caller interface {
	Call(ctx context.Context, host, method string, in, out any) error
}

var _ Caller = (*Client)(nil)

// Client calls the agents of the same app.
type Client struct {
	keys    *Keys
	port    uint16
	resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	dial    func(ctx context.Context, to netip.AddrPort) (net.Conn, error)
	end     context.Context // ends with Close
	close   context.CancelCauseFunc

	mu    sync.Mutex
	hosts map[string]*host
	timer *time.Timer // of the next sweep; nil: there is nothing to sweep
}

// host is one peer. All but slots is guarded by the client's mutex.
type host struct {
	slots chan struct{} // one for each connection in use
	calls int
	idle  []*link
	good  netip.Addr // the last address that worked
	used  time.Time
}

// NewClient makes a client for agents that listen on port. resolve looks up the
// addresses of a name.
func NewClient(keys *Keys, port int, resolve func(ctx context.Context, host string) ([]netip.Addr, error)) *Client {
	end, cancel := context.WithCancelCause(context.Background())
	return &Client{keys: keys, port: uint16(port), resolve: resolve, dial: dialTCP,
		end: end, close: cancel, hosts: map[string]*host{}}
}

func dialTCP(ctx context.Context, to netip.AddrPort) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", to.String())
}

// Close ends all calls and connections.
func (c *Client) Close() {
	c.close(errClosed)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.timer != nil {
		c.timer.Stop()
		c.timer = nil
	}
	for _, h := range c.hosts {
		h.drop()
	}
	clear(c.hosts)
}

// Call asks the agent of a host, which is a name or an address, and puts its answer
// into out, which may be nil. A call takes 15 seconds at most. The error is an [*Error].
func (c *Client) Call(ctx context.Context, host, method string, in, out any) error {
	err := c.call(ctx, host, method, in, out)
	if err == nil {
		return nil
	}
	k := classify(err)
	return &Error{Kind: k.kind, Host: host, Method: method, Status: k.status, Err: k.err}
}

func (c *Client) call(ctx context.Context, name, method string, in, out any) error {
	if name == "" || len(name) > maxName {
		return errName
	}
	request, err := compose(method, in)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	h, err := c.begin(name)
	if err != nil {
		return err
	}
	defer c.done(h)
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.end.Done():
		return errClosed
	}
	status, body, err := c.ask(ctx, name, h, request)
	if err != nil {
		return err
	}
	return decode(status, body, out)
}

// ask sends a request over a kept connection, or over a new one where there is none or
// it has ended meanwhile.
func (c *Client) ask(ctx context.Context, name string, h *host, request []byte) (status int, body []byte, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.end, func() { cancel(errClosed) })()
	for {
		l := c.kept(h)
		fresh := l == nil
		if fresh {
			if l, err = c.connect(ctx, name, h); err != nil {
				return 0, nil, err
			}
		}
		status, body, keep, err := l.exchange(ctx, request)
		c.put(h, l, keep)
		gone := errors.Is(err, errLost) || status == http.StatusUnauthorized
		if fresh || !gone {
			return status, body, err
		}
	}
}

// connect makes a new connection to one of the addresses of a host.
func (c *Client) connect(ctx context.Context, name string, h *host) (*link, error) {
	addrs, err := c.addresses(ctx, name, h)
	if err != nil {
		return nil, err
	}
	for _, addr := range addrs {
		var l *link
		if l, err = c.shake(ctx, netip.AddrPortFrom(addr, c.port)); err == nil {
			c.mu.Lock()
			h.good = addr
			c.mu.Unlock()
			return l, nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("%s: %w", addr, context.Cause(ctx))
		}
	}
	return nil, err
}

// addresses looks a name up. Where that fails or finds nothing, the address that
// worked last is tried: agents do not part because DNS is down.
func (c *Client) addresses(ctx context.Context, name string, h *host) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(name); err == nil {
		return []netip.Addr{addr}, nil
	}
	c.mu.Lock()
	good := h.good
	c.mu.Unlock()
	if good.IsValid() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, resolveTime)
		defer cancel()
	}
	addrs, err := c.resolve(ctx, name)
	switch {
	case err == nil && len(addrs) > 0:
		return addrs[:min(len(addrs), maxAddrs)], nil
	case good.IsValid():
		return []netip.Addr{good}, nil
	case err == nil:
		return nil, errNoAddress
	}
	return nil, fmt.Errorf("its name can't be looked up: %w", err)
}

// shake connects to an address and sees that the key is known there.
func (c *Client) shake(ctx context.Context, to netip.AddrPort) (*link, error) {
	config := c.keys.caller()
	if len(config.NextProtos) == 0 {
		return nil, errNoKey
	}
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	raw, err := c.dial(ctx, to)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		raw.Close()
		return nil, fmt.Errorf("%s: %w", to, err)
	}
	return newLink(conn), nil
}

// kept takes an idle connection of a host, nil where there is none. One that was made
// with a key that counts no more is none.
func (c *Client) kept(h *host) *link {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(h.idle) > 0 {
		l := h.idle[len(h.idle)-1]
		h.idle = slices.Delete(h.idle, len(h.idle)-1, len(h.idle))
		if time.Since(l.since) < keepFor && c.keys.find(l.public) != nil {
			return l
		}
		l.close()
	}
	return nil
}

// put keeps a connection for the next call. One that failed says that those of the
// same age are no better.
func (c *Client) put(h *host, l *link, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !keep || c.end.Err() != nil {
		l.close()
		h.drop()
		return
	}
	l.since = time.Now()
	h.idle = append(h.idle, l)
}

func (h *host) drop() {
	for _, l := range h.idle {
		l.close()
	}
	h.idle = nil
}
