package local

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// dnsSockets is one address on which DNS is asked, by UDP and by TCP.
type dnsSockets struct {
	udp     net.PacketConn
	tcp     net.Listener
	servers []*dns.Server // once it is served
}

func listenDNS(ctx context.Context, a netip.Addr, port int) (*dnsSockets, error) {
	var lc net.ListenConfig
	at := net.JoinHostPort(a.String(), strconv.Itoa(port))
	udp, err := lc.ListenPacket(ctx, "udp", at)
	if err != nil {
		return nil, err
	}
	tcp, err := lc.Listen(ctx, "tcp", at)
	if err != nil {
		udp.Close()
		return nil, err
	}
	return &dnsSockets{udp: udp, tcp: tcp}, nil
}

func (s *dnsSockets) addr() string { return s.tcp.Addr().String() }

// close ends the sockets and, where they are served, the connections.
func (s *dnsSockets) close() {
	ctx, cancel := context.WithTimeout(context.Background(), dnsTimeout)
	defer cancel()
	for _, srv := range s.servers {
		srv.ShutdownContext(ctx) //nolint:errcheck // it may have ended by itself
	}
	s.udp.Close()
	s.tcp.Close()
}

// dnsServer answers from the zone and, for names outside it, with what the
// machine's own resolver says. Every replica has sockets of its own, which is
// how it is known who asks: they all send from 127.0.0.1.
type dnsServer struct {
	zone    *zone
	forward forwarder

	running sync.WaitGroup
}

// serve answers on sockets until they are closed. blind, if not nil, says
// whether who asks there sees nothing. It returns when both have started.
func (s *dnsServer) serve(sockets *dnsSockets, blind func() bool) error {
	h := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		w.WriteMsg(s.reply(q, blind != nil && blind(), w.LocalAddr().Network() == "udp")) //nolint:errcheck // the asker has gone
	})
	up := make(chan error, 2)
	for _, srv := range []*dns.Server{
		{PacketConn: sockets.udp, Handler: h, UDPSize: dns.DefaultMsgSize},
		{Listener: sockets.tcp, Handler: h, IdleTimeout: func() time.Duration { return 10 * time.Second }},
	} {
		srv.NotifyStartedFunc = func() { up <- nil }
		sockets.servers = append(sockets.servers, srv)
		s.running.Go(func() {
			if err := srv.ActivateAndServe(); err != nil && !errors.Is(err, net.ErrClosed) {
				select {
				case up <- err:
				default:
				}
			}
		})
	}
	return errors.Join(<-up, <-up)
}

// wait returns when every socket that was served has been closed.
func (s *dnsServer) wait() { s.running.Wait() }

const dnsTimeout = 4 * time.Second

func (s *dnsServer) reply(q *dns.Msg, blind, udp bool) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(q)
	m.RecursionAvailable = true
	if len(q.Question) != 1 || q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
		return m
	}
	question := q.Question[0]
	name := dns.CanonicalName(question.Name)
	switch {
	case blind:
		m.Rcode = dns.RcodeNameError
		m.Ns = []dns.RR{s.zone.soa(name)}
	case question.Qclass != dns.ClassINET:
		m.Rcode = dns.RcodeRefused
	case s.zone.holds(name):
		m.Authoritative = true
		var exists bool
		m.Answer, m.Extra, exists = s.zone.answer(question.Name, question.Qtype)
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		if len(m.Answer) == 0 {
			m.Ns = []dns.RR{s.zone.soa(name)}
		}
	default:
		ctx, cancel := context.WithTimeout(context.Background(), dnsTimeout)
		defer cancel()
		s.forward.answer(ctx, q, m)
	}
	if opt := q.IsEdns0(); opt != nil {
		m.SetEdns0(dns.DefaultMsgSize, false)
	}
	if udp {
		size := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			size = int(opt.UDPSize())
		}
		m.Truncate(size)
	}
	return m
}

// forwarder answers for names outside the zone as this machine would.
type forwarder struct {
	resolver *net.Resolver // addresses: hosts file and name servers, as every program here sees them
	servers  []string      // host:port, for records of other types
}

// machineForwarder takes the name servers from the machine's resolv.conf.
func machineForwarder() forwarder {
	f := forwarder{resolver: net.DefaultResolver}
	if conf, err := dns.ClientConfigFromFile("/etc/resolv.conf"); err == nil {
		for _, s := range conf.Servers {
			f.servers = append(f.servers, net.JoinHostPort(s, conf.Port))
		}
	}
	return f
}

func (f forwarder) answer(ctx context.Context, q, m *dns.Msg) {
	question := q.Question[0]
	family := map[uint16]string{dns.TypeA: "ip4", dns.TypeAAAA: "ip6"}[question.Qtype]
	if family == "" {
		f.exchange(ctx, q, m)
		return
	}
	if dns.CanonicalName(question.Name) == "localhost." {
		// Always the loopback address (RFC 6761, 6.3), also on a machine whose
		// hosts file does not say so.
		m.Answer = addrRRs(question.Name, []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, question.Qtype)
		return
	}
	addrs, err := f.resolver.LookupNetIP(ctx, family, strings.TrimSuffix(question.Name, "."))
	var dnsErr *net.DNSError
	switch {
	case err == nil:
		for i, a := range addrs {
			addrs[i] = a.Unmap().WithZone("")
		}
		m.Answer = addrRRs(question.Name, addrs, question.Qtype)
	case errors.As(err, &dnsErr) && dnsErr.IsNotFound:
		// The resolver does not tell an absent name from a name without
		// addresses of this family: ask for both before saying NXDOMAIN.
		if both, err := f.resolver.LookupNetIP(ctx, "ip", strings.TrimSuffix(question.Name, ".")); err != nil || len(both) == 0 {
			m.Rcode = dns.RcodeNameError
		}
	default:
		m.Rcode = dns.RcodeServerFailure
	}
}

// exchange passes the question on to the machine's name servers, in their order.
func (f forwarder) exchange(ctx context.Context, q, m *dns.Msg) {
	m.Rcode = dns.RcodeServerFailure
	for _, server := range f.servers {
		c := dns.Client{Net: "udp", Timeout: dnsTimeout / 2}
		r, _, err := c.ExchangeContext(ctx, q, server)
		if err == nil && r.Truncated {
			c.Net = "tcp"
			r, _, err = c.ExchangeContext(ctx, q, server)
		}
		if err != nil {
			continue
		}
		m.Rcode, m.Answer, m.Ns = r.Rcode, r.Answer, r.Ns
		m.Extra = nil
		for _, rr := range r.Extra {
			if _, opt := rr.(*dns.OPT); !opt {
				m.Extra = append(m.Extra, rr)
			}
		}
		return
	}
}
