package project

import (
	"math/big"

	"github.com/phialdev/phial/elixir/syntax"
)

// milliseconds are those of :timer's functions.
var milliseconds = map[string]int64{"seconds": 1000, "minutes": 60_000, "hours": 3_600_000}

// units are milliseconds by the keys that to_timeout takes.
var units = map[string]int64{"millisecond": 1, "second": 1000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}

// timer is what :timer makes of numbers that are known: a time in milliseconds.
func (sc scope) timer(c call, at Pos) (Expr, bool) {
	of := []int64{milliseconds[c.name]}
	switch {
	case c.name == "hms":
		of = []int64{3_600_000, 60_000, 1000}
	case of[0] == 0:
		return Expr{}, false
	}
	if len(c.args) != len(of) {
		return Expr{}, false
	}
	sum := new(big.Int)
	for i, a := range c.args {
		if !add(sum, sc.reduce(a), of[i]) {
			return Expr{}, false
		}
	}
	return Expr{Kind: ExprInteger, At: at, Text: sum.String()}, true
}

// timeout is what to_timeout makes of a list of units, each at most once, and of what is a timeout already.
func (sc scope) timeout(n *syntax.Node, at Pos) (Expr, bool) {
	e := sc.reduce(n)
	if e.Kind == ExprInteger && e.Text[0] != '-' || e.Kind == ExprAtom && e.Text == "infinity" {
		e.At = at
		return e, true
	}
	if e.Kind != ExprList {
		return Expr{}, false
	}
	sum, seen := new(big.Int), map[string]bool{}
	for _, i := range e.Items {
		if !i.Keyed() || units[i.Key] == 0 || seen[i.Key] || !add(sum, i.Value, units[i.Key]) {
			return Expr{}, false
		}
		seen[i.Key] = true
	}
	return Expr{Kind: ExprInteger, At: at, Text: sum.String()}, true
}

// add adds so many of a unit, where that is a number.
func add(sum *big.Int, e Expr, unit int64) bool {
	n, ok := new(big.Int), false
	if e.Kind == ExprInteger && len(e.Text) < 20 {
		n, ok = n.SetString(e.Text, 10)
	}
	if !ok || n.Sign() < 0 {
		return false
	}
	sum.Add(sum, n.Mul(n, big.NewInt(unit)))
	return true
}
