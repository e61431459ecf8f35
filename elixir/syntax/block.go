package syntax

// file reads all of the source.
func (p *parser) file() *Node {
	n := p.block(tEOF)
	n.start, n.end = min(n.start, n.end), max(n.start, n.end)
	return n
}

// block reads expressions up to what ends them, which it does not take.
func (p *parser) block(closer tokenKind) *Node {
	start := *p.cur()
	p.skipEoe()
	base := len(p.stack)
	p.items(closer, (*parser).statement)
	meta := token{start: start.start}
	if len(p.stack) == base {
		switch {
		case p.v >= 20:
			meta.line, meta.col = 1, 1
		case start.kind == tEol || start.kind == tSemi:
			meta = start
		}
	}
	return p.buildBlock(base, meta)
}

// statement reads one expression of a block.
func (p *parser) statement() *Node {
	n, _ := p.expr(0)
	return n
}

// items puts expressions onto the stack, with what ends them between, up to a token that ends something around them.
func (p *parser) items(closer tokenKind, read func(*parser) *Node) {
	for {
		start := *p.cur()
		if closers[start.kind] {
			if start.kind == closer || start.kind == tEOF || p.wanted(start.kind) {
				return
			}
			p.unexpected() // it ends nothing
			p.next()
			p.stack = append(p.stack, p.unknown(start, len(p.stack)))
			p.skipEoe()
			continue
		}
		base := len(p.stack)
		n := read(p)
		if p.several {
			return
		}
		if n == nil {
			p.stack = p.stack[:base]
			p.end = start.start
			if k := p.kind(); k == start.kind && p.cur().start == start.start && !stopAtLine(k) {
				p.next()
			}
			p.skipTo(stopAtLine)
			n = p.unknown(start, base)
		}
		p.stack = append(p.stack, n)
		for !p.skipEoe() {
			if k := p.kind(); closers[k] && (k == closer || k == tEOF || p.wanted(k)) {
				break
			}
			p.unexpected()
			p.next()
			p.skipTo(stopAtLine)
			u := p.unknown(start, base)
			p.stack = append(p.stack, u)
		}
	}
}

// buildBlock makes one expression of those on the stack. meta is where Elixir says that the block is; line 0 is nowhere.
func (p *parser) buildBlock(base int, meta token) *Node {
	if len(p.stack) == base+1 {
		n := p.stack[base]
		splice := n.Kind == Call && n.Fun == nil && n.Text == "unquote_splicing" && len(n.Args) == 1
		if !splice && (p.v >= 15 || !negates(n)) {
			p.stack = p.stack[:base]
			return n
		}
	}
	return p.blockNode(p.take(base), meta)
}

func (p *parser) blockNode(items []*Node, meta token) *Node {
	n := p.node(Call)
	n.Text, n.Args = "__block__", items
	n.line, n.col, n.start, n.end = meta.line, meta.col, meta.start, meta.start
	if len(items) > 0 {
		n.start, n.end = items[0].start, items[len(items)-1].end
	}
	if meta.line == 0 {
		n.flags |= noMeta
		if len(items) > 0 {
			n.line, n.col = items[0].line, items[0].col
		}
	}
	n.measure()
	return n
}

// isClause tells whether a node is a clause of a fn, a case or the like.
func isClause(n *Node) bool { return n.Kind == Call && n.Text == "->" && n.Fun == nil }

// stabs reads expressions or clauses up to what ends them, and makes one expression, or a list of clauses.
func (p *parser) stabs(closer tokenKind, meta token, paren bool) (n *Node, clauses bool) {
	base := len(p.stack)
	p.items(closer, (*parser).stab)
	if p.several {
		return nil, false
	}
	items := p.stack[base:]
	clauses = len(items) > 0 && isClause(items[0])
	if !clauses {
		for i, n := range items {
			if isClause(n) {
				p.failAt(&token{start: n.start, line: n.line, col: n.col}, "unexpected operator ->. If you want to define multiple clauses, the first expression must use ->")
				items[i] = p.unknown(token{start: n.start, line: n.line, col: n.col}, len(p.stack))
			}
		}
		if paren && p.v >= 15 && len(items) == 1 && negates(items[0]) {
			return p.blockNode(p.take(base), token{start: meta.start}), false
		}
		n = p.buildBlock(base, meta)
		if paren && p.v < 15 && n.flags&noMeta != 0 && n.Kind == Call && n.Text == "__block__" {
			n.line, n.col, n.flags = meta.line, meta.col, n.flags&^noMeta
		}
		return n, false
	}
	// Expressions behind a clause belong to its body.
	first := token{line: items[0].line, col: items[0].col, start: items[0].start}
	out := base
	for i := base; i < len(p.stack); {
		clause := p.stack[i]
		j := i + 1
		for j < len(p.stack) && !isClause(p.stack[j]) {
			j++
		}
		p.body(clause, p.stack[i+1:j])
		p.stack[out] = clause
		out++
		i = j
	}
	p.stack = p.stack[:out]
	n = p.list(List, &first, p.take(base))
	n.flags |= isKeyword
	return n, true
}

// body gives a clause the expressions that follow it.
func (p *parser) body(clause *Node, more []*Node) {
	base := len(p.stack)
	p.stack = append(p.stack, clause.Args[1])
	p.stack = append(p.stack, more...)
	b := p.buildBlock(base, token{start: clause.Args[1].start})
	clause.Args[1] = b
	clause.end = max(clause.end, b.end)
	clause.measure()
}

// paren reads an expression in parentheses that is no clause's arguments.
func (p *parser) paren() *Node {
	open := p.next()
	p.skip(tEol)
	if p.kind() == tRParen {
		p.next()
		n := p.blockNode(nil, token{start: open.start})
		n.line, n.col, n.end = open.line, open.col, p.end
		return n
	}
	base := len(p.stack)
	var n *Node
	closed := p.within(tRParen, func() {
		p.skip(tSemi)
		n, _ = p.stabs(tRParen, open, true)
	})
	if !closed {
		p.stack = append(p.stack, n)
		return p.unknown(open, base)
	}
	n.start, n.end = open.start, p.end
	return n
}

// fn reads an anonymous function.
func (p *parser) fn() *Node {
	open := p.next()
	p.skipEoe()
	base := len(p.stack)
	var n *Node
	var clauses bool
	closed := p.within(tEnd, func() { n, clauses = p.stabs(tEnd, open, false) })
	if closed && clauses {
		return p.call("fn", &open, open.start, n.Args)
	}
	if closed {
		p.failAt(&open, "expected anonymous functions to be defined with -> inside: fn")
	}
	p.stack = append(p.stack, n)
	return p.unknown(open, base)
}

// doBlock reads the blocks of a call, as the keywords that they are. The second result tells whether they end.
func (p *parser) doBlock() (*Node, bool) {
	do := *p.cur()
	key := do
	base := len(p.stack)
	p.opens[tBlockIdent]++
	closed := p.within(tEnd, func() {
		meta := token{}
		if p.v >= 20 {
			meta = do
		}
		for {
			name := p.leaf(Atom, &key, key.text)
			p.next()
			p.skipEoe()
			meta.start = p.cur().start
			body, _ := p.stabs(tEnd, meta, false)
			pair := p.list(Tuple, &key, p.args2(name, body))
			p.stack = append(p.stack, pair)
			if p.kind() != tBlockIdent {
				return
			}
			key, meta = *p.cur(), token{}
		}
	})
	p.opens[tBlockIdent]--
	n := p.list(List, &do, p.take(base))
	n.flags |= isKeyword
	return n, closed
}
