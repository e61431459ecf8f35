package dist

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/phialdev/phial/erlang/epmd"
)

// Dial connects to node, base@host, and completes the handshake. A host with
// several addresses is tried at each until one gives the node's port. The error
// is an *Error.
//
// ctx bounds the whole of it, beside the time limits of cfg; it does not bind
// the connection, which lives until Close.
func Dial(ctx context.Context, node string, cfg Config) (*Conn, error) {
	if _, _, err := SplitName(node); err == nil && cfg.Cookie.IsZero() {
		return nil, &Error{Stage: StageName, Cause: CauseBadConfig, Node: node, Err: errNoCookie}
	}
	s, err := reach(ctx, node, cfg, false)
	if err != nil {
		return nil, err
	}
	c := newConn(s)
	c.start()
	return c, nil
}

// Identify asks who answers where node should be, and no more: the handshake
// ends when the peer has named itself, before any proof of the cookie, of which
// none is needed. A peer of another name than node's is no error; neither it nor
// the node logs anything. Otherwise it fails as Dial does.
func Identify(ctx context.Context, node string, cfg Config) (Peer, error) {
	s, err := reach(ctx, node, cfg, true)
	if err != nil {
		return Peer{}, err
	}
	s.conn.Close()
	return s.peer, nil
}

var errNoCookie = errors.New("no cookie given")

// reach goes through the stages up to the end of the handshake, at one of the
// host's addresses after the other.
func reach(ctx context.Context, node string, cfg Config, identify bool) (*shake, error) {
	base, host, err := SplitName(node)
	if err != nil {
		return nil, &Error{Stage: StageName, Cause: CauseBadName, Node: node, Err: err}
	}
	if err := cfg.check(node); err != nil {
		return nil, &Error{Stage: StageName, Cause: CauseBadConfig, Node: node, Err: err}
	}
	d := dialer{cfg: cfg.withDefaults(), node: node, base: base, host: host, identify: identify}
	addrs, err := d.resolve(ctx)
	if err != nil {
		return nil, err
	}
	var first error
	for _, a := range addrs {
		s, err := d.at(ctx, a)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
		if !elsewhere(err) {
			return nil, err
		}
	}
	return nil, first
}

// elsewhere says whether another address of the same host may fare better: where
// nothing answered that could know better.
func elsewhere(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Cause {
	case CauseEPMDRefused, CauseEPMDUnreachable, CauseEPMDDialTimeout, CauseEPMDMute, CauseEPMDGarbage,
		CausePortRefused, CausePortUnreachable, CausePortTimeout:
		return true
	}
	return false
}

// dialer is one attempt to connect.
type dialer struct {
	cfg              Config // with defaults
	node, base, host string
	identify         bool // the peer's name is all that is asked for
}

func (d *dialer) fail(s Stage, c Cause, addr string, err error) *Error {
	return &Error{Stage: s, Cause: c, Node: d.node, Addr: addr, Err: err}
}

func (d *dialer) resolve(ctx context.Context) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(d.host); err == nil {
		return []netip.Addr{a}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	addrs, err := d.cfg.Resolve(ctx, d.host)
	if err == nil && len(addrs) > 0 {
		return addrs, nil
	}
	cause := CauseDNSNotFound
	var dns *net.DNSError
	switch {
	case err == nil: // no address
	case errors.Is(ctx.Err(), context.Canceled):
		cause = CauseCanceled
	case errors.As(err, &dns) && dns.IsNotFound:
	case isTimeout(err), ctx.Err() != nil:
		cause = CauseDNSTimeout
	default:
		cause = CauseDNSFailed
	}
	return nil, d.fail(StageResolve, cause, "", err)
}

// at shakes hands with the node at one address.
func (d *dialer) at(ctx context.Context, a netip.Addr) (*shake, error) {
	port, hidden := d.cfg.Port, false
	if port == 0 {
		entry, err := d.askEPMD(ctx, a)
		if err != nil {
			return nil, err
		}
		port, hidden = int(entry.Port), entry.Hidden
	}
	addr := hostPort(a, port)
	s, err := d.handshake(ctx, addr, d.cfg.Name)
	if errors.Is(err, errNoName) {
		s, err = d.handshake(ctx, addr, d.cfg.Fallback+"@"+d.cfg.Host)
	}
	if err != nil {
		return nil, err
	}
	s.peer.Hidden = hidden
	return s, nil
}

func (d *dialer) askEPMD(ctx context.Context, a netip.Addr) (epmd.Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	client := epmd.Client{Dial: d.cfg.Dial}
	addr := hostPort(a, d.cfg.EPMDPort)
	entry, err := client.Lookup(ctx, addr, d.base)
	if err != nil {
		return entry, d.fail(StageEPMD, epmdCause(err), addr, err)
	}
	if entry.Highest < handshakeVersion {
		return entry, d.fail(StageEPMD, CauseTooOld, addr,
			errors.New("highest distribution version "+strconv.Itoa(int(entry.Highest))))
	}
	return entry, nil
}

// handshakeVersion is the distribution version of OTP 23 and later, the only one
// since OTP 25.
const handshakeVersion = 6

func epmdCause(err error) Cause {
	var e *epmd.Error
	if !errors.As(err, &e) {
		return CauseOther
	}
	switch e.Cause {
	case epmd.Refused:
		return CauseEPMDRefused
	case epmd.Unreachable:
		return CauseEPMDUnreachable
	case epmd.DialTimeout:
		return CauseEPMDDialTimeout
	case epmd.ReadTimeout:
		return CauseEPMDMute
	case epmd.NotRegistered:
		return CauseNotRegistered
	case epmd.Garbage, epmd.Closed:
		return CauseEPMDGarbage
	case epmd.Canceled:
		return CauseCanceled
	case epmd.BadEntry:
		return CauseBadName
	}
	return CauseOther
}

// open makes the TCP connection, and TLS on it if that is asked for.
func (d *dialer) open(ctx context.Context, addr string) (net.Conn, error) {
	tcp, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	conn, err := d.cfg.Dial(tcp, "tcp", addr)
	if err != nil {
		return nil, d.fail(StageConnect, portCause(ctx, err), addr, err)
	}
	if d.cfg.TLS == nil {
		return conn, nil
	}
	secure, err := d.secure(ctx, conn)
	if err != nil {
		conn.Close()
		cause := CauseTLS
		switch {
		case errors.Is(ctx.Err(), context.Canceled):
			cause = CauseCanceled
		case isTimeout(err):
			cause = CauseFrozen
		}
		return nil, d.fail(StageTLS, cause, addr, err)
	}
	return secure, nil
}

func (d *dialer) secure(ctx context.Context, conn net.Conn) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	cfg := d.cfg.TLS
	if cfg.ServerName == "" && !cfg.InsecureSkipVerify {
		cfg = cfg.Clone()
		cfg.ServerName = d.host
	}
	c := tls.Client(conn, cfg)
	return c, c.HandshakeContext(ctx)
}

func portCause(ctx context.Context, err error) Cause {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return CauseCanceled
	case errors.Is(err, syscall.ECONNREFUSED):
		return CausePortRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return CausePortUnreachable
	case isTimeout(err):
		return CausePortTimeout
	}
	return CauseOther
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.As(err, &t) && t.Timeout()
}

func hostPort(a netip.Addr, port int) string {
	return net.JoinHostPort(a.String(), strconv.Itoa(port))
}

// earlier gives the nearer of a context's deadline and a time limit from now.
func earlier(ctx context.Context, limit time.Duration) time.Time {
	at := time.Now().Add(limit)
	if t, ok := ctx.Deadline(); ok && t.Before(at) {
		return t
	}
	return at
}
