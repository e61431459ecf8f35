package probe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/mesh"
)

// discover asks for the headless Service's records, and looks at who answers at
// addresses that no observed node has.
func (p *Prober) discover(ctx context.Context, o mesh.Observation) *mesh.Discovery {
	d := &mesh.Discovery{Service: p.Service, Answering: map[string]string{}}
	look, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	resolve := p.Resolve
	if resolve == nil {
		resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	addrs, err := resolve(look, p.Service)
	if err != nil {
		var dns *net.DNSError
		if d.Err, d.Detail = mesh.CauseDNSSilent, err.Error(); errors.As(err, &dns) && dns.IsNotFound {
			d.Err = mesh.CauseDNSNotFound
		}
		return d
	}
	for _, a := range addrs {
		d.Addresses = append(d.Addresses, a.Unmap().String())
	}
	slices.Sort(d.Addresses)
	d.Addresses = slices.Compact(d.Addresses)
	if p.LookupSRV != nil {
		d.AskedSRV = true
		if targets, err := p.LookupSRV(look, p.Service); err == nil {
			for _, t := range targets {
				d.Targets = append(d.Targets, strings.TrimSuffix(t, "."))
			}
			slices.Sort(d.Targets)
			d.Targets = slices.Compact(d.Targets)
		} else if d.AskedSRV = false; isNotFound(err) {
			d.AskedSRV = true
		}
	}
	p.foreign(ctx, d, o)
	return d
}

func isNotFound(err error) bool {
	var dns *net.DNSError
	return errors.As(err, &dns) && dns.IsNotFound
}

// foreign asks the EPMD of each listed address that belongs to no reached node who is
// there, and the node itself for its whole name: it gives that before any cookie.
func (p *Prober) foreign(ctx context.Context, d *mesh.Discovery, o mesh.Observation) {
	known := map[string]bool{}
	bases := map[string]bool{}
	for _, e := range o.Expected {
		base, _, _ := strings.Cut(e, "@")
		bases[base] = true
	}
	for i := range o.Nodes {
		for _, a := range o.Nodes[i].Addrs {
			known[a] = true
		}
	}
	var mu sync.Mutex
	var g errgroup.Group
	g.SetLimit(p.concurrency())
	for _, a := range d.Addresses {
		if known[a] {
			continue
		}
		g.Go(func() error {
			for _, base := range p.registered(ctx, net.JoinHostPort(a, strconv.Itoa(p.epmdPort()))) {
				name := base + "@" + a
				if bases[base] || passing(name) {
					continue
				}
				if peer, err := dist.Identify(ctx, name, p.config()); err == nil && peer.Name != "" {
					name = peer.Name
				}
				mu.Lock()
				d.Answering[a] = name
				mu.Unlock()
				break
			}
			return nil
		})
	}
	_ = g.Wait() // the functions return nil
}
