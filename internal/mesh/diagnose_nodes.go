package mesh

import (
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// nodes looks at each node by itself.
func (d *diagnosis) nodes() {
	wrong, kept := d.cookieOfPhial(), d.keptOut()
	var choosers []string
	ticks := map[string][]string{}
	for i, name := range d.g.names {
		n := d.g.nodes[i]
		switch {
		case n == nil:
			c := d.add(finding.NodeUnexplained, name, finding.Values{"detail": "nobody looked at it"})
			d.blame(name, c)
			continue
		case wrong != nil && refuses(n):
			d.blame(name, wrong)
			continue
		case kept != nil && d.beyond(n):
			d.blame(name, kept)
			continue
		case !n.Reached:
			d.blame(name, d.unreached(n))
			continue
		}
		if n.EPMD != nil {
			d.blame(name, d.epmdGone(n, *n.EPMD, "it answers on port "+strconv.Itoa(int(n.Flags.DistPort))))
		}
		if len(n.Unanswered) > 0 {
			c := d.unanswered(n)
			if !n.told() {
				d.blame(name, c)
			}
		}
		if n.Flags.Hidden == Yes {
			d.add(finding.HiddenNode, name, nil)
		}
		if n.Flags.ConnectAll == No {
			choosers = append(choosers, name)
		}
		if n.Flags.NetTicktime > 0 {
			k := strconv.Itoa(n.Flags.NetTicktime) + " s"
			ticks[k] = append(ticks[k], name)
		}
	}
	if len(choosers) > 0 {
		d.add(finding.PartialByChoice, some(choosers), nil)
	}
	if len(ticks) > 1 {
		var v []string
		for _, k := range keys(ticks) {
			v = append(v, k+" on "+some(ticks[k]))
		}
		d.add(finding.TicktimeDiffers, "net_ticktime", finding.Values{"values": strings.Join(v, "; ")})
	}
	d.pgApart()
}

// unanswered: a node that is booting or stopping leaves questions open without any load.
func (d *diagnosis) unanswered(n *Node) *cause {
	questions := some(sorted(n.Unanswered))
	if c := d.notStarted(n); c != nil {
		c.evidence = append(c.evidence, "not answered meanwhile: "+questions)
		return c
	}
	return d.add(finding.CallsUnanswered, n.Name, finding.Values{"questions": questions})
}

// pgApart tells of a mesh whose oldest and newest nodes have versions of pg that do
// not know each other's greeting. Whether pg is used is not seen, so it is no alarm.
func (d *diagnosis) pgApart() {
	var old, young []string
	for i, name := range d.g.names {
		if !d.g.reached(i) {
			continue
		}
		switch v, err := strconv.Atoi(d.g.nodes[i].OTP); {
		case err != nil:
		case v < beam.OTPWithPgVersions:
			old = append(old, name+" (OTP "+d.g.nodes[i].OTP+")")
		case v >= beam.OTPThatSendsPgVersion:
			young = append(young, name+" (OTP "+d.g.nodes[i].OTP+")")
		}
	}
	if len(old) > 0 && len(young) > 0 {
		d.add(finding.PgApart, "pg", finding.Values{"old": some(old), "new": some(young)})
	}
}

// cookieOfPhial: where nodes refuse the cookie and none takes it, it is Phial that has
// another. It gives the finding, and nil where any node took the cookie.
func (d *diagnosis) cookieOfPhial() *cause {
	if d.o.CookieCertain {
		return nil
	}
	var refused, details []string
	for i, n := range d.g.nodes {
		switch {
		case n == nil:
		case n.Reached || n.Failure != nil && n.Failure.Cause == CauseCalls:
			return nil
		case refuses(n):
			refused = append(refused, d.g.names[i])
			details = append(details, d.g.names[i]+": "+n.Failure.Detail)
		}
	}
	if len(refused) == 0 {
		return nil
	}
	if len(details) > maxEvidence {
		details = details[:maxEvidence]
	}
	return d.add(finding.CookieOfPhial, some(refused), nil, details...)
}

// refuses: the node has another cookie than the one that Phial was given.
func refuses(n *Node) bool { return n.Failure != nil && n.Failure.Cause == CauseCookie }

// unreached finds the cause for a node that Phial could not reach.
func (d *diagnosis) unreached(n *Node) *cause {
	f := Failure{Cause: CauseOther, Detail: "no reason was seen"}
	if n.Failure != nil {
		f = *n.Failure
	}
	name, seen := n.Name, d.seenBy(n.Name)
	p := parts(name)
	sees := ""
	if len(seen) > 0 {
		sees = "connected to it: " + some(seen)
	}
	unexplained := func() *cause {
		return d.add(finding.NodeUnexplained, name, finding.Values{"detail": f.Detail}, sees)
	}
	switch f.Cause {
	case CauseBadName:
		return d.add(finding.InvalidName, name, finding.Values{"problem": f.Detail})
	case CauseDNSNotFound, CauseDNSSilent:
		return d.dns(name, name, f.Cause, "", f.Detail)
	case CauseEPMDRefused, CauseNotRegistered:
		if len(seen) > 0 {
			return d.epmdGone(n, f, some(seen)+" connected to it")
		}
		if c := d.misnamed(name, f); c != nil {
			return c
		}
		return d.down(name, f)
	case CauseEPMDFiltered, CausePortFiltered:
		return d.filtered(name, p, f.Cause, f.Addr, f.Detail)
	case CauseEPMDMute:
		return d.add(finding.EPMDMute, name, finding.Values{"host": p.Host}, f.Detail)
	case CausePortRefused:
		return d.add(finding.PortClosed, name,
			finding.Values{"host": p.Host, "port": portText(f), "node": name}, f.Detail, sees)
	case CauseNotDistributed:
		return d.add(finding.NotDistribution, name,
			finding.Values{"host": p.Host, "port": portText(f), "node": name}, f.Detail)
	case CauseTLS:
		return d.add(finding.TLSAgainstPlain, name,
			finding.Values{"tls": name, "plain": d.othersOr(name, "Phial (give it the TLS files)")}, f.Detail)
	case CausePlain:
		return d.add(finding.TLSAgainstPlain, name, finding.Values{"tls": d.othersOr(name, "Phial"), "plain": name}, f.Detail)
	case CauseFrozen:
		return d.add(finding.NodeFrozen, name, finding.Values{"node": name}, f.Detail, sees)
	case CauseNameMismatch:
		return d.mismatch(name, f.PeerName, f.Detail)
	case CauseNotAllowed:
		if len(seen) > 0 {
			return unexplained()
		}
		return d.add(finding.NotAllowed, name, finding.Values{"node": name, "refused": "Phial's connection"}, f.Detail)
	case CauseVersions:
		return d.add(finding.VersionsApart, name, finding.Values{"node": name, "detail": f.Detail}, f.Detail)
	case CauseCookie:
		return d.add(finding.CookieDiffers, name, finding.Values{"others": d.othersOr(name, "Phial was given")}, f.Detail, sees)
	case CauseCookieSpace:
		return d.add(finding.CookieWhitespace, name, finding.Values{"a": name, "b": d.othersOr(name, "Phial")}, f.Detail, sees)
	case CauseCalls:
		return d.add(finding.CallsUnanswered, name, finding.Values{"questions": "every one"}, f.Detail, sees)
	}
	return unexplained()
}

// othersOr gives the reached nodes other than one, or else.
func (d *diagnosis) othersOr(name, otherwise string) string {
	if r := d.reachedNames(name); len(r) > 0 {
		return some(r)
	}
	return otherwise
}

func portText(f Failure) string {
	if f.Port == 0 {
		return "(unknown)"
	}
	return strconv.Itoa(int(f.Port))
}

// dns: the host part of a node's name did not resolve. where is "" for Phial's own
// resolver, or " of A".
func (d *diagnosis) dns(subject, node string, c Cause, where, evidence string) *cause {
	code, v := dnsFinding(node, c, where)
	return d.add(code, subject, v, evidence)
}

func dnsFinding(node string, c Cause, where string) (finding.Code, finding.Values) {
	host := parts(node).Host
	v := finding.Values{"host": host, "node": node, "where": where}
	switch {
	case c == CauseDNSSilent:
		return finding.ResolverSilent, v
	case strings.Contains(host, ".pod."):
		return finding.PodRecordName, v
	case strings.Contains(host, ".svc."):
		return finding.PodNameUnknown, v
	}
	return finding.HostUnknown, v
}

func (d *diagnosis) epmdGone(n *Node, f Failure, alive string) *cause {
	return d.add(finding.EPMDGone, n.Name, finding.Values{"node": n.Name, "alive": alive, "epmd": epmdText(n.Name, f.Cause, "")}, f.Detail)
}

// epmdText says in a few words how EPMD failed; from is "" or " from A".
func epmdText(node string, c Cause, from string) string {
	p := parts(node)
	switch c {
	case CauseEPMDRefused:
		return "EPMD at " + p.Host + " refuses connections" + from
	case CauseEPMDFiltered:
		return "EPMD at " + p.Host + " cannot be reached" + from
	case CauseEPMDMute:
		return "EPMD at " + p.Host + " does not answer" + from
	}
	return "EPMD at " + p.Host + " does not know " + p.Base
}

func (d *diagnosis) filtered(subject string, p beam.Name, c Cause, addr, evidence string) *cause {
	return d.add(finding.PortFiltered, subject, filteredValues(p, c, addr), evidence)
}

func filteredValues(p beam.Name, c Cause, addr string) finding.Values {
	what := "the distribution port of " + p.String()
	if c == CauseEPMDFiltered {
		what = "EPMD at " + p.Host
	}
	if addr != "" {
		what += " (" + addr + ")"
	}
	ports := strconv.Itoa(beam.EPMDPort) + " and the distribution ports"
	return finding.Values{"what": what, "ports": ports}
}

// strangers looks for connected nodes of another app. Where only some of the nodes were
// named, the others may well have base names of their own.
func (d *diagnosis) strangers() {
	if len(d.bases) == 0 || d.o.Followed {
		return
	}
	by := map[string][]string{}
	for i, name := range d.g.names {
		if n := d.g.nodes[i]; n != nil && d.bases[parts(name).Base] {
			for _, p := range n.Peers {
				if b := parts(p).Base; !d.bases[b] && !tool(b) {
					by[p] = append(by[p], name)
				}
			}
		}
	}
	for _, s := range keys(by) {
		slices.Sort(by[s])
		d.add(finding.ForeignConnected, s, finding.Values{"app": strings.Join(keys(d.bases), ", ")},
			"connected to it: "+some(by[s]))
	}
}
