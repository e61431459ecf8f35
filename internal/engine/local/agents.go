package local

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/probe"
)

// agentConfig gives a replica's agent the sight that it would have in the pod:
// the replica's own resolver, and its address.
func (e *engine) agentConfig(r *replica, l *life) agent.Config {
	resolver := resolverAt(net.JoinHostPort(r.addr.String(), strconv.Itoa(e.net.dnsPort())))
	discover := agent.ByAddress(resolver, e.net.serviceFQDN(), e.net.base)
	if e.net.identity == IdentityStable {
		discover = agent.ByTarget(resolver, e.net.serviceFQDN(), e.net.base)
	}
	l.prober = e.prober(r, resolver)
	c := agent.Config{
		Node:     r.node,
		Never:    !r.work.join,
		Unjoined: !r.work.waits,
		Network:  agent.Probe{Prober: l.prober},
		Discover: discover,
		Apps:     e.release.Apps,
		Board:    e.board,
		Worker:   strconv.FormatInt(e.lives.Add(1), 10),
		Changed:  l.see,
		Log:      func(line string) { e.note(r.name + ": " + line) },
	}
	if r.work.join {
		c.Peers, c.OnPartition = e.room.Seat(r.node), r.work.island
	}
	if r.port() != 0 {
		c.HTTPAccepts = l.answers(httpAccepts(r.addr, r.port(), r.work.httpWay))
	}
	return c
}

// answers notes that the app has answered once: it has started, whatever joining says.
func (l *life) answers(ask func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		err := ask(ctx)
		if err == nil {
			l.started.Store(true)
		}
		return err
	}
}

// probeTimeout is for one step of a look; the machine may be busy booting.
const probeTimeout = 1500 * time.Millisecond

// prober looks from a replica's place. It does not look for nodes past EPMD:
// what EPMD does not say, a peer does not find either.
func (e *engine) prober(r *replica, resolver *net.Resolver) *probe.Prober {
	return &probe.Prober{Here: r.node, Cookie: e.cookie, EPMDPort: e.net.epmdPort(), Ports: []uint16{},
		Resolve: e.resolveFor(r, resolver), Timeout: probeTimeout, TLS: e.clientTLS()}
}

// clientTLS is how the engine itself speaks to nodes; nil: without TLS.
func (e *engine) clientTLS() *tls.Config {
	if e.tls == nil {
		return nil
	}
	return e.tls.config
}

// resolverAt asks one DNS server and nobody else.
func resolverAt(addr string) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, network, addr)
	}}
}

// resolveFor finds hosts as the replica's pod would: its own name stands in
// its hosts file, all others are asked for.
func (e *engine) resolveFor(r *replica, resolver *net.Resolver) func(context.Context, string) ([]netip.Addr, error) {
	return func(ctx context.Context, host string) ([]netip.Addr, error) {
		if strings.HasSuffix(r.node, "@"+host) {
			return []netip.Addr{r.addr}, nil
		}
		addrs, err := resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(host, ".")+".")
		var dnsErr *net.DNSError
		if errors.As(err, &dnsErr) {
			dnsErr.Server = "" // it names the machine's server, which was not the one asked
		}
		return addrs, err
	}
}

// accepts tries a TCP port for a second.
func accepts(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	return agent.Accepts(ctx, addr)
}
