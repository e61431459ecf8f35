package syntax

import (
	"strings"
	"unicode/utf8"
)

// lexer cuts source into tokens. They go to a buffer, because what a token is depends on the next one: a newline is
// dropped before an operator, and an identifier is another kind of token before "do" or " -1". So the last token of the
// buffer is not settled, nor is any behind the beginning of a string that is still open.
type lexer struct {
	src    string
	pos    int
	bol    int // so that pos-bol+1 is the column: where the line begins, and more by what was longer than a character
	line   int32
	v      Version
	toks   []token
	open   []openString
	retry  int  // how often an unterminated string may be read again as one that ends with its line
	ended  bool // the end was seen
	errors *errorList
}

// openString is a string inside of whose interpolation the lexer is.
type openString struct {
	str
	curly int // how many { are open in the interpolation
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isDigit(c byte) bool { return c-'0' < 10 }
func isLower(c byte) bool { return c-'a' < 26 }
func isUpper(c byte) bool { return c-'A' < 26 }

// at gives the byte i places further on, or 0 behind the end.
func (l *lexer) at(i int) byte {
	if l.pos+i < len(l.src) {
		return l.src[l.pos+i]
	}
	return 0
}

func (l *lexer) rest() string { return l.src[l.pos:] }

func (l *lexer) col() int32 { return int32(l.pos - l.bol + 1) }

// push adds a token of the next n bytes and passes over them.
func (l *lexer) push(k tokenKind, n int, text string) *token {
	l.toks = append(l.toks, token{kind: k, line: l.line, col: l.col(), start: int32(l.pos), end: int32(l.pos + n), text: text})
	l.pos += n
	return &l.toks[len(l.toks)-1]
}

// last gives the kind of the last token; tEOF where there is none.
func (l *lexer) last() tokenKind {
	if len(l.toks) == 0 {
		return tEOF
	}
	return l.toks[len(l.toks)-1].kind
}

// dropEol takes a newline before an operator back.
func (l *lexer) dropEol() {
	if l.last() == tEol {
		l.toks = l.toks[:len(l.toks)-1]
	}
}

// fail adds a token that says what is wrong with the next n bytes. Elixir refuses the whole file for it.
func (l *lexer) fail(n int, msg string) {
	t := l.push(tError, n, msg)
	l.bol += n - utf8.RuneCountInString(l.src[l.pos-n:l.pos])
	l.errors.add(int(t.start), t.line, t.col, msg)
}

// step reads on by at least one token, or to the end.
func (l *lexer) step() {
	if l.pos >= len(l.src) {
		l.eof()
		return
	}
	c := l.src[l.pos]
	switch {
	case c == ' ' || c == '\t':
		l.blanks()
	case isLower(c) || isUpper(c) || c == '_':
		l.identifier()
	case isDigit(c):
		l.number()
	case c >= utf8.RuneSelf:
		l.identifier()
	default:
		l.mark(c)
	}
}

// mark reads what begins with neither letter nor digit.
func (l *lexer) mark(c byte) {
	switch c {
	case '\n':
		l.newline(1)
	case '\r':
		if l.at(1) == '\n' {
			l.newline(2)
		} else {
			l.fail(1, "unexpected token: carriage return")
		}
	case '#':
		l.comment()
	case '"', '\'':
		if l.at(1) == c && l.at(2) == c {
			l.heredoc(c)
		} else {
			l.str(str{kind: quoteKind(c), delim: c, interpolates: true, unescapes: true}, 1)
		}
	case ',':
		l.push(tComma, 1, "")
	case ';':
		if l.last() == tSemi {
			l.fail(1, `unexpected token: ";"`)
		} else {
			l.push(tSemi, 1, "")
		}
	case '(':
		l.push(tLParen, 1, "(")
	case ')':
		l.push(tRParen, 1, ")")
	case '[':
		l.push(tLBracket, 1, "[")
	case ']':
		l.push(tRBracket, 1, "]")
	case '{':
		l.curly()
	case '}':
		l.endCurly()
	case ':':
		l.colon()
	case '.':
		l.dots()
	case '?':
		l.char()
	case '\\':
		l.backslash()
	case '%':
		l.percent()
	case '&':
		l.ampersand()
	default:
		l.operator(c)
	}
}

// eof ends the tokens, unless a string is open that can be read as ending with its line.
func (l *lexer) eof() {
	if len(l.open) > 0 {
		o := l.open[0]
		l.open = l.open[:0]
		l.toks = l.toks[:o.begin]
		l.errors.truncate(o.errors)
		l.unterminated(o.str)
		return
	}
	l.ended = true
	l.push(tEOF, 0, "")
}

func (l *lexer) newline(n int) {
	switch l.last() {
	case tEol, tComma, tSemi:
		l.toks[len(l.toks)-1].glued = true
		l.pos += n
	default:
		l.push(tEol, n, "")
	}
	l.nextLine()
	for isBlank(l.at(0)) {
		l.pos++
	}
	if l.v >= 20 {
		l.continued()
	}
}

// nextLine counts a line that begins here.
func (l *lexer) nextLine() {
	l.line++
	l.bol = l.pos
}

// blanks passes over blanks, and sees whether a sign behind them belongs to what follows: "foo -1".
func (l *lexer) blanks() {
	for isBlank(l.at(0)) {
		l.pos++
	}
	if l.v >= 20 {
		l.continued()
	}
	c := l.at(0)
	if (c != '+' && c != '-') || l.last() != tIdent || l.pos+1 >= len(l.src) {
		return
	}
	switch n := l.at(1); {
	case n == ':' && isSpace(l.at(2)):
		return
	case isSpace(n) || n == c || n == '/' || n == '>':
		return
	case n == '\\' && l.v >= 20:
		return
	case l.v < 17 && strings.IndexByte("([<{%+-:", n) >= 0:
		return
	}
	l.toks[len(l.toks)-1].kind = tOpIdent
	l.push(tDualOp, 1, l.src[l.pos:l.pos+1])
}

// continued passes over a backslash at the end of a line, which since 1.20 is a blank, and the blanks behind it.
func (l *lexer) continued() {
	for l.at(0) == '\\' {
		n := 0
		switch {
		case l.at(1) == '\n':
			n = 2
		case l.at(1) == '\r' && l.at(2) == '\n':
			n = 3
		}
		if n == 0 || l.pos+n >= len(l.src) {
			return
		}
		l.pos += n
		l.nextLine()
		for isBlank(l.at(0)) {
			l.pos++
		}
	}
}

// skipBlanks passes over blanks, as it does behind an operator.
func (l *lexer) skipBlanks() {
	for isBlank(l.at(0)) {
		l.pos++
	}
	if l.v >= 20 {
		l.continued()
	}
}

func (l *lexer) backslash() {
	switch {
	case l.at(1) == '\\':
		l.operator('\\')
	case l.at(1) == '\n' && l.pos+2 < len(l.src):
		l.pos += 2
		l.nextLine()
		l.skipBlanks()
	case l.at(1) == '\r' && l.at(2) == '\n' && l.pos+3 < len(l.src):
		l.pos += 3
		l.nextLine()
		l.skipBlanks()
	case l.pos+1 >= len(l.src) || l.at(1) == '\n' || l.at(1) == '\r' && l.at(2) == '\n':
		l.fail(1, `invalid escape \ at end of file`)
	default:
		l.fail(1, `unexpected token: "\"`)
	}
}

// comment passes over a comment.
func (l *lexer) comment() {
	line := l.rest()
	if i := strings.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	if end := strings.TrimSuffix(line, "\r"); len(end) < len(line) && l.pos+len(line) < len(l.src) {
		line = end
	}
	for i := range len(line) {
		if c := line[i]; c >= utf8.RuneSelf || c < ' ' && c != '\t' {
			if r, _ := utf8.DecodeRuneInString(line[i:]); l.forbidden(r) {
				l.fail(len(line), "invalid formatting or line break character in comment")
				return
			}
		}
	}
	l.pos += len(line)
	l.bol += len(line) // Elixir does not count the columns of a comment
}

// forbidden tells whether a character may stand neither in a comment nor in a string: those that change the direction of
// what is read and, since 1.19, those that some editors take for the end of a line.
func (l *lexer) forbidden(r rune) bool {
	switch r {
	case 0x202A, 0x202B, 0x202C, 0x202D, 0x202E, 0x2066, 0x2067, 0x2068, 0x2069:
		return true
	case 0x0B, 0x0C, 0x85, 0x2028, 0x2029:
		return l.v >= 19
	case '\r':
		return l.v >= 20
	}
	return false
}

func (l *lexer) curly() {
	if l.last() == tPercent && l.v >= 15 {
		l.fail(1, "unexpected space between % and {")
		return
	}
	if n := len(l.open); n > 0 {
		l.open[n-1].curly++
	}
	l.push(tLCurly, 1, "{")
}

func (l *lexer) endCurly() {
	n := len(l.open)
	if n == 0 {
		l.push(tRCurly, 1, "}")
		return
	}
	if l.open[n-1].curly > 0 {
		l.open[n-1].curly--
		l.push(tRCurly, 1, "}")
		return
	}
	o := l.open[n-1]
	l.open = l.open[:n-1]
	l.push(tInterpEnd, 1, "}")
	l.resume(o)
}

func (l *lexer) percent() {
	switch {
	case strings.HasPrefix(l.rest(), "%{}:") && isSpace(l.at(4)):
		l.push(tKw, 3, "%{}")
		l.pos++
	case l.at(1) == ':' && isSpace(l.at(2)):
		l.push(tKw, 1, "%")
		l.pos++
	case l.at(1) == '(' || l.at(1) == '[':
		l.fail(1, "expected %{ to define a map, got: %"+l.src[l.pos+1:l.pos+2])
	case l.at(1) == '{':
		l.push(tMap, 1, "%{}")
		l.curly()
	default:
		l.push(tPercent, 1, "%")
	}
}

// char reads ?a.
func (l *lexer) char() {
	rest := l.rest()[1:]
	n := 1
	escaped := strings.HasPrefix(rest, `\`) && len(rest) > 1
	if escaped {
		rest = rest[1:]
		n++
	}
	r, size := utf8.DecodeRuneInString(rest)
	switch {
	case size == 0 || r == utf8.RuneError && size == 1:
		l.fail(1, `unexpected token: "?"`)
	case r == '\n' || r == '\r':
		l.fail(1, limitBreak)
	default:
		l.push(tChar, n+size, l.src[l.pos:l.pos+n+size])
		l.bol += size - 1
	}
}
