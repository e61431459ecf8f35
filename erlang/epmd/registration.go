package epmd

import (
	"context"
	"io"
	"net"
	"sync"
)

// Registration is a name held with an EPMD. It lasts as long as its connection: until Close, or until EPMD goes away.
type Registration struct {
	// Creation tells this incarnation of the node from earlier ones of the same name. It is 32 bits wide for entries
	// whose Highest version is 6 or more, else 1 to 3.
	Creation uint32

	conn   net.Conn
	done   chan struct{}
	err    error // set before done is closed
	closed sync.Once
	byUs   chan struct{} // closed by Close
}

// Register registers an entry with the EPMD at addr (host:port), which accepts that from its own machine only
// (ALIVE2_REQ). The cause of its error is NameTaken where EPMD refused.
// The context bounds the exchange, not the registration. The caller closes the Registration.
func (c *Client) Register(ctx context.Context, addr string, e Entry) (*Registration, error) {
	fail := &Error{Op: "register", Addr: addr, Name: e.Name}
	if err := e.check(); err != nil {
		fail.Cause, fail.Err = BadEntry, err
		return nil, fail
	}
	var (
		result   byte
		creation uint32
	)
	conn, err := c.converse(ctx, fail, request{tag: tagAlive2, entry: e}, func(conn net.Conn) (err error) {
		result, creation, err = readAliveResp(conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	if result != 0 {
		conn.Close()
		fail.Cause = NameTaken
		return nil, fail
	}
	r := &Registration{Creation: creation, conn: conn, done: make(chan struct{}), byUs: make(chan struct{})}
	go r.watch(Error{Op: "register", Addr: addr, Name: e.Name, Cause: Closed})
	return r, nil
}

// watch ends with the connection: EPMD never sends anything more on it.
func (r *Registration) watch(lost Error) {
	defer close(r.done)
	_, err := io.Copy(io.Discard, r.conn)
	select {
	case <-r.byUs:
	default:
		lost.Err = err
		r.err = &lost
	}
}

// Done is closed when the registration has ended.
func (r *Registration) Done() <-chan struct{} { return r.done }

// Err is nil while the registration holds and after Close; an *Error with cause Closed when EPMD ended it.
func (r *Registration) Err() error {
	select {
	case <-r.done:
		return r.err
	default:
		return nil
	}
}

// Close gives the name back. EPMD notices at once, but not necessarily before Close returns.
func (r *Registration) Close() error {
	r.closed.Do(func() {
		close(r.byUs)
		r.conn.Close()
	})
	<-r.done
	return nil
}
