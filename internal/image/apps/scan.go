package apps

import (
	"strings"
	"unicode/utf8"
)

type tokenKind int

const (
	endToken   tokenKind = iota
	atomToken            // foo, 'Foo bar': the text is its name
	textToken            // "foo": the text is its content
	otherToken           // numbers, variables, characters
	markToken            // a bracket or the like, in mark
)

type token struct {
	kind tokenKind
	text string
	mark byte
	line int
}

// scanner cuts the text of an Erlang term into tokens.
type scanner struct {
	text   []byte
	pos    int
	line   int // that were begun before pos
	ahead  token
	peeked bool
}

func (s *scanner) peek() token {
	if !s.peeked {
		s.ahead, s.peeked = s.scan(), true
	}
	return s.ahead
}

func (s *scanner) next() token {
	t := s.peek()
	s.peeked = false
	return t
}

func (s *scanner) scan() token {
	s.blanks()
	line := s.line + 1
	if s.pos >= len(s.text) {
		return token{kind: endToken, line: line}
	}
	start := s.pos
	switch c := s.text[s.pos]; {
	case c == '"':
		text := s.quoted('"')
		for s.blanks(); s.pos < len(s.text) && s.text[s.pos] == '"'; s.blanks() {
			text += s.quoted('"') // texts that stand beside one another are one
		}
		return token{kind: textToken, text: text, line: line}
	case c == '\'':
		return token{kind: atomToken, text: s.quoted('\''), line: line}
	case c == '$': // a character
		s.pos++
		if s.pos < len(s.text) && s.text[s.pos] == '\\' {
			s.pos++
		}
		_, n := utf8.DecodeRune(s.text[s.pos:])
		s.skip(n)
		return token{kind: otherToken, line: line}
	case c >= '0' && c <= '9':
		for s.pos < len(s.text) && (isName(s.text[s.pos]) || s.text[s.pos] == '#' || s.point()) {
			s.pos++
		}
		return token{kind: otherToken, line: line}
	case isName(c):
		for s.pos < len(s.text) && isName(s.text[s.pos]) {
			s.pos++
		}
		if c >= 'A' && c <= 'Z' || c == '_' {
			return token{kind: otherToken, line: line}
		}
		return token{kind: atomToken, text: string(s.text[start:s.pos]), line: line}
	default:
		s.pos++
		return token{kind: markToken, mark: c, line: line}
	}
}

// point says whether the dot here is a number's, and not the end of the term.
func (s *scanner) point() bool {
	return s.text[s.pos] == '.' && s.pos+1 < len(s.text) && s.text[s.pos+1] >= '0' && s.text[s.pos+1] <= '9'
}

// blanks goes over white space and comments.
func (s *scanner) blanks() {
	for comment := false; s.pos < len(s.text); s.skip(1) {
		switch c := s.text[s.pos]; {
		case c == '\n':
			comment = false
		case c == '%':
			comment = true
		case c > ' ' && !comment:
			return
		}
	}
}

// skip goes n bytes on and counts lines.
func (s *scanner) skip(n int) {
	for ; n > 0 && s.pos < len(s.text); n-- {
		if s.text[s.pos] == '\n' {
			s.line++
		}
		s.pos++
	}
}

// quoted reads from the quote here to the next.
func (s *scanner) quoted(quote byte) string {
	var b strings.Builder
	for s.skip(1); s.pos < len(s.text); s.skip(1) {
		c := s.text[s.pos]
		switch {
		case c == quote:
			s.skip(1)
			return b.String()
		case c == '\\' && s.pos+1 < len(s.text):
			s.skip(1)
			s.escape(&b)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// escape writes what stands behind a backslash. Of \x{41} and \101 only the letters that
// describe it are kept: no name or version of an application has one.
func (s *scanner) escape(b *strings.Builder) {
	switch c := s.text[s.pos]; c {
	case 'n':
		b.WriteByte('\n')
	case 't':
		b.WriteByte('\t')
	case 'r':
		b.WriteByte('\r')
	case 's':
		b.WriteByte(' ')
	case '\n': // a line that goes on
	default:
		b.WriteByte(c)
	}
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '@' || c >= utf8.RuneSelf
}
