package etf

// cells walks a list. A list whose tail was sent as another list, which a BEAM accepts but does not
// write, is several segments; all others are one.
type cells struct {
	doc   *doc
	seg   uint32 // node of the segment
	i     uint32 // next element's node, or for a string its place
	left  int    // elements left in the segment
	str   bool
	chain bool // another segment follows
}

func (t Term) cells() cells {
	if t.doc == nil || t.sub != 0 {
		return cells{}
	}
	c := cells{doc: t.doc}
	c.enter(t.i)
	return c
}

func (c *cells) enter(seg uint32) {
	n := c.doc.nodes[seg]
	c.seg, c.left, c.str, c.chain = seg, 0, false, false
	switch n.kind {
	case kString:
		c.i, c.left, c.str = 0, int(n.n), true
	case kList, kImproper:
		c.i, c.left, c.chain = n.first(), int(n.n), n.flag&flagChained != 0
	}
}

// segment makes sure that the walk stands in a segment with elements left, if there is one.
func (c *cells) segment() bool {
	for c.left == 0 {
		if !c.chain {
			return false
		}
		c.enter(c.doc.nodes[c.seg].tail())
	}
	return true
}

func (c *cells) next() (Term, bool) {
	if !c.segment() {
		return Term{}, false
	}
	c.left--
	c.i++
	if c.str {
		return Term{doc: c.doc, i: c.seg, sub: c.i}, true
	}
	return Term{doc: c.doc, i: c.i - 1}, true
}

func (t Term) chainAt(i int) Term {
	for c := t.cells(); c.segment(); c.left = 0 {
		if i < c.left {
			if c.str {
				return Term{doc: c.doc, i: c.seg, sub: uint32(i) + 1}
			}
			return Term{doc: c.doc, i: c.i + uint32(i)}
		}
		i -= c.left
	}
	return Term{}
}
