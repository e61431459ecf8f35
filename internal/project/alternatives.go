package project

// alternatives visits each value that an expression may have, with what has to hold for it. What can't be, because of what
// has to hold already, is left out.
func alternatives(e, when Expr, visit func(e, when Expr)) {
	left := 1000
	var walk func(e, when Expr)
	branch := func(e, when, condition Expr) {
		truthy, known := condition.under(when)
		if known {
			if truthy {
				walk(e, when)
			}
			return
		}
		if truthy, known = when.under(condition); known && truthy {
			when = Expr{} // it says nothing more
		}
		walk(e, both(when, condition))
	}
	walk = func(e, when Expr) {
		if left--; left < 0 {
			visit(unknownExpr(e.At, "it hangs on too much"), when)
			return
		}
		if e.Kind != ExprOp {
			visit(e, when)
			return
		}
		switch e.Text {
		case "if":
			branch(e.Args[1], when, e.Args[0])
			branch(e.Args[2], when, negation(e.Args[0]))
		case "||":
			walk(e.Args[0], when)
			branch(e.Args[1], when, negation(e.Args[0]))
		case "&&":
			branch(e.Args[1], when, e.Args[0])
		case "++":
			walk(e.Args[0], when)
			walk(e.Args[1], when)
		default:
			visit(e, when)
		}
	}
	walk(e, when)
}

func negation(e Expr) Expr {
	if e.Kind == ExprOp && e.Text == "!" {
		return e.Args[0]
	}
	return op(e.At, "!", e)
}

// both is what has to hold where two conditions do.
func both(a, b Expr) Expr {
	switch {
	case a.Absent():
		return b
	case b.Absent():
		return a
	}
	return op(b.At, "&&", a, b)
}

// eitherHolds is what has to hold where one of two conditions is enough.
func eitherHolds(a, b Expr) Expr {
	if a.Absent() || b.Absent() {
		return Expr{}
	}
	if truthy, known := a.under(b); known && truthy {
		return a
	}
	if truthy, known := b.under(a); known && truthy {
		return b
	}
	return op(a.At, "||", a, b)
}

// maxFollowed bounds how far conditions are held against one another: beyond, nothing is said.
const maxFollowed = 2000

// under says whether a condition is true where another holds; not known where neither follows. So branches of one case do
// not come together, wherever they are put.
func (e Expr) under(when Expr) (truthy, known bool) {
	left := maxFollowed
	return e.follows(when, &left)
}

func (e Expr) follows(when Expr, left *int) (truthy, known bool) {
	if *left--; *left < 0 || when.Absent() {
		return false, false
	}
	if e.Kind == ExprOp && len(e.Args) > 0 {
		switch e.Text {
		case "!":
			truthy, known = e.Args[0].follows(when, left)
			return !truthy, known
		case "&&", "||":
			a, aKnown := e.Args[0].follows(when, left)
			b, bKnown := e.Args[1].follows(when, left)
			or := e.Text == "||"
			switch {
			case aKnown && a == or, bKnown && b == or:
				return or, true
			case aKnown && bKnown:
				return !or, true
			}
		}
	}
	return e.implied(when, true, left)
}

// implied is follows for a fact that holds, or does not.
func (e Expr) implied(fact Expr, holds bool, left *int) (truthy, known bool) {
	if *left--; *left < 0 {
		return false, false
	}
	if fact.Kind == ExprOp && len(fact.Args) > 0 {
		switch {
		case fact.Text == "!":
			return e.implied(fact.Args[0], !holds, left)
		case fact.Text == "&&" && holds, fact.Text == "||" && !holds:
			if truthy, known = e.implied(fact.Args[0], holds, left); known {
				return truthy, true
			}
			return e.implied(fact.Args[1], holds, left)
		}
	}
	if equal(e, fact, left) {
		return holds, true
	}
	subject, value, is, ok := e.comparison()
	other, another, was, compares := fact.comparison()
	if !ok || !compares || !equal(subject, other, left) || value.alike(another) {
		return false, false
	}
	switch alike := same(value, another); {
	case alike:
		return is == (was == holds), true
	case was == holds: // it is the one, so it is not the other
		return !is, true
	}
	return false, false
}

// comparison takes apart what compares something with a literal.
func (e Expr) comparison() (subject, value Expr, is, ok bool) {
	if e.Kind != ExprOp || e.Text != "==" && e.Text != "!=" || len(e.Args) != 2 {
		return Expr{}, Expr{}, false, false
	}
	subject, value = e.Args[0], e.Args[1]
	if subject.Literal() {
		subject, value = value, subject
	}
	return subject, value, e.Text == "==", value.Literal()
}

// equal says that two expressions have the same value whatever the environment: they are made in the same way of it, or are
// one.
func equal(a, b Expr, left *int) bool {
	if *left--; *left < 0 || a.Kind != b.Kind || a.Text != b.Text || len(a.Items) != len(b.Items) || len(a.Args) != len(b.Args) {
		return false
	}
	switch a.Kind {
	case ExprUnknown:
		return a.once == b.once
	case ExprFunction:
		return a.At == b.At
	}
	for n := range a.Items {
		if a.Items[n].Key != b.Items[n].Key || a.Items[n].Keyed() != b.Items[n].Keyed() || !equal(a.Items[n].Value, b.Items[n].Value, left) {
			return false
		}
	}
	for n := range a.Args {
		if !equal(a.Args[n], b.Args[n], left) {
			return false
		}
	}
	return true
}

// given is an expression where a condition holds, without the branches that can't be.
func (e Expr) given(condition Expr) Expr {
	left := maxNarrowed
	out, _ := e.narrow(condition, &left)
	return out
}

// maxNarrowed bounds what is looked at for that: of more branches some that can't be are left.
const maxNarrowed = 200

func (e Expr) narrow(condition Expr, left *int) (out Expr, changed bool) {
	for e.Kind == ExprOp && e.Text == "if" && *left > 0 {
		truthy, known := e.Args[0].follows(condition, left)
		switch {
		case !known:
			yes, first := e.Args[1].narrow(condition, left)
			no, second := e.Args[2].narrow(condition, left)
			if first || second {
				return choose(e.At, e.Args[0], yes, no), true
			}
			return e, changed
		case truthy:
			e = e.Args[1]
		default:
			e = e.Args[2]
		}
		changed = true
	}
	return e, changed
}
