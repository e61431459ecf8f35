package syntax

import (
	"strings"
	"unicode/utf8"
)

// decode gives the value of a part of a string. What is wrong with it goes to s.
func (l *lexer) decode(s *str, from, to, indent int, first bool) string {
	raw := l.src[from:to]
	if !s.heredoc && strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	b := make([]byte, 0, len(raw))
	i := 0
	if s.heredoc && first {
		i = outdent(raw, 0, indent)
	}
	for i < len(raw) {
		c := raw[i]
		switch {
		case c == '\n':
			b = append(b, c)
			i++
			if s.heredoc {
				i = outdent(raw, i, indent)
			}
			continue
		case c != '\\' || i+1 >= len(raw):
			// Runs of other characters are copied at once.
			j := i + 1
			for j < len(raw) && raw[j] != '\\' && raw[j] != '\n' {
				j++
			}
			b = append(b, raw[i:j]...)
			i = j
			continue
		}
		next := raw[i+1]
		switch {
		case next == s.delim && !s.heredoc:
			b = append(b, next)
			i += 2
		case s.heredoc && next == s.delim && strings.HasPrefix(raw[i+2:], string([]byte{next, next})):
			b = append(b, next, next, next)
			i += 4
		case next == '\n' || next == '\r' && strings.HasPrefix(raw[i+2:], "\n"):
			n := 2
			if next == '\r' {
				n = 3
			}
			if !s.unescapes {
				b = append(b, raw[i:i+n]...)
			}
			i += n
			if s.heredoc {
				i = outdent(raw, i, indent)
			}
		case !s.unescapes:
			// The character that the backslash belongs to may be one itself.
			b = append(b, c, next)
			i += 2
		case next == 'x':
			b, i = l.hex(s, b, raw, i+2)
		case next == 'u':
			b, i = l.unicode(s, b, raw, i+2)
		default:
			b = append(b, unescaped(next))
			i += 2
		}
	}
	return string(b)
}

// outdent passes over as many blanks as a heredoc is indented.
func outdent(s string, i, indent int) int {
	for ; indent > 0 && i < len(s) && isBlank(s[i]); indent-- {
		i++
	}
	return i
}

// unescaped gives the byte that a backslash and c stand for.
func unescaped(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'a':
		return '\a'
	case 'b':
		return '\b'
	case 'd':
		return 0x7F
	case 'e':
		return 0x1B
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 's':
		return ' '
	case 't':
		return '\t'
	case 'v':
		return '\v'
	}
	return c
}

func hexDigit(c byte) (rune, bool) {
	switch {
	case isDigit(c):
		return rune(c - '0'), true
	case c-'a' < 6:
		return rune(c - 'a' + 10), true
	case c-'A' < 6:
		return rune(c - 'A' + 10), true
	}
	return 0, false
}

// digits reads up to n hexadecimal digits.
func digits(s string, n int) (r rune, read int) {
	for read < n && read < len(s) {
		d, ok := hexDigit(s[read])
		if !ok {
			break
		}
		r = r<<4 | d
		read++
	}
	return r, read
}

// braced reads {H*} with up to six digits, and gives its length; 0 if there is none.
func braced(s string) (r rune, length int) {
	if !strings.HasPrefix(s, "{") {
		return 0, 0
	}
	r, n := digits(s[1:], 6)
	if n == 0 || !strings.HasPrefix(s[1+n:], "}") {
		return 0, 0
	}
	return r, n + 2
}

// hex reads what follows \x: two digits are a byte. Before 1.20 there were other forms, which were code points.
func (l *lexer) hex(s *str, b []byte, raw string, i int) ([]byte, int) {
	r, n := digits(raw[i:], 2)
	if n == 2 {
		return append(b, byte(r)), i + 2
	}
	if l.v < 20 {
		if n == 0 {
			r, n = braced(raw[i:])
		}
		if n > 0 {
			return s.codePoint(b, r), i + n
		}
	}
	s.wrong = `invalid hex escape character, expected \xHH where H is a hexadecimal digit`
	return b, i
}

// unicode reads what follows \u.
func (l *lexer) unicode(s *str, b []byte, raw string, i int) ([]byte, int) {
	r, n := digits(raw[i:], 4)
	if n < 4 {
		r, n = braced(raw[i:])
	}
	if n == 0 {
		s.wrong = `invalid Unicode escape character, expected \uHHHH or \u{H*} where H is a hexadecimal digit`
		return b, i
	}
	return s.codePoint(b, r), i + n
}

func (s *str) codePoint(b []byte, r rune) []byte {
	if !utf8.ValidRune(r) {
		s.wrong = "invalid or reserved Unicode code point"
		return b
	}
	return utf8.AppendRune(b, r)
}
