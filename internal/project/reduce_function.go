package project

import (
	"slices"
	"strconv"

	"github.com/phialdev/phial/elixir/syntax"
)

// taking is a clause of a function with arguments.
type taking struct {
	params  []*syntax.Node
	guarded bool
	body    *syntax.Node // nil: it has another form than is read
	busy    bool
}

// arity is how a function is told from others of its name.
func arity(name string, args int) string { return name + "/" + strconv.Itoa(args) }

// addTaking notes a clause: def name(arguments), with a guard or without.
func (m *module) addTaking(n *syntax.Node) {
	head := n.Args[0]
	t := &taking{body: block(n)}
	if head.Call("when") && len(head.Args) == 2 {
		head, t.guarded = head.Args[0], true
	}
	if head.Kind != syntax.Call || head.Fun != nil || len(head.Args) == 0 || len(n.Args) < 2 {
		return // also a head by itself, which only gives defaults
	}
	if kw := n.Args[len(n.Args)-1]; len(kw.Args) != 1 {
		t.body = nil // rescue and the like
	}
	for _, p := range head.Args {
		if p.Call(`\\`) && len(p.Args) == 2 {
			p = p.Args[0]
		}
		t.params = append(t.params, p)
	}
	m.taking[arity(head.Text, len(t.params))] = append(m.taking[arity(head.Text, len(t.params))], t)
}

// applied tells what a function of a module gives for some arguments; not ok where the module has none such.
func (sc scope) applied(m *module, name string, args []*syntax.Node, at Pos) (e Expr, ok bool) {
	clauses := m.taking[arity(name, len(args))]
	if len(clauses) == 0 {
		return Expr{}, false
	}
	if sc.depth > maxDepth || slices.ContainsFunc(clauses, func(t *taking) bool { return t.busy }) {
		return unknownExpr(at, name+" leads to itself"), true
	}
	e = Expr{Kind: ExprRaise, At: at, Text: "no clause of " + name + " matches"}
	given := make([]Expr, len(args)) // worked out where a pattern asks
	for _, t := range slices.Backward(clauses) {
		if t.body == nil {
			return unknownExpr(at, "it is computed by "+name), true
		}
		in := scope{w: sc.w, m: m, building: sc.building && m == sc.m, depth: sc.depth + 1}
		when := in.matches(sc, t, args, given)
		if truthy, known := when.truth(); known && !truthy && !when.Absent() {
			continue
		}
		t.busy = true
		value := in.body(t.body)
		t.busy = false
		if when.Absent() {
			e = value
		} else {
			e = choose(at, when, value, e)
		}
	}
	return e, true
}

// matches gives the names of a clause's parameters their values, and says what has to hold for the clause to be taken;
// absent: nothing.
func (sc *scope) matches(caller scope, t *taking, args []*syntax.Node, given []Expr) (when Expr) {
	named := map[string]bool{}
	for i, p := range t.params {
		at := sc.m.src.at(p)
		switch p.Kind {
		case syntax.Variable:
			if named[p.Text] && p.Text != "_" {
				when = both(when, unknownExpr(at, "two arguments are compared"))
			}
			named[p.Text] = true
			sc.vars = &binding{name: p.Text, node: args[i], at: at, in: caller, prev: sc.vars}
		case syntax.Atom, syntax.String, syntax.Integer:
			if given[i].Absent() {
				given[i] = caller.reduce(args[i])
			}
			want := sc.reduce(p)
			one := op(at, "==", given[i], want)
			if given[i].Literal() {
				one = compute(at, "==", one.Args)
			}
			if truthy, known := one.truth(); known {
				if !truthy {
					return one
				}
				continue
			}
			when = both(when, one)
		default:
			sc.forget(p)
			when = both(when, unknownExpr(at, "a pattern is matched"))
		}
	}
	if t.guarded {
		when = both(when, unknownExpr(sc.m.src.at(t.params[0]), "a guard decides"))
	}
	return when
}
