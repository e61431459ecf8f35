package local

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
)

// testDNS serves a zone of three replicas on an address of its own.
func testDNS(t *testing.T) (*zone, string) {
	t.Helper()
	s, err := acquireSlot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.close)
	z := newZone(network{slot: s.number, app: "shop", namespace: "prod", identity: IdentityStable, service: "shop-headless", ports: []string{"tcp-epmd", "tcp-dist"}})
	for n := range 3 {
		z.set(n, z.net.addr(n))
	}
	srv := &dnsServer{zone: z, forward: machineForwarder()}
	if err := srv.serve(s.dns, func() bool { return z.blind(2) }); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.dns.close(); srv.wait() })
	return z, s.dns.addr()
}

func ask(t *testing.T, transport, server, name string, qtype uint16) *dns.Msg {
	t.Helper()
	q := new(dns.Msg)
	q.SetQuestion(name, qtype)
	c := dns.Client{Net: transport}
	r, _, err := c.Exchange(q, server)
	if err != nil {
		t.Fatalf("%s %s: %v", name, dns.TypeToString[qtype], err)
	}
	return r
}

// texts gives the answers' data, sorted, with SLOT for the slot's number.
func texts(rrs []dns.RR) []string {
	out := make([]string, 0, len(rrs))
	for _, rr := range rrs {
		out = append(out, strings.TrimPrefix(rr.String(), rr.Header().String()))
	}
	slices.Sort(out)
	return out
}

func TestZoneAnswersLikeClusterDNS(t *testing.T) {
	z, server := testDNS(t)
	z.set(1, z.net.addr(1), netip.MustParseAddr("fd00::1")) // a replica of two families
	ip := func(n int) string { return z.net.addr(n).String() }
	srv := func(port, n string) string {
		return "0 100 " + port + " shop-" + n + ".shop-headless.prod.svc.cluster.local."
	}
	epmd := strconv.Itoa(z.net.epmdPort())
	cases := []struct {
		name  string
		qtype uint16
		rcode int
		want  []string
	}{
		{"shop-headless.prod.svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, []string{ip(0), ip(1), ip(2)}},
		{"SHOP-headless.Prod.svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, []string{ip(0), ip(1), ip(2)}},
		{"shop-headless.prod.svc.cluster.local.", dns.TypeAAAA, dns.RcodeSuccess, []string{"fd00::1"}},
		{"shop-headless.prod.svc.cluster.local.", dns.TypeTXT, dns.RcodeSuccess, nil},
		{"shop-0.shop-headless.prod.svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, []string{ip(0)}},
		{"shop-0.shop-headless.prod.svc.cluster.local.", dns.TypeAAAA, dns.RcodeSuccess, nil},
		{"shop-1.shop-headless.prod.svc.cluster.local.", dns.TypeAAAA, dns.RcodeSuccess, []string{"fd00::1"}},
		{"shop-3.shop-headless.prod.svc.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{"shop-00.shop-headless.prod.svc.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{dashed(z.net.addr(1)) + ".shop-headless.prod.svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, []string{ip(1)}},
		{dashed(z.net.addr(1)) + ".prod.pod.cluster.local.", dns.TypeA, dns.RcodeSuccess, []string{ip(1)}},
		{"shop-1.prod.pod.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{"10-0-0-1.prod.pod.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{"_tcp-epmd._tcp.shop-headless.prod.svc.cluster.local.", dns.TypeSRV, dns.RcodeSuccess, []string{srv(epmd, "0"), srv(epmd, "1"), srv(epmd, "2")}},
		{"_tcp-dist._tcp.shop-headless.prod.svc.cluster.local.", dns.TypeSRV, dns.RcodeSuccess, []string{srv("9100", "0"), srv("9108", "1"), srv("9116", "2")}},
		{"_http._tcp.shop-headless.prod.svc.cluster.local.", dns.TypeSRV, dns.RcodeNameError, nil},
		{"_tcp.shop-headless.prod.svc.cluster.local.", dns.TypeSRV, dns.RcodeSuccess, nil},
		{"shop-headless.prod.svc.cluster.local.", dns.TypeSRV, dns.RcodeSuccess, []string{
			srv(epmd, "0"), srv(epmd, "1"), srv(epmd, "2"), srv("9100", "0"), srv("9108", "1"), srv("9116", "2")}},
		{"prod.svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, nil}, // there are names below it
		{"svc.cluster.local.", dns.TypeA, dns.RcodeSuccess, nil},
		{"cluster.local.", dns.TypeA, dns.RcodeSuccess, nil},
		{"pod.cluster.local.", dns.TypeA, dns.RcodeSuccess, nil},
		{"other.prod.svc.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{"shop-headless.other.svc.cluster.local.", dns.TypeA, dns.RcodeNameError, nil},
		{reverse(t, ip(2)), dns.TypePTR, dns.RcodeSuccess, []string{"shop-2.shop-headless.prod.svc.cluster.local."}},
		{reverse(t, z.net.host(9).String()), dns.TypePTR, dns.RcodeNameError, nil},
	}
	for _, transport := range []string{"udp", "tcp"} {
		for _, c := range cases {
			r := ask(t, transport, server, c.name, c.qtype)
			slices.Sort(c.want)
			if c.want == nil {
				c.want = []string{}
			}
			what := transport + " " + c.name + " " + dns.TypeToString[c.qtype]
			if r.Rcode != c.rcode {
				t.Errorf("%s: %s, want %s", what, dns.RcodeToString[r.Rcode], dns.RcodeToString[c.rcode])
			}
			if diff := cmp.Diff(c.want, texts(r.Answer)); diff != "" && !r.Truncated {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			soa := len(r.Ns) == 1 && r.Ns[0].Header().Rrtype == dns.TypeSOA
			if negative := len(c.want) == 0; negative != soa {
				t.Errorf("%s: SOA in the authority section: %v, want %v", what, soa, negative)
			}
			for _, rr := range slices.Concat(r.Answer, r.Ns) {
				if rr.Header().Ttl > 5 {
					t.Errorf("%s: %v lives too long", what, rr)
				}
			}
		}
	}
}

// The pods of a Deployment have no host name: records call them by their address.
func TestZoneOfADeployment(t *testing.T) {
	z := newZone(network{slot: 9, app: "shop", namespace: "prod", service: "shop-headless", ports: []string{"tcp-dist"}})
	z.set(0, z.net.addr(0))
	z.set(MaxReplicas, z.net.addr(MaxReplicas)) // a pipeline's
	z.unlist(MaxReplicas)
	const name = "127-77-9-1.shop-headless.prod.svc.cluster.local."
	rrs, extra, _ := z.answer("shop-headless.prod.svc.cluster.local.", dns.TypeSRV)
	if diff := cmp.Diff([]string{"0 100 9100 " + name}, texts(rrs)); diff != "" {
		t.Errorf("SRV (-want +got):\n%s", diff)
	}
	if len(extra) != 1 || extra[0].Header().Name != name {
		t.Errorf("beside them: %v", extra)
	}
	if rrs, _, _ = z.answer(reverse(t, z.net.addr(0).String()), dns.TypePTR); len(rrs) != 1 || rrs[0].(*dns.PTR).Ptr != name {
		t.Errorf("PTR %v", rrs)
	}
	if _, _, exists := z.answer("shop-50.shop-headless.prod.svc.cluster.local.", dns.TypeA); exists {
		t.Error("the pipeline's replica has a name below the Service")
	}
	if rrs, _, _ = z.answer("127-77-9-51.prod.pod.cluster.local.", dns.TypeA); len(rrs) != 1 {
		t.Errorf("by its address: %v", rrs)
	}
}

func reverse(t *testing.T, ip string) string {
	t.Helper()
	name, err := dns.ReverseAddr(ip)
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func TestHiddenReplica(t *testing.T) {
	z, server := testDNS(t)
	z.hide(1, true)
	if got := ask(t, "tcp", server, z.net.serviceFQDN()+".", dns.TypeA); len(got.Answer) != 2 {
		t.Errorf("the service lists %v, want two", got.Answer)
	}
	if got := ask(t, "tcp", server, z.net.podFQDN(1)+".", dns.TypeA); got.Rcode != dns.RcodeNameError {
		t.Errorf("the hidden replica's name: %s, want NXDOMAIN", dns.RcodeToString[got.Rcode])
	}
	z.hide(2, true) // these sockets are replica 2's
	for _, name := range []string{z.net.podFQDN(0) + ".", "localhost."} {
		if got := ask(t, "udp", server, name, dns.TypeA); got.Rcode != dns.RcodeNameError || len(got.Answer) != 0 {
			t.Errorf("a blind replica asks for %s: %v, want NXDOMAIN", name, got)
		}
	}
	z.hide(1, false)
	z.hide(2, false)
	if got := ask(t, "tcp", server, z.net.serviceFQDN()+".", dns.TypeA); len(got.Answer) != 3 {
		t.Errorf("after mending the service lists %v, want three", got.Answer)
	}
}

// More answers than fit in 512 bytes are cut for UDP, and whole by TCP or with EDNS.
func TestTruncation(t *testing.T) {
	z, server := testDNS(t)
	for n := range MaxReplicas {
		z.set(n, z.net.addr(n))
	}
	name := z.net.serviceFQDN() + "."
	if r := ask(t, "udp", server, name, dns.TypeA); !r.Truncated || len(r.Answer) == 0 || len(r.Answer) == MaxReplicas {
		t.Errorf("udp: truncated %v with %d answers, want a part of them", r.Truncated, len(r.Answer))
	}
	if r := ask(t, "tcp", server, name, dns.TypeA); r.Truncated || len(r.Answer) != MaxReplicas {
		t.Errorf("tcp: truncated %v with %d answers, want all %d", r.Truncated, len(r.Answer), MaxReplicas)
	}
	q := new(dns.Msg).SetQuestion(name, dns.TypeA)
	q.SetEdns0(4096, false)
	c := dns.Client{Net: "udp", UDPSize: 4096}
	if r, _, err := c.Exchange(q, server); err != nil || len(r.Answer) != MaxReplicas || r.IsEdns0() == nil {
		t.Errorf("udp with EDNS: %v, %v; want all %d answers", r, err, MaxReplicas)
	}
}

// Names outside the zone are answered as on this machine: addresses by its
// resolver, other records by its name server.
func TestForwarding(t *testing.T) {
	upstream := &dns.Server{Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		m.RecursionAvailable = true
		switch q.Question[0].Name {
		case "db.example.":
			if q.Question[0].Qtype == dns.TypeA {
				m.Answer = []dns.RR{&dns.A{Hdr: header("db.example.", dns.TypeA), A: net.IPv4(10, 1, 2, 3)}}
			}
			if q.Question[0].Qtype == dns.TypeMX {
				m.Answer = []dns.RR{&dns.MX{Hdr: header("db.example.", dns.TypeMX), Mx: "mail.example."}}
			}
		default:
			m.Rcode = dns.RcodeNameError
		}
		w.WriteMsg(m)
	})}
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	upstream.PacketConn = pc
	done := make(chan struct{})
	go func() { defer close(done); upstream.ActivateAndServe() }()
	defer func() { pc.Close(); <-done }()
	at := pc.LocalAddr().String()
	f := forwarder{servers: []string{"127.0.0.1:1", at}, resolver: &net.Resolver{PreferGo: true,
		Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "udp", at)
		}}}
	for _, c := range []struct {
		name  string
		qtype uint16
		rcode int
		want  []string
	}{
		{"db.example.", dns.TypeA, dns.RcodeSuccess, []string{"10.1.2.3"}},
		{"db.example.", dns.TypeAAAA, dns.RcodeSuccess, []string{}},
		{"gone.example.", dns.TypeA, dns.RcodeNameError, []string{}},
		{"db.example.", dns.TypeMX, dns.RcodeSuccess, []string{"0 mail.example."}},
		{"gone.example.", dns.TypeMX, dns.RcodeNameError, []string{}},
		{"localhost.", dns.TypeA, dns.RcodeSuccess, []string{"127.0.0.1"}},
		{"localhost.", dns.TypeAAAA, dns.RcodeSuccess, []string{"::1"}},
	} {
		q := new(dns.Msg).SetQuestion(c.name, c.qtype)
		m := new(dns.Msg).SetReply(q)
		f.answer(t.Context(), q, m)
		if m.Rcode != c.rcode {
			t.Errorf("%s %s: %s, want %s", c.name, dns.TypeToString[c.qtype], dns.RcodeToString[m.Rcode], dns.RcodeToString[c.rcode])
		}
		if diff := cmp.Diff(c.want, texts(m.Answer)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.name, dns.TypeToString[c.qtype], diff)
		}
	}
	none := forwarder{resolver: f.resolver}
	q := new(dns.Msg).SetQuestion("db.example.", dns.TypeMX)
	m := new(dns.Msg).SetReply(q)
	if none.answer(t.Context(), q, m); m.Rcode != dns.RcodeServerFailure {
		t.Errorf("no name server: %s, want SERVFAIL", dns.RcodeToString[m.Rcode])
	}
}

// dashed is an IPv4 address as a label of DNS.
