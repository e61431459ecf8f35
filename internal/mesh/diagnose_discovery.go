package mesh

import (
	"slices"
	"time"

	"github.com/phialdev/phial/internal/finding"
)

// discovery holds what the headless Service lists against the nodes.
func (d *diagnosis) discovery() {
	disc := d.o.Discovery
	if disc == nil {
		return
	}
	switch disc.Err {
	case CauseNone:
	case CauseDNSNotFound:
		d.lookup = d.add(finding.ServiceUnknown, disc.Service, nil, disc.Detail)
		return
	default:
		d.lookup = d.add(finding.ResolverSilent, disc.Service, finding.Values{"where": "", "host": disc.Service}, disc.Detail)
		return
	}
	if len(disc.Addresses) == 0 {
		d.lookup = d.add(finding.ServiceEmpty, disc.Service, nil)
		return
	}
	if disc.AskedSRV && len(disc.Targets) == 0 {
		d.add(finding.ServiceWithoutSRV, disc.Service, nil, "addresses: "+some(sorted(disc.Addresses)))
	}
	for _, a := range sorted(disc.Addresses) {
		if at := disc.Answering[a]; at != "" && !d.bases[parts(at).Base] && len(d.bases) > 0 {
			d.add(finding.ForeignListed, disc.Service, finding.Values{"address": a, "found": at})
		}
	}
	listed, unlisted := 0, []string(nil)
	for i, name := range d.g.names {
		switch {
		case d.listed(disc, name):
			listed++
		case d.g.reached(i) && len(d.g.nodes[i].Addrs) > 0:
			unlisted = append(unlisted, name)
		}
	}
	if listed == 0 && len(disc.Addresses) == 1 && len(unlisted) > 1 {
		d.lookup = d.add(finding.ServiceNotHeadless, disc.Service, finding.Values{"addresses": disc.Addresses[0]})
		return
	}
	for _, name := range unlisted {
		c := d.add(finding.NotListed, name, finding.Values{"service": disc.Service}, "listed: "+some(sorted(disc.Addresses)))
		up := d.g.Node(name).Uptime
		c.forLinks = up > 0 && up < listedWithin
		d.unlisted[name] = c
	}
}

// listedWithin is the time that DNS may take to list a node that has just started: servers
// and caches on the way keep an older answer for that long.
const listedWithin = time.Minute

// listed: one of the node's addresses, or its host part, is among the records.
func (d *diagnosis) listed(disc *Discovery, name string) bool {
	host := parts(name).Host
	if slices.Contains(disc.Addresses, host) || slices.Contains(disc.Targets, host) {
		return true
	}
	n := d.g.Node(name)
	return n != nil && slices.ContainsFunc(n.Addrs, func(a string) bool { return slices.Contains(disc.Addresses, a) })
}
