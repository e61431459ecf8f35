package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// reached is a node at the end of a connection, and how it was found.
type reached struct {
	*dist.Conn
	epmd *mesh.Failure // EPMD failed so, and the node answers on a known port
}

// dial connects to a node; where EPMD fails, on the ports that it may have. What it
// fails with is what a peer would meet.
func (p *Prober) dial(ctx context.Context, node string) (reached, *mesh.Failure) {
	if _, err := beam.ParseName(node); err != nil {
		return reached{}, &mesh.Failure{Stage: mesh.KindName, Cause: mesh.CauseBadName, Detail: err.Error()}
	}
	conn, err := dist.Dial(ctx, node, p.config())
	if err == nil {
		return reached{Conn: conn}, nil
	}
	f := p.failure(ctx, err)
	switch f.Cause {
	case mesh.CauseEPMDRefused, mesh.CauseEPMDFiltered, mesh.CauseEPMDMute, mesh.CauseNotRegistered:
		c, past := p.pastEPMD(ctx, node, f)
		switch {
		case c != nil:
			return reached{Conn: c, epmd: f}, nil
		case past != nil:
			return reached{epmd: f}, past
		}
	}
	return reached{}, f
}

// connect is dial for a diagnosis: of a node that refuses it finds out more, by
// trying again in other ways. Each try may leave a line in the node's own log.
func (p *Prober) connect(ctx context.Context, node string) (reached, *mesh.Failure) {
	r, f := p.dial(ctx, node)
	if f == nil {
		return r, nil
	}
	switch f.Cause {
	case mesh.CauseNotDistributed, mesh.CauseFrozen, mesh.CauseTLS:
		p.perhapsTLS(ctx, f)
		p.perhapsPlain(ctx, node, f)
	case mesh.CauseCookie:
		p.perhapsSpace(ctx, node, f)
	case mesh.CauseNotRegistered:
		p.inItsPlace(ctx, node, f)
	}
	return r, f
}

// pastEPMD tries the ports that the node may listen on. Nodes of other names that
// answer on them are noted in the failure: one may be the node, misnamed. Where the node
// itself answers and refuses, that is the second result.
func (p *Prober) pastEPMD(ctx context.Context, node string, f *mesh.Failure) (*dist.Conn, *mesh.Failure) {
	type answer struct {
		conn *dist.Conn
		err  error
	}
	ports := p.ports()
	answers := make(chan answer, len(ports))
	for _, port := range ports {
		cfg := p.config()
		cfg.Port = int(port)
		go func() {
			c, err := dist.Dial(ctx, node, cfg)
			answers <- answer{c, err}
		}()
	}
	var found *dist.Conn
	var others []*dist.Error
	for range ports {
		a := <-answers
		var e *dist.Error
		switch {
		case a.err == nil && found == nil:
			found = a.conn
		case a.err == nil:
			a.conn.Close()
		case errors.As(a.err, &e) && e.Peer != "":
			others = append(others, e)
		}
	}
	if found != nil {
		return found, nil
	}
	// One of this very name before others.
	if i := slices.IndexFunc(others, func(e *dist.Error) bool { return e.Peer == node }); i >= 0 {
		return nil, p.failure(ctx, others[i])
	}
	f.Tried = slices.Clone(ports)
	for _, e := range others {
		f.Others = append(f.Others, e.Peer)
	}
	f.Others = distinct(f.Others)
	return nil, nil
}

// maxInPlace bounds how many of the names that an EPMD has are asked for the whole one.
const maxInPlace = 16

// inItsPlace asks the nodes that EPMD has instead of this one for their whole names,
// which they give before any cookie. Where several apps share an EPMD, that tells a node
// that runs by another name from one that does not run.
func (p *Prober) inItsPlace(ctx context.Context, node string, f *mesh.Failure) {
	_, host, _ := strings.Cut(node, "@")
	var mu sync.Mutex
	var g errgroup.Group
	for _, base := range f.Known[:min(len(f.Known), maxInPlace)] {
		if passing(base) {
			continue
		}
		g.Go(func() error {
			peer, err := dist.Identify(ctx, base+"@"+host, p.config())
			if err == nil && peer.Name != "" {
				mu.Lock()
				defer mu.Unlock()
				f.Others = append(f.Others, peer.Name)
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
	f.Others = distinct(f.Others)
}

// distinct sorts names and leaves each in once.
func distinct(s []string) []string {
	slices.Sort(s)
	return slices.Compact(s)
}

// perhapsTLS tells a port that speaks TLS from one that speaks something else.
func (p *Prober) perhapsTLS(ctx context.Context, f *mesh.Failure) {
	if p.TLS != nil || f.Addr == "" || f.Cause != mesh.CauseNotDistributed {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	conn, err := p.dialer()(ctx, "tcp", f.Addr)
	if err != nil {
		return
	}
	defer conn.Close()
	// Nothing is sent over this connection: that TLS is spoken is all that is asked.
	c := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // see above
	err = c.HandshakeContext(ctx)
	var alert tls.AlertError
	var record tls.RecordHeaderError
	switch {
	case err == nil, errors.As(err, &alert):
	case errors.As(err, &record), c.ConnectionState().Version == 0 && !strings.Contains(err.Error(), "remote error"):
		return
	}
	f.Cause, f.Detail = mesh.CauseTLS, f.Addr+" speaks TLS"
}

// perhapsPlain tells a node that speaks plain distribution from one that is frozen: it
// takes TLS's first message for the beginning of a longer one and waits. Nothing of the
// cookie goes over the plain connection.
func (p *Prober) perhapsPlain(ctx context.Context, node string, f *mesh.Failure) {
	if p.TLS == nil || f.Port == 0 {
		return
	}
	cfg := p.config()
	cfg.TLS, cfg.Port = nil, int(f.Port)
	if peer, err := dist.Identify(ctx, node, cfg); err == nil || peer.Name != "" {
		f.Cause, f.Detail = mesh.CausePlain, f.Addr+" speaks plain distribution, not over TLS"
	}
}

// perhapsSpace tries the cookie with the line end that a badly written Secret leaves,
// and without: the one difference that nobody sees.
func (p *Prober) perhapsSpace(ctx context.Context, node string, f *mesh.Failure) {
	cookie := p.Cookie.Reveal()
	other := strings.TrimSpace(cookie)
	if other == cookie {
		other += "\n"
	}
	cfg := p.config()
	cfg.Cookie = dist.NewCookie(other)
	if cfg.Cookie.IsZero() {
		return
	}
	conn, err := dist.Dial(ctx, node, cfg)
	if err != nil {
		return
	}
	conn.Close()
	f.Cause = mesh.CauseCookieSpace
	f.Detail = "the node takes the cookie with another end: a line end more or less"
}

// failure says in the words of package mesh why a node was not reached.
func (p *Prober) failure(ctx context.Context, err error) *mesh.Failure {
	var e *dist.Error
	if !errors.As(err, &e) {
		return &mesh.Failure{Stage: mesh.KindHandshake, Cause: mesh.CauseOther, Detail: err.Error()}
	}
	f := &mesh.Failure{Stage: stage(e.Stage), Cause: cause(e), Detail: e.Error(), PeerName: e.Peer, Creation: e.Creation, Addr: e.Addr}
	if e.Stage >= dist.StageConnect {
		f.Port = portOf(e.Addr)
	}
	if f.Cause == mesh.CauseNotRegistered {
		f.Known = p.registered(ctx, e.Addr)
	}
	return f
}

// registered asks an EPMD for the names that it has.
func (p *Prober) registered(ctx context.Context, addr string) []string {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	entries, err := (&epmd.Client{Dial: p.Dial}).Names(ctx, addr)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name)
	}
	slices.Sort(out)
	return out
}

func portOf(addr string) uint16 {
	a, err := netip.ParseAddrPort(addr)
	if err != nil {
		_, s, err := net.SplitHostPort(addr)
		if err != nil {
			return 0
		}
		n, err := strconv.ParseUint(s, 10, 16)
		if err != nil {
			return 0
		}
		return uint16(n)
	}
	return a.Port()
}

func stage(s dist.Stage) mesh.Kind {
	switch s {
	case dist.StageName:
		return mesh.KindName
	case dist.StageResolve:
		return mesh.KindDNS
	case dist.StageEPMD:
		return mesh.KindEPMD
	case dist.StageConnect:
		return mesh.KindPort
	case dist.StageAck:
		return mesh.KindCookie
	case dist.StageCall, dist.StageConn:
		return mesh.KindCall
	}
	return mesh.KindHandshake
}

func cause(e *dist.Error) mesh.Cause {
	switch e.Cause {
	case dist.CauseBadName:
		return mesh.CauseBadName
	case dist.CauseDNSNotFound:
		return mesh.CauseDNSNotFound
	case dist.CauseDNSTimeout, dist.CauseDNSFailed:
		return mesh.CauseDNSSilent
	case dist.CauseEPMDRefused:
		return mesh.CauseEPMDRefused
	case dist.CauseEPMDDialTimeout, dist.CauseEPMDUnreachable:
		return mesh.CauseEPMDFiltered
	case dist.CauseEPMDMute, dist.CauseEPMDGarbage:
		return mesh.CauseEPMDMute
	case dist.CauseNotRegistered:
		return mesh.CauseNotRegistered
	case dist.CausePortRefused:
		return mesh.CausePortRefused
	case dist.CausePortTimeout, dist.CausePortUnreachable:
		return mesh.CausePortFiltered
	case dist.CauseNotDistribution:
		return mesh.CauseNotDistributed
	case dist.CauseTLS:
		return mesh.CauseTLS
	case dist.CauseFrozen, dist.CauseSilent:
		return mesh.CauseFrozen
	case dist.CauseNameMismatch:
		return mesh.CauseNameMismatch
	case dist.CauseNotAllowed:
		return mesh.CauseNotAllowed
	case dist.CauseTooOld:
		return mesh.CauseVersions
	case dist.CauseCookie:
		return mesh.CauseCookie
	case dist.CauseTimeout, dist.CauseCallFailed:
		return mesh.CauseCalls
	}
	return mesh.CauseOther
}
