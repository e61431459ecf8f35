package syntax

// primary reads an expression without operators, and without what may follow it.
func (p *parser) primary() (*Node, class, tail) {
	t := p.cur()
	switch t.kind {
	case tIdent, tOpIdent, tDoIdent, tParenIdent, tBracketIdent:
		id := p.next()
		return p.afterIdentifier(callee{t: id, name: id.text, start: id.start})
	case tAlias:
		id := p.next()
		return p.call("__aliases__", &id, id.start, p.args1(p.leaf(Atom, &id, id.text))), matched, tailBracket
	case tAtom, tAtomQuoted:
		n := p.leaf(Atom, t, t.text)
		if t.kind == tAtomQuoted {
			n.flags |= quoted
		}
		p.next()
		return n, matched, tailBracket
	case tTrue, tFalse, tNil:
		n := p.leaf(Atom, t, t.text)
		p.next()
		return n, matched, tailBracket
	case tInt, tChar:
		n := p.leaf(Integer, t, t.text)
		p.next()
		return n, matched, tailBracket
	case tFlt:
		n := p.leaf(Float, t, t.text)
		p.next()
		return n, matched, tailBracket
	case tString:
		return p.plainString(), matched, tailBracket
	case tStrBegin:
		if t.sub == strKeyword {
			break
		}
		return p.interpolated(), matched, tailBracket
	case tRangeOp:
		o := p.next()
		after := tailDot
		if p.v < 17 {
			after = tailBracket
		}
		return p.call("..", &o, o.start, nil), matched, after
	case tCaptureInt:
		return p.captureNode(), matched, tailBracket
	case tLParen:
		return p.paren(), matched, tailBracket
	case tLBracket:
		return p.listLiteral(), matched, tailBracket
	case tLCurly:
		return p.tuple(), matched, tailBracket
	case tLBit:
		return p.bits(), matched, tailBracket
	case tMap:
		o := p.next()
		return p.mapArgs(&o), matched, tailBracket
	case tPercent:
		return p.structLiteral(), matched, tailBracket
	case tFn:
		return p.fn(), matched, tailBracket
	}
	p.unexpected()
	return nil, matched, tailNone
}

// callee is what is called: a name, or a node.
type callee struct {
	t     token // where Elixir says that the call is
	name  string
	fun   *Node
	start int32
}

// invoke makes the call.
func (p *parser) invoke(c *callee, args []*Node) *Node {
	n := p.node(Call)
	n.Text, n.Fun, n.Args = c.name, c.fun, args
	n.line, n.col, n.start, n.end = c.t.line, c.t.col, c.start, p.end
	if c.t.unsure != "" && c.fun == nil {
		n.Kind, n.Text = Unknown, c.t.unsure
	}
	n.measure()
	return n
}

// zero makes what an identifier is without arguments: a variable, or a call of a module's function.
func (p *parser) zero(c *callee) *Node {
	if c.fun != nil {
		n := p.invoke(c, nil)
		n.flags |= noParens
		return n
	}
	n := p.node(Variable)
	n.Text, n.line, n.col, n.start, n.end = c.name, c.t.line, c.t.col, c.start, c.t.end
	if c.t.unsure != "" {
		n.Kind, n.Text = Unknown, c.t.unsure
	}
	return n
}

// afterIdentifier goes on behind an identifier that was taken.
func (p *parser) afterIdentifier(c callee) (*Node, class, tail) {
	switch c.t.kind {
	case tParenIdent:
		n, cl := p.parens(c)
		return n, cl, tailBracket
	case tBracketIdent:
		return p.zero(&c), matched, tailBracket
	case tDoIdent:
		if p.noDo || p.noArgs {
			return p.zero(&c), matched, tailDot
		}
		n, cl := p.withBlock(&c, len(p.stack))
		return n, cl, tailNone
	case tOpIdent:
		if !p.noArgs {
			n, cl := p.noParens(c)
			return n, cl, tailNone
		}
	case tIdent:
		if !p.noArgs && (beginsArg[p.kind()]) {
			n, cl := p.noParens(c)
			return n, cl, tailNone
		}
	}
	return p.zero(&c), matched, tailDot
}

// parens reads arguments in parentheses, those of what is returned if there are more, and a do block.
func (p *parser) parens(c callee) (*Node, class) {
	if p.kind() != tLParen {
		p.unexpected()
		return nil, matched
	}
	base := len(p.stack)
	if !p.elements(tRParen, callArgs) {
		return p.broken(c, base), matched
	}
	if p.kind() == tLParen {
		fun := p.invoke(&c, p.take(base))
		c = callee{t: token{line: fun.line, col: fun.col}, fun: fun, start: c.start}
		if !p.elements(tRParen, callArgs) {
			return p.broken(c, base), matched
		}
	}
	if p.kind() == tDo && !p.noDo && !p.noArgs {
		return p.withBlock(&c, base)
	}
	return p.invoke(&c, p.take(base)), matched
}

// withBlock reads a do block and makes the call of it and of the arguments on the stack.
func (p *parser) withBlock(c *callee, base int) (*Node, class) {
	block, closed := p.doBlock()
	p.stack = append(p.stack, block)
	n := p.invoke(c, p.take(base))
	if !closed {
		p.stack = append(p.stack, n)
		n = p.unknown(token{start: n.start, line: n.line, col: n.col}, base)
	}
	return n, unmatched
}

// broken is a call whose arguments do not end.
func (p *parser) broken(c callee, base int) *Node {
	c.t.start = c.start
	return p.unknown(c.t, base)
}

// noParens reads the arguments of a call without parentheses, and its do block.
func (p *parser) noParens(c callee) (*Node, class) {
	base := len(p.stack)
	noDo := p.noDo
	p.noDo = true
	cl, ok := p.bareArgs(base)
	p.noDo = noDo
	if !ok {
		p.stack = p.stack[:base]
		return nil, matched
	}
	if p.kind() == tDo && !noDo {
		return p.withBlock(&c, base)
	}
	return p.invoke(&c, p.take(base)), cl
}

// bareArgs puts arguments without parentheses onto the stack.
func (p *parser) bareArgs(base int) (class, bool) {
	for {
		if p.isKw() {
			kw := p.kwArgs()
			if kw == nil {
				return matched, false
			}
			p.stack = append(p.stack, kw)
			break
		}
		n, cl := p.expr(0)
		if n == nil {
			return matched, false
		}
		p.stack = append(p.stack, n)
		if cl == unmatched {
			p.unexpected()
			return matched, false
		}
		if cl == many {
			if len(p.stack) > base+1 {
				p.failAt(&token{start: n.start, line: n.line, col: n.col}, "unexpected comma. Parentheses are required to solve ambiguity in nested calls")
				return matched, false
			}
			return many, true
		}
		if p.kind() != tComma {
			break
		}
		p.next()
	}
	if len(p.stack) > base+1 {
		return many, true
	}
	return matched, true
}

// kwArgs reads keywords without parentheses or brackets around them.
func (p *parser) kwArgs() *Node {
	base := len(p.stack)
	first := *p.cur()
	for {
		pair := p.pair(true)
		if pair == nil {
			p.stack = p.stack[:base]
			return nil
		}
		p.stack = append(p.stack, pair)
		if p.kind() != tComma {
			break
		}
		if k := p.peek(); k != tKw && (k != tStrBegin || p.toks[p.i+1].sub != strKeyword) {
			p.failAt(p.cur(), "unexpected expression after keyword list. Keyword lists must always come as the last argument")
			p.stack = p.stack[:base]
			return nil
		}
		p.next()
	}
	n := p.list(List, &first, p.take(base))
	n.flags |= isKeyword
	return n
}

// pair reads a key and its value.
func (p *parser) pair(bare bool) *Node {
	t := *p.cur()
	var key *Node
	if t.kind == tKw {
		key = p.leaf(Atom, &t, t.text)
		key.flags |= isKeyword
		if t.sub == strKeyword {
			key.flags |= quoted
		}
		p.next()
	} else if key = p.interpolated(); key == nil {
		return nil
	}
	p.skip(tEol)
	first, base := *p.cur(), len(p.stack)
	value, cl := p.expr(0)
	if value != nil && cl == many && !bare {
		p.failAt(&t, "unexpected comma. Parentheses are required to solve ambiguity inside containers")
		value = nil
	}
	if value == nil {
		if bare {
			return nil
		}
		value, cl = p.skipElement(first, base), matched // the key is known all the same
	}
	if cl == unmatched && bare {
		p.unexpected()
		return nil
	}
	return p.list(Tuple, &t, p.args2(key, value))
}

// bracket reads the key of an access.
func (p *parser) bracket(left *Node) *Node {
	o := *p.cur()
	base := len(p.stack)
	if !p.elements(tRBracket, accessArg) {
		return p.unknown(token{start: left.start, line: left.line, col: left.col}, base)
	}
	if len(p.stack) != base+1 {
		p.failAt(&o, "too many arguments when accessing a value")
		return p.unknown(token{start: left.start, line: left.line, col: left.col}, base)
	}
	key := p.take(base)[0]
	get := p.implicit("get", &o)
	access := p.implicit("Elixir.Access", &o)
	dot := p.call(".", &o, left.start, p.args2(access, get))
	n := p.node(Call)
	n.Fun, n.Args = dot, p.args2(left, key)
	n.line, n.col, n.start, n.end = o.line, o.col, left.start, p.end
	n.measure()
	return n
}

// member reads what follows a dot.
func (p *parser) member(left *Node) (*Node, class, tail) {
	dot := p.next()
	t := p.cur()
	switch t.kind {
	case tAlias:
		if left.Kind == Atom {
			p.failAt(t, "atom cannot be followed by an alias. If the '.' was meant to be part of the atom's name, the atom name must be quoted")
			return nil, matched, tailNone
		}
		return p.segments(left, dot), matched, tailBracket
	case tLCurly:
		base := len(p.stack)
		if !p.elements(tRCurly, containerArgs) {
			return p.unknown(token{start: left.start, line: left.line, col: left.col}, base), matched, tailBracket
		}
		args := p.take(base)
		fun := p.call(".", &dot, left.start, p.args2(left, p.implicit("{}", &dot)))
		return p.invoke(&callee{t: dot, fun: fun, start: left.start}, args), matched, tailBracket
	case tIdent, tOpIdent, tDoIdent, tParenIdent, tBracketIdent:
		id := p.next()
		fun := p.call(".", &dot, left.start, p.args2(left, p.leaf(Atom, &id, id.text)))
		return p.afterIdentifier(callee{t: id, fun: fun, start: left.start})
	}
	p.unexpected()
	return nil, matched, tailNone
}

// segments reads the name of a module from behind its first dot.
func (p *parser) segments(left *Node, dot token) *Node {
	base := len(p.stack)
	at := dot
	if left.Call("__aliases__") {
		p.stack = append(p.stack, left.Args...)
		at.line, at.col = left.line, left.col
	} else {
		p.stack = append(p.stack, left)
	}
	for {
		id := p.next()
		p.stack = append(p.stack, p.leaf(Atom, &id, id.text))
		if p.kind() != tDot || p.peek() != tAlias {
			return p.call("__aliases__", &at, left.start, p.take(base))
		}
		p.next()
	}
}
