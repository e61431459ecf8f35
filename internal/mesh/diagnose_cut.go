package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/phialdev/phial/internal/finding"
)

// overlapCut finds links that global cut to prevent overlapping partitions, and gives
// those that it did not.
//
// The evidence is global's own: since OTP 25 each node keeps for an hour, in the ETS
// table global_lost_connections, which lost connections were reported to it (kernel's
// global.erl). A missing link that is in it, with every check passing and the
// protection in effect at both ends, was lost and not dialled again; the missing links
// that share an end with such a one went the same way, though the messages about
// them had nobody left to go to.
func (d *diagnosis) overlapCut(unlinked []Link, broken map[Link]*cause) []Link {
	heard := map[Link][]string{} // By, Node -> who heard of it
	for i, name := range d.g.names {
		n := d.g.nodes[i]
		if n == nil {
			continue
		}
		for _, r := range n.Lost {
			// What an earlier incarnation said, before it was restarted, is history.
			if by := d.g.Node(r.By); by != nil && by.Creation != 0 && by.Creation != r.Creation {
				continue
			}
			way := Link{r.By, r.Node}
			heard[way] = append(heard[way], name)
		}
	}
	reported := func(l Link) bool {
		back := Link{l.B, l.A}
		return heard[l] != nil && heard[back] != nil || d.livedOn(l, heard[l]) || d.livedOn(back, heard[back])
	}
	if len(heard) == 0 {
		return unlinked
	}
	protected := func(l Link) bool {
		return d.g.Node(l.A).Flags.PreventOverlapping == Yes && d.g.Node(l.B).Flags.PreventOverlapping == Yes
	}
	var cuttable, rest []Link
	for _, l := range unlinked {
		if protected(l) {
			cuttable = append(cuttable, l)
		} else {
			rest = append(rest, l)
		}
	}
	for _, group := range components(cuttable, keysOfLinks(broken)) {
		var recorded []Link
		for _, l := range group {
			if reported(l) {
				recorded = append(recorded, l)
			}
		}
		var own []Link // not explained by a fault of their own
		for _, l := range group {
			if broken[l] == nil {
				own = append(own, l)
			}
		}
		// With two nodes there is nobody to hear of a loss, and with nothing recorded
		// nothing was ever lost.
		if len(recorded) == 0 || len(group) < 2 || len(own) == 0 {
			rest = append(rest, own...)
			continue
		}
		i := slices.IndexFunc(group, func(l Link) bool { return broken[l] != nil })
		if i < 0 {
			i = slices.Index(group, recorded[0])
		}
		root := "the link " + group[i].String() + " was lost"
		c := d.add(finding.OverlapCut, some(endsOf(group)), finding.Values{"nodes": some(endsOf(group)), "root": root})
		c.links, c.between = own, true
		for _, l := range recorded {
			for _, way := range []Link{l, {l.B, l.A}} {
				if hearers := heard[way]; hearers != nil {
					c.evidence = append(c.evidence, way.A+" reported that it lost "+way.B+" (heard by "+some(slices.Compact(sorted(hearers)))+")")
				}
			}
		}
		if len(c.evidence) > maxEvidence {
			c.evidence = c.evidence[:maxEvidence]
		}
	}
	sortLinks(rest)
	return rest
}

// The longest that global keeps what it heard, and how much younger than who heard of its
// loss a node may be that has started together with it.
const (
	lossKept    = time.Hour
	startSpread = 30 * time.Second
)

// livedOn tells a cut from a death. When a node dies, the others report that they lost it,
// too; but one that heard of the loss itself, or that has run for longer than anybody
// remembers, did not die.
func (d *diagnosis) livedOn(way Link, hearers []string) bool {
	lost := d.g.Node(way.B)
	if lost == nil || !lost.Reached {
		return false
	}
	for _, h := range hearers {
		if h == way.B || lost.Uptime > 0 && lost.Uptime+startSpread >= min(d.g.Node(h).Uptime, lossKept) {
			return true
		}
	}
	return false
}

// heldBack hands over links that could be up, but for another link of the same two
// islands that could not: joining would cut the mesh, so nobody is told to join.
func (d *diagnosis) heldBack(unlinked []Link, broken map[Link]*cause) []Link {
	if len(broken) == 0 {
		return unlinked
	}
	island := map[string]int{}
	for i, names := range d.g.Islands() {
		for _, n := range names {
			island[n] = i
		}
	}
	between := func(l Link) [2]int {
		return [2]int{min(island[l.A], island[l.B]), max(island[l.A], island[l.B])}
	}
	bad := map[[2]int]Link{}
	for _, l := range keysOfLinks(broken) {
		if _, have := bad[between(l)]; !have {
			bad[between(l)] = l
		}
	}
	return slices.DeleteFunc(unlinked, func(l Link) bool {
		b, held := bad[between(l)]
		if held {
			c := broken[b]
			if len(c.evidence) < maxEvidence {
				c.evidence = append(c.evidence, l.String()+" waits for "+b.String()+": it alone would cost the other links")
			}
			c.links = append(c.links, l)
		}
		return held
	})
}

// undialled is what is left: links where every check passes, and links where that
// could not be seen.
func (d *diagnosis) undialled(unlinked []Link) {
	var passing, unwalked []Link
	for _, l := range unlinked {
		if d.traces[l] == nil && d.traces[Link{l.B, l.A}] == nil {
			unwalked = append(unwalked, l)
			continue
		}
		missing := d.unseen(l)
		if missing == "" {
			if !d.neverDialled(l) {
				passing = append(passing, l)
			}
			continue
		}
		c := d.add(finding.LinkUnexplained, l.String(), finding.Values{"unknown": missing})
		c.links, c.between = []Link{l}, true
	}
	// Only so many links are walked in one look: a mesh that has lost thousands
	// is one finding, not thousands.
	for _, group := range components(unwalked, nil) {
		ends := some(endsOf(group))
		c := d.add(finding.LinkUnexplained, hubOf(group, ends), finding.Values{"unknown": "the link between " + ends + " was not walked"})
		if len(group) > 1 {
			c.values["unknown"] = fmt.Sprintf("%d links between %s were not walked", len(group), ends)
		}
		c.links, c.between = group, true
	}
	for _, group := range components(passing, nil) {
		ends := some(endsOf(group))
		c := d.add(finding.NobodyDials, hubOf(group, ends), finding.Values{"nodes": ends})
		c.links, c.between = group, true
	}
}

// neverDialled hands a link to what is wrong with discovery: who is not listed is not
// dialled.
func (d *diagnosis) neverDialled(l Link) bool {
	found := false
	for _, c := range []*cause{d.lookup, d.unlisted[l.A], d.unlisted[l.B]} {
		if c != nil {
			c.links = append(c.links, l)
			c.atLeast = finding.Error
			found = true
		}
	}
	return found
}

// hubOf gives the one node that all of several links share, or else.
func hubOf(links []Link, otherwise string) string {
	if len(links) > 1 {
		for _, n := range []string{links[0].A, links[0].B} {
			if !slices.ContainsFunc(links, func(l Link) bool { return l.A != n && l.B != n }) {
				return n
			}
		}
	}
	return otherwise
}

// unseen says what was not checked on a link; "" when every step passed both ways.
func (d *diagnosis) unseen(l Link) string {
	for _, way := range []Link{{l.A, l.B}, {l.B, l.A}} {
		t := d.traces[way]
		if t == nil {
			return "the way from " + way.A + " to " + way.B + " was not walked"
		}
		for _, s := range t.Steps {
			if s.State == Unseen {
				return "from " + way.A + " to " + way.B + ", " + string(s.Kind) + " was not checked (" + s.Evidence + ")"
			}
		}
	}
	return ""
}

// components splits links into those that hang together by their ends, with the links
// of others taking part in what hangs together (they are in the groups too).
func components(links, others []Link) [][]Link {
	all := slices.Concat(links, others)
	sortLinks(all)
	all = slices.Compact(all)
	root := map[string]string{}
	var find func(string) string
	find = func(n string) string {
		r, ok := root[n]
		if !ok || r == n {
			root[n] = n
			return n
		}
		root[n] = find(r)
		return root[n]
	}
	for _, l := range all {
		root[find(l.A)] = find(l.B)
	}
	by := map[string][]Link{}
	var order []string
	for _, l := range all {
		r := find(l.A)
		if by[r] == nil {
			order = append(order, r)
		}
		by[r] = append(by[r], l)
	}
	var out [][]Link
	for _, r := range order {
		out = append(out, by[r])
	}
	return out
}

func sortLinks(l []Link) {
	slices.SortFunc(l, func(a, b Link) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
}

func keysOfLinks(m map[Link]*cause) []Link {
	out := make([]Link, 0, len(m))
	for l := range m {
		out = append(out, l)
	}
	sortLinks(out)
	return out
}

func endsOf(links []Link) []string {
	var out []string
	for _, l := range links {
		out = append(out, l.A, l.B)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
