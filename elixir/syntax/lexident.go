package syntax

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// name is what an identifier, an alias or an atom without quotes consists of.
type name struct {
	n      int // bytes
	wide   int // bytes more than characters
	upper  bool
	at     bool // has @
	marked bool // ends with ! or ?
	wrong  string
	unsure string // why Elixir might read it, and we do not
}

// word has the bytes that go on with an identifier.
var word = func() (t [256]bool) {
	for c := range t {
		b := byte(c)
		t[c] = isLower(b) || isUpper(b) || isDigit(b) || b == '_'
	}
	return t
}()

// name reads the name that begins at s.
func (l *lexer) name(s string) (n name) {
	i := 0
	for i < len(s) && word[s[i]] {
		i++
	}
	n.upper = i > 0 && isUpper(s[0])
	if i < len(s) && (s[i] >= utf8.RuneSelf || s[i] == '@') {
		return l.longName(s, i)
	}
	if i > 0 && i < len(s) && (s[i] == '!' || s[i] == '?') {
		n.marked = true
		i++
	}
	n.n = i
	if i > 255 {
		n.wrong = "atom length must be less than system limit"
	}
	return n
}

// longName reads a name that has @ or characters that are not ASCII in it.
func (l *lexer) longName(s string, i int) (n name) {
	n.upper = i > 0 && isUpper(s[0])
	letters := script(0)
	if strings.IndexFunc(s[:i], unicode.IsLetter) >= 0 {
		letters = latin
	}
	ascii := true
loop:
	for i < len(s) {
		c := s[i]
		switch {
		case word[c]:
			if !isDigit(c) && c != '_' {
				letters |= latin
			}
			i++
		case c == '@' && i > 0:
			n.at = true
			i++
		case (c == '!' || c == '?') && i > 0:
			n.marked = true
			i++
			break loop
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			sc, upper := scriptOf(r)
			if sc == 0 {
				if !maybeInName(r) {
					n.n, n.wrong = i+size, "unexpected token: "+strconv.QuoteRune(r)
					return n
				}
				n.unsure = limitRune + strconv.QuoteRune(r)
				upper = unicode.IsUpper(r) || unicode.IsTitle(r)
			}
			if i == 0 {
				n.upper = upper
			}
			ascii = false
			letters |= sc
			i += size
			n.wide += size - 1
		default:
			break loop
		}
	}
	n.n = i
	switch {
	case !ascii && letters&(letters-1) != 0 && letters != han|kana && letters != han|hangul:
		n.unsure = limitScripts
	case i-n.wide > 255:
		n.wrong = "atom length must be less than system limit"
	}
	return n
}

// maybeInName tells whether some version of Elixir might take a character in an identifier.
func maybeInName(r rune) bool {
	if unicode.In(r, unicode.Pc, unicode.Nd, unicode.Nl, unicode.Other_ID_Start, unicode.Other_ID_Continue) {
		return true
	}
	return !unicode.In(r, unicode.Z, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.P, unicode.S, unicode.No, unicode.Me)
}

// sure notes that a name is not read, if so, on the token that has it.
func (l *lexer) sure(n *name) {
	if n.unsure != "" {
		t := &l.toks[len(l.toks)-1]
		t.unsure = n.unsure
		l.errors.add(int(t.start), t.line, t.col, n.unsure)
	}
}

// script is a set of scripts.
type script uint8

const (
	latin script = 1 << iota
	greek
	cyrillic
	han
	hangul
	kana
)

// scriptOf gives the script of a character that is surely allowed in identifiers: a letter of everyday use, that is its own
// normal form. 0 is any other.
func scriptOf(r rune) (s script, upper bool) {
	switch {
	case r >= 0xC0 && r <= 0xFF && r != 0xD7 && r != 0xF7,
		r >= 0x100 && r <= 0x131, r >= 0x134 && r <= 0x137, r >= 0x139 && r <= 0x13E, r >= 0x141 && r <= 0x148, r >= 0x14A && r <= 0x17E:
		s = latin
	case r == 0x386 || r >= 0x388 && r <= 0x3CE && r != 0x38B && r != 0x38D && r != 0x3A2:
		s = greek
	case r == 0x401 || r == 0x451 || r >= 0x410 && r <= 0x44F:
		s = cyrillic
	case r >= 0x4E00 && r <= 0x9FA5:
		s = han
	case r >= 0xAC00 && r <= 0xD7A3:
		s = hangul
	case r >= 0x3041 && r <= 0x3094 || r >= 0x30A1 && r <= 0x30FA:
		s = kana
	}
	return s, s != 0 && unicode.IsUpper(r)
}

// atom reads an atom without quotes, from its colon on.
func (l *lexer) atom() {
	s := l.src[l.pos+1:]
	n := l.name(s)
	switch {
	case n.wrong != "":
		l.fail(1+n.n, n.wrong)
	case n.n == 0 || isDigit(s[0]):
		l.fail(1, `unexpected token: ":"`)
	default:
		l.push(tAtom, 1+n.n, s[:n.n])
		l.bol += n.wide
		l.sure(&n)
	}
}

// keywords are the names that are tokens of their own.
func keyword(s string) tokenKind {
	switch s {
	case "do":
		return tDo
	case "end":
		return tEnd
	case "fn":
		return tFn
	case "true":
		return tTrue
	case "false":
		return tFalse
	case "nil":
		return tNil
	case "not":
		return tUnaryOp
	case "and":
		return tAndOp
	case "or":
		return tOrOp
	case "in":
		return tInOp
	case "when":
		return tWhenOp
	case "after", "else", "catch", "rescue":
		return tBlockIdent
	}
	return tEOF
}

// identifier reads a name without a colon before it.
func (l *lexer) identifier() {
	rest := l.rest()
	n := l.name(rest)
	switch {
	case n.n == 0:
		l.unexpected()
		return
	case n.wrong != "":
		l.fail(n.n, n.wrong)
		return
	}
	text := rest[:n.n]
	after := l.at(n.n)
	if after == ':' && isSpace(l.at(n.n+1)) {
		l.push(tKw, n.n, text)
		l.pos++
		l.toks[len(l.toks)-1].end++
		l.bol += n.wide
		l.sure(&n)
		return
	}
	double := after == ':' && l.at(n.n+1) == ':'
	if len(text) <= 6 && (after != ':' || double) && l.last() != tDot {
		if k := keyword(text); k != tEOF {
			l.keyword(k, text)
			return
		}
	}
	switch {
	case after == ':' && !double:
		l.fail(n.n+1, "keyword argument must be followed by space after: "+text+":")
	case n.at:
		l.fail(n.n, `invalid character "@" in identifier: `+text)
	case text == "__aliases__" || text == "__block__":
		l.fail(n.n, "reserved token: "+text)
	case n.upper && (n.wide > 0 || n.marked):
		l.fail(n.n, "invalid character in alias (only ASCII characters, without punctuation, are allowed): "+text)
	case n.upper:
		l.push(tAlias, n.n, text)
	default:
		l.pushIdent(n.n, text)
		l.bol += n.wide
		l.sure(&n)
	}
}

// keyword adds a token for a name that is one of its own.
func (l *lexer) keyword(k tokenKind, text string) {
	n := len(text)
	switch k {
	case tDo:
		if l.last() == tIdent {
			l.toks[len(l.toks)-1].kind = tDoIdent
		}
		switch l.last() {
		case tComma, tSemi, tFn:
			l.fail(n, "unexpected reserved word: do")
			return
		}
		l.dropEol()
		l.push(tDo, n, text)
	case tUnaryOp, tAndOp, tOrOp, tInOp, tWhenOp:
		switch {
		case l.at(l.blankFrom(n)) == '/':
			l.push(tIdent, n, text)
		case k == tUnaryOp:
			l.push(k, n, text)
		case k == tInOp && l.last() == tUnaryOp && l.toks[len(l.toks)-1].text == "not":
			not := &l.toks[len(l.toks)-1]
			not.kind, not.text, not.line2, not.col2, not.end = tInOp, "not in", l.line, l.col(), int32(l.pos+n)
			l.pos += n
			if i := len(l.toks) - 1; i > 0 && l.toks[i-1].kind == tEol {
				l.toks[i-1] = l.toks[i]
				l.toks = l.toks[:i]
			}
		default:
			l.dropEol()
			l.push(k, n, text)
		}
	default:
		l.push(k, n, text)
	}
}

// unexpected refuses the character that is next.
func (l *lexer) unexpected() {
	r, size := utf8.DecodeRuneInString(l.rest())
	l.fail(size, "unexpected token: "+strconv.QuoteRune(r))
}

// number reads an integer or a float.
func (l *lexer) number() {
	rest := l.rest()
	if rest[0] == '0' && len(rest) > 2 {
		base := -1
		switch rest[1] {
		case 'x':
			base = 16
		case 'o':
			base = 8
		case 'b':
			base = 2
		}
		if d, ok := hexDigit(rest[2]); ok && base > 0 && int(d) < base {
			n := 3
			for n < len(rest) {
				i := n
				if rest[i] == '_' && i+1 < len(rest) {
					i++
				}
				if d, ok := hexDigit(rest[i]); !ok || int(d) >= base {
					break
				}
				n = i + 1
			}
			l.push(tInt, n, rest[:n])
			return
		}
	}
	n := decimal(rest, 1)
	kind := tInt
	if n+1 < len(rest) && rest[n] == '.' && isDigit(rest[n+1]) {
		kind = tFlt
		n = decimal(rest, n+2)
		if n < len(rest) && rest[n]|0x20 == 'e' {
			i := n + 1
			if i < len(rest) && (rest[i] == '+' || rest[i] == '-') {
				i++
			}
			if i < len(rest) && isDigit(rest[i]) {
				n = decimal(rest, i+1)
			}
		}
	}
	if n < len(rest) && (isLower(rest[n]) || isUpper(rest[n]) || rest[n] == '_') {
		l.fail(n, "invalid character "+strconv.Quote(rest[n:n+1])+" after number "+rest[:n])
		return
	}
	if kind == tFlt {
		if f, err := strconv.ParseFloat(strings.ReplaceAll(rest[:n], "_", ""), 64); err != nil || math.IsInf(f, 0) {
			l.fail(n, "invalid float number "+rest[:n])
			return
		}
	}
	l.push(kind, n, rest[:n])
}

// decimal passes over digits with underscores between them.
func decimal(s string, i int) int {
	for i < len(s) {
		switch {
		case isDigit(s[i]):
			i++
		case s[i] == '_' && i+1 < len(s) && isDigit(s[i+1]):
			i += 2
		default:
			return i
		}
	}
	return i
}
