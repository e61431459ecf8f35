package syntax

// expr reads an expression with operators of at least some precedence between its parts.
func (p *parser) expr(least int16) (*Node, class) {
	if !p.enter() {
		p.leave()
		return nil, matched
	}
	n, cl := p.operand()
	if n != nil {
		n, cl = p.operators(n, cl, least)
	}
	p.leave()
	return n, cl
}

// operators goes on with an expression behind its first part.
func (p *parser) operators(left *Node, cl class, least int16) (*Node, class) {
	for cl != many {
		t := p.cur()
		op := binaries[t.kind]
		if op.prec == 0 || op.prec < least {
			break
		}
		if int(left.height) > p.maxDepth {
			p.tooDeep()
			return nil, matched
		}
		o := p.next()
		p.skip(tEol)
		if o.kind == tWhenOp && p.isKw() {
			right := p.kwArgs()
			if right == nil {
				return nil, matched
			}
			left = p.call(o.text, &o, left.start, p.args2(left, right))
			if cl == matched {
				cl = many
			}
			p.simple = false
			break
		}
		above := op.prec + 1
		if op.right {
			above = op.prec
		}
		right, rcl := p.expr(above)
		if right == nil {
			return nil, matched
		}
		if left = p.binary(left, o, right); left == nil {
			return nil, matched
		}
		if cl == matched {
			cl = rcl
		}
		p.simple = false
	}
	return left, cl
}

// negates tells of a node whether it is `not a` or `!a`.
func negates(n *Node) bool {
	return n.Kind == Call && n.Fun == nil && len(n.Args) == 1 && (n.Text == "not" || n.Text == "!")
}

// binary makes the node of an operator between two expressions.
func (p *parser) binary(left *Node, o token, right *Node) *Node {
	start := left.start
	switch o.kind {
	case tTernaryOp:
		if left.Kind != Call || left.Text != ".." || left.Fun != nil || len(left.Args) != 2 {
			p.failAt(&o, "the range step operator (//) must immediately follow the range definition operator (..), for example: 1..9//2")
			return nil
		}
		args := p.slots(3)
		args[0], args[1], args[2] = left.Args[0], left.Args[1], right
		at := token{line: left.line, col: left.col}
		return p.call("..//", &at, start, args)
	case tInOp:
		in, not, name := o, o, "not"
		switch {
		case o.text == "not in":
			if p.v >= 19 {
				in.line, in.col = o.line2, o.col2
			}
		case negates(left):
			if p.v >= 20 {
				not.line, not.col = left.line, left.col
			}
			name, left = left.Text, left.Args[0]
		default:
			return p.call("in", &o, start, p.args2(left, right))
		}
		return p.call(name, &not, start, p.args1(p.call("in", &in, left.start, p.args2(left, right))))
	}
	return p.call(o.text, &o, start, p.args2(left, right))
}

// operand reads what stands between operators, with those before it.
func (p *parser) operand() (*Node, class) {
	switch t := p.cur(); t.kind {
	case tUnaryOp, tDualOp, tTernaryOp:
		return p.prefix(precUnary)
	case tCaptureOp:
		return p.capture()
	case tAtOp:
		n, cl, tail := p.attribute()
		return p.postfix(n, cl, tail)
	case tEllipsisOp:
		n, cl, tail := p.ellipsis()
		if tail == tailNone {
			return n, cl
		}
		return p.postfix(n, cl, tail)
	}
	n, cl, tail := p.primary()
	return p.postfix(n, cl, tail)
}

// prefix reads an operator and the expression behind it.
func (p *parser) prefix(prec int16) (*Node, class) {
	o := p.next()
	p.skip(tEol)
	n, cl := p.expr(prec)
	if n == nil {
		return nil, matched
	}
	if cl == unmatched {
		// A do block ends none of the operators before it: !if a do b end == c is !(... == c).
		if n, cl = p.operators(n, cl, 0); n == nil {
			return nil, matched
		}
	}
	if o.kind == tTernaryOp { // as in &//2
		inner := p.leaf(Variable, &o, "/")
		inner.flags, inner.end = 0, o.start+1
		outer := o
		outer.col++
		return p.call("/", &outer, o.start, p.args2(inner, n)), cl
	}
	return p.call(o.text, &o, o.start, p.args1(n)), cl
}

func (p *parser) capture() (*Node, class) {
	if p.v < 15 && p.peek() == tInt {
		return p.captureInt()
	}
	n, cl := p.prefix(precCapture + 1)
	p.simple = false
	return n, cl
}

// captureInt reads &1.
func (p *parser) captureInt() (*Node, class) {
	n := p.captureNode()
	if n == nil {
		return nil, matched
	}
	return p.postfix(n, matched, tailBracket)
}

func (p *parser) captureNode() *Node {
	o := p.next()
	t := p.cur()
	if t.kind != tInt {
		p.unexpected()
		return nil
	}
	arg := p.leaf(Integer, t, t.text)
	p.next()
	return p.call("&", &o, o.start, p.args1(arg))
}

// ellipsis reads ... with or without an expression behind it.
func (p *parser) ellipsis() (*Node, class, tail) {
	switch k := p.peek(); {
	case k == tKw, k == tStrBegin && p.toks[p.i+1].sub == strKeyword:
	case beginsArg[k], k == tDualOp, k == tTernaryOp:
		n, cl := p.prefix(precCapture + 1)
		return n, cl, tailNone
	}
	o := p.next()
	return p.call("...", &o, o.start, nil), matched, tailDot
}

// attribute reads @ and what it is applied to, which no dot belongs to: @a.b is (@a).b.
func (p *parser) attribute() (*Node, class, tail) {
	if !p.enter() {
		p.leave()
		return nil, matched, tailNone
	}
	defer p.leave()
	o := p.next()
	p.skip(tEol)
	var n *Node
	var cl class
	after := tailDot
	switch p.kind() {
	case tUnaryOp, tDualOp, tTernaryOp, tCaptureOp:
		n, cl = p.operand()
	case tAtOp:
		n, cl, after = p.attribute()
	case tEllipsisOp:
		n, cl, _ = p.ellipsis()
	default:
		bracket := p.kind() == tBracketIdent
		n, cl, after = p.primary()
		if bracket && n != nil { // @a[b] is (@a)[b]
			n = p.bracket(p.call("@", &o, o.start, p.args1(n)))
			return n, matched, tailBracket
		}
	}
	if n != nil && cl == unmatched {
		n, cl = p.operators(n, cl, 0)
	}
	if n == nil {
		return nil, matched, tailNone
	}
	n = p.call("@", &o, o.start, p.args1(n))
	if after == tailBracket && p.kind() != tLBracket {
		after = tailDot // @Foo is nothing that brackets may follow later
	}
	return n, cl, after
}

// tail tells what may follow an expression directly.
type tail uint8

const (
	tailNone    tail = iota // it has arguments without parentheses
	tailDot                 // a dot
	tailBracket             // a dot or brackets
)

// postfix reads what follows an expression without an operator: access by brackets, fields, calls.
func (p *parser) postfix(n *Node, cl class, tail tail) (*Node, class) {
	for n != nil && cl == matched && tail != tailNone {
		if int(n.height) > p.maxDepth {
			p.tooDeep()
			return nil, matched
		}
		switch k := p.kind(); {
		case k == tLBracket && tail == tailBracket:
			n = p.bracket(n)
		case k == tDot:
			n, cl, tail = p.member(n)
		case k == tDotCallOp:
			dot := p.next()
			fun := p.call(".", &dot, n.start, p.args1(n))
			n, cl = p.parens(callee{t: dot, fun: fun, start: n.start})
			tail = tailBracket
		default:
			p.simple = true
			return n, matched
		}
	}
	p.simple = false
	return n, cl
}
