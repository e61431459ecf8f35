package syntax

// elementsOf says what elements may stand between brackets.
type elementsOf uint8

const (
	callArgs      elementsOf = iota // keywords at the end are an argument; a comma at the end only behind them
	containerArgs                   // keywords at the end are an element
	listElements                    // keywords are elements like others
	accessArg
)

// within reads something in brackets, whatever stands around them.
func (p *parser) within(closer tokenKind, read func()) (ok bool) {
	c := p.context
	p.context = context{}
	p.opens[closer]++
	read()
	p.opens[closer]--
	p.context = c
	return p.close(closer)
}

// close takes what ends something, and tells whether it was there, with nothing before it that does not belong there.
func (p *parser) close(closer tokenKind) bool {
	for clean := true; ; clean = false {
		k := p.kind()
		if k == closer {
			p.next()
			return clean
		}
		p.unexpected()
		if k == tEOF || closers[k] && p.wanted(k) {
			return false
		}
		p.next()
	}
}

// elements puts what stands between brackets onto the stack, and tells whether they end.
func (p *parser) elements(closer tokenKind, of elementsOf) bool {
	p.next()
	p.skip(tEol)
	if p.kind() == closer {
		p.next()
		return of != accessArg || p.empty()
	}
	return p.within(closer, func() { p.readElements(closer, of) })
}

// empty refuses an access without a key.
func (p *parser) empty() bool {
	p.unexpected()
	return false
}

func (p *parser) readElements(closer tokenKind, of elementsOf) {
	base := len(p.stack)
	for {
		start := *p.cur()
		if p.isKw() {
			kwBase := len(p.stack)
			p.pairs(closer)
			if of == containerArgs && kwBase == base {
				p.failAt(&start, "unexpected keyword list inside a tuple or a bitstring. Did you mean to write a map (using %{...}) or a list (using [...]) instead?")
				p.stack = append(p.stack, p.unknown(start, kwBase))
			} else if of != listElements {
				kw := p.list(List, &start, p.take(kwBase))
				kw.flags |= isKeyword
				p.stack = append(p.stack, kw)
			}
			p.skip(tEol)
			return
		}
		n, cl := p.expr(0)
		if n != nil && cl == many && (of != callArgs || len(p.stack) > base) {
			p.failAt(&start, "unexpected comma. Parentheses are required to solve ambiguity in nested calls and containers")
			n = nil
		}
		if n == nil {
			n = p.skipElement(start, len(p.stack))
		}
		p.stack = append(p.stack, n)
		if !p.afterElement(start) {
			return
		}
		if p.kind() == closer {
			if of == callArgs {
				p.unexpected()
				u := p.unknown(start, len(p.stack)-1)
				p.stack = append(p.stack, u)
			}
			return
		}
	}
}

// skipElement makes an Unknown of an element that failed, up to the next comma.
func (p *parser) skipElement(start token, base int) *Node {
	p.stack = p.stack[:base]
	p.end = start.start
	p.skipTo(stopAtComma)
	return p.unknown(start, base)
}

// afterElement takes what stands behind an element, and tells whether more follow. What does not belong there makes the
// element Unknown.
func (p *parser) afterElement(start token) bool {
	for {
		switch k := p.kind(); {
		case k == tComma:
			p.next()
			return true
		case k == tEol && closers[p.peek()]:
			p.skip(tEol)
			return false
		case closers[k] && (k == tEOF || p.wanted(k)):
			return false
		}
		p.unexpected()
		p.skipTo(stopAtComma)
		top := len(p.stack) - 1
		if e := p.stack[top]; e.Kind == Tuple && e.Args[0].Bare() { // the key is known all the same
			value := e.Args[1]
			p.stack[top] = value
			e.Args[1] = p.unknown(token{line: value.line, col: value.col, start: value.start}, top)
			e.end = e.Args[1].end
			e.measure()
			p.stack = append(p.stack, e)
			continue
		}
		u := p.unknown(start, top)
		p.stack = append(p.stack, u)
	}
}

// pairs puts keywords onto the stack, up to what ends them.
func (p *parser) pairs(closer tokenKind) {
	for {
		start := *p.cur()
		base := len(p.stack)
		var n *Node
		if p.isKw() {
			n = p.pair(false)
		} else {
			p.failAt(p.cur(), "unexpected expression after keyword list. Keyword lists must always come last")
		}
		if n == nil {
			n = p.skipElement(start, base)
		}
		p.stack = append(p.stack, n)
		if !p.afterElement(start) || p.kind() == closer {
			return
		}
	}
}

func (p *parser) listLiteral() *Node {
	o := *p.cur()
	base := len(p.stack)
	if !p.elements(tRBracket, listElements) {
		return p.unknown(o, base)
	}
	return p.list(List, &o, p.take(base))
}

func (p *parser) tuple() *Node {
	o := *p.cur()
	base := len(p.stack)
	if !p.elements(tRCurly, containerArgs) {
		return p.unknown(o, base)
	}
	if len(p.stack) == base+2 {
		return p.list(Tuple, &o, p.take(base))
	}
	return p.call("{}", &o, o.start, p.take(base))
}

func (p *parser) bits() *Node {
	o := *p.cur()
	base := len(p.stack)
	if !p.elements(tRBit, containerArgs) {
		return p.unknown(o, base)
	}
	return p.call("<<>>", &o, o.start, p.take(base))
}
