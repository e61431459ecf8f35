package probe

import (
	"context"
	"errors"
	"fmt"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/mesh"
)

// Unreached is the error of a node that could not be reached.
type Unreached struct {
	Node    string
	Failure mesh.Failure
}

func (e *Unreached) Error() string { return e.Node + " cannot be reached: " + e.Failure.Detail }

// Session is a connection to one node, for loops that look at it and act on it. It may
// be used by several goroutines. It ends with its connection: see Done.
type Session struct {
	p     *Prober
	r     reached
	name  string
	names *interner
}

// Session connects to a node. The error is an *Unreached.
func (p *Prober) Session(ctx context.Context, node string) (*Session, error) {
	r, f := p.dial(ctx, node)
	if f != nil {
		return nil, &Unreached{node, *f}
	}
	return &Session{p: p, r: r, name: node, names: newInterner()}, nil
}

// Name is the node's name.
func (s *Session) Name() string { return s.name }

// Creation tells incarnations of the node apart.
func (s *Session) Creation() uint32 { return s.r.Peer().Creation }

// Done is closed when the connection ends.
func (s *Session) Done() <-chan struct{} { return s.r.Done() }

// Close ends the connection. The node keeps running, and its links too.
func (s *Session) Close() error { return s.r.Close() }

// Node asks the node all that an observation holds.
func (s *Session) Node(ctx context.Context) mesh.Node {
	return s.p.nodeOver(ctx, s.r, s.name, s.names)
}

func (s *Session) call(ctx context.Context, mod, fun string, args ...any) (etf.Term, error) {
	ctx, cancel := context.WithTimeout(ctx, s.p.timeout())
	defer cancel()
	return s.r.ERPC(ctx, mod, fun, args...)
}

// Status asks for init's status.
func (s *Session) Status(ctx context.Context) (mesh.Status, error) {
	t, err := s.call(ctx, "init", "get_status")
	if err != nil {
		return mesh.StatusUnknown, err
	}
	var n mesh.Node
	readStatus(&n, t)
	return n.Status, nil
}

// Peers asks for the connected visible nodes.
func (s *Session) Peers(ctx context.Context) ([]string, error) {
	t, err := s.call(ctx, "erlang", "nodes", etf.Atom("visible"))
	if err != nil {
		return nil, err
	}
	return s.names.atoms(t), nil
}

// Applications asks for the running applications, sorted by name.
func (s *Session) Applications(ctx context.Context) ([]mesh.App, error) {
	t, err := s.call(ctx, "application", "which_applications")
	if err != nil {
		return nil, err
	}
	var n mesh.Node
	readApps(s.names)(&n, t)
	return n.Apps, nil
}

// Loaded asks for the applications that are loaded, running or not.
func (s *Session) Loaded(ctx context.Context) ([]string, error) {
	t, err := s.call(ctx, "application", "loaded_applications")
	if err != nil {
		return nil, err
	}
	var n mesh.Node
	readApps(s.names)(&n, t)
	var out []string
	for _, a := range n.Apps {
		out = append(out, a.Name)
	}
	return out, nil
}

// ErrNotConnected says that a node was told to connect and said that it could not.
var ErrNotConnected = errors.New("it could not connect")

// Connect tells the node to connect to another (net_kernel:connect_node). That it
// worked does not mean that the node has joined: look again after mesh.LookAgain.
func (s *Session) Connect(ctx context.Context, other string) error {
	t, err := s.call(ctx, "net_kernel", "connect_node", etf.Atom(other))
	switch {
	case err != nil:
		return fmt.Errorf("telling %s to connect to %s: %w", s.name, other, err)
	case !t.IsAtom("true"):
		return fmt.Errorf("telling %s to connect to %s: %w (%s)", s.name, other, ErrNotConnected, t.String())
	}
	return nil
}

// SetCookie gives the node another cookie, for all peers that have none of their own.
// Links that are up stay up. The session's own connection stays up, too; the next one
// needs a Prober with the new cookie.
func (s *Session) SetCookie(ctx context.Context, c dist.Cookie) error {
	_, err := s.call(ctx, "erlang", "set_cookie", etf.Atom(c.Reveal()))
	if err != nil {
		return scrubbed{s.name, err}
	}
	return nil
}

// scrubbed is the error of a call whose arguments, which some errors of the BEAM repeat,
// may not be shown.
type scrubbed struct {
	node string
	err  error
}

func (e scrubbed) Error() string {
	var d *dist.Error
	if errors.As(e.err, &d) {
		return "setting the cookie of " + e.node + ": " + d.Cause.Text()
	}
	return "setting the cookie of " + e.node + " failed"
}
