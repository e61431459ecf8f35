package envsh

import (
	"errors"
	"math"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

var errUnknown = errors.New("not known")

// arithm is what $(( )) gives: whole numbers and what is simple of their operators.
func (r *run) arithm(s *state, a *syntax.ArithmExp) text {
	if a.Bracket || a.Unsigned {
		r.giveUp(a, "no POSIX shell has this in a word")
		return nil
	}
	assigns := false
	syntax.Walk(a, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst:
			return false
		case *syntax.UnaryArithm:
			assigns = assigns || n.Op == syntax.Inc || n.Op == syntax.Dec
		case *syntax.BinaryArithm:
			assigns = assigns || strings.HasSuffix(n.Op.String(), "=") && !compares[n.Op]
		}
		return true
	})
	if assigns {
		r.giveUp(a, "an assignment within $(( )) is not followed")
		return nil
	}
	n, err := r.number(s, a.X)
	if err == nil {
		return known(strconv.FormatInt(n, 10))
	}
	if s.dead || r.unclear != "" {
		return nil
	}
	// A text that is no number, or a division by zero, ends the shell.
	why := "what `" + r.script.text(a) + "` gives is not known"
	r.dies(s, a, why, false)
	return text{{why: why, filled: true}}
}

var compares = map[syntax.BinAritOperator]bool{syntax.Eql: true, syntax.Neq: true, syntax.Leq: true, syntax.Geq: true}

func (r *run) number(s *state, x syntax.ArithmExpr) (int64, error) {
	switch x := x.(type) {
	case *syntax.Word:
		t := r.word(s, x)
		if l := x.Lit(); syntax.ValidName(l) {
			v := r.lookup(s, l)
			if v.set == no {
				if s.opts['u'] != no {
					return 0, errUnknown
				}
				return 0, nil
			}
			t = v.text(l)
		}
		plain, ok := t.plain()
		if !ok {
			return 0, errUnknown
		}
		return decimal(plain)
	case *syntax.ParenArithm:
		return r.number(s, x.X)
	case *syntax.UnaryArithm:
		n, err := r.number(s, x.X)
		switch {
		case err != nil || x.Post:
			return 0, errUnknown
		case x.Op == syntax.Minus:
			return -n, nil
		case x.Op == syntax.Plus:
			return n, nil
		}
		return 0, errUnknown
	case *syntax.BinaryArithm:
		a, err := r.number(s, x.X)
		if err != nil {
			return 0, err
		}
		b, err := r.number(s, x.Y)
		if err != nil {
			return 0, err
		}
		return calculate(x.Op, a, b)
	}
	return 0, errUnknown
}

func calculate(op syntax.BinAritOperator, a, b int64) (int64, error) {
	truth := func(ok bool) (int64, error) {
		if ok {
			return 1, nil
		}
		return 0, nil
	}
	switch op {
	case syntax.Add:
		return a + b, nil
	case syntax.Sub:
		return a - b, nil
	case syntax.Mul:
		return a * b, nil
	case syntax.Quo, syntax.Rem:
		if b == 0 {
			return 0, errUnknown
		}
		if op == syntax.Quo {
			return a / b, nil
		}
		return a % b, nil
	case syntax.Eql:
		return truth(a == b)
	case syntax.Neq:
		return truth(a != b)
	case syntax.Lss:
		return truth(a < b)
	case syntax.Gtr:
		return truth(a > b)
	case syntax.Leq:
		return truth(a <= b)
	case syntax.Geq:
		return truth(a >= b)
	}
	return 0, errUnknown
}

// decimal reads a number that every shell reads alike: no leading zero, no signs around it, far from any overflow.
func decimal(s string) (int64, error) {
	digits := strings.TrimPrefix(s, "-")
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || len(digits) > 1 && digits[0] == '0' || strings.HasPrefix(s, "+") || n > math.MaxInt32 || n < -math.MaxInt32 {
		return 0, errUnknown
	}
	return n, nil
}
