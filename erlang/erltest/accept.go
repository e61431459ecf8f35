package erltest

import (
	"bufio"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"github.com/phialdev/phial/erlang/internal/wire"
)

// flags are those of a node of OTP 25 or later.
const flags = wire.Mandatory25 | wire.Mandatory26 | wire.FlagMandatory25Digest |
	wire.FlagDistMonitor | wire.FlagDistMonitorName | wire.FlagUnicodeIO | wire.FlagSmallAtomTags |
	wire.FlagSendSender | wire.FlagBigSeqtraceLabels | wire.FlagExitPayload | wire.FlagDistHdrAtomCache |
	wire.FlagFragments | wire.FlagSpawn | wire.FlagAlias | wire.FlagNameMe

// conn is one connection to a node.
type conn struct {
	n    *Node
	nc   net.Conn
	r    *bufio.Reader
	head int
	buf  []byte

	peer      string // the name of who connected
	peerFlags wire.Flags
	up        bool // under n.mu: the handshake is done
	given     string

	wmu sync.Mutex // one packet at a time
	seq uint64     // of fragmented messages
}

var errFault = errors.New("a fault was ordered")

// serve is a connection's life.
func (c *conn) serve() {
	defer c.leave()
	c.head = wire.HandshakeHead
	if c.n.o.TLS != nil {
		c.head = wire.FrameHead
	}
	c.r = bufio.NewReaderSize(c.nc, 1024)
	if c.n.Faults().Mute {
		io.Copy(io.Discard, c.nc) //nolint:errcheck // until it closes
		return
	}
	if c.handshake() != nil {
		return
	}
	c.talk()
}

func (c *conn) leave() {
	c.nc.Close()
	n := c.n
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	c.up = false
	if c.given != "" {
		n.names.giveBack(c.given, c.peer)
	}
}

// handshake goes through the messages of the handshake as the side that accepts.
func (c *conn) handshake() error {
	p, err := c.recv()
	if err != nil {
		return err
	}
	m, err := wire.ParseName(p)
	if err != nil {
		return err
	}
	c.peerFlags = m.Flags
	f := c.n.Faults()
	if !c.pause(f.Slow) || f.HangUp {
		return errFault
	}
	if f.Garbage != "" {
		c.nc.Write([]byte(f.Garbage)) //nolint:errcheck // a fault is not meant to work
		return errFault
	}
	if err := c.admit(f, m); err != nil {
		return err
	}
	if f.DropAfterStatus {
		return errFault
	}
	challenge := random32()
	if err := c.sendChallenge(f, challenge); err != nil {
		return err
	}
	if p, err = c.recv(); err != nil {
		return err
	}
	r, err := wire.ParseReply(p)
	if err != nil {
		return err
	}
	cookie := c.n.Cookie().Reveal()
	if (f.WrongCookie || r.Digest != wire.Digest(cookie, challenge)) && !f.WrongAck {
		return errFault
	}
	if f.WrongAck {
		cookie += "another"
	}
	// Up before the last message, so that who has it finds itself connected.
	c.n.mu.Lock()
	c.up = true
	c.n.mu.Unlock()
	return c.send(wire.AppendAck(nil, wire.Digest(cookie, r.Challenge)))
}

// admit sends the status.
func (c *conn) admit(f Faults, m wire.Name) error {
	st := wire.Status{Word: wire.StatusOK}
	switch {
	case f.NotAllowed:
		st.Word = wire.StatusNotAllowed
	case f.NOK:
		st.Word = wire.StatusNOK
	case m.Flags.Has(wire.FlagNameMe) && !f.NoNames:
		c.n.mu.Lock()
		c.given = m.Name
		c.peer = c.n.names.give(m.Name)
		c.n.names.see(c.peer)
		c.n.mu.Unlock()
		return c.send(wire.AppendStatus(nil, wire.Status{Word: wire.StatusNamed, Name: c.peer, Creation: random32() | 1}))
	default:
		c.peer = m.Name
		c.n.mu.Lock()
		c.n.names.see(c.peer)
		older := c.n.connected(c.peer)
		c.n.mu.Unlock()
		if f.Alive || older != nil {
			return c.settle(older)
		}
	}
	if err := c.send(wire.AppendStatus(nil, st)); err != nil {
		return err
	}
	if st.Word != wire.StatusOK {
		return errFault
	}
	return nil
}

// settle says "alive" and takes the answer: whether the older connection of that
// name is to go.
func (c *conn) settle(older *conn) error {
	if err := c.send(wire.AppendStatus(nil, wire.Status{Word: wire.StatusAlive})); err != nil {
		return err
	}
	p, err := c.recv()
	if err != nil {
		return err
	}
	st, err := wire.ParseStatus(p)
	if err != nil {
		return err
	}
	if st.Word != wire.StatusTrue {
		return errFault
	}
	if older != nil {
		older.nc.Close()
	}
	return nil
}

func (n *Node) connected(name string) *conn {
	for c := range n.conns {
		if c.up && c.peer == name {
			return c
		}
	}
	return nil
}

func (c *conn) sendChallenge(f Faults, challenge uint32) error {
	m := wire.Challenge{Flags: flags, Challenge: challenge, Creation: c.n.creation, Name: c.n.o.Name}
	if f.OtherName != "" {
		m.Name = f.OtherName
	}
	if f.OldFlags {
		m.Flags &^= wire.FlagHandshake23 | wire.FlagMandatory25Digest
	}
	b := wire.AppendChallenge(nil, m)
	if f.OldHandshake {
		// 'n', version 5, flags, challenge, name.
		b = append([]byte{'n', 0, 5}, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint32(b, challenge)
		b = append(b, m.Name...)
	}
	return c.send(b)
}

func (c *conn) recv() ([]byte, error) {
	p, err := wire.ReadPacket(c.r, c.head, wire.MaxHandshake, c.buf)
	if err == nil {
		c.buf = p
	}
	return p, err
}

func (c *conn) send(body []byte) error {
	_, err := c.nc.Write(wire.AppendPacket(nil, c.head, body))
	return err
}

// pause waits, and says whether the node still runs.
func (c *conn) pause(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-c.n.quit:
		return false
	}
}

func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}
