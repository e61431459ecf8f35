package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"
)

// TLS alerts by which a server says why it ends a handshake. They are sent in the
// clear, before anything is agreed on.
const (
	alertStranger = 49 // access_denied: the caller has another key
	alertLimits   = 80 // internal_error: not now
)

var errRefused = errors.New("refused")

// alert writes a fatal TLS alert, if the connection takes it at once.
func alert(conn net.Conn, code byte) {
	_ = conn.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) // for a pipe; a socket has room for it
	_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, code})
}

// admit begins a handshake, or ends the connection.
func (s *Server) admit(conn net.Conn) {
	in, why := s.gate.admit(conn)
	if in == nil {
		s.tally.note(why, remote(conn))
		alert(conn, alertLimits)
		conn.Close()
		return
	}
	s.shaking.Go(func() {
		if c := s.shake(in); c != nil {
			select {
			case s.waiting.conns <- c:
			case <-s.waiting.done:
				c.Close()
			}
		}
	})
}

// shake gives the connection once its other end has shown the key; nil, and it is
// closed, where that fails.
func (s *Server) shake(in *inbound) *tls.Conn {
	_ = in.SetDeadline(time.Now().Add(s.gate.limits.handshakeTime))
	conn := tls.Server(in, s.tls)
	if err := conn.HandshakeContext(context.Background()); err != nil {
		in.Close() // without a farewell, which could block
		s.tally.note(in.reason(err), in.addr)
		return nil
	}
	in.known.Store(true)
	s.gate.settle(in)
	_ = in.SetDeadline(time.Time{})
	return conn
}

// meet chooses the identity to show a caller by its greeting, and ends the handshake
// with a stranger before it has cost anything.
func (s *Server) meet(hello *tls.ClientHelloInfo) (*tls.Config, error) {
	in := inner(hello.Conn)
	id := s.keys.greeted(hello.SupportedProtos)
	switch {
	case id == nil:
		in.why = whyKey
		alert(in.Conn, alertStranger)
		return nil, errRefused
	case !s.gate.sign():
		in.why = whySigned
		alert(in.Conn, alertLimits)
		return nil, errRefused
	}
	return id.server, nil
}

// reason names why a handshake failed, in few words so that they can be counted.
func (in *inbound) reason(err error) string {
	switch {
	case in.why != "":
		return in.why
	case in.yielded.Load(), errors.Is(err, os.ErrDeadlineExceeded):
		return whySlow
	case errors.Is(err, errOtherKey):
		return whyKey
	}
	return whyNotTLS
}
