package syntax

// stab reads an expression, or a clause.
func (p *parser) stab() *Node {
	if !p.enter() {
		p.leave()
		return nil
	}
	defer p.leave()
	start := *p.cur()
	base := len(p.stack)
	switch {
	case start.kind == tStabOp:
		return p.clause(start.start, base)
	case start.kind == tLParen:
		return p.parenStab()
	case p.isKw():
		kw := p.kwArgs()
		if kw == nil {
			return nil
		}
		p.stack = append(p.stack, kw)
		return p.args(start.start, base)
	}
	n, cl := p.expr(0)
	return p.afterFirst(n, cl, start.start)
}

// afterFirst goes on behind the first expression of what may be a clause.
func (p *parser) afterFirst(n *Node, cl class, start int32) *Node {
	k := p.kind()
	if n == nil || k != tStabOp && k != tComma {
		return n
	}
	base := len(p.stack)
	if cl == unmatched || cl == many && k == tComma {
		p.unexpected()
		return nil
	}
	p.stack = append(p.stack, n)
	if k == tComma {
		p.next()
		noDo := p.noDo
		p.noDo = true
		_, ok := p.bareArgs(base - 1) // which refuses nested calls, since there is an argument before
		p.noDo = noDo
		if !ok {
			p.stack = p.stack[:base]
			return nil
		}
	}
	return p.args(start, base)
}

// args makes a clause of the arguments on the stack.
func (p *parser) args(start int32, base int) *Node {
	if k := p.kind(); k != tStabOp {
		if p.severalAt == base+1 && (k == tRParen || k == tEol && p.peek() == tRParen) {
			p.several = true
			return nil
		}
		p.unexpected()
		p.stack = p.stack[:base]
		return nil
	}
	if len(p.stack) == base+1 {
		// Parentheses around unquote_splicing make a block of it, which arguments are not.
		if n := p.stack[base]; n.Kind == Call && n.Fun == nil && n.Text == "__block__" && len(n.Args) == 1 && n.Args[0].Text == "unquote_splicing" && n.Args[0].Fun == nil && n.Args[0].Kind == Call {
			p.stack[base] = n.Args[0]
		}
	}
	if last := p.stack[len(p.stack)-1]; last.Kind == Call && last.Text == "when" && last.Fun == nil && len(last.Args) == 2 {
		// A guard is that of all arguments.
		p.stack = append(p.stack[:len(p.stack)-1], last.Args...)
		at := token{line: last.line, col: last.col}
		when := p.call("when", &at, start, p.take(base))
		p.stack = append(p.stack, when)
	}
	return p.clause(start, base)
}

// clause reads -> and what follows, for the arguments on the stack.
func (p *parser) clause(start int32, base int) *Node {
	at := *p.cur()
	args := p.list(List, &at, p.take(base))
	args.start = start
	if len(args.Args) == 0 {
		args.end = start
	}
	args.flags |= isKeyword
	o := p.next()
	p.skip(tEol)
	var body *Node
	switch k := p.kind(); {
	case closers[k], k == tEol, k == tSemi:
		body = p.implicit("nil", &o)
		body.start, body.end = o.end, o.end
	default:
		if body, _ = p.expr(0); body == nil {
			return nil
		}
	}
	return p.call("->", &o, start, p.args2(args, body))
}

// parenStab reads an expression or a clause that begins with a parenthesis.
func (p *parser) parenStab() *Node {
	open := p.next()
	p.skip(tEol)
	base := len(p.stack)
	if p.kind() == tRParen {
		p.next()
		empty := p.blockNode(nil, token{start: open.start})
		empty.end, empty.line, empty.col = p.end, open.line, open.col
		switch p.kind() {
		case tStabOp:
			return p.clause(open.start, base)
		case tWhenOp:
			return p.guarded(open.start, base)
		}
		return p.onward(empty, open.start)
	}
	var n *Node
	closed := p.within(tRParen, func() {
		if !p.skip(tSemi) {
			p.severalAt = base + 1
		}
		n, _ = p.stabs(tRParen, open, true)
		p.skip(tEol)
	})
	several := p.several
	p.several = false
	switch {
	case !closed:
		if n != nil {
			p.stack = append(p.stack, n)
		}
		return p.unknown(open, base)
	case !several:
		n.start, n.end = open.start, p.end
		return p.onward(n, open.start)
	}
	switch p.kind() {
	case tStabOp:
		return p.clause(open.start, base) // a guard within is one of the last argument alone: (a, b when c) -> d
	case tWhenOp:
		return p.guarded(open.start, base)
	}
	p.unexpected()
	p.stack = p.stack[:base]
	return nil
}

// guarded reads a clause from its guard on, for the arguments on the stack, which stood in parentheses.
func (p *parser) guarded(start int32, base int) *Node {
	o := p.next()
	guard, _ := p.expr(0)
	if guard == nil || p.kind() != tStabOp {
		if guard != nil {
			p.unexpected()
		}
		p.stack = p.stack[:base]
		return nil
	}
	p.stack = append(p.stack, guard)
	when := p.call("when", &o, start, p.take(base))
	p.stack = append(p.stack, when)
	return p.clause(start, base)
}

// onward goes on with an expression that begins with n.
func (p *parser) onward(n *Node, start int32) *Node {
	n, cl := p.postfix(n, matched, tailBracket)
	if n == nil {
		return nil
	}
	n, cl = p.operators(n, cl, 0)
	return p.afterFirst(n, cl, start)
}
