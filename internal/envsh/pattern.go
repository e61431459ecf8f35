package envsh

import (
	"strings"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// A pattern is what stands in a case or after ${NAME%: signs, ?, *, and sets of them.
type pattern []element

type element struct {
	kind byte // 'c' a sign, '?', '*', '[' a set, '!' a set that it is not in, '-' not known
	c    byte
	set  [256]bool
	why  string
}

// pattern reads the pattern that a word is.
func (r *run) pattern(s *state, w *syntax.Word) (p pattern) {
	for _, f := range r.frags(s, w.Parts, true) {
		if f.params {
			f.t = gap("$@ in a pattern is not followed")
		}
		for _, piece := range f.t {
			switch {
			case piece.why != "":
				p = append(p, element{kind: '-', why: piece.why})
			case f.quoted:
				for i := range len(piece.s) {
					p = append(p, element{kind: 'c', c: piece.s[i]})
				}
			case f.split && strings.Contains(piece.s, `\`):
				p = append(p, element{kind: '-', why: `a \ in a pattern is read by each shell in its own way`})
			default:
				p = append(p, wild(piece.s)...)
			}
		}
	}
	// A set that begins in one piece and ends in another is not followed.
	open := false
	for _, e := range p {
		open = open || e.kind == 'c' && e.c == '[' && e.why == "open"
	}
	if open {
		for _, e := range p {
			if e.kind == 'c' && e.c == ']' {
				return pattern{{kind: '-', why: "a set in a pattern is not followed"}}
			}
		}
	}
	return p
}

// wild reads signs that are not quoted.
func wild(s string) (p pattern) {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '*', '?':
			p = append(p, element{kind: c})
		case '[':
			e, n := set(s[i:])
			p = append(p, e)
			i += n - 1
		default:
			p = append(p, element{kind: 'c', c: c})
		}
	}
	return p
}

// set reads [a-z], and how long it is. What every shell reads in its own way is not known.
func set(s string) (element, int) {
	e := element{kind: '['}
	i := 1
	if i < len(s) && s[i] == '!' {
		e.kind = '!'
		i++
	}
	for first := true; i < len(s); first = false {
		c := s[i]
		switch {
		case c == ']' && !first:
			return e, i + 1
		case c == '[' || c == '^' && first || c == '\\' || c >= 0x80 || c == ']':
			return element{kind: '-', why: "a set in a pattern is not followed"}, len(s)
		case i+2 < len(s) && s[i+1] == '-' && s[i+2] != ']':
			if s[i+2] < c || s[i+2] >= 0x80 || !sameKind(c, s[i+2]) {
				return element{kind: '-', why: "a set in a pattern is not followed"}, len(s)
			}
			for b := int(c); b <= int(s[i+2]); b++ {
				e.set[b] = true
			}
			i += 3
		default:
			e.set[c] = true
			i++
		}
	}
	return element{kind: 'c', c: '[', why: "open"}, 1
}

// sameKind tells whether a range means the same in every locale.
func sameKind(a, b byte) bool {
	in := func(lo, hi byte) bool { return a >= lo && b <= hi }
	return in('a', 'z') || in('A', 'Z') || in('0', '9')
}

func (p pattern) why() string {
	for _, e := range p {
		if e.kind == '-' {
			return e.why
		}
	}
	return ""
}

// bytewise tells whether a text can be matched byte by byte.
func (p pattern) bytewise(s string) bool {
	if ascii(s) {
		return true
	}
	for _, e := range p {
		if e.kind != 'c' && e.kind != '*' {
			return false
		}
	}
	return utf8.ValidString(s)
}

// matches tells whether a text is of the pattern's kind.
func (p pattern) matches(t text) truth {
	if len(p) == 1 && p[0].kind == '*' {
		return yes
	}
	plain, ok := t.plain()
	if ok && p.why() == "" && p.bytewise(plain) {
		return is(p.match(plain))
	}
	// What both surely begin and end with may tell them apart.
	head, tail := t.prefix(), t.suffix()
	if ok {
		head, tail = plain, plain
	}
	for i, e := range p {
		if e.kind != 'c' {
			break
		}
		if i >= len(head) {
			if ok {
				return no
			}
			break
		}
		if e.c != head[i] {
			return no
		}
	}
	for i := range p {
		e := p[len(p)-1-i]
		if e.kind != 'c' || i >= len(tail) {
			break
		}
		if e.c != tail[len(tail)-1-i] {
			return no
		}
	}
	if len(p) == 0 && t.empty() == no {
		return no
	}
	return maybe
}

// match is of a pattern that is known.
func (p pattern) match(s string) bool {
	i, j, star, from := 0, 0, -1, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i].kind == '*':
			star, from = i, j
			i++
		case i < len(p) && p[i].one(s[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	for i < len(p) && p[i].kind == '*' {
		i++
	}
	return i == len(p)
}

func (e *element) one(c byte) bool {
	switch e.kind {
	case 'c':
		return e.c == c
	case '?':
		return true
	case '[':
		return e.set[c]
	case '!':
		return !e.set[c]
	}
	return false
}

// remove takes away what matches at the start or the end, the shortest or the longest of it.
func (p pattern) remove(s string, op syntax.ParExpOperator) (string, bool) {
	if p.why() != "" || !p.bytewise(s) || len(s)*len(p) > 1<<16 || len(s) > 1<<12 {
		return "", false
	}
	n := len(s)
	for i := range n + 1 {
		switch op {
		case syntax.RemSmallPrefix:
			if p.match(s[:i]) {
				return s[i:], true
			}
		case syntax.RemLargePrefix:
			if p.match(s[:n-i]) {
				return s[n-i:], true
			}
		case syntax.RemSmallSuffix:
			if p.match(s[n-i:]) {
				return s[:n-i], true
			}
		case syntax.RemLargeSuffix:
			if p.match(s[i:]) {
				return s[:i], true
			}
		}
	}
	return s, true
}
