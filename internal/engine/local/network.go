package local

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"syscall"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// The address plan. 127.77.SLOT.N+1: one slot for an engine, one place N for a
// replica, the serving ones first. All of 127.0.0.0/8 can be bound on Linux by
// anybody; IPv6 has one loopback address only, so replicas have none there.
const (
	maxSlot        = 120
	maxPlaces      = 99            // the serving replicas have the first MaxReplicas, pipelines the others
	placeMigration = 251           // 127.77.SLOT.252: no node, so nobody dials it
	hostDNS        = 253           // 127.77.SLOT.253 answers DNS for everybody else
	hostNowhere    = maxPlaces + 1 // 127.77.SLOT.(100+N): where the fault "port" hides a listener
	epmdPortBase   = 14369         // + slot; 4369 often belongs to the machine's own EPMD
	dnsPortBase    = 15369         // + slot
	httpPortBase   = 20000         // + slot*maxPlaces + N: below the kernel's ephemeral ports
	distPortRange  = beam.DistPortMax - beam.DistPortMin + 1
	clusterDomain  = v1alpha1.DefaultClusterDomain
	portHTTP       = plan.PortHTTP
)

// network knows every name, address and port of one instance: names as the plan has
// them, addresses and ports as this machine has room for.
type network struct {
	slot      int
	app       string
	base      string // of node names
	namespace string
	domain    string // of the cluster; empty: clusterDomain
	identity  Identity
	service   string   // the headless one; empty: there is none
	ports     []string // that it names: EPMD's, then that of distribution
	others    []string // names of the pipelines' replicas, from place MaxReplicas on
}

// pod is the name of the replica at a place.
func (w network) pod(n int) string {
	switch {
	case n < MaxReplicas:
		return podName(w.app, n)
	case n-MaxReplicas < len(w.others):
		return w.others[n-MaxReplicas]
	}
	return w.app + "-migrate"
}

func (w network) host(b int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, 77, byte(w.slot), byte(b)})
}

func (w network) addr(n int) netip.Addr { return w.host(n + 1) }
func (w network) dnsAddr() netip.Addr   { return w.host(hostDNS) }
func (w network) epmdPort() int         { return epmdPortBase + w.slot }
func (w network) dnsPort() int          { return dnsPortBase + w.slot }

func (w network) isReplica(a netip.Addr) bool {
	_, ok := w.ordinalOf(a)
	return ok
}

// wrongHost is a host part that nobody dials replica n by: that of the other
// identity, which is how a name usually comes to be wrong.
func (w network) wrongHost(n int) string {
	if w.identity == IdentityStable {
		return w.addr(n).String()
	}
	return w.podFQDN(n)
}

// ordinalOf tells which replica has an address.
func (w network) ordinalOf(a netip.Addr) (int, bool) {
	a = a.Unmap()
	if !a.Is4() {
		return 0, false
	}
	b := a.As4()
	n := int(b[3]) - 1
	return n, b[0] == 127 && b[1] == 77 && int(b[2]) == w.slot && n >= 0 && n < maxPlaces
}

// distPorts is the range of distribution ports that replica n may take: the
// release has the first, consoles and rpc the next.
func (w network) distPorts(n int) (first, last int) {
	first = beam.DistPortMin + n*distPortRange
	return first, first + distPortRange - 1
}

// owner tells EPMD whose registration one is, by its port.
func (w network) owner(e epmd.Entry) (netip.Addr, bool) {
	n := (int(e.Port) - beam.DistPortMin) / distPortRange
	if int(e.Port) < beam.DistPortMin || n >= maxPlaces {
		return netip.Addr{}, false
	}
	return w.addr(n), true
}

func (w network) clusterDomain() string {
	if w.domain == "" {
		return clusterDomain
	}
	return w.domain
}

// serviceFQDN is the full name of the Service that lists the replicas before they are
// ready; empty where there is none.
func (w network) serviceFQDN() string {
	if w.service == "" {
		return ""
	}
	return w.service + "." + w.namespace + ".svc." + w.clusterDomain()
}

// podFQDN is the name that the replica at a place has below that Service.
func (w network) podFQDN(n int) string {
	if w.service == "" {
		return w.pod(n) + "." + w.namespace + ".svc." + w.clusterDomain()
	}
	return w.pod(n) + "." + w.serviceFQDN()
}

// endpoint is the name by which the Service's records call the replica at a place: cluster
// DNS knows a host name of a StatefulSet's pods, and of others only the address. (That
// pods of a Deployment can be looked up by their name here, too, costs nobody anything.)
func (w network) endpoint(n int) string {
	if w.identity == IdentityStable {
		return w.podFQDN(n)
	}
	return dashed(w.addr(n)) + "." + w.serviceFQDN()
}

// search is the list of domains that a pod's resolver tries.
func (w network) search() []string {
	d := w.clusterDomain()
	return []string{w.namespace + ".svc." + d, "svc." + d, d}
}

// slot holds what makes a slot one engine's own, on the whole machine and
// among all users: the listeners, which nobody else can have at the same time
// and which the kernel closes when the engine ends.
type slot struct {
	number int
	epmd   net.Listener // 127.0.0.1, where every node registers
	dns    *dnsSockets  // 127.77.SLOT.253
}

// acquireSlot takes the first free slot.
func acquireSlot(ctx context.Context) (*slot, error) {
	var last error
	for n := 1; n <= maxSlot; n++ {
		w := network{slot: n}
		ln, err := listenTCP(ctx, "127.0.0.1", w.epmdPort())
		if err != nil {
			if last = err; inUse(err) {
				continue
			}
			return nil, err
		}
		sockets, err := listenDNS(ctx, w.dnsAddr(), w.dnsPort())
		if err == nil {
			return &slot{number: n, epmd: ln, dns: sockets}, nil
		}
		ln.Close()
		if last = err; !inUse(err) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no free place for another app in 127.77.0.0/16: %w", last)
}

func (s *slot) close() {
	s.epmd.Close()
	s.dns.close()
}

func inUse(err error) bool { return errors.Is(err, syscall.EADDRINUSE) }

func listenTCP(ctx context.Context, host string, port int) (net.Listener, error) {
	var lc net.ListenConfig
	return lc.Listen(ctx, "tcp4", net.JoinHostPort(host, strconv.Itoa(port)))
}

// inetrc is what ERL_INETRC points at: the emulator asks the hosts file, where
// the replica's own name stands as in a pod, and then the replica's own DNS,
// with a pod's search list; it remembers nothing. (With a search list the
// emulator asks DNS for a name without dots below the search list only.)
func (w network) inetrc(n int) string {
	quoted := make([]string, 0, 3)
	for _, d := range w.search() {
		quoted = append(quoted, strconv.Quote(d))
	}
	return fmt.Sprintf(`{resolv_conf,""}.
{hosts_file,"/etc/hosts"}.
{host,{127,0,0,1},["localhost"]}.
{host,%s,[%q,%q]}.
{nameserver,%s,%d}.
{search,[%s]}.
{lookup,[file,dns]}.
{cache_size,0}.
`, erlangAddr(w.addr(n)), w.podFQDN(n), w.pod(n), erlangAddr(w.resolver(n)), w.dnsPort(), strings.Join(quoted, ","))
}

// resolver is the address of the DNS server that the replica at a place asks.
func (w network) resolver(n int) netip.Addr {
	if n >= maxPlaces {
		return w.dnsAddr()
	}
	return w.addr(n)
}

// erlangAddr writes an IPv4 address as the emulator's flags take it.
func erlangAddr(a netip.Addr) string {
	b := a.As4()
	return fmt.Sprintf("{%d,%d,%d,%d}", b[0], b[1], b[2], b[3])
}

// dashed writes an IPv4 address as a label, such as 127-77-1-1.
func dashed(a netip.Addr) string { return strings.ReplaceAll(a.String(), ".", "-") }

// undashed reads a label such as 127-77-1-1 as an IPv4 address.
func undashed(label string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(strings.ReplaceAll(label, "-", "."))
	return a, err == nil && a.Is4()
}
