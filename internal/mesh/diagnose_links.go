package mesh

import (
	"cmp"
	"slices"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// fault is what a missing link fails at, seen from one end or read from both ends'
// settings. The same fault on several links of one node becomes one finding.
type fault struct {
	link     Link
	code     finding.Code
	from, to string // the walk it was seen on; "" for a fault of the pair
	values   finding.Values
	evidence string
}

// links explains every missing link that no node is to blame for.
func (d *diagnosis) links() {
	var faults []fault
	var quiet []Link // every check passes, or nobody could check
	oneWay := map[Link]Link{}
	for _, l := range d.g.OneWay() {
		oneWay[LinkOf(l.A, l.B)] = l
	}
	for _, l := range d.g.Missing() {
		if d.blamedFor(l) {
			continue
		}
		if fs := d.faults(l); len(fs) > 0 {
			faults = append(faults, fs...)
			continue
		}
		quiet = append(quiet, l)
	}
	broken := d.group(faults)
	var unlinked []Link
	for _, l := range quiet {
		a, b := d.g.Node(l.A), d.g.Node(l.B)
		if slices.Contains(a.Pending, l.B) || slices.Contains(b.Pending, l.A) {
			continue // on its way
		}
		if c := d.notStarted(a, b); c != nil {
			c.links = append(c.links, l)
			continue
		}
		if way, ok := oneWay[l]; ok {
			c := d.add(finding.OneWayLink, l.String(), finding.Values{"a": way.A, "b": way.B})
			c.links, c.between = append(c.links, l), true
			continue
		}
		unlinked = append(unlinked, l)
	}
	unlinked = d.overlapCut(unlinked, broken)
	unlinked = d.heldBack(unlinked, broken)
	d.undialled(unlinked)
}

// blamedFor hands a link to the nodes that are to blame for all they lack.
func (d *diagnosis) blamedFor(l Link) bool {
	found := false
	for _, end := range []string{l.A, l.B} {
		for _, c := range d.blamed[end] {
			c.links = append(c.links, l)
			found = true
		}
	}
	return found
}

// faults looks first at what the two nodes say of themselves, then at the walks.
func (d *diagnosis) faults(l Link) []fault {
	a, b := d.g.Node(l.A), d.g.Node(l.B)
	pair := func(code finding.Code, v finding.Values, evidence string) []fault {
		return []fault{{link: l, code: code, values: v, evidence: evidence}}
	}
	pa, pb := parts(l.A), parts(l.B)
	if pa.Host != pb.Host {
		for _, p := range []beam.Name{pa, pb} {
			if p.Loopback() {
				return pair(finding.LoopbackName, finding.Values{"actual": p.String(), "host": p.Host}, "")
			}
		}
	}
	if la, lb := longNames(a), longNames(b); la != Unknown && lb != Unknown && la != lb {
		short, long := l.A, l.B
		if la == Yes {
			short, long = long, short
		}
		return pair(finding.ShortAgainstLong, finding.Values{"short": short, "long": long}, "")
	}
	if fa, fb := a.Flags.Proto, b.Flags.Proto; fa != "" && fb != "" && fa != fb {
		ta, tb := isTLS(fa), isTLS(fb)
		if ta != tb {
			tls, plain := l.A, l.B
			if tb {
				tls, plain = plain, tls
			}
			return pair(finding.TLSAgainstPlain, finding.Values{"tls": tls, "plain": plain}, "-proto_dist "+fa+" against "+fb)
		}
		return pair(finding.FamilyMismatch, finding.Values{"a": l.A, "proto_a": fa, "b": l.B, "proto_b": fb}, "")
	}
	var out []fault
	for _, way := range []Link{{l.A, l.B}, {l.B, l.A}} {
		if to := d.g.Node(way.B); to.Flags.Allowed != nil && !Allows(to.Flags.Allowed, way.A) {
			out = append(out, fault{link: l, code: finding.NotAllowed, from: way.A, to: way.B,
				values:   finding.Values{"node": way.B, "refused": way.A},
				evidence: "allowed on " + way.B + ": " + some(sorted(to.Flags.Allowed))})
		}
	}
	if out != nil {
		return out
	}
	for _, way := range []Link{{l.A, l.B}, {l.B, l.A}} {
		if t := d.traces[way]; t != nil {
			if s, failed := t.FirstFailed(); failed && s.Cause != CauseUnlinked {
				out = append(out, d.walkFault(l, *t, s))
			}
		}
	}
	return out
}

func longNames(n *Node) Tri {
	if n.Flags.LongNames != Unknown {
		return n.Flags.LongNames
	}
	return TriOf(parts(n.Name).Long())
}

func isTLS(proto string) bool { return proto == beam.ProtoTLS || proto == beam.ProtoTLS6 }

// Allows reads net_kernel:allow/1's list: a whole node name, a host part, or a base
// name before an @ allows a node (kernel's dist_util:is_allowed/2).
func Allows(list []string, node string) bool {
	n := parts(node)
	return slices.ContainsFunc(list, func(a string) bool {
		return a == node || a == n.Host || a == "@"+n.Host || a == n.Base+"@"
	})
}

// walkFault translates the first failed step of a walk.
func (d *diagnosis) walkFault(l Link, t Trace, s Step) fault {
	f := fault{link: l, from: t.From, to: t.To, evidence: "seen from " + t.Place + ": " + s.Evidence}
	p := parts(t.To)
	where := " from " + t.From
	node := finding.Values{"node": t.To}
	switch s.Cause {
	case CauseDNSNotFound, CauseDNSSilent:
		f.code, f.values = dnsFinding(t.To, s.Cause, " of "+t.From)
	case CauseEPMDRefused, CauseNotRegistered:
		f.code, f.values = finding.EPMDGone, finding.Values{"node": t.To, "alive": "Phial reached it", "epmd": epmdText(t.To, s.Cause, where)}
	case CauseEPMDMute:
		f.code, f.values = finding.EPMDMute, finding.Values{"host": p.Host}
	case CauseEPMDFiltered, CausePortFiltered:
		f.code, f.values = finding.PortFiltered, filteredValues(p, s.Cause, first(s.Found))
	case CausePortRefused:
		f.code, f.values = finding.PortClosed, finding.Values{"host": p.Host, "port": cmp.Or(first(s.Found), "(unknown)"), "node": t.To}
	case CauseNotDistributed:
		f.code, f.values = finding.NotDistribution, finding.Values{"host": p.Host, "port": cmp.Or(first(s.Found), "(unknown)"), "node": t.To}
	case CauseTLS:
		f.code, f.values = finding.TLSAgainstPlain, finding.Values{"tls": t.To, "plain": t.From}
	case CausePlain:
		f.code, f.values = finding.TLSAgainstPlain, finding.Values{"tls": t.From, "plain": t.To}
	case CauseFrozen:
		f.code, f.values = finding.NodeFrozen, node
	case CauseNames:
		short, long := t.From, t.To
		if parts(short).Long() {
			short, long = long, short
		}
		f.code, f.values = finding.ShortAgainstLong, finding.Values{"short": short, "long": long}
	case CauseNameMismatch:
		f.code, f.values = finding.HostMismatch, finding.Values{"dialled": t.To, "actual": first(s.Found), "base": p.Base}
	case CauseNotAllowed:
		f.code, f.values = finding.NotAllowed, finding.Values{"node": t.To, "refused": t.From}
	case CauseVersions:
		f.code, f.values = finding.VersionsApart, finding.Values{"node": t.To, "detail": s.Evidence}
	case CauseCookie:
		f.code, f.values = finding.CookieDiffers, finding.Values{"others": t.From}
	case CauseCookieSpace:
		f.code, f.values = finding.CookieWhitespace, finding.Values{"a": l.A, "b": l.B}
	case CauseCookiePerPeer:
		f.code, f.values = finding.CookiePerPeer, finding.Values{"holder": cmp.Or(first(s.Found), t.From), "peer": otherEnd(t, first(s.Found))}
	default:
		f.code, f.values = finding.LinkUnexplained, finding.Values{"unknown": string(s.Kind) + " failed"}
	}
	return f
}

func otherEnd(t Trace, holder string) string {
	if holder == t.To {
		return t.From
	}
	return t.To
}

func first(s []string) string {
	if len(s) == 0 {
		return ""
	}
	return s[0]
}

// group makes findings of faults: where one node shares a fault with two peers or
// more, that node is the subject; else the link is. It gives the links that have a
// fault of their own.
func (d *diagnosis) group(faults []fault) map[Link]*cause {
	slices.SortStableFunc(faults, func(a, b fault) int {
		return cmp.Or(cmp.Compare(a.code, b.code), cmp.Compare(a.link.A, b.link.A), cmp.Compare(a.link.B, b.link.B), cmp.Compare(a.from, b.from))
	})
	out := map[Link]*cause{}
	for len(faults) > 0 {
		n := slices.IndexFunc(faults, func(f fault) bool { return f.code != faults[0].code })
		if n < 0 {
			n = len(faults)
		}
		d.groupCode(faults[:n], out)
		faults = faults[n:]
	}
	return out
}

func (d *diagnosis) groupCode(faults []fault, out map[Link]*cause) {
	left := slices.Clone(faults)
	for len(left) > 0 {
		hub, links := busiest(left)
		take := func(f fault) bool { return f.link.A == hub || f.link.B == hub }
		subject := hub
		if links < 2 {
			one := left[0].link
			subject, take = one.String(), func(f fault) bool { return f.link == one }
		}
		var c *cause
		for _, f := range left {
			if !take(f) {
				continue
			}
			if c == nil {
				c = d.add(f.code, subject, f.values)
				c.between = true
			}
			if f.evidence != "" && !slices.Contains(c.evidence, f.evidence) {
				c.evidence = append(c.evidence, f.evidence)
			}
			c.links = append(c.links, f.link)
			out[f.link] = c
		}
		if len(c.evidence) > maxEvidence {
			c.evidence = c.evidence[:maxEvidence]
		}
		left = slices.DeleteFunc(left, take)
	}
}

// maxEvidence bounds what one finding shows of walks that all say the same.
const maxEvidence = 8

// busiest gives the node with the most links among faults, and how many.
func busiest(faults []fault) (string, int) {
	count := map[string]int{}
	seen := map[Link]bool{}
	for _, f := range faults {
		if !seen[f.link] {
			seen[f.link] = true
			count[f.link.A]++
			count[f.link.B]++
		}
	}
	hub, most := "", 0
	for _, k := range keys(count) {
		if count[k] > most {
			hub, most = k, count[k]
		}
	}
	return hub, most
}

// notStarted gives the finding about an end that is still booting, or stopping.
func (d *diagnosis) notStarted(ends ...*Node) *cause {
	for _, n := range ends {
		if n.Status != Booting && n.Status != Stopping {
			continue
		}
		for _, c := range d.causes {
			if c.code == finding.StillBooting && c.subject == n.Name {
				return c
			}
		}
		return d.add(finding.StillBooting, n.Name, finding.Values{"status": n.Status.String()})
	}
	return nil
}
