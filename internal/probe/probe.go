// Package probe observes BEAM nodes over Erlang distribution, walks the links between
// them and acts on one node for the loops that run beside it. It dials as a hidden node
// and is never a node's peer. It is the only room that dials the BEAM; what it sees it
// gives as the values of package mesh.
package probe

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beam"
)

// Defaults of a Prober.
const (
	DefaultTimeout     = 3 * time.Second
	DefaultConcurrency = 64
	DefaultMaxTraces   = 64
)

// Prober looks at nodes. Its fields are read, never written; the zero value of each
// has the meaning that its comment gives. It keeps no connection between calls and may
// be used by several goroutines.
type Prober struct {
	Cookie dist.Cookie // the cookie that the nodes are expected to have
	// CookieCertain says that Cookie is the nodes' own, and not what somebody gave
	// and may have mistaken: a node that refuses it is at fault.
	CookieCertain bool
	TLS           *tls.Config // not nil: distribution over TLS
	EPMDPort      int         // 0: beam.EPMDPort
	// Here is the node beside which the prober stands, in the same network: what does
	// not answer here, that node does not reach. Empty: there is none.
	Here string
	// Port is every node's distribution port where there is no EPMD. 0: EPMD knows it.
	Port int
	// Ports are distribution ports to try where EPMD fails for a node, so that a
	// living node whose EPMD is gone can be told from a dead one. nil: the range
	// beam.DistPortMin to beam.DistPortMax. Empty, not nil: none.
	Ports []uint16
	// Resolve gives the addresses of a host name, as a replica's resolver would.
	// nil: the system's resolver. The error should be a *net.DNSError.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
	// Dial opens TCP connections. nil: a net.Dialer.
	Dial        func(ctx context.Context, network, addr string) (net.Conn, error)
	Timeout     time.Duration // of each step and each call; 0: DefaultTimeout
	Concurrency int           // how many nodes are looked at together; 0: DefaultConcurrency
	Follow      bool          // look also at the nodes that nodes report as peers
	MaxTraces   int           // links walked, both ways, in one Observe; 0: DefaultMaxTraces
	// Service is the headless Service's DNS name, for example
	// shop.prod.svc.cluster.local. "": discovery is not looked at.
	Service string
	// LookupSRV gives the SRV targets of a name. nil: SRV is not asked.
	LookupSRV func(ctx context.Context, name string) ([]string, error)
}

func (p *Prober) timeout() time.Duration {
	if p.Timeout > 0 {
		return p.Timeout
	}
	return DefaultTimeout
}

func (p *Prober) concurrency() int {
	if p.Concurrency > 0 {
		return p.Concurrency
	}
	return DefaultConcurrency
}

func (p *Prober) maxTraces() int {
	if p.MaxTraces > 0 {
		return p.MaxTraces
	}
	return DefaultMaxTraces
}

func (p *Prober) epmdPort() int {
	if p.EPMDPort > 0 {
		return p.EPMDPort
	}
	return beam.EPMDPort
}

func (p *Prober) ports() []uint16 {
	if p.Ports != nil {
		return p.Ports
	}
	var out []uint16
	for port := uint16(beam.DistPortMin); port <= beam.DistPortMax; port++ {
		out = append(out, port)
	}
	return out
}

func (p *Prober) dialer() func(ctx context.Context, network, addr string) (net.Conn, error) {
	if p.Dial != nil {
		return p.Dial
	}
	return new(net.Dialer).DialContext
}

// config is how one connection is made.
func (p *Prober) config() dist.Config {
	return dist.Config{
		Cookie: p.Cookie, TLS: p.TLS, EPMDPort: p.epmdPort(), Port: p.Port, Resolve: p.Resolve, Dial: p.Dial,
		ConnectTimeout: p.timeout(), HandshakeTimeout: p.timeout(),
	}
}
