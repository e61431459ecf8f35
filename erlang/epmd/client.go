package epmd

import (
	"context"
	"net"
	"time"
)

// DefaultTimeout bounds an exchange with EPMD where neither the context nor the client sets a shorter limit. A healthy
// EPMD answers within a round trip.
const DefaultTimeout = 5 * time.Second

// Client asks EPMDs and registers with them. The zero value works. A Client holds no connection and may be used by
// several goroutines.
type Client struct {
	// Dial connects; nil means a plain net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// Timeout bounds one exchange, from dialling to the last byte of the answer; zero means DefaultTimeout. A context
	// that ends earlier wins.
	Timeout time.Duration
}

// Lookup asks the EPMD at addr (host:port) for the node with this short name (PORT_PLEASE2_REQ).
// The cause of its error is NotRegistered where EPMD answered that it has no such node.
func (c *Client) Lookup(ctx context.Context, addr, name string) (Entry, error) {
	fail := &Error{Op: "lookup", Addr: addr, Name: name}
	if err := checkName(name); err != nil {
		fail.Cause, fail.Err = BadEntry, err
		return Entry{}, fail
	}
	var (
		entry Entry
		found bool
	)
	err := c.exchange(ctx, fail, request{tag: tagPortPlease, name: name}, func(conn net.Conn) (err error) {
		entry, found, err = readPortResp(conn)
		return err
	})
	if err != nil {
		return Entry{}, err
	}
	if !found {
		fail.Cause = NotRegistered
		return Entry{}, fail
	}
	return entry, nil
}

// Names asks the EPMD at addr (host:port) for everything registered with it (NAMES_REQ). Only Name and Port are known
// of each entry.
func (c *Client) Names(ctx context.Context, addr string) ([]Entry, error) {
	var entries []Entry
	err := c.exchange(ctx, &Error{Op: "names", Addr: addr}, request{tag: tagNames}, func(conn net.Conn) (err error) {
		entries, err = readListing(conn)
		return err
	})
	return entries, err
}

// exchange connects, sends the request and has read take the answer; then it closes the connection.
func (c *Client) exchange(ctx context.Context, fail *Error, q request, read func(net.Conn) error) error {
	conn, err := c.converse(ctx, fail, q, read)
	if conn != nil {
		conn.Close()
	}
	return err
}

// converse is exchange without the closing: the connection it returns has no deadline any more. It fills in fail for
// what goes wrong, and closes the connection then.
func (c *Client) converse(ctx context.Context, fail *Error, q request, read func(net.Conn) error) (net.Conn, error) {
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()

	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, "tcp", fail.Addr)
	if err != nil {
		fail.Cause, fail.Err = dialCause(ctx, err), err
		return nil, fail
	}
	// The context's end, for whatever reason, ends a read that waits.
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	_, err = conn.Write(appendRequest(nil, q))
	if err == nil {
		err = read(conn)
	}
	if !stop() && err == nil {
		err = context.Cause(ctx) // the answer came, but the connection can't be used any more
	}
	if err != nil {
		fail.Cause, fail.Err = exchangeCause(ctx, err), err
		conn.Close()
		return nil, fail
	}
	return conn, nil
}
