package syntax

import "strings"

// three, two and one give the kind of an operator by its characters.
func three(s string) (tokenKind, bool) {
	switch s {
	case "~~~":
		return tUnaryOp, true
	case "...":
		return tEllipsisOp, true
	case "===", "!==":
		return tCompOp, true
	case "&&&":
		return tAndOp, true
	case "|||":
		return tOrOp, true
	case "^^^":
		return tXorOp, true
	case "+++", "---":
		return tConcatOp, true
	case "<<<", ">>>", "~>>", "<<~", "<~>", "<|>":
		return tArrowOp, true
	}
	return 0, false
}

func two(s string) (tokenKind, bool) {
	switch s {
	case "//":
		return tTernaryOp, true
	case "**":
		return tPowerOp, true
	case "..":
		return tRangeOp, true
	case "++", "--", "<>":
		return tConcatOp, true
	case "|>", "~>", "<~":
		return tArrowOp, true
	case "==", "=~", "!=":
		return tCompOp, true
	case "<=", ">=":
		return tRelOp, true
	case "&&":
		return tAndOp, true
	case "||":
		return tOrOp, true
	case "<-", `\\`:
		return tInMatchOp, true
	case "::":
		return tTypeOp, true
	case "->":
		return tStabOp, true
	}
	return 0, false
}

func one(c byte) (tokenKind, bool) {
	switch c {
	case '@':
		return tAtOp, true
	case '!', '^':
		return tUnaryOp, true
	case '&':
		return tCaptureOp, true
	case '<', '>':
		return tRelOp, true
	case '+', '-':
		return tDualOp, true
	case '*', '/':
		return tMultOp, true
	case '=':
		return tMatchOp, true
	case '|':
		return tPipeOp, true
	}
	return 0, false
}

// operator reads an operator, << or >>.
func (l *lexer) operator(c byte) {
	rest := l.rest()
	switch c {
	case '<':
		if l.pos == l.bol && strings.HasPrefix(rest, "<<<<<<<") {
			l.fail(7, "found an unexpected version control marker, please resolve the conflicts")
			return
		}
		if strings.HasPrefix(rest, "<<>>:") && isSpace(l.at(5)) {
			l.push(tKw, 4, "<<>>")
			l.pos++
			return
		}
	case '~':
		if isLower(l.at(1)) || isUpper(l.at(1)) {
			l.sigil()
			return
		}
	case '=':
		if l.at(1) == '>' {
			l.dropEol()
			l.push(tAssocOp, 2, "=>")
			return
		}
	}
	if len(rest) >= 3 {
		if k, ok := three(rest[:3]); ok {
			l.op(k, 3)
			return
		}
	}
	if len(rest) >= 2 {
		switch rest[:2] {
		case "<<":
			l.push(tLBit, 2, "<<")
			return
		case ">>":
			l.push(tRBit, 2, ">>")
			return
		case "//":
			l.dropEol()
			l.push(tTernaryOp, 2, "//")
			return
		}
		if k, ok := two(rest[:2]); ok {
			l.op(k, 2)
			return
		}
	}
	if k, ok := one(c); ok {
		l.op(k, 1)
		return
	}
	l.unexpected()
}

// op adds an operator of n bytes, which is a key before a colon and an identifier before a slash, as in &+/2.
func (l *lexer) op(k tokenKind, n int) {
	if l.at(n) == ':' && isSpace(l.at(n+1)) {
		l.push(tKw, n, l.src[l.pos:l.pos+n])
		l.pos++
		return
	}
	i := len(l.toks)
	l.push(k, n, l.src[l.pos:l.pos+n])
	l.skipBlanks()
	if l.at(0) == '/' {
		l.toks[i].kind = tIdent
		return
	}
	switch k {
	case tUnaryOp, tEllipsisOp, tAtOp, tDualOp: // these may begin an expression on a line of their own
	default:
		if i > 0 && l.toks[i-1].kind == tEol {
			l.toks[i-1] = l.toks[i]
			l.toks = l.toks[:i]
		}
	}
}

func (l *lexer) ampersand() {
	rest := l.rest()
	if strings.HasPrefix(rest, "&:") && isSpace(l.at(2)) {
		l.push(tKw, 1, "&")
		l.pos++
		return
	}
	if strings.HasPrefix(rest, "&&") {
		l.operator('&')
		return
	}
	k := tCaptureOp
	if isDigit(l.at(1)) && l.v >= 15 {
		k = tCaptureInt
	} else if i := l.blankFrom(1); l.at(i) == '/' && l.at(l.blankFrom(i+1)) != '/' {
		k = tIdent
	}
	l.push(k, 1, "&")
}

// blankFrom gives the place of the first byte from i on that is no blank.
func (l *lexer) blankFrom(i int) int {
	for {
		switch {
		case isBlank(l.at(i)):
			i++
		case l.v >= 20 && l.at(i) == '\\' && l.at(i+1) == '\n' && l.pos+i+2 < len(l.src):
			i += 2
		case l.v >= 20 && l.at(i) == '\\' && l.at(i+1) == '\r' && l.at(i+2) == '\n' && l.pos+i+3 < len(l.src):
			i += 3
		default:
			return i
		}
	}
}

// colon reads an atom, or ::.
func (l *lexer) colon() {
	rest := l.rest()
	c := l.at(1)
	switch {
	case c == '"' || c == '\'':
		l.str(str{kind: strAtom, delim: c, interpolates: true, unescapes: true}, 2)
		return
	case isLower(c) || isUpper(c) || c == '_':
		l.atom()
		return
	case strings.HasPrefix(rest, ":::"):
		l.push(tAtom, 3, "::")
		return
	case c == ':':
		l.op(tTypeOp, 2)
		return
	}
	for _, name := range [...]string{"<<>>", "%{}", "%", "{}", "..//"} {
		if strings.HasPrefix(rest[1:], name) {
			l.push(tAtom, 1+len(name), name)
			return
		}
	}
	if len(rest) >= 4 {
		if _, ok := three(rest[1:4]); ok {
			l.push(tAtom, 4, rest[1:4])
			return
		}
	}
	if len(rest) >= 3 {
		if _, ok := two(rest[1:3]); ok && rest[1:3] != "//" {
			l.push(tAtom, 3, rest[1:3])
			return
		}
	}
	if _, ok := one(c); ok || c == '.' {
		l.push(tAtom, 2, rest[1:2])
		return
	}
	l.atom()
}

// dots reads a dot, .. or ...
func (l *lexer) dots() {
	rest := l.rest()
	switch {
	case l.at(1) == ':' && isSpace(l.at(2)):
		l.push(tKw, 1, ".")
		l.pos++
	case strings.HasPrefix(rest, "..//:") && isSpace(l.at(5)):
		l.push(tKw, 4, "..//")
		l.pos++
	case strings.HasPrefix(rest, "..//"):
		if l.at(l.blankFrom(4)) != '/' {
			l.fail(4, `unexpected token: "."`)
			return
		}
		l.push(tIdent, 4, "..//")
		l.skipBlanks()
	case strings.HasPrefix(rest, "..."):
		if l.v >= 17 {
			l.op(tEllipsisOp, 3)
			return
		}
		if l.at(3) == ':' && isSpace(l.at(4)) {
			l.push(tKw, 3, "...")
			l.pos++
			return
		}
		l.pushIdent(3, "...")
	case l.at(1) == '.':
		l.op(tRangeOp, 2)
	default:
		l.dot()
	}
}

// dot reads a dot and what has to follow it at once, with blanks, lines and comments between them.
func (l *lexer) dot() {
	l.dropEol()
	i := len(l.toks)
	l.push(tDot, 1, ".")
	for {
		l.skipBlanks()
		switch {
		case l.at(0) == '#':
			l.comment()
			if l.last() == tError {
				return
			}
			continue
		case l.at(0) == '\n':
			l.pos++
			l.nextLine()
			continue
		case l.at(0) == '\r' && l.at(1) == '\n':
			l.pos += 2
			l.nextLine()
			continue
		}
		break
	}
	rest, c := l.rest(), l.at(0)
	if len(rest) >= 3 {
		if k, ok := three(rest[:3]); ok && k != tEllipsisOp {
			l.pushIdent(3, rest[:3])
			return
		}
	}
	if len(rest) >= 2 {
		if k, ok := two(rest[:2]); ok && k != tTernaryOp && k != tStabOp && (k != tRangeOp || l.v < 17) {
			l.pushIdent(2, rest[:2])
			return
		}
	}
	if _, ok := one(c); ok {
		l.pushIdent(1, rest[:1])
		return
	}
	switch c {
	case '(':
		l.toks[i].kind = tDotCallOp
	case '"', '\'':
		l.str(str{kind: strQuotedCall, delim: c, interpolates: true, unescapes: l.v >= 18}, 1)
	}
}

// pushIdent adds an identifier of n bytes that is ASCII.
func (l *lexer) pushIdent(n int, name string) {
	k := tIdent
	switch l.at(n) {
	case '(':
		k = tParenIdent
	case '[':
		k = tBracketIdent
	}
	l.push(k, n, name)
}
