package local

import (
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/miekg/dns"

	"github.com/phialdev/phial/internal/plan"
)

// The zone answers as cluster DNS does for a headless Service with published
// not-ready addresses whose pods have a hostname and a subdomain: the Service
// lists every pod, each pod has a name of its own below it, and there are SRV
// records for the ports that the Service names.

// dnsTTL is short: replicas come and go within seconds here.
const dnsTTL = 1

// zone holds the records of one instance. It is safe for concurrent use.
type zone struct {
	net network

	mu   sync.RWMutex
	pods map[int]zonePod // by ordinal
}

type zonePod struct {
	addrs    []netip.Addr // IPv4, and IPv6 where there is any
	hidden   bool         // its records are gone, and who asks through its resolver finds nothing
	unlisted bool         // the headless Service does not select it
}

func newZone(w network) *zone { return &zone{net: w, pods: map[int]zonePod{}} }

// set lists replica n under these addresses; with none it is not listed.
func (z *zone) set(n int, addrs ...netip.Addr) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if len(addrs) == 0 {
		delete(z.pods, n)
		return
	}
	p := z.pods[n]
	p.addrs = addrs
	z.pods[n] = p
}

// unlist keeps a replica out of the Service's records.
func (z *zone) unlist(n int) {
	z.mu.Lock()
	defer z.mu.Unlock()
	p := z.pods[n]
	p.unlisted = true
	z.pods[n] = p
}

// hide takes replica n's records away, and its sight of the zone, or gives them back.
func (z *zone) hide(n int, hidden bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if p, ok := z.pods[n]; ok {
		p.hidden = hidden
		z.pods[n] = p
	}
}

// blind says whether lookups through replica n's own resolver fail.
func (z *zone) blind(n int) bool {
	z.mu.RLock()
	defer z.mu.RUnlock()
	return z.pods[n].hidden
}

// holds says whether the zone, and nobody else, answers for a name.
func (z *zone) holds(name string) bool {
	return dns.IsSubDomain(z.net.clusterDomain()+".", name) || dns.IsSubDomain("77.127.in-addr.arpa.", name)
}

// answer gives the records of a name that the zone holds. exists tells a name
// without records of that type (NODATA) from one that is not there (NXDOMAIN).
func (z *zone) answer(name string, qtype uint16) (rrs, extra []dns.RR, exists bool) {
	z.mu.RLock()
	defer z.mu.RUnlock()
	name = strings.ToLower(dns.Fqdn(name))
	if dns.IsSubDomain("in-addr.arpa.", name) {
		return z.reverse(name, qtype)
	}
	service := z.net.serviceFQDN() + "."
	switch {
	case z.net.service == "":
	case name == service:
		for _, n := range z.listed() {
			rrs = append(rrs, addrRRs(name, z.pods[n].addrs, qtype)...)
		}
		if qtype == dns.TypeSRV {
			rrs, extra = z.srv(name, z.net.ports...)
		}
		return rrs, extra, true
	case name == "_tcp."+service:
		return nil, nil, true
	case strings.HasSuffix(name, "._tcp."+service):
		port := strings.TrimPrefix(strings.TrimSuffix(name, "._tcp."+service), "_")
		if !slices.Contains(z.net.ports, port) {
			return nil, nil, false
		}
		if qtype == dns.TypeSRV {
			rrs, extra = z.srv(name, port)
		}
		return rrs, extra, true
	case strings.HasSuffix(name, "."+service):
		n, ok := z.podOf(strings.TrimSuffix(name, "."+service))
		if !ok {
			return nil, nil, false
		}
		return addrRRs(name, z.pods[n].addrs, qtype), nil, true
	}
	if label, ok := strings.CutSuffix(name, "."+z.net.namespace+".pod."+z.net.clusterDomain()+"."); ok {
		n, ok := z.podOf(label)
		if !ok || strings.HasPrefix(label, z.net.app) {
			return nil, nil, false // only addresses have names there
		}
		return addrRRs(name, z.pods[n].addrs, qtype), nil, true
	}
	// What stands above a name is there, too, without records of its own.
	pods := z.net.namespace + ".pod." + z.net.clusterDomain() + "."
	return nil, nil, z.net.service != "" && dns.IsSubDomain(name, service) || dns.IsSubDomain(name, pods)
}

// listed gives the places of the replicas that have records, in order.
func (z *zone) listed() []int {
	var all []int
	for n := range MaxReplicas {
		if p, ok := z.pods[n]; ok && !p.hidden && !p.unlisted {
			all = append(all, n)
		}
	}
	return all
}

// podOf finds a replica by its name or by its address with dashes.
func (z *zone) podOf(label string) (int, bool) {
	n, ok := ordinal(z.net.app, label)
	if ok && n >= MaxReplicas {
		return 0, false
	}
	if !ok {
		a, isAddr := undashed(label)
		if !isAddr {
			return 0, false
		}
		if n, ok = z.net.ordinalOf(a); !ok {
			return 0, false
		}
	}
	p, ok := z.pods[n]
	return n, ok && !p.hidden
}

// srv gives a record for each named port of each replica, and the replicas'
// addresses to go with them.
func (z *zone) srv(name string, ports ...string) (rrs, extra []dns.RR) {
	for _, n := range z.listed() {
		target := z.net.endpoint(n) + "."
		for _, port := range ports {
			num := z.net.epmdPort()
			if port == plan.ServicePortDist {
				num, _ = z.net.distPorts(n)
			}
			rrs = append(rrs, &dns.SRV{Hdr: header(name, dns.TypeSRV), Priority: 0, Weight: 100, Port: uint16(num), Target: target})
		}
		extra = append(extra, addrRRs(target, z.pods[n].addrs, dns.TypeA)...)
		extra = append(extra, addrRRs(target, z.pods[n].addrs, dns.TypeAAAA)...)
	}
	return rrs, extra
}

func (z *zone) reverse(name string, qtype uint16) (rrs, extra []dns.RR, exists bool) {
	for _, n := range z.listed() {
		for _, a := range z.pods[n].addrs {
			rev, err := dns.ReverseAddr(a.String())
			if err != nil {
				continue
			}
			if rev == name {
				if qtype == dns.TypePTR {
					rrs = append(rrs, &dns.PTR{Hdr: header(name, dns.TypePTR), Ptr: z.net.endpoint(n) + "."})
				}
				return rrs, nil, true
			}
			exists = exists || dns.IsSubDomain(name, rev)
		}
	}
	return nil, nil, exists
}

// soa goes with every negative answer and says for how long it may be kept.
func (z *zone) soa(name string) dns.RR {
	apex := z.net.clusterDomain() + "."
	if dns.IsSubDomain("in-addr.arpa.", name) {
		apex = "77.127.in-addr.arpa."
	}
	return &dns.SOA{Hdr: header(apex, dns.TypeSOA), Ns: "ns.dns." + apex, Mbox: "hostmaster." + apex,
		Serial: 1, Refresh: 7200, Retry: 1800, Expire: 86400, Minttl: dnsTTL}
}

func header(name string, rrtype uint16) dns.RR_Header {
	return dns.RR_Header{Name: name, Rrtype: rrtype, Class: dns.ClassINET, Ttl: dnsTTL}
}

func addrRRs(name string, addrs []netip.Addr, qtype uint16) (rrs []dns.RR) {
	for _, a := range addrs {
		switch {
		case qtype == dns.TypeA && a.Is4():
			rrs = append(rrs, &dns.A{Hdr: header(name, dns.TypeA), A: a.AsSlice()})
		case qtype == dns.TypeAAAA && a.Is6():
			rrs = append(rrs, &dns.AAAA{Hdr: header(name, dns.TypeAAAA), AAAA: a.AsSlice()})
		}
	}
	return rrs
}
