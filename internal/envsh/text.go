package envsh

import (
	"strings"
)

// A piece is a known text, or a gap: why says why it is one.
type piece struct {
	s      string
	why    string
	filled bool // of a gap: it holds something that is no white space
}

// A text is what the script has in its hands: pieces, as far as they are known. Neighbouring known pieces are one.
type text []piece

func known(s string) text {
	if s == "" {
		return nil
	}
	return text{{s: s}}
}

func gap(why string) text { return text{{why: why}} }

// plain gives the text where all of it is known.
func (t text) plain() (string, bool) {
	switch {
	case len(t) == 0:
		return "", true
	case len(t) == 1 && t[0].why == "":
		return t[0].s, true
	}
	return "", false
}

// why says why it is not known.
func (t text) why() string {
	for _, p := range t {
		if p.why != "" {
			return p.why
		}
	}
	return ""
}

func (t text) size() (n int) {
	for _, p := range t {
		n += len(p.s) + 1
	}
	return n
}

// add appends without touching what others hold of t.
func (t text) add(u text) text {
	if len(u) == 0 {
		return t
	}
	if len(t) == 0 {
		return u
	}
	all := make(text, 0, len(t)+len(u))
	all = append(all, t...)
	for _, p := range u {
		if n := len(all); p.why == "" && all[n-1].why == "" {
			all[n-1].s += p.s
			continue
		}
		all = append(all, p)
	}
	return all
}

// prefix and suffix are what it certainly begins and ends with.
func (t text) prefix() string {
	if len(t) > 0 {
		return t[0].s
	}
	return ""
}

func (t text) suffix() string {
	if len(t) > 0 {
		return t[len(t)-1].s
	}
	return ""
}

// trimmed takes the newlines off the end, as command substitution does.
func (t text) trimmed() text {
	if s, ok := t.plain(); ok {
		return known(strings.TrimRight(s, "\n"))
	}
	t = append(text(nil), t...)
	last := t[len(t)-1]
	if last.why == "" {
		if s := strings.TrimRight(last.s, "\n"); s != "" {
			t[len(t)-1].s = s
			return t
		}
		t = t[:len(t)-1]
	}
	// It ends with a gap. Where that turns out to be newlines or nothing, those before it go as well: they are the gap's.
	t[len(t)-1].filled = false
	for n := len(t) - 1; n > 0 && t[n].why != "" && !t[n].filled; n-- {
		if t[n-1].why != "" {
			continue
		}
		t[n-1].s = strings.TrimRight(t[n-1].s, "\n")
		if t[n-1].s == "" {
			t = append(t[:n-1], t[n:]...)
			n--
			continue
		}
		break
	}
	return t
}

// A truth is yes, no, or not known.
type truth int8

const (
	no truth = iota
	maybe
	yes
)

func is(b bool) truth {
	if b {
		return yes
	}
	return no
}

func (t truth) not() truth { return yes - t }

// either is what is known where it is one of two.
func (t truth) either(u truth) truth {
	if t == u {
		return t
	}
	return maybe
}

// empty tells whether it is the empty text.
func (t text) empty() truth {
	if len(t) == 0 {
		return yes
	}
	for _, p := range t {
		if p.why == "" || p.filled {
			return no
		}
	}
	return maybe
}

// equal tells whether two are the same text.
func (t text) equal(u text) truth {
	a, okA := t.plain()
	b, okB := u.plain()
	if okA && okB {
		return is(a == b)
	}
	if t.empty() == yes && u.empty() == no || t.empty() == no && u.empty() == yes {
		return no
	}
	n := min(len(t.prefix()), len(u.prefix()))
	if t.prefix()[:n] != u.prefix()[:n] {
		return no
	}
	a, b = t.suffix(), u.suffix()
	n = min(len(a), len(b))
	if a[len(a)-n:] != b[len(b)-n:] {
		return no
	}
	return maybe
}

// same tells whether two are known to the same degree in the same way. Two gaps for one reason need not hold one text.
func (t text) same(u text) bool {
	if len(t) != len(u) {
		return false
	}
	for i := range t {
		if t[i] != u[i] || t[i].why != "" && &t[i] != &u[i] {
			return false
		}
	}
	return true
}

// or is one of two texts.
func (t text) or(u text, why string) text {
	if t.same(u) {
		return t
	}
	if a, ok := t.plain(); ok {
		if b, ok := u.plain(); ok && a == b {
			return t
		}
	}
	if t.empty() == yes && len(u) == 1 {
		why = u[0].why + nothing(u[0].why, why)
	} else if u.empty() == yes && len(t) == 1 {
		why = t[0].why + nothing(t[0].why, why)
	}
	filled := t.empty() == no && u.empty() == no
	// What both begin with is known all the same: the base of a node's name, most often.
	a, b := t.prefix(), u.prefix()
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] {
		n++
	}
	if n > 0 {
		filled = false
	}
	return append(known(a[:n]), piece{why: why, filled: filled})
}

func nothing(first, second string) string {
	if first != "" {
		return ""
	}
	return second
}
