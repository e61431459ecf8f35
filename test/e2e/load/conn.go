package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// conn is one connection of the client. One goroutine at a time uses it.
type conn struct {
	net.Conn
	r      *bufio.Reader
	raw    syscall.RawConn
	opened time.Time
	uses   int   // requests that were sent on it
	last   error // of reading
}

// Read notes how reading ended: who parses an answer may tell of a broken line where there is none because it was cut.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.last = err
	return n, err
}

// open makes a connection to a target, having looked up its name, as clients do for each connection.
func (c *client) open(t *target) (*conn, *failure) {
	ip, f := c.lookup(t)
	if f != nil {
		return nil, f
	}
	start := time.Now()
	d := net.Dialer{Timeout: c.Timeout}
	nc, err := d.DialContext(context.Background(), "tcp", net.JoinHostPort(ip, t.port)) // what has begun is let end
	took := time.Since(start)
	if err != nil {
		return nil, connectFailure(err)
	}
	c.rec.connected(t, took)
	if took > c.ConnectLimit {
		nc.Close()
		return nil, fail(ConnectSlow, fmt.Errorf("connected to %s after %s", nc.RemoteAddr(), took.Round(time.Millisecond)))
	}
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		nc.Close()
		return nil, fail(ConnectOther, err)
	}
	cn := &conn{Conn: nc, raw: raw, opened: time.Now()}
	cn.r = bufio.NewReader(cn)
	return cn, nil
}

// lookup gives the first address of a target's host. The resolver keeps nothing: each call asks the name server.
func (c *client) lookup(t *target) (string, *failure) {
	if t.literal() {
		return t.address, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	start := time.Now()
	ips, err := c.resolve(ctx, t.address)
	if err == nil && len(ips) == 0 {
		err = fmt.Errorf("lookup %s: no address", t.address)
	}
	c.rec.lookedUp(time.Since(start), err)
	if err != nil {
		return "", fail(DNS, err)
	}
	return ips[0].Unmap().String(), nil
}

func resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
}

// exchange sends a request and reads the answer to its end. The connection may be used again where reuse is true.
// within is the time for all of it; for an answer that streams, for its head only.
func (c *conn) exchange(req *http.Request, within time.Duration, streams bool) (reuse, askedClose bool, f *failure) {
	c.uses++
	c.SetDeadline(time.Now().Add(within))
	w := bufio.NewWriter(c.Conn)
	if err := errors.Join(req.Write(w), w.Flush()); err != nil {
		return false, false, ioFailure(err, false)
	}
	if _, err := c.r.Peek(1); err != nil {
		return false, false, ioFailure(err, false)
	}
	resp, err := c.head(req)
	if err != nil {
		return false, false, ioFailure(errors.Join(err, c.last), true)
	}
	if streams {
		c.SetDeadline(time.Time{})
	}
	_, err = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	if err != nil {
		return false, resp.Close, ioFailure(err, true)
	}
	return !resp.Close, resp.Close, statusFailure(resp.StatusCode, resp.Status)
}

// head reads the head of the answer, past those that say that there is one to come.
func (c *conn) head(req *http.Request) (*http.Response, error) {
	for {
		resp, err := http.ReadResponse(c.r, req)
		if err != nil || resp.StatusCode >= 200 || resp.StatusCode == http.StatusSwitchingProtocols {
			return resp, err
		}
	}
}

// isEnd: the other side has ended the connection.
func isEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// closedByPeer looks, without waiting, whether the server has ended the connection or said something unasked: no client
// would send a request on it then. What the server does after this look is the request's misfortune.
func (c *conn) closedByPeer() bool {
	if c.r.Buffered() > 0 {
		return true
	}
	open := false
	err := c.raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR)
		return true
	})
	return err != nil || !open
}

// idle waits until a time has passed, ctx ends, or the server ends the connection: then closed is true.
func (c *conn) idle(ctx context.Context, d time.Duration) (closed bool) {
	c.SetDeadline(time.Now().Add(d))
	defer context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Unix(1, 0)) })()
	_, err := c.r.Peek(1)
	return !isTimeout(err) // an answer that nobody asked for is as good as an end
}
