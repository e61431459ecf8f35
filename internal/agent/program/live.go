package program

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/beam"
	facts "github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

// Bounds of asking whether the node lives. The kubelet gives the verb ten seconds.
const (
	liveWithin = 8 * time.Second
	liveStep   = 3 * time.Second // for each of EPMD, connecting, the handshake and the call
)

// live asks the pod's own node whether it lives: a handshake and one call. It runs in the
// app's container and needs nothing of the agent but what it left in a file: no process
// of it, no DNS, no other node. Only a node that does not answer is dead; one that
// answers and refuses is alive, since no restart makes its cookie another.
func live(ctx context.Context, c call) int {
	if !c.flags("live", nil) {
		return cannot
	}
	ctx, cancel := context.WithTimeout(ctx, liveWithin)
	defer cancel()
	alive, line := examine(ctx, settings.Find(c.Env), c.Env)
	if !alive {
		c.notef("dead: %s", line)
		return no
	}
	c.printf("alive: %s", line)
	return ok
}

// examine tries the addresses that the node may listen at until one gives an answer.
func examine(ctx context.Context, s settings.Settings, env func(string) string) (alive bool, line string) {
	name, err := beam.ParseName(s.Node)
	if err != nil {
		return true, fmt.Sprintf("nobody says which node to ask (%s is not set), so nothing was asked", beam.EnvReleaseNode)
	}
	p := prober(s, env)
	var tried []string
	for _, a := range addresses(name, s.PodIP) {
		p.Resolve = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{a}, nil }
		p.Dial = dialAt(a)
		v := ask(ctx, p, s.Node)
		if v.alive {
			return true, v.line
		}
		tried = append(tried, fmt.Sprintf("at %s: %s", a, v.line))
		if v.certain {
			break
		}
	}
	return false, s.Node + " " + strings.Join(tried, "; ")
}

// prober is how the node is asked. What cannot be read is done without: a node that
// refuses answers as well.
func prober(s settings.Settings, env func(string) string) *probe.Prober {
	p := &probe.Prober{EPMDPort: int(s.EPMDPort), Ports: s.DistPorts.List(), Timeout: liveStep}
	var err error
	if p.Cookie, err = s.Cookie(); err != nil {
		p.Cookie = dist.NewCookie(env(beam.EnvReleaseCookie))
	}
	if p.Cookie.IsZero() {
		p.Cookie = dist.NewCookie("phial-agent has no cookie")
	}
	if p.TLS, err = s.TLS(); err != nil {
		// Nothing secret goes over it: the node asks for a certificate, and there is none.
		p.TLS = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	}
	return p
}

// addresses are where the pod's own node may listen, the most likely first.
func addresses(name beam.Name, podIP netip.Addr) []netip.Addr {
	var all []netip.Addr
	if a, isAddr := name.Addr(); isAddr {
		all = append(all, a.Unmap())
	}
	if podIP.IsValid() {
		all = append(all, podIP)
	}
	all = append(all, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
	var distinct []netip.Addr
	for _, a := range all {
		if !slices.Contains(distinct, a) {
			distinct = append(distinct, a)
		}
	}
	return distinct
}

// dialAt dials one address, whatever the node's name says.
func dialAt(a netip.Addr) func(ctx context.Context, network, addr string) (net.Conn, error) {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(a.String(), port))
	}
}

// verdict is what one address gave. certain: another address gives nothing better.
type verdict struct {
	alive, certain bool
	line           string
}

// ask shakes hands and makes one call.
func ask(ctx context.Context, p *probe.Prober, node string) verdict {
	session, err := p.Session(ctx, node)
	var u *probe.Unreached
	switch {
	case errors.As(err, &u):
		return judge(u.Failure, p.Ports)
	case err != nil:
		return verdict{line: err.Error()}
	}
	defer session.Close()
	// erlang:nodes/1 asks no process of the node's: it is answered during a boot, too.
	_, err = session.Peers(ctx)
	var e *dist.Error
	switch {
	case err == nil:
		return verdict{alive: true, line: node + " answers"}
	case errors.As(err, &e) && (e.Cause == dist.CauseTimeout || e.Cause == dist.CauseSilent):
		return verdict{certain: true, line: "it took the connection and does not answer a call"}
	}
	return verdict{alive: true, line: node + " answers, but not as expected: " + err.Error()}
}

// judge says what a failure to connect means for the node's life.
func judge(f facts.Failure, ports []uint16) verdict {
	switch f.Cause {
	case facts.CauseCookie, facts.CauseCookieSpace:
		return verdict{alive: true, line: "the node answers and refuses the cookie"}
	case facts.CauseNotAllowed, facts.CauseVersions, facts.CauseTLS, facts.CausePlain, facts.CauseNotDistributed:
		return verdict{alive: true, line: "the node answers and refuses: " + f.Detail}
	case facts.CauseNameMismatch:
		if !isTool(f.PeerName) {
			return verdict{alive: true, line: "a node answers, by the name " + f.PeerName}
		}
		return verdict{line: "only " + f.PeerName + " answers, a tool of the release's"}
	case facts.CauseFrozen:
		return verdict{certain: true, line: "it takes connections and says nothing: " + f.Detail}
	case facts.CauseNotRegistered, facts.CauseEPMDRefused, facts.CauseEPMDFiltered, facts.CauseEPMDMute:
		return beyondEPMD(f, ports)
	case facts.CausePortRefused, facts.CausePortFiltered, facts.CauseDNSNotFound, facts.CauseDNSSilent:
		return verdict{line: f.Detail}
	}
	if f.Stage == facts.KindHandshake || f.Stage == facts.KindCookie || f.Stage == facts.KindCall {
		return verdict{alive: true, line: "the node answers, but not as expected: " + f.Detail}
	}
	return verdict{line: f.Detail}
}

// beyondEPMD judges where EPMD did not help and the node's ports were tried.
func beyondEPMD(f facts.Failure, ports []uint16) verdict {
	for _, other := range f.Others {
		if !isTool(other) {
			return verdict{alive: true, line: "a node answers, by the name " + other}
		}
	}
	if len(ports) == 0 {
		return verdict{line: f.Detail}
	}
	return verdict{line: fmt.Sprintf("%s, and no node answers on ports %d-%d", f.Detail, ports[0], ports[len(ports)-1])}
}

// isTool: nodes of a release's own commands, rpc and remote, are named so.
func isTool(node string) bool {
	return strings.HasPrefix(node, "rpc-") || strings.HasPrefix(node, "rem-")
}
