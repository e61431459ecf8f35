package epmd

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// Limits of a Server whose fields are zero.
const (
	DefaultMaxConns = 1024
	DefaultMaxNames = 4096
)

// Server is an EPMD. The zero value behaves as the epmd program does, except that it never obeys the requests to
// dump its memory, to stop a node or to end itself. Set the fields before the first Serve.
type Server struct {
	// Owner tells which replica's address a registration belongs to, by the port it registers. Where it is nil, or says
	// no, the registration belongs to the namespace that all share. Two registrations of one name are refused only
	// within one namespace.
	Owner func(Entry) (netip.Addr, bool)

	// Replica tells whether an address is a replica's. A question that came in on a replica's address is answered with
	// what that replica owns, be it nothing; on any other address (127.0.0.1 among them) with everything, the longest
	// registered of several equal names first. Nil: an address is a replica's from its first registration on.
	Replica func(netip.Addr) bool

	Timeout  time.Duration // for a request and its answer; zero means DefaultTimeout
	MaxConns int           // connections that have not registered a name, further ones are closed; zero means DefaultMaxConns
	MaxNames int           // names held, further ones are refused; zero means DefaultMaxNames

	names registry

	mu        sync.Mutex
	closed    bool
	asking    int // connections without a registration
	listeners map[net.Listener]struct{}
	conns     map[net.Conn]struct{}
	running   sync.WaitGroup // the connections' goroutines
}

// Serve answers on l until ctx ends, l is closed or the server is; then it returns nil and l is closed.
// It may be called for any number of listeners. What was registered through one listener stays when that listener
// closes: only Close ends the registrations. Other errors of the listener are returned.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	defer l.Close()
	if !s.begin(l) {
		return nil
	}
	defer s.end(l)
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for pause := time.Duration(0); ; {
		conn, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.start(conn)
		case errors.Is(err, net.ErrClosed):
			return nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			// Out of files: wait for some connection to end, longer each time.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return nil
			}
		default:
			return err
		}
	}
}

func (s *Server) begin(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	if s.listeners == nil {
		s.listeners = map[net.Listener]struct{}{}
		s.conns = map[net.Conn]struct{}{}
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) end(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, l)
}

// start answers a connection in a goroutine that Close waits for.
func (s *Server) start(conn net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.asking >= cmp.Or(s.MaxConns, DefaultMaxConns) {
		conn.Close()
		return
	}
	s.asking++
	s.conns[conn] = struct{}{}
	s.running.Go(func() {
		registered := s.answer(conn)
		conn.Close()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.conns, conn)
		if !registered {
			s.asking--
		}
	})
}

// Close ends all listeners, connections and registrations, and returns when nothing of the server runs any more.
// A closed server can't be used again.
func (s *Server) Close() error {
	s.mu.Lock()
	s.closed = true
	for l := range s.listeners {
		l.Close()
	}
	for conn := range s.conns {
		conn.Close()
	}
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// Snapshot gives everything registered now, the newest first.
func (s *Server) Snapshot() []Registered { return s.names.list(netip.Addr{}, false) }

// Add registers an entry without a connection, for the replica at owner or, where owner is the zero Addr, in the shared
// namespace. It holds until remove is called, which may be done more than once.
func (s *Server) Add(owner netip.Addr, e Entry) (remove func(), err error) {
	r, err := s.names.add(owner.Unmap(), e, cmp.Or(s.MaxNames, DefaultMaxNames))
	if err != nil {
		return nil, &Error{Op: "register", Addr: "server", Name: e.Name, Cause: refusal(err), Err: err}
	}
	return func() { s.names.remove(r) }, nil
}

func refusal(err error) Cause {
	switch {
	case errors.Is(err, errTaken):
		return NameTaken
	case errors.Is(err, errFull):
		return Other
	}
	return BadEntry
}

// answer reads one request and answers it. It reports whether the connection became a registration, in which case it
// returns only when that has ended.
func (s *Server) answer(conn net.Conn) (registered bool) {
	conn.SetDeadline(time.Now().Add(cmp.Or(s.Timeout, DefaultTimeout)))
	var head [2]byte
	if _, err := io.ReadFull(conn, head[:]); err != nil {
		return false
	}
	size := int(binary.BigEndian.Uint16(head[:]))
	if size == 0 || size > maxRequest {
		return false
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(conn, body); err != nil {
		return false
	}
	q, err := parseRequest(body)
	if err != nil {
		return false
	}
	local, remote := addrOf(conn.LocalAddr()), addrOf(conn.RemoteAddr())
	switch q.tag {
	case tagAlive2:
		// As with epmd, only this machine's own nodes register.
		if !remote.Addr().IsLoopback() && (!remote.IsValid() || remote.Addr() != local.Addr()) {
			return false
		}
		return s.hold(conn, q.entry)
	case tagPortPlease:
		if checkName(q.name) == nil {
			s.tellPort(conn, local.Addr(), q.name)
		}
	case tagNames:
		owner, exactly := s.view(local.Addr())
		conn.Write(appendListing(nil, local.Port(), s.names.list(owner, exactly))) //nolint:errcheck // an asker that has gone
	case tagKill:
		conn.Write([]byte("NO")) //nolint:errcheck // an asker that has gone
	case tagDump, tagStop: // refused as epmd refuses: the connection closes
	}
	return false
}

// view tells whose entries a question on this address is about.
func (s *Server) view(local netip.Addr) (owner netip.Addr, exactly bool) {
	if local == netip.AddrFrom4([4]byte{127, 0, 0, 1}) {
		return netip.Addr{}, false
	}
	if s.Replica != nil {
		return local, s.Replica(local)
	}
	return local, s.names.hasOwned(local)
}

func (s *Server) tellPort(conn net.Conn, local netip.Addr, name string) {
	owner, exactly := s.view(local)
	reply := []byte{tagPort2, 1}
	if r, ok := s.names.lookup(name, owner, exactly); ok {
		reply[1] = 0
		reply = appendEntry(reply, r.Entry)
	}
	conn.Write(reply) //nolint:errcheck // an asker that has gone
}

// hold registers the entry, answers, and returns when the connection ends, or when anything more is sent on it, which
// epmd takes for its end, too.
func (s *Server) hold(conn net.Conn, e Entry) (registered bool) {
	var owner netip.Addr
	if s.Owner != nil {
		if a, ok := s.Owner(e); ok {
			owner = a.Unmap()
		}
	}
	r, err := s.names.add(owner, e, cmp.Or(s.MaxNames, DefaultMaxNames))
	if err != nil {
		const refusedCreation = 99                           // what epmd sends along with a refusal
		conn.Write(aliveResp(e.Highest, 1, refusedCreation)) //nolint:errcheck // an asker that has gone
		return false
	}
	defer s.names.remove(r)
	s.mu.Lock()
	s.asking--
	s.mu.Unlock()
	if _, err := conn.Write(aliveResp(e.Highest, 0, r.Creation)); err != nil {
		return true
	}
	conn.SetDeadline(time.Time{})
	conn.Read(make([]byte, 1)) //nolint:errcheck // whatever it returns, the registration has ended
	return true
}

// addrOf gives an address in its plain form, or the zero value for what is not TCP.
func addrOf(a net.Addr) netip.AddrPort {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return netip.AddrPort{}
	}
	ap := tcp.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap().WithZone(""), ap.Port())
}
