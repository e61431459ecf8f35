package syntax

// sigil reads ~s(...) and the like.
func (l *lexer) sigil() {
	n := 2
	first := l.at(1)
	if isUpper(first) && l.v >= 15 {
		for isUpper(l.at(n)) || isDigit(l.at(n)) && l.v >= 17 {
			n++
		}
	}
	if l.v >= 15 && isLower(l.at(n)) {
		l.fail(n, "invalid sigil name")
		return
	}
	c := l.at(n)
	s := str{kind: strSigil, delim: c, interpolates: isLower(first)}
	switch c {
	case '"', '\'':
		if l.at(n+1) == c && l.at(n+2) == c {
			l.openHeredoc(s, n+3)
			return
		}
	case '/', '|':
	case '(':
		s.delim = ')'
	case '[':
		s.delim = ']'
	case '{':
		s.delim = '}'
	case '<':
		s.delim = '>'
	default:
		l.fail(n, "invalid sigil delimiter")
		return
	}
	if n > 250 {
		l.fail(n, "atom length must be less than system limit")
		return
	}
	l.str(s, n+1)
}

// modifiers passes over the letters behind a sigil.
func (l *lexer) modifiers() string {
	i := l.pos
	for isLower(l.at(0)) || isUpper(l.at(0)) || isDigit(l.at(0)) {
		l.pos++
	}
	return l.src[i:l.pos]
}
