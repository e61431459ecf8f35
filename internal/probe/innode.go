package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// inNode takes the steps of a walk in a node's own network, by calls to it. Sockets
// that it opens there belong to the process that the call runs in and close with it.
type inNode struct {
	w     *walker
	conn  *dist.Conn
	inet6 bool // -proto_dist inet6_tcp or inet6_tls
}

// call leaves the node the time of one step, and the answer a little more.
func (n *inNode) call(ctx context.Context, mod, fun string, args ...any) (etf.Term, error) {
	ctx, cancel := context.WithTimeout(ctx, n.w.p.timeout()+time.Second)
	defer cancel()
	return n.conn.ERPC(ctx, mod, fun, args...)
}

func (n *inNode) family() etf.Atom {
	if n.inet6 {
		return "inet6"
	}
	return "inet"
}

// dns: as the node's own resolver has it, with its hosts file and search list.
func (n *inNode) dns(ctx context.Context, s *steps, to beam.Name) (netip.Addr, bool) {
	if a, ok := to.Addr(); ok {
		s.pass(mesh.KindDNS, to.Host+" is an address")
		return a, true
	}
	t, err := n.call(ctx, "inet", "getaddr", etf.Charlist(to.Host), n.family())
	switch {
	case err != nil && !badRPC(err):
		s.fail(mesh.KindDNS, mesh.CauseDNSSilent, fmt.Sprintf("the resolver gave no answer about %s in %s", to.Host, n.w.p.timeout()), to.Host)
		return netip.Addr{}, false
	case err != nil:
		s.unseen(mesh.KindDNS, firstLine(err))
		return netip.Addr{}, false
	}
	if a, ok := address(t.At(1)); ok && t.At(0).IsAtom("ok") {
		s.pass(mesh.KindDNS, to.Host+" stands for "+a.String(), a.String())
		return a, true
	}
	reason := t.At(1).String()
	c := mesh.CauseDNSNotFound
	if reason == "timeout" || reason == "try_again" || reason == "econnrefused" {
		c = mesh.CauseDNSSilent
	}
	s.fail(mesh.KindDNS, c, fmt.Sprintf("%s %s (inet:getaddr: %s)", to.Host, dnsText(c), reason), to.Host)
	return netip.Addr{}, false
}

func address(t etf.Term) (netip.Addr, bool) {
	var b [16]byte
	switch t.Len() {
	case 4:
		for i := range 4 {
			v, _ := t.At(i).Int()
			b[i] = byte(v)
		}
		return netip.AddrFrom4([4]byte(b[:4])), true
	case 8:
		for i := range 8 {
			v, _ := t.At(i).Int()
			b[2*i], b[2*i+1] = byte(v>>8), byte(v)
		}
		return netip.AddrFrom16(b), true
	}
	return netip.Addr{}, false
}

// tcp connects from the node and closes again. The reason is "" when it worked.
func (n *inNode) tcp(ctx context.Context, addr netip.Addr, port int, more ...any) (string, error) {
	opts := append(etf.List{etf.Atom("inet6"), etf.Tuple{etf.Atom("active"), etf.Atom("false")}}, more...)
	if addr.Is4() {
		opts[0] = etf.Atom("inet")
	}
	t, err := n.call(ctx, "gen_tcp", "connect", addrTerm(addr), port, opts, int(n.w.p.timeout().Milliseconds()))
	switch {
	case err != nil:
		return "", err
	case t.At(0).IsAtom("ok"):
		return "", nil
	}
	return t.At(1).String(), nil
}

// tcpCause sorts the reasons that inet gives.
func tcpCause(reason string, refused, filtered mesh.Cause) mesh.Cause {
	if reason == "econnrefused" {
		return refused
	}
	return filtered // etimedout, timeout, ehostunreach, enetunreach: no way there
}

func dnsText(c mesh.Cause) string {
	if c == mesh.CauseDNSSilent {
		return "cannot be resolved: DNS does not answer"
	}
	return "is unknown to the resolver"
}

// tcpText puts a reason of inet in words.
func tcpText(reason string) string {
	switch reason {
	case "econnrefused":
		return "refuses connections"
	case "timeout", "etimedout":
		return "gives no answer in time"
	case "ehostunreach", "enetunreach":
		return "cannot be reached: no route there"
	case "econnreset", "closed":
		return "accepts and hangs up"
	case "eperm", "eacces":
		return "is not to be reached: the connection is forbidden here"
	}
	return "cannot be reached (" + reason + ")"
}

func (n *inNode) epmd(ctx context.Context, s *steps, to beam.Name, addr netip.Addr) (int, bool) {
	if port := n.w.p.Port; port != 0 {
		s.pass(mesh.KindEPMD, fmt.Sprintf("there is no EPMD: every node listens on port %d", port), strconv.Itoa(port))
		return port, true
	}
	at := netip.AddrPortFrom(addr, uint16(n.w.p.epmdPort())).String()
	reason, err := n.tcp(ctx, addr, n.w.p.epmdPort())
	switch {
	case err != nil:
		s.unseen(mesh.KindEPMD, "the call to connect to "+at+" gave no answer: "+firstLine(err))
		return 0, false
	case reason != "":
		s.fail(mesh.KindEPMD, tcpCause(reason, mesh.CauseEPMDRefused, mesh.CauseEPMDFiltered), "EPMD's port, "+at+", "+tcpText(reason), at)
		return 0, false
	}
	// port_please/3 itself waits longer for a mute EPMD than this call does.
	t, err := n.call(ctx, "erl_epmd", "port_please", etf.Charlist(to.Base), addrTerm(addr), int(n.w.p.timeout().Milliseconds()))
	switch {
	case err != nil && badRPC(err):
		s.unseen(mesh.KindEPMD, firstLine(err))
		return 0, false
	case err != nil:
		s.fail(mesh.KindEPMD, mesh.CauseEPMDMute, "EPMD at "+at+" accepts and does not answer", at)
		return 0, false
	}
	if port, ok := t.At(1).Int(); ok && t.At(0).IsAtom("port") {
		s.pass(mesh.KindEPMD, fmt.Sprintf("EPMD at %s has %s on port %d", at, to.Base, port), strconv.FormatInt(port, 10))
		return int(port), true
	}
	known := n.names(ctx, addr)
	text := fmt.Sprintf("EPMD at %s does not know %s", at, to.Base)
	if len(known) > 0 {
		text += "; registered there: " + strings.Join(known, ", ")
	}
	s.fail(mesh.KindEPMD, mesh.CauseNotRegistered, text, known...)
	return 0, false
}

// names: what else is registered there.
func (n *inNode) names(ctx context.Context, addr netip.Addr) []string {
	t, err := n.call(ctx, "erl_epmd", "names", addrTerm(addr))
	if err != nil {
		return nil
	}
	var out []string
	for e := range t.At(1).Elems() { // {ok, [{Name, Port}]}
		if name, ok := e.At(0).Text(); ok {
			out = append(out, name)
		}
	}
	return out
}

func (n *inNode) port(ctx context.Context, s *steps, addr netip.Addr, port int) bool {
	at := netip.AddrPortFrom(addr, uint16(port)).String()
	reason, err := n.tcp(ctx, addr, port, n.connectOptions(ctx)...)
	switch {
	case err != nil:
		s.unseen(mesh.KindPort, "the call to connect to "+at+" gave no answer: "+firstLine(err))
		return false
	case reason != "":
		s.fail(mesh.KindPort, tcpCause(reason, mesh.CausePortRefused, mesh.CausePortFiltered), at+" "+tcpText(reason), strconv.Itoa(port))
		return false
	}
	s.pass(mesh.KindPort, at+" accepts", at)
	return true
}

// connectOptions are what the node itself adds when it dials, the address to dial from
// for example.
func (n *inNode) connectOptions(ctx context.Context) etf.List {
	t, err := n.call(ctx, "application", "get_env", etf.Atom(beam.Kernel), etf.Atom(beam.KernelConnectOptions), etf.List{})
	if err != nil {
		return nil
	}
	list, _ := t.Value().(etf.List)
	return list
}
