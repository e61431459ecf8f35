package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// misnamed tells a node that runs by another name from one that does not run, by who
// answers in its place: nil where that is nobody, or nodes that have their own place in
// the mesh and say nothing of this one.
func (d *diagnosis) misnamed(name string, f Failure) *cause {
	p := parts(name)
	var bases, answers []string
	for _, other := range sorted(f.Others) {
		q := parts(other)
		switch {
		case d.member(other) || tool(q.Base):
		case q.Base == p.Base:
			return d.mismatch(name, other, f.Detail)
		case f.Cause == CauseNotRegistered && q.Host == p.Host && slices.Contains(f.Known, q.Base):
			bases = append(bases, q.Base)
			answers = append(answers, other+" answers there")
		}
	}
	if bases == nil {
		return nil
	}
	return d.add(finding.BasenameMismatch, name, finding.Values{"host": p.Host, "base": p.Base, "known": some(bases)},
		append([]string{f.Detail}, answers...)...)
}

// member: a node that was expected or looked at, or that one of those is connected to.
func (d *diagnosis) member(name string) bool {
	if _, ok := d.g.index[name]; ok {
		return true
	}
	return slices.ContainsFunc(d.g.nodes, func(n *Node) bool {
		return n != nil && (slices.Contains(n.Peers, name) || slices.Contains(n.Hidden, name))
	})
}

// down: nothing speaks for the node. It says what was tried, and no more.
func (d *diagnosis) down(name string, f Failure) *cause {
	var evidence []string
	for _, other := range sorted(f.Others) {
		evidence = append(evidence, other+" answers there")
	}
	what := downText(parts(name), f)
	if len(d.reachedNames(name)) > 0 {
		what += "; no node that was asked is connected to it"
	}
	return d.add(finding.NodeDown, name, finding.Values{"node": name, "what": what}, append([]string{f.Detail}, evidence...)...)
}

func downText(p beam.Name, f Failure) string {
	tried := ""
	if len(f.Tried) > 0 {
		tried = ", and no node of that name answers on " + portsText(f.Tried)
	}
	if f.Cause == CauseNotRegistered {
		text := fmt.Sprintf("EPMD at %s runs and does not know %s", p.Host, p.Base) + tried
		others := slices.DeleteFunc(sorted(f.Known), func(k string) bool { return k == p.Base || tool(k) })
		if len(others) > 0 {
			text += "; others registered there: " + some(others)
		}
		return text
	}
	if tried == "" {
		tried = ", and no distribution port is known to try without it"
	}
	return "EPMD's port, " + cmp.Or(f.Addr, "at "+p.Host) + ", refuses connections" + tried
}

// portsText says "port 9100", "ports 9100 to 9107" or "ports 9100, 9200".
func portsText(ports []uint16) string {
	ports = slices.Compact(slices.Sorted(slices.Values(ports)))
	first, last := ports[0], ports[len(ports)-1]
	switch {
	case len(ports) == 1:
		return "port " + strconv.Itoa(int(first))
	case int(last)-int(first) == len(ports)-1:
		return fmt.Sprintf("ports %d to %d", first, last)
	}
	var s []string
	for _, p := range ports {
		s = append(s, strconv.Itoa(int(p)))
	}
	return "ports " + some(s)
}

// mismatch: another name than the one that was dialled answers.
func (d *diagnosis) mismatch(dialled, actual, evidence string) *cause {
	want, got := parts(dialled), parts(actual)
	switch {
	case want.Base != got.Base:
		return d.add(finding.OtherNodeAnswers, dialled, finding.Values{"dialled": dialled, "actual": actual}, evidence)
	case got.Loopback():
		return d.add(finding.LoopbackName, dialled, finding.Values{"actual": actual, "host": got.Host}, evidence)
	case want.Long() != got.Long():
		short, long := dialled, actual
		if want.Long() {
			short, long = long, short
		}
		return d.add(finding.ShortAgainstLong, dialled, finding.Values{"short": short, "long": long}, evidence)
	}
	return d.add(finding.HostMismatch, dialled,
		finding.Values{"dialled": dialled, "actual": actual, "base": want.Base}, evidence)
}
