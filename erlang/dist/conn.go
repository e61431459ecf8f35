package dist

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// Conn is a connection to a node. Its methods may be used by any number of
// goroutines. Close ends it.
type Conn struct {
	nc   net.Conn
	r    *bufio.Reader
	cfg  Config
	node string
	peer Peer
	self etf.Pid // the one process that all calls come from

	in   wire.Assembler
	read *atomic.Uint64 // bytes that came, for the tick
	sent atomic.Int64   // when something was last written, UnixNano

	out  chan []byte // packets for the writer
	done chan struct{}
	wg   sync.WaitGroup

	mu    sync.Mutex
	err   error // why the connection ended
	calls map[uint64]*call
	last  uint64 // reference last used
	rex   uint64 // reference of the monitor on rex, 0 if there is none
}

// outQueue is how many packets may wait to be written; a caller that comes when
// they do waits too.
const outQueue = 64

// newConn makes a connection of a completed handshake.
func newConn(s *shake) *Conn {
	c := &Conn{
		nc: s.conn, r: s.r, read: s.read, cfg: s.d.cfg, node: s.d.node, peer: s.peer,
		self:  etf.Pid{Node: etf.Atom(s.self.name), ID: 1, Creation: s.self.creation},
		out:   make(chan []byte, outQueue),
		done:  make(chan struct{}),
		calls: make(map[uint64]*call),
	}
	c.in.Max = c.cfg.MaxMessage
	c.cfg.Cookie = Cookie{} // not needed any more
	return c
}

// start lets the connection's two goroutines begin.
func (c *Conn) start() {
	c.wg.Go(c.readLoop)
	c.wg.Go(c.writeLoop)
}

// Peer is the node at the other end.
func (c *Conn) Peer() Peer { return c.peer }

// Local is our own full name, which the node may have given.
func (c *Conn) Local() string { return string(c.self.Node) }

// Done is closed when the connection has ended, for whatever reason.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err says why the connection ended, as an *Error, or nil while it is up.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection and waits until nothing of it is left. Calls under
// way fail with CauseClosed.
func (c *Conn) Close() error {
	c.end(c.fail(StageConn, CauseClosed, net.ErrClosed))
	c.wg.Wait()
	return nil
}

func (c *Conn) fail(s Stage, cause Cause, err error) *Error {
	return &Error{Stage: s, Cause: cause, Node: c.node, Addr: c.peer.Addr, Peer: c.peer.Name, Err: err}
}

// end ends the connection for the given reason, unless it has ended already, and
// fails every call under way with it.
func (c *Conn) end(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	calls := c.calls
	c.calls = nil
	c.mu.Unlock()
	close(c.done)
	c.nc.Close()
	for _, w := range calls {
		w.give(result{err: err})
	}
}

// readLoop takes what the peer sends until the connection ends.
func (c *Conn) readLoop() {
	c.end(c.receive())
}

func (c *Conn) receive() *Error {
	var own []byte
	in := receiver{c: c}
	for {
		buf, pooled := own, (*[]byte)(nil)
		if h, err := c.r.Peek(wire.FrameHead); err == nil && binary.BigEndian.Uint32(h) > keepBuffer {
			pooled = buffers.Get().(*[]byte)
			buf = *pooled
		}
		p, err := wire.ReadPacket(c.r, wire.FrameHead, c.cfg.MaxMessage, buf)
		if err != nil {
			return c.fail(StageConn, readCause(err), err)
		}
		if len(p) == 0 {
			c.answerTick()
			continue
		}
		m, whole, err := c.in.Take(p)
		if err == nil && whole {
			err = in.handle(m)
		}
		if err != nil {
			return c.fail(StageConn, CauseProtocol, err)
		}
		switch {
		case pooled == nil:
			own = p
		case cap(p) <= poolBuffer:
			*pooled = p
			buffers.Put(pooled)
		}
	}
}

// A connection keeps a small buffer for its packets; what does not fit goes
// through those that all connections share, unless it is very long.
const (
	keepBuffer = 2 << 10
	poolBuffer = 256 << 10
)

var buffers = sync.Pool{New: func() any { return new([]byte) }}

func readCause(err error) Cause {
	switch {
	case isClosed(err):
		return CauseClosed
	case isTimeout(err):
		return CauseSilent
	}
	return CauseProtocol
}

// counter counts the bytes of a Reader.
type counter struct {
	io.Reader
	n *atomic.Uint64
}

func (c counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(uint64(n))
	return n, err
}

// tick is the keep-alive: a packet without a body.
var tick = []byte{0, 0, 0, 0}

// answerTick answers a keep-alive at once, as hidden nodes do, so that a peer
// with a shorter tick time than ours hears from us in time. Two that answer each
// other are kept from doing so in circles.
func (c *Conn) answerTick() {
	const pause = 100 * time.Millisecond
	if time.Since(time.Unix(0, c.sent.Load())) < pause {
		return
	}
	select {
	case c.out <- tick:
	default: // others wait to be written: they will do
	}
}

// writeLoop writes what is queued, and the ticks, until the connection ends.
func (c *Conn) writeLoop() {
	w := bufio.NewWriter(c.nc)
	// Four ticks to the tick time is the kernel's net_tickintensity.
	every := time.NewTicker(max(c.cfg.Tick/4, time.Millisecond))
	defer every.Stop()
	var heard uint64
	silent, spoke := 0, false
	for {
		var err error
		select {
		case <-c.done:
			return
		case p := <-c.out:
			spoke = true
			err = c.write(w, p)
		case <-every.C:
			if now := c.read.Load(); now != heard {
				heard, silent = now, 0
			} else if silent++; silent >= 4 {
				c.end(c.fail(StageConn, CauseSilent, nil))
				return
			}
			if !spoke {
				err = c.write(w, tick)
			}
			spoke = false
		}
		if err != nil {
			c.end(c.fail(StageConn, readCause(err), err))
			return
		}
	}
}

// write writes p and whatever else waits, at one go where it fits.
func (c *Conn) write(w *bufio.Writer, p []byte) error {
	now := time.Now()
	c.sent.Store(now.UnixNano())
	c.nc.SetWriteDeadline(now.Add(c.cfg.Tick))
	for {
		if _, err := w.Write(p); err != nil {
			return err
		}
		select {
		case p = <-c.out:
		default:
			return w.Flush()
		}
	}
}
