package syntax

import "unicode/utf8"

// plainString makes a node of a string without interpolation.
func (p *parser) plainString() *Node {
	t := p.next()
	switch t.sub {
	case strList:
		if !utf8.ValidString(t.text) {
			p.failAt(&t, "invalid encoding in charlist")
			return nil
		}
		return p.leaf(Charlist, &t, t.text)
	case strSigil:
		return p.sigilNode(&t, p.args1(p.leaf(String, &t, t.text)))
	}
	return p.leaf(String, &t, t.text)
}

// sigilNode makes the call that a sigil is.
func (p *parser) sigilNode(t *token, parts []*Node) *Node {
	content := p.call("<<>>", t, t.start, parts)
	modifiers := p.leaf(Charlist, t, t.more)
	modifiers.start = t.end - int32(len(t.more))
	// The name stands between the tilde and the delimiter.
	n := int32(2)
	for c := p.src[t.start+n]; isUpper(c) || isDigit(c); c = p.src[t.start+n] {
		n++
	}
	return p.call("sigil_"+p.src[t.start+1:t.start+n], t, t.start, p.args2(content, modifiers))
}

// interpolated reads a string, an atom, a key or a sigil with interpolation.
func (p *parser) interpolated() *Node {
	t := p.next()
	// A charlist's parts are not converted by ::, and its quote is that of its source.
	charlist := t.sub == strList
	base := len(p.stack)
	for {
		part := p.next()
		switch part.kind {
		case tStrPart:
			p.stack = append(p.stack, p.leaf(String, &part, part.text))
			continue
		case tInterpBegin:
			n := p.embedded(&part, charlist)
			p.stack = append(p.stack, n)
			continue
		}
		break
	}
	parts := p.take(base)
	switch t.sub {
	case strSigil:
		return p.sigilNode(&t, parts)
	case strList:
		content := p.list(List, &t, parts)
		fun := p.call(".", &t, t.start, p.args2(p.implicit("Elixir.List", &t), p.implicit("to_charlist", &t)))
		return p.invoke(&callee{t: t, fun: fun, start: t.start}, p.args1(content))
	case strAtom, strKeyword:
		content := p.call("<<>>", &t, t.start, parts)
		fun := p.call(".", &t, t.start, p.args2(p.implicit("erlang", &t), p.implicit("binary_to_atom", &t)))
		n := p.invoke(&callee{t: t, fun: fun, start: t.start}, p.args2(content, p.implicit("utf8", &t)))
		n.flags |= quoted
		return n
	}
	return p.call("<<>>", &t, t.start, parts)
}

// embedded reads what stands in #{}, and makes what turns it into text.
func (p *parser) embedded(t *token, charlist bool) *Node {
	c, opens := p.context, p.opens
	p.context, p.opens = context{}, [tKinds]int32{tInterpEnd: 1} // nothing in it ends what is around the string
	form := p.block(tInterpEnd)
	if !p.close(tInterpEnd) {
		p.stack = append(p.stack, form)
		form = p.unknown(*t, len(p.stack)-1)
	}
	p.context, p.opens = c, opens
	fun := p.call(".", t, t.start, p.args2(p.implicit("Elixir.Kernel", t), p.implicit("to_string", t)))
	n := p.invoke(&callee{t: *t, fun: fun, start: t.start}, p.args1(form))
	if charlist {
		return n
	}
	binary := p.leaf(Variable, t, "binary")
	binary.flags, binary.end = 0, t.start
	return p.call("::", t, t.start, p.args2(n, binary))
}
