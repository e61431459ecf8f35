package worker

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/agent/cookies"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// stepTime is for one step of a look; the node may be short of CPU.
const stepTime = 1500 * time.Millisecond

// network reaches the app's nodes with the cookie that they have, and sees that the
// own one gets the cookie that it should have.
type network struct {
	conf    settings.Settings
	cookies *cookies.Cookies
	blind   bool // there is no cookie: the own node is judged by its http port alone

	mu     sync.Mutex
	cookie string // of the own node, as views has it
}

// prober is how a node is reached with a cookie. The own one is found past EPMD too:
// that EPMD has died does not make it dead.
func (n *network) prober(cookie dist.Cookie, own bool) (*probe.Prober, error) {
	tlsConfig, err := n.conf.TLS()
	if err != nil {
		return nil, err
	}
	p := &probe.Prober{Cookie: cookie, CookieCertain: true, TLS: tlsConfig, Here: n.conf.Node, EPMDPort: int(n.conf.EPMDPort), Ports: []uint16{},
		Resolve: n.resolve, Timeout: stepTime, Service: n.conf.Domain, LookupSRV: lookupSRV}
	switch {
	case !n.conf.EPMD:
		p.Port = int(n.conf.DistPorts.First)
	case own:
		p.Ports = n.conf.DistPorts.List()
	}
	return p, nil
}

// resolve finds hosts as the pod does; the own one is not asked for.
func (n *network) resolve(ctx context.Context, host string) ([]netip.Addr, error) {
	if n.conf.PodIP.IsValid() && strings.HasSuffix(n.conf.Node, "@"+host) {
		return []netip.Addr{n.conf.PodIP}, nil
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
	for i, a := range addrs {
		addrs[i] = a.Unmap()
	}
	return addrs, err
}

func lookupSRV(ctx context.Context, name string) ([]string, error) {
	return agent.Targets(ctx, net.DefaultResolver, name)
}

// Open connects to a node, with whichever of the app's cookies it takes. The own node
// is given the one that it should have where that is another.
func (n *network) Open(ctx context.Context, node string) (agent.Node, error) {
	if n.blind {
		return blindNode{n.conf}, nil
	}
	own := node == n.conf.Node
	s, cookie, err := n.session(ctx, node)
	if !own {
		if err != nil {
			return nil, err
		}
		return agent.Over(s), nil
	}
	var u *probe.Unreached
	switch {
	case err == nil:
		n.note(views.CookieExpected)
	case errors.As(err, &u) && u.Failure.Stage == mesh.KindCookie:
		n.note(views.CookieAnother)
		return nil, err
	default:
		n.note(views.CookieUnknown)
		return nil, err
	}
	if want := n.cookies.Expected(time.Now()); !same(cookie, want) {
		if err := s.SetCookie(ctx, want); err != nil {
			s.Close()
			n.note(views.CookieAnother)
			return nil, err
		}
	}
	return &ownNode{Node: agent.Over(s), session: s, app: beam.BaseOf(node)}, nil
}

// session tries one cookie after the other. An error that is not about the cookie ends
// it, and so does the last refusal.
func (n *network) session(ctx context.Context, node string) (*probe.Session, dist.Cookie, error) {
	candidates := n.cookies.Candidates(time.Now())
	if len(candidates) == 0 {
		return nil, dist.Cookie{}, errNoCookie
	}
	var last error
	for _, c := range candidates {
		p, err := n.prober(c, node == n.conf.Node)
		if err != nil {
			return nil, c, err
		}
		s, err := p.Session(ctx, node)
		if err == nil {
			return s, c, nil
		}
		last = err
		var u *probe.Unreached
		if !errors.As(err, &u) || u.Failure.Stage != mesh.KindCookie {
			break
		}
	}
	return nil, dist.Cookie{}, last
}

var errNoCookie = errors.New("the cookie is not known: its file is not there or not to be read")

// same says whether two cookies are the same but for the line end that a Secret was
// written with, which a node has or has not by the way that it reads it.
func same(a, b dist.Cookie) bool {
	trim := func(c dist.Cookie) dist.Cookie { return dist.NewCookie(strings.TrimRight(c.Reveal(), "\r\n")) }
	return trim(a).Equal(trim(b))
}

// JoinView looks from every node's place with the cookie of now.
func (n *network) JoinView(ctx context.Context, names []string) mesh.JoinInput {
	p, err := n.prober(n.cookies.Expected(time.Now()), false)
	if err != nil {
		return mesh.JoinInput{}
	}
	return p.JoinView(ctx, names)
}

// knock tries the way to a peer.
func (n *network) knock(ctx context.Context, node string) error {
	p, err := n.prober(dist.Cookie{}, false)
	if err != nil {
		return err
	}
	return p.Knock(ctx, node)
}

// assert sees that the own node has the cookie that it should have now.
func (n *network) assert(ctx context.Context) error {
	conn, err := n.Open(ctx, n.conf.Node)
	if err != nil {
		return err
	}
	return conn.Close()
}

func (n *network) note(cookie string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cookie = cookie
}

// cookieState says what is known of the own node's cookie.
func (n *network) cookieState() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.cookie == "" {
		return views.CookieUnknown
	}
	return n.cookie
}

// ownNode also sees whether the application that the release is named for runs: a
// temporary one that failed at its start leaves the VM up without it.
type ownNode struct {
	agent.Node
	session *probe.Session
	app     string
	asked   bool
	wants   bool // there is such an application
}

// Look asks the node how it is.
func (o *ownNode) Look(ctx context.Context) (agent.View, error) {
	v, err := o.Node.Look(ctx)
	if err != nil || v.Status != mesh.Started {
		return v, err
	}
	if !o.asked {
		loaded, err := o.session.Loaded(ctx)
		if err != nil {
			return v, err
		}
		o.asked, o.wants = true, slices.Contains(loaded, o.app)
	}
	if o.wants && !slices.Contains(v.Apps, o.app) {
		v.Missing = append(v.Missing, o.app)
	}
	return v, nil
}
