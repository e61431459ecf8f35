package project

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// kind is the kind of a token: no more of Elixir's grammar than telling literals from the rest needs.
type kind int

const (
	word    kind = iota // identifier or reserved word
	alias               // Foo.Bar
	atom                // :foo, :"foo"; the text is without the colon
	key                 // foo: or "foo":; the text is without the colon
	text                // a string without interpolation; the text is its content
	number              // as it is written
	opaque              // a literal that is not looked into: interpolated string, heredoc, sigil, charlist, character
	opening             // ( [ { <<
	closing             // ) ] } >>
	mark                // operators, commas, @, % and so on
)

type token struct {
	kind      kind
	text      string
	line, col int
}

func (t token) is(k kind, s string) bool { return t.kind == k && t.text == s }

// maxNesting bounds how deep interpolations may stand in one another.
const maxNesting = 50

type lexer struct {
	src       string
	pos       int
	line      int
	lineStart int
	nesting   int
	tokens    []token
}

// lex cuts Elixir source into tokens. It accepts anything: what is no Elixir gives tokens that mean nothing.
func lex(src string) []token {
	l := &lexer{src: src, line: 1}
	l.run(false)
	return l.tokens
}

func (l *lexer) peek(n int) byte {
	if l.pos+n < len(l.src) {
		return l.src[l.pos+n]
	}
	return 0
}

func (l *lexer) has(s string) bool { return strings.HasPrefix(l.src[l.pos:], s) }

// skip goes n bytes on and counts lines.
func (l *lexer) skip(n int) {
	for ; n > 0 && l.pos < len(l.src); n-- {
		if l.src[l.pos] == '\n' {
			l.line++
			l.lineStart = l.pos + 1
		}
		l.pos++
	}
}

// run reads tokens to the end, or to the brace that closes an interpolation.
func (l *lexer) run(interpolated bool) {
	braces := 0
	for l.pos < len(l.src) {
		start, line, col := l.pos, l.line, l.pos-l.lineStart+1
		emit := func(k kind, s string) { l.tokens = append(l.tokens, token{k, s, line, col}) }
		c := l.peek(0)
		switch {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ';':
			l.skip(1)
		case c == '#':
			if n := strings.IndexByte(l.src[l.pos:], '\n'); n >= 0 {
				l.skip(n)
			} else {
				l.skip(len(l.src))
			}
		case l.has(`"""`) || l.has("'''"):
			delim := l.src[l.pos : l.pos+3]
			l.skip(3)
			l.quoted(delim, true)
			emit(opaque, "")
		case c == '"':
			l.skip(1)
			s, plain := l.quoted(`"`, true)
			switch {
			case plain && l.keyColon():
				l.skip(1)
				emit(key, s)
			case plain:
				emit(text, s)
			default:
				emit(opaque, "")
			}
		case c == '\'':
			l.skip(1)
			l.quoted("'", true)
			emit(opaque, "")
		case c == '~' && isLetter(l.peek(1)):
			l.sigil()
			emit(opaque, "")
		case c == '?' && l.pos+1 < len(l.src):
			l.skip(1)
			if l.peek(0) == '\\' {
				l.skip(1)
			}
			_, n := utf8.DecodeRuneInString(l.src[l.pos:])
			l.skip(n)
			emit(opaque, "")
		case c == ':' && l.peek(1) == '"':
			l.skip(2)
			if s, plain := l.quoted(`"`, true); plain {
				emit(atom, s)
			} else {
				emit(opaque, "")
			}
		case c == ':' && startsWord(l.src[l.pos+1:]):
			l.skip(1)
			emit(atom, l.word())
		case startsWord(l.src[l.pos:]):
			s := l.word()
			switch {
			case l.keyColon():
				l.skip(1)
				emit(key, s)
			case unicode.IsUpper(firstRune(s)):
				emit(alias, s+l.aliasTail())
			default:
				emit(word, s)
			}
		case c >= '0' && c <= '9':
			for isLetter(l.peek(0)) || isDigit(l.peek(0)) || l.peek(0) == '_' || l.peek(0) == '.' && isDigit(l.peek(1)) {
				l.skip(1)
			}
			emit(number, l.src[start:l.pos])
		case l.has("<<") && !l.has("<<<"):
			l.skip(2)
			emit(opening, "<<")
		case l.has(">>") && !l.has(">>>"):
			l.skip(2)
			emit(closing, ">>")
		case strings.IndexByte("([{", c) >= 0:
			if c == '{' {
				braces++
			}
			l.skip(1)
			emit(opening, string(c))
		case strings.IndexByte(")]}", c) >= 0:
			if c == '}' {
				if interpolated && braces == 0 {
					l.skip(1)
					return
				}
				braces--
			}
			l.skip(1)
			emit(closing, string(c))
		case strings.IndexByte("+-*/=<>|&^!.:~\\", c) >= 0:
			for l.pos < len(l.src) && strings.IndexByte("+-*/=<>|&^!.:~\\", l.peek(0)) >= 0 {
				l.skip(1)
			}
			emit(mark, l.src[start:l.pos])
		default:
			_, n := utf8.DecodeRuneInString(l.src[l.pos:])
			l.skip(n)
			emit(mark, l.src[start:l.pos])
		}
	}
}

// keyColon says whether what was just read is a key of a keyword list.
func (l *lexer) keyColon() bool { return l.peek(0) == ':' && l.peek(1) != ':' }

// quoted reads up to delim and gives the content, and whether it is plain: no interpolation, ended before the file did.
func (l *lexer) quoted(delim string, interpolates bool) (content string, plain bool) {
	var b strings.Builder
	plain = true
	for l.pos < len(l.src) {
		switch {
		case l.has(delim):
			l.skip(len(delim))
			return b.String(), plain
		case l.peek(0) == '\\' && l.pos+1 < len(l.src):
			l.skip(1)
			b.WriteString(unescaped(l.peek(0)))
			l.skip(1)
		case interpolates && l.has("#{") && l.nesting < maxNesting:
			plain = false
			l.skip(2)
			l.nesting++
			// What stands inside is no part of the tokens around it.
			kept := len(l.tokens)
			l.run(true)
			l.tokens = l.tokens[:kept]
			l.nesting--
		default:
			b.WriteByte(l.peek(0))
			l.skip(1)
		}
	}
	return b.String(), false
}

func unescaped(c byte) string {
	switch c {
	case 'n':
		return "\n"
	case 't':
		return "\t"
	case 'r':
		return "\r"
	case 's':
		return " "
	}
	return string([]byte{c})
}

// sigil reads ~r/…/ and the like with its modifiers.
func (l *lexer) sigil() {
	l.skip(1)
	interpolates := l.peek(0) >= 'a' && l.peek(0) <= 'z'
	for isLetter(l.peek(0)) || isDigit(l.peek(0)) {
		l.skip(1)
	}
	if l.pos >= len(l.src) {
		return
	}
	var delim string
	switch c := l.peek(0); {
	case l.has(`"""`) || l.has("'''"):
		delim = l.src[l.pos : l.pos+3]
	case c == '(':
		delim = ")"
	case c == '[':
		delim = "]"
	case c == '{':
		delim = "}"
	case c == '<':
		delim = ">"
	case strings.IndexByte(`/|"'`, c) >= 0:
		delim = string(c)
	default:
		return // no sigil after all
	}
	l.skip(len(delim))
	l.quoted(delim, interpolates)
	for isLetter(l.peek(0)) {
		l.skip(1)
	}
}

func (l *lexer) word() string {
	start := l.pos
	for l.pos < len(l.src) {
		r, n := utf8.DecodeRuneInString(l.src[l.pos:])
		if r != '_' && r != '@' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			break
		}
		l.skip(n)
	}
	if c := l.peek(0); (c == '?' || c == '!') && l.peek(1) != '=' {
		l.skip(1)
	}
	return l.src[start:l.pos]
}

// aliasTail reads the rest of Foo.Bar.Baz.
func (l *lexer) aliasTail() string {
	start := l.pos
	for l.peek(0) == '.' && l.pos+1 < len(l.src) && unicode.IsUpper(firstRune(l.src[l.pos+1:])) {
		l.skip(1)
		l.word()
		if l.keyColon() {
			break
		}
	}
	return l.src[start:l.pos]
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func startsWord(s string) bool {
	r := firstRune(s)
	return s != "" && (r == '_' || r != utf8.RuneError && unicode.IsLetter(r))
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
