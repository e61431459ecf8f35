package syntax

// structLiteral reads %Name{...}.
func (p *parser) structLiteral() *Node {
	o := p.next()
	name := p.structName(true)
	if name == nil {
		return nil
	}
	p.skip(tEol)
	if p.kind() != tLCurly {
		p.unexpected()
		return nil
	}
	curly := *p.cur()
	m := p.mapArgs(&curly)
	if m == nil || m.Kind == Unknown {
		return m
	}
	return p.call("%", &o, o.start, p.args2(name, m))
}

// structName reads what may stand between % and {. Without dots, those that follow belong to what is around it: %@a.b{} has
// (@a).b.
func (p *parser) structName(dots bool) *Node {
	if !p.enter() {
		p.leave()
		return nil
	}
	defer p.leave()
	switch p.kind() {
	case tUnaryOp, tDualOp, tTernaryOp, tAtOp:
		o := p.next()
		if o.kind == tTernaryOp {
			p.unexpected()
			return nil
		}
		p.skip(tEol)
		n := p.structName(o.kind != tAtOp)
		if n == nil {
			return nil
		}
		n = p.call(o.text, &o, o.start, p.args1(n))
		if o.kind != tAtOp || !dots {
			return n
		}
		if p.kind() != tDot {
			return n
		}
		return p.structTail(n, matched, tailDot)
	case tEllipsisOp, tCaptureOp:
		p.unexpected()
		return nil
	}
	noArgs := p.noArgs
	p.noArgs = true
	n, cl, tail := p.primary()
	p.noArgs = noArgs
	if n == nil || !dots && p.kind() == tDot {
		return n
	}
	return p.structTail(n, cl, tail)
}

// structTail goes on with the name of a struct.
func (p *parser) structTail(n *Node, cl class, tail tail) *Node {
	noArgs := p.noArgs
	p.noArgs = true
	n, cl = p.postfix(n, cl, tail)
	p.noArgs = noArgs
	if n != nil && (cl != matched || p.v < 17 && !p.oldMapBase(n, true)) {
		p.unexpected()
		return nil
	}
	return n
}

// oldMapBase tells whether Elixir before 1.17 takes an expression as the name of a struct, or for an entry of a map.
func (p *parser) oldMapBase(n *Node, name bool) bool {
	switch c := p.src[n.start]; {
	case c == '(' || c == '~':
		return false
	case n.Kind == Variable:
		return true
	case n.Kind == Atom:
		return name && c == ':'
	case n.Kind != Call:
		return false
	case n.Fun != nil:
		get := n.Fun
		return get.Text != "." || len(get.Args) != 2 || get.Args[0].Kind != Atom || get.Args[0].Text != "Elixir.Access"
	}
	switch n.Text {
	case "__aliases__":
		return name
	case "%", "%{}", "{}", "<<>>", "fn", "__block__", "..", "&", "@", "!", "^", "not", "+", "-", "~~~":
		return false
	}
	return true
}

// mapArgs reads a map from its curly brace on; o is where Elixir says that the map is.
func (p *parser) mapArgs(o *token) *Node {
	if p.kind() != tLCurly {
		p.unexpected()
		return nil
	}
	curly := p.next()
	at := curly
	if p.v >= 17 {
		at = *o
	}
	p.skip(tEol)
	base := len(p.stack)
	if p.kind() == tRCurly {
		p.next()
		return p.call("%{}", &at, o.start, nil)
	}
	if !p.within(tRCurly, p.entries) {
		return p.unknown(at, base)
	}
	return p.call("%{}", &at, o.start, p.take(base))
}

// entries puts what a map has onto the stack: one update, or entries.
func (p *parser) entries() {
	start := *p.cur()
	if !p.isKw() {
		n, update := p.entry(true)
		if n == nil {
			n = p.skipElement(start, len(p.stack))
		}
		p.stack = append(p.stack, n)
		if update { // it has all entries
			p.skip(tEol)
			return
		}
		if !p.afterElement(start) || p.kind() == tRCurly {
			return
		}
	}
	p.moreEntries()
	p.skip(tEol)
}

// abovePipe is the precedence of what binds more than the bar of an update.
const abovePipe = 71

// entry reads one entry, or an update with all that follows.
func (p *parser) entry(first bool) (n *Node, update bool) {
	start := *p.cur()
	left, cl := p.expr(abovePipe)
	if left != nil && p.kind() != tPipeOp {
		left, cl = p.operators(left, cl, 0)
	}
	if left == nil || cl == many {
		if left != nil {
			p.failAt(&start, "unexpected comma. Parentheses are required to solve ambiguity inside containers")
		}
		return nil, false
	}
	if p.kind() == tPipeOp && first {
		return p.update(left)
	}
	return p.assoc(left, start), false
}

// assoc reads the value of an entry. An entry without one is an expression that a macro fills in.
func (p *parser) assoc(left *Node, start token) *Node {
	if p.kind() != tAssocOp {
		if !p.simple || p.v < 17 && !p.oldMapBase(left, false) {
			p.unexpected()
			return nil
		}
		return left
	}
	p.next()
	p.skip(tEol)
	right, cl := p.expr(0)
	if right == nil {
		return nil
	}
	if cl == many {
		p.failAt(&start, "unexpected comma. Parentheses are required to solve ambiguity inside containers")
		return nil
	}
	return p.list(Tuple, &start, p.args2(left, right))
}

// update reads the entries behind the bar.
func (p *parser) update(left *Node) (n *Node, update bool) {
	bar := p.next()
	p.skip(tEol)
	base := len(p.stack)
	first := *p.cur()
	if p.isKw() {
		p.pairs(tRCurly)
	} else {
		n, key := p.firstOfUpdate(left, bar)
		if n == nil || key {
			return n, false
		}
		p.stack = append(p.stack, n)
		if p.afterElement(first) && p.kind() != tRCurly {
			p.moreEntries()
		}
	}
	entries := p.list(List, &first, p.take(base))
	entries.flags |= isKeyword
	return p.call("|", &bar, left.start, p.args2(left, entries)), true
}

// firstOfUpdate reads the first entry behind the bar. If an operator follows that binds less than the bar, what looked like
// an update is the key of an entry: %{a | b <- c => d}.
func (p *parser) firstOfUpdate(left *Node, bar token) (n *Node, key bool) {
	start := *p.cur()
	right, cl := p.expr(abovePipe)
	if right == nil {
		return nil, false
	}
	if op := binaries[p.kind()]; op.prec > 0 && op.prec < abovePipe-1 {
		left, cl = p.operators(p.binary(left, bar, right), cl, 0)
		if left == nil || cl == many || p.kind() != tAssocOp {
			return nil, false
		}
		return p.assoc(left, start), true
	}
	if cl == many {
		p.unexpected()
		return nil, false
	}
	return p.assoc(right, start), false
}

// moreEntries puts entries onto the stack, of which none can be an update.
func (p *parser) moreEntries() {
	for {
		start := *p.cur()
		if p.isKw() {
			p.pairs(tRCurly)
			return
		}
		n, _ := p.entry(false)
		if n == nil {
			n = p.skipElement(start, len(p.stack))
		}
		p.stack = append(p.stack, n)
		if !p.afterElement(start) || p.kind() == tRCurly {
			return
		}
	}
}
