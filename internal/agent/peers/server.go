package peers

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Handler answers one method. It is given who asks and what, which is a JSON value; an
// error goes back as its text. It has ten seconds, and ctx ends when the caller is gone.
// It may be called twice for one call, and at the same time.
type Handler func(ctx context.Context, from netip.Addr, body json.RawMessage) (any, error)

// Server answers the agents of the same app.
type Server struct {
	keys    *Keys
	methods map[string]Handler
	log     *slog.Logger
	tally   tally
	gate    gate
	http    *http.Server
	tls     *tls.Config // until a caller is known

	mu      sync.Mutex
	panics  bucket   // of log lines
	waiting listener // connections that have shown the key
	under   net.Listener
	closed  bool
	shaking sync.WaitGroup
}

// NewServer makes a server for POST /v1/METHOD. A nil log is told nothing.
func NewServer(keys *Keys, methods map[string]Handler, log *slog.Logger) *Server {
	return newServer(keys, methods, log, defaultLimits())
}

func newServer(keys *Keys, methods map[string]Handler, logger *slog.Logger, l limits) *Server {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{keys: keys, methods: methods, log: logger, tally: tally{log: logger},
		gate:    gate{limits: l, addrs: map[netip.Addr]*address{}},
		waiting: listener{conns: make(chan net.Conn), done: make(chan struct{})}}
	s.tls = &tls.Config{MinVersion: tls.VersionTLS13, SessionTicketsDisabled: true, GetConfigForClient: s.meet}
	var http1 http.Protocols
	http1.SetHTTP1(true) // HTTP/2 takes more memory for each connection
	s.http = &http.Server{
		Handler:        http.HandlerFunc(s.serve),
		Protocols:      &http1,
		MaxHeaderBytes: max(1, maxHeader-4096), // it adds 4096 of its own
		ReadTimeout:    l.readTime,
		WriteTimeout:   writeTime,
		IdleTimeout:    l.idleTime,
		ErrorLog:       log.New(io.Discard, "", 0),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, inboundKey{}, inner(c))
		},
		DisableGeneralOptionsHandler: true,
	}
	return s
}

type inboundKey struct{}

// inner gives the connection below TLS.
func inner(c net.Conn) *inbound {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	in, _ := c.(*inbound)
	return in
}

// Serve answers who connects to l, until Close; then it gives nil, and every connection
// is closed. Handlers that run see it by their context. A server serves once.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	if !s.begin(l) {
		return nil
	}
	s.waiting.addr = l.Addr()
	var served sync.WaitGroup
	served.Go(func() { _ = s.http.Serve(&s.waiting) }) // ends when Close closes it
	err := s.accept(l)
	s.Close()
	s.shaking.Wait()
	served.Wait()
	s.http.Close() // for a connection that came while Close ran
	return err
}

func (s *Server) begin(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.under != nil {
		return false
	}
	s.under = l
	return true
}

// Close ends Serve and every connection.
func (s *Server) Close() {
	s.mu.Lock()
	under, was := s.under, s.closed
	s.closed = true
	s.mu.Unlock()
	if was {
		return
	}
	if under != nil {
		under.Close()
	}
	close(s.waiting.done)
	s.gate.close()
	s.http.Close()
	s.tally.close()
}

func (s *Server) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// accept takes connections until the listener ends. A failure that passes, such as a
// lack of file descriptors, is waited for.
func (s *Server) accept(l net.Listener) error {
	var wait time.Duration
	for {
		conn, err := l.Accept()
		switch {
		case s.isClosed():
			if err == nil {
				conn.Close()
			}
			return nil
		case err == nil:
			wait = 0
			s.admit(conn)
		case passes(err):
			wait = min(max(2*wait, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(wait):
			case <-s.waiting.done:
			}
		default:
			return fmt.Errorf("the agents' port: %w", err)
		}
	}
}

// passes says whether accepting may work again. Nothing but a closed listener, or one
// that is none, is known to last.
func passes(err error) bool {
	ne, ok := errors.AsType[net.Error](err)
	return ok && !errors.Is(err, net.ErrClosed) && (ne.Timeout() || isTemporary(ne))
}

func isTemporary(err net.Error) bool {
	t, ok := err.(interface{ Temporary() bool })
	return ok && t.Temporary()
}

// listener hands the HTTP server the connections that have shown the key.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	addr  net.Addr
}

// Accept gives the next connection.
func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close does nothing: Server.Close ends Accept.
func (l *listener) Close() error { return nil }

// Addr gives the address of the listener below.
func (l *listener) Addr() net.Addr { return l.addr }
