package dist

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phialdev/phial/erlang/internal/wire"
)

// flags are what a hidden node of this package can do: all that OTP 25 to 29
// demand, what erpc needs (monitors, SPAWN), and the forms in which a peer may
// send long messages.
const flags = wire.Mandatory25 | wire.Mandatory26 | wire.FlagMandatory25Digest |
	wire.FlagDistMonitor | wire.FlagDistMonitorName | wire.FlagSmallAtomTags |
	wire.FlagSendSender | wire.FlagBigSeqtraceLabels | wire.FlagExitPayload |
	wire.FlagDistHdrAtomCache | wire.FlagFragments | wire.FlagSpawn | wire.FlagAlias

// errNoName says that the peer, asked for a name, gave none.
var errNoName = errors.New("the node gives no names")

// shake is one handshake on one connection.
type shake struct {
	d    *dialer
	conn net.Conn
	r    *bufio.Reader
	read *atomic.Uint64 // bytes that came
	head int            // bytes in front of a packet
	addr string
	self identity
	peer Peer // as far as it is known yet
	buf  []byte
}

// handshake connects to addr and completes the handshake under the given name;
// an empty one asks the peer for a name and fails with errNoName where it has
// none to give.
func (d *dialer) handshake(ctx context.Context, addr, name string) (*shake, error) {
	conn, err := d.open(ctx, addr)
	if err != nil {
		return nil, err
	}
	s := &shake{
		d: d, conn: conn, addr: addr, peer: Peer{Addr: addr},
		head: wire.HandshakeHead, read: new(atomic.Uint64),
	}
	s.r = bufio.NewReader(counter{conn, s.read})
	if d.cfg.TLS != nil {
		s.head = wire.FrameHead // inet_tls_dist has the long form from the start
	}
	conn.SetDeadline(earlier(ctx, d.cfg.HandshakeTimeout))
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	err = s.run(ctx, name)
	if !stop() && err == nil {
		// The context ended while the last message came in; its function may
		// set the deadline yet.
		err = s.fail(ctx, StageAck, ctx.Err())
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetDeadline(time.Time{})
	return s, nil
}

// run goes through the messages of the handshake, as the side that connects.
func (s *shake) run(ctx context.Context, name string) error {
	if err := s.introduce(ctx, name); err != nil {
		return err
	}
	challenge, err := s.challenge(ctx)
	if err != nil || s.d.identify {
		return err
	}
	return s.prove(ctx, challenge)
}

// identity is who we are on one connection.
type identity struct {
	name     string
	creation uint32
}

// introduce sends our name and takes the status that answers it.
func (s *shake) introduce(ctx context.Context, name string) error {
	s.self = identity{name: name, creation: random32() | 1} // 0 is a wildcard
	say := wire.Name{Flags: flags, Creation: s.self.creation, Name: name}
	if name == "" {
		say = wire.Name{Flags: flags | wire.FlagNameMe, Name: s.d.cfg.Host}
	}
	if err := s.send(wire.AppendName(nil, say)); err != nil {
		return s.failName(ctx, name, err)
	}
	st, err := s.status()
	if err != nil {
		return s.failName(ctx, name, err)
	}
	cause := CauseProtocol
	switch st.Word {
	case wire.StatusNamed:
		if name == "" {
			return s.named(ctx, st)
		}
	case wire.StatusOK, wire.StatusOKSimultaneous:
		if name == "" {
			return errNoName
		}
		return nil
	case wire.StatusNotAllowed:
		cause = CauseNotAllowed
	case wire.StatusNOK:
		cause = CauseSimultaneous
	case wire.StatusAlive:
		if s.d.cfg.TakeOver && name != "" {
			return s.answerAlive(ctx, wire.StatusTrue)
		}
		s.answerAlive(ctx, wire.StatusFalse) //nolint:errcheck // we leave in any case
		cause = CauseAlive
	}
	e := s.d.fail(StageStatus, cause, s.addr, nil)
	if cause == CauseProtocol {
		e.Err = fmt.Errorf("status %q", st.Word)
	}
	return e
}

// named takes the name that the peer gives us.
func (s *shake) named(ctx context.Context, st wire.Status) error {
	if _, _, err := SplitName(st.Name); err != nil {
		return s.fail(ctx, StageStatus, fmt.Errorf("given name: %w", err))
	}
	s.self = identity{name: st.Name, creation: st.Creation}
	return nil
}

func (s *shake) status() (wire.Status, error) {
	p, err := s.recv()
	if err != nil {
		return wire.Status{}, err
	}
	return wire.ParseStatus(p)
}

func (s *shake) answerAlive(ctx context.Context, word string) error {
	if err := s.send(wire.AppendStatus(nil, wire.Status{Word: word})); err != nil {
		return s.fail(ctx, StageStatus, err)
	}
	return nil
}

// challenge takes the peer's name and challenge, and compares the name before
// anything is answered.
func (s *shake) challenge(ctx context.Context) (uint32, error) {
	p, err := s.recv()
	if err != nil {
		return 0, s.fail(ctx, StageChallenge, err)
	}
	ch, err := wire.ParseChallenge(p)
	if err != nil {
		return 0, s.fail(ctx, StageChallenge, err)
	}
	s.peer.Name, s.peer.Flags, s.peer.Creation = ch.Name, ch.Flags, ch.Creation
	if s.d.identify {
		return 0, nil
	}
	e := s.d.fail(StageChallenge, CauseNameMismatch, s.addr, nil)
	e.Peer, e.Creation = ch.Name, ch.Creation
	if ch.Name != s.d.node {
		return 0, e
	}
	if missing := ch.Flags.Missing(wire.Mandatory25); missing != 0 {
		e.Cause, e.Err = CauseTooOld, fmt.Errorf("flags missing: %s", missing)
		return 0, e
	}
	return ch.Challenge, nil
}

// prove answers the peer's challenge and checks its answer to ours.
func (s *shake) prove(ctx context.Context, challenge uint32) error {
	cookie := s.d.cfg.Cookie.Reveal()
	ours := random32()
	reply := wire.Reply{Challenge: ours, Digest: wire.Digest(cookie, challenge)}
	if err := s.send(wire.AppendReply(nil, reply)); err != nil {
		return s.fail(ctx, StageAck, err)
	}
	p, err := s.recv()
	if err != nil {
		return s.fail(ctx, StageAck, err)
	}
	got, err := wire.ParseAck(p)
	if err != nil {
		return s.fail(ctx, StageAck, err)
	}
	want := wire.Digest(cookie, ours)
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
		e := s.d.fail(StageAck, CauseCookie, s.addr, errors.New("it accepted ours and answered with another"))
		e.Peer, e.Creation = s.peer.Name, s.peer.Creation
		return e
	}
	return nil
}

func (s *shake) send(body []byte) error {
	_, err := s.conn.Write(wire.AppendPacket(nil, s.head, body))
	return err
}

func (s *shake) recv() ([]byte, error) {
	p, err := wire.ReadPacket(s.r, s.head, wire.MaxHandshake, s.buf)
	if err == nil {
		s.buf = p
	}
	return p, err
}

// failName is fail at StageStatus. A peer that hangs up on a request for a name
// may be one that knows no such requests, so the caller tries a name instead.
func (s *shake) failName(ctx context.Context, name string, err error) error {
	if name == "" && ctx.Err() == nil && isClosed(err) {
		return errNoName
	}
	return s.fail(ctx, StageStatus, err)
}

// fail makes an Error of what went wrong while a message was sent or awaited.
func (s *shake) fail(ctx context.Context, stage Stage, err error) *Error {
	e := s.d.fail(stage, CauseNotDistribution, s.addr, err)
	e.Peer, e.Creation = s.peer.Name, s.peer.Creation
	var remote *net.OpError
	var size *wire.SizeError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Cause = CauseCanceled
	case isTimeout(err), ctx.Err() != nil:
		e.Cause = CauseFrozen
	case errors.As(err, &remote) && remote.Op == "remote error":
		// TLS 1.3: the peer's verdict on our certificate comes with the first read.
		e.Stage, e.Cause = StageTLS, CauseTLS
	case errors.Is(err, wire.ErrOldVersion):
		e.Cause = CauseTooOld
	case errors.As(err, &size) && isTLSRecord(size.Head):
		e.Cause, e.Err = CauseTLS, errors.New("the node speaks TLS, we do not")
	case isClosed(err) && stage == StageChallenge:
		e.Cause = CauseClosed
	case isClosed(err) && stage == StageAck:
		// A node that does not accept our answer hangs up without a word.
		e.Cause = CauseCookie
	}
	return e
}

// isTLSRecord recognises the start of a TLS alert, with which a TLS server
// answers our first message.
func isTLSRecord(head []byte) bool {
	return len(head) >= 2 && head[0] == 0x15 && head[1] == 0x03
}

func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

func random32() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint32(b[:])
}
