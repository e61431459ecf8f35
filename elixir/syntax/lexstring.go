package syntax

import (
	"strings"
	"unicode/utf8"
)

// str is a string that is being read, of any kind that can have interpolation.
type str struct {
	kind         strKind
	delim        byte // that ends it
	heredoc      bool
	interpolates bool
	unescapes    bool

	// Where it begins, as the lexer was there.
	start, bol  int
	line        int32
	opening     int // bytes of its opening
	errors      int // how many there were before it
	begin       int // of its first token in the buffer, where it has an interpolation
	parts       []int32
	part        int    // where the part begins that is being read
	interpolate bool   // there is an interpolation
	wrong       string // what is wrong with it
	g           graphemes
}

// maxOpen is how many strings may stand in one another, each in the interpolation of the one around it.
const maxOpen = 100

func quoteKind(c byte) strKind {
	if c == '\'' {
		return strList
	}
	return strBinary
}

// str reads a string behind an opening of n bytes.
func (l *lexer) str(s str, n int) {
	s.start, s.bol, s.line, s.opening, s.errors = l.pos, l.bol, l.line, n, l.errors.len()
	l.pos += n
	s.part = l.pos
	if s.heredoc {
		if indent, ok := l.heredocEnd(s.delim); ok {
			l.finish(&s, s.part, indent)
			return
		}
	}
	l.scan(&s)
}

// heredoc reads a string from """ on.
func (l *lexer) heredoc(c byte) {
	l.openHeredoc(str{kind: quoteKind(c), delim: c, interpolates: true, unescapes: true}, 3)
}

// openHeredoc passes over the rest of the line that opens a heredoc: n bytes, and blanks.
func (l *lexer) openHeredoc(s str, n int) {
	i := n
	for isBlank(l.at(i)) {
		i++
	}
	switch {
	case l.at(i) == '\n':
		i++
	case l.at(i) == '\r' && l.at(i+1) == '\n':
		i += 2
	default:
		l.fail(n, "heredoc allows only whitespace characters followed by a new line after opening "+strings.Repeat(string(s.delim), 3))
		return
	}
	s.heredoc = true
	s.start, s.bol, s.line, s.opening, s.errors = l.pos, l.bol, l.line, i, l.errors.len()
	l.pos += i
	l.nextLine()
	s.part = l.pos
	if indent, ok := l.heredocEnd(s.delim); ok {
		l.finish(&s, s.part, indent)
		return
	}
	l.scan(&s)
}

// heredocEnd sees whether the line that begins here ends a heredoc; then it passes over it and tells how far the end is
// indented. If not, it passes over the blanks.
func (l *lexer) heredocEnd(c byte) (indent int, ok bool) {
	for isBlank(l.at(indent)) {
		indent++
	}
	l.pos += indent
	if l.at(0) == c && l.at(1) == c && l.at(2) == c {
		l.pos += 3
		return indent, true
	}
	return 0, false
}

// plain has the bytes that mean nothing in any string.
var plain = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = true
	}
	for _, c := range "\"'\\#/|)]}>" {
		t[c] = false
	}
	t['\t'] = true
	return t
}()

// scan reads on in a string, up to its end or its next interpolation.
func (l *lexer) scan(s *str) {
	src := l.src
	for {
		i := l.pos
		for i < len(src) && plain[src[i]] {
			i++
		}
		if i > l.pos {
			s.g.ascii()
		}
		l.pos = i
		if i >= len(src) {
			l.eofIn(s)
			return
		}
		switch c := src[i]; {
		case c == s.delim && !s.heredoc:
			l.pos++
			l.finish(s, i, 0)
			return
		case c == '\n':
			l.pos++
			if l.lineIn(s) {
				return
			}
		case c == '\\':
			if l.escape(s) {
				return
			}
		case c == '#' && s.interpolates && l.at(1) == '{':
			if len(l.open) >= maxOpen {
				s.wrong = limitStrings
				l.pos += 2
				continue
			}
			l.interpolation(s)
			return
		case c < utf8.RuneSelf:
			if c == '\r' && l.at(1) != '\n' || c == 0x0B || c == 0x0C {
				if l.forbidden(rune(c)) {
					s.wrong = "invalid line break character in string"
				}
			}
			s.g.ascii()
			l.pos++
		default:
			l.character(s)
		}
	}
}

// character passes over one character that is not ASCII.
func (l *lexer) character(s *str) {
	r, size := utf8.DecodeRuneInString(l.rest())
	switch {
	case r == utf8.RuneError && size == 1:
		s.wrong = "invalid encoding"
	case l.forbidden(r):
		s.wrong = "invalid formatting or line break character in string"
	case prepends(r):
		s.wrong = limitJoins
	}
	l.pos += size
	if s.g.joins(r) {
		l.bol += size
	} else {
		l.bol += size - 1
	}
}

// lineIn counts a line in a string, and tells whether it ends a heredoc.
func (l *lexer) lineIn(s *str) (done bool) {
	l.nextLine()
	s.g.reset()
	if !s.heredoc {
		return false
	}
	end := l.pos
	indent, ok := l.heredocEnd(s.delim)
	if ok {
		l.finish(s, end, indent)
	}
	return ok
}

// escape passes over a backslash and what it makes plain.
func (l *lexer) escape(s *str) (done bool) {
	s.g.reset()
	c := l.at(1)
	switch {
	case c == '\n':
		l.pos += 2
		return l.lineIn(s)
	case c == '\r' && l.at(2) == '\n':
		l.pos += 3
		return l.lineIn(s)
	case c == s.delim && !s.heredoc:
		l.pos += 2
	case s.heredoc && c == s.delim && l.at(2) == c && l.at(3) == c:
		l.pos += 4
	case s.interpolates && c == '#' && l.at(2) == '{':
		l.pos += 3
	case c >= utf8.RuneSelf:
		l.pos++
		l.character(s)
	default:
		if (c == '\r' || c == 0x0B || c == 0x0C) && l.forbidden(rune(c)) {
			s.wrong = "invalid line break character in string"
		}
		l.pos = min(l.pos+2, len(l.src))
		s.g.ascii()
	}
	return false
}

// interpolation begins one.
func (l *lexer) interpolation(s *str) {
	if !s.interpolate {
		s.interpolate, s.begin = true, len(l.toks)
		l.toks = append(l.toks, token{kind: tStrBegin, sub: s.kind, letter: s.delim, line: s.line, col: int32(s.start - s.bol + 1), start: int32(s.start), end: int32(s.start + s.opening)})
	}
	l.addPart(s, l.pos, s.heredoc && len(s.parts) == 0 && s.part == s.start+s.opening)
	l.push(tInterpBegin, 2, "")
	l.open = append(l.open, openString{str: *s})
}

// addPart adds the part that ends here, if there is anything in it, or if it has to be there.
func (l *lexer) addPart(s *str, end int, empty bool) {
	if end == s.part && !empty {
		return
	}
	s.parts = append(s.parts, int32(len(l.toks)))
	l.toks = append(l.toks, token{kind: tStrPart, start: int32(s.part), end: int32(end)})
}

// resume goes on in a string behind an interpolation.
func (l *lexer) resume(o openString) {
	s := o.str
	s.part = l.pos
	s.g.reset()
	l.scan(&s)
}

// eofIn is the end of the source in a string.
func (l *lexer) eofIn(s *str) {
	if len(l.open) > 0 {
		l.eof()
		return
	}
	if s.interpolate {
		l.toks = l.toks[:s.begin]
	}
	l.errors.truncate(s.errors)
	l.unterminated(*s)
}

// unterminated reads a string that does not end as if it did with its line, so that the rest of the source is still
// read: a few times, because each reads to the end first.
func (l *lexer) unterminated(s str) {
	l.pos, l.bol, l.line = s.start, s.bol, s.line
	n := len(l.src) - l.pos
	if l.retry > 0 {
		l.retry--
		if i := strings.IndexByte(l.rest(), '\n'); i >= 0 {
			n = i
		}
	}
	end := string(s.delim)
	if s.heredoc {
		end += end + end
	}
	l.fail(n, "missing terminator: "+end)
}

// finish ends a string whose last part ends at end. A heredoc's lines lose as many blanks as its end has.
func (l *lexer) finish(s *str, end, indent int) {
	whole := token{kind: tString, sub: s.kind, letter: l.src[s.start+s.opening-1], line: s.line, col: int32(s.start - s.bol + 1), start: int32(s.start), end: int32(l.pos)}
	if s.heredoc {
		whole.letter = s.delim
	}
	begin := len(l.toks)
	if s.interpolate {
		begin = s.begin
		l.addPart(s, end, false)
		whole.kind = tStrBegin
		for i, part := range s.parts {
			t := &l.toks[part]
			t.text = l.decode(s, int(t.start), int(t.end), indent, i == 0 && int(t.start) == s.start+s.opening)
		}
	} else {
		whole.text = l.decode(s, s.part, end, indent, true)
	}
	switch s.kind {
	case strSigil:
		whole.more = l.modifiers()
		whole.end = int32(l.pos)
	case strBinary, strList:
		if !s.heredoc && l.at(0) == ':' && isSpace(l.at(1)) {
			l.pos++
			whole.end = int32(l.pos)
			if whole.kind == tString {
				whole.kind = tKw
			}
			whole.sub = strKeyword
		}
	case strQuotedCall:
		if s.interpolate {
			s.wrong = "interpolation is not allowed when calling function/macro"
		}
		whole.kind = tIdent
		switch l.at(0) {
		case '(':
			whole.kind = tParenIdent
		case '[':
			whole.kind = tBracketIdent
		}
	case strAtom:
		if whole.kind == tString {
			whole.kind = tAtomQuoted
		}
	}
	if s.wrong == "" && !s.interpolate && whole.kind != tString {
		s.wrong = wrongAtom(whole.text)
	}
	if s.wrong != "" {
		l.toks = l.toks[:begin]
		l.errors.truncate(s.errors)
		l.toks = append(l.toks, token{kind: tError, line: whole.line, col: whole.col, start: whole.start, end: whole.end, text: s.wrong})
		l.errors.add(s.start, whole.line, whole.col, s.wrong)
		return
	}
	if s.interpolate {
		l.toks[begin] = whole
		l.push(tStrEnd, 0, "")
		l.toks[len(l.toks)-1].start = whole.end
		l.toks[len(l.toks)-1].end = whole.end
		return
	}
	l.toks = append(l.toks, whole)
}

// wrongAtom tells what is wrong with the name of an atom.
func wrongAtom(name string) string {
	switch {
	case len(name) > 255:
		return "atom length must be less than system limit"
	case !utf8.ValidString(name):
		return "invalid encoding in atom"
	}
	return ""
}
