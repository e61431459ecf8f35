package envsh

import (
	"strings"
)

// test is [ and test.
func (r *run) test(s *state, c *simpleCall) *state {
	args := c.args
	verdict := func(t truth, why string) *state {
		switch t {
		case yes:
			s.ok()
		case no:
			s.fail(1)
		default:
			s.unsure(why)
			r.complain(s, c.n)
		}
		return s
	}
	if c.why != "" {
		return verdict(maybe, c.why)
	}
	words := c.n.Args[1:]
	if c.name == "[" {
		if len(args) == 0 {
			return verdict(maybe, "[ has no ]")
		}
		if last, ok := args[len(args)-1].plain(); !ok || last != "]" {
			return verdict(maybe, "[ has no ]")
		}
		args, words = args[:len(args)-1], words[:max(0, len(words)-1)]
	}
	if len(args) <= 4 {
		return verdict(r.judge(args))
	}
	// [ A -a B -o C ], where each word is one argument and the operators stand there as such.
	if len(words) != len(args) || c.n.Args[0].Lit() != c.name {
		return verdict(maybe, "a test of so many words is not followed")
	}
	total, part := no, yes
	why := ""
	start := 0
	for i := 0; i <= len(words); i++ {
		op := ""
		if i < len(words) {
			if op = words[i].Lit(); op != "-a" && op != "-o" {
				continue
			}
		}
		group := args[start:i]
		start = i + 1
		if !simpleTest(group) {
			return verdict(maybe, "a test of so many words is not followed")
		}
		t, w := r.judge(group)
		if t == maybe {
			why = w
		}
		part = min(part, t)
		if op != "-a" {
			total = max(total, part)
			part = yes
		}
	}
	return verdict(total, why)
}

// simpleTest tells whether a part of a test can be read in one way only, whatever its texts are.
func simpleTest(args []text) bool {
	first := ""
	if len(args) > 0 {
		first, _ = args[0].plain()
	}
	switch len(args) {
	case 2:
		return (first == "-n" || first == "-z") && tame(args[1])
	case 3:
		op, ok := args[1].plain()
		return ok && (op == "=" || op == "!=") && tame(args[0]) && tame(args[2])
	}
	return false
}

// tame tells whether a text can't be taken for an operator.
func tame(t text) bool {
	p := t.prefix()
	if p == "" {
		return t.empty() == yes
	}
	return !strings.ContainsAny(p[:1], "-!(=<>)")
}

// judge is a test of up to four arguments.
func (r *run) judge(args []text) (truth, string) {
	lit := func(i int) string {
		s, ok := args[i].plain()
		if !ok {
			return "\x00"
		}
		return s
	}
	why := func() string {
		for _, a := range args {
			if w := a.why(); w != "" {
				return w
			}
		}
		return "the test is not followed"
	}
	switch len(args) {
	case 0:
		return no, ""
	case 1:
		return args[0].empty().not(), why()
	case 2:
		switch lit(0) {
		case "!":
			return args[1].empty(), why()
		case "-n":
			return args[1].empty().not(), why()
		case "-z":
			return args[1].empty(), why()
		}
		if u := why(); u != "the test is not followed" {
			return maybe, u
		}
		return maybe, "what files there are is not known"
	case 3:
		switch op := lit(1); op {
		case "=":
			return args[0].equal(args[2]), why()
		case "!=":
			return args[0].equal(args[2]).not(), why()
		case "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
			return r.compare(args[0], op, args[2]), why()
		}
		if lit(0) == "!" && lit(1) != "\x00" {
			t, w := r.judge(args[1:])
			return t.not(), w
		}
		return maybe, why()
	case 4:
		if lit(0) == "!" {
			t, w := r.judge(args[1:])
			return t.not(), w
		}
	}
	return maybe, why()
}

func (r *run) compare(a text, op string, b text) truth {
	x, okX := a.plain()
	y, okY := b.plain()
	if !okX || !okY {
		return maybe
	}
	m, errM := decimal(x)
	n, errN := decimal(y)
	if errM != nil || errN != nil {
		return maybe
	}
	switch op {
	case "-eq":
		return is(m == n)
	case "-ne":
		return is(m != n)
	case "-lt":
		return is(m < n)
	case "-le":
		return is(m <= n)
	case "-gt":
		return is(m > n)
	}
	return is(m >= n)
}
