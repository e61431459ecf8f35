package project

import (
	"path"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// Phase says when code runs.
type Phase int

// When code runs. What is read of the environment while the release is built is not what the node's environment says.
const (
	Running  Phase = iota // lib
	Booting               // config/runtime.exs, config/releases.exs
	Building              // other configuration, and what stands in modules outside of functions
)

func (p Phase) String() string { return [...]string{"while it runs", "at boot", "when it is built"}[p] }

// frame is where a walk stands.
type frame struct {
	scope
	fn    string // the function around; empty: none
	route string // of the scopes of a router around it
	under string // the module that these scopes put in front of others
	when  Expr   // what has to hold for this to run; absent: nothing

	rounds int // of comprehensions around it
}

// phase is when code at this place runs.
func (f *frame) phase(script Phase) Phase {
	if f.fn == "" && f.m.name != "" {
		return Building
	}
	return script
}

// child is a frame for a block whose names are its own.
func (f *frame) child(when Expr) *frame {
	c := *f
	switch {
	case when.Absent():
	case c.when.Absent():
		c.when = when
	default:
		c.when = op(when.At, "&&", c.when, when)
	}
	return &c
}

// walker goes over a file as it would run, and shows what it comes by.
type walker struct {
	call  func(c call, f *frame)         // calls of all kinds, before their arguments are walked
	step  func(n *syntax.Node, f *frame) // expressions whose value nobody takes; nil: nobody looks
	node  func(n *syntax.Node, f *frame) // nodes of all kinds
	other map[*syntax.Node]*syntax.Node  // of `a || b`: b, by a
	piped map[*syntax.Node]bool          // calls that were shown with what is piped into them
	left  int                            // nodes
}

const maxNodes = 4 << 20

func newWalker(onCall func(call, *frame), onNode func(*syntax.Node, *frame)) *walker {
	return &walker{call: onCall, node: onNode, other: map[*syntax.Node]*syntax.Node{}, piped: map[*syntax.Node]bool{}, left: maxNodes}
}

func (w *walker) all(nodes []*syntax.Node, f *frame) {
	for _, n := range nodes {
		w.walk(n, f)
	}
}

// body walks a block: each of its steps, and not what they are made of, is a step.
func (w *walker) body(n *syntax.Node, f *frame) {
	for _, s := range n.Block() {
		if w.step != nil {
			w.step(s, f)
		}
		w.walk(s, f)
	}
}

func (w *walker) walk(n *syntax.Node, f *frame) {
	if w.left--; n == nil || w.left < 0 {
		return
	}
	if w.node != nil {
		w.node(n, f)
	}
	if n.Kind != syntax.Call {
		w.all(n.Args, f)
		return
	}
	if n.Fun == nil {
		switch n.Text {
		case "__aliases__":
			return
		case "defmodule":
			if in := f.m.inner[n]; in != nil {
				c := *f
				c.m, c.fn, c.vars = in, "", nil
				w.walk(in.body, &c)
				return
			}
		case "def", "defp", "defmacro", "defmacrop":
			w.function(n, f)
			return
		case "=":
			if len(n.Args) == 2 {
				w.walk(n.Args[1], f)
				if n.Args[0].Kind != syntax.Variable {
					w.walk(n.Args[0], f.child(Expr{}))
				}
				f.match(n.Args[0], n.Args[1])
				return
			}
		case "||":
			if len(n.Args) == 2 {
				w.other[n.Args[0]] = n.Args[1]
			}
		case "->":
			if len(n.Args) == 2 {
				c := f.child(Expr{})
				for _, p := range n.Args[0].Args {
					w.walk(p, c)
					c.forget(p)
				}
				w.body(n.Args[1], c)
				return
			}
		case "<-":
			if len(n.Args) == 2 {
				w.walk(n.Args[1], f)
				w.walk(n.Args[0], f)
				f.forget(n.Args[0])
				return
			}
		}
	}
	if !w.piped[n] {
		if c, ok := f.m.called(n); ok {
			w.call(c, f)
			w.piped[c.node] = c.node != n
		}
	}
	if n.Fun == nil {
		switch n.Text {
		case "if", "unless":
			if len(n.Args) == 2 {
				w.condition(n, f)
				return
			}
		case "case":
			if len(n.Args) == 2 {
				w.cases(n, f)
				return
			}
		case "scope":
			w.scope(n, f)
			return
		case "for":
			if w.each(n, f) {
				return
			}
		}
	} else {
		w.walk(n.Fun, f)
	}
	for _, a := range n.Args {
		if a.Kind == syntax.List && keyword(a, "do") != nil { // a block of something: its names are its own
			for _, section := range a.Args {
				if _, body, ok := section.Pair(); ok {
					w.body(body, f.child(Expr{}))
				}
			}
			continue
		}
		w.walk(a, f)
	}
}

// function walks a definition. What it is given is not known.
func (w *walker) function(n *syntax.Node, f *frame) {
	c := *f
	c.vars = nil
	if len(n.Args) > 0 {
		head := n.Args[0]
		if head.Kind == syntax.Call && head.Text == "when" && head.Fun == nil && len(head.Args) > 0 {
			head = head.Args[0]
		}
		if c.fn = head.Text; c.fn == "" {
			c.fn = "?"
		}
		c.forget(head)
		w.all(head.Args, &c)
		if w.node != nil {
			w.node(head, &c)
		}
		for _, a := range n.Args[1:] {
			w.walk(a, &c)
		}
	}
}

// condition walks if and unless; what can't happen in a release is left out.
func (w *walker) condition(n *syntax.Node, f *frame) {
	w.walk(n.Args[0], f)
	yes, no := keyword(n.Args[1], "do"), keyword(n.Args[1], "else")
	if n.Text == "unless" {
		yes, no = no, yes
	}
	test := n.Args[0]
	if test.Kind == syntax.Call && test.Fun == nil && test.Text == "=" && len(test.Args) == 2 {
		test = test.Args[1]
	}
	condition := f.reduce(test)
	if truthy, ok := condition.truth(); ok {
		if truthy {
			w.body(yes, f.child(Expr{}))
		} else {
			w.body(no, f.child(Expr{}))
		}
		return
	}
	w.body(yes, f.child(condition))
	w.body(no, f.child(negation(condition)))
}

// cases walks case; where it asks for the environment of Mix, only the clause that is a release's.
func (w *walker) cases(n *syntax.Node, f *frame) {
	w.walk(n.Args[0], f)
	subject := f.reduce(n.Args[0])
	decided := false
	var none Expr // that no clause before matches
	for _, cl := range clauses(keyword(n.Args[1], "do")) {
		if len(cl.patterns) != 1 || decided {
			continue
		}
		p := cl.patterns[0]
		when := unknownExpr(f.m.src.at(p), "a pattern is matched")
		switch p.Kind {
		case syntax.Atom, syntax.String, syntax.Integer:
			if want := f.reduce(p); subject.Literal() {
				if !same(subject, want) {
					continue
				}
				decided, when = true, Expr{}
			} else {
				when = op(when.At, "==", subject, want)
			}
		case syntax.Variable:
			if when = none; subject.Literal() {
				decided, when = true, Expr{}
			}
		}
		if !when.Absent() {
			none = both(none, negation(when))
		}
		c := f.child(when)
		w.walk(p, c)
		c.forget(p)
		w.body(cl.body, c)
	}
}

// maxRounds of a comprehension are walked.
const maxRounds = 50

// each walks `for name <- [...] do` over a list that stands there, once for each of its elements.
func (w *walker) each(n *syntax.Node, f *frame) bool {
	body := block(n)
	if len(n.Args) != 2 || body == nil || !n.Args[0].Call("<-") || len(n.Args[0].Args) != 2 {
		return false
	}
	name, list := n.Args[0].Args[0], n.Args[0].Args[1]
	if name.Kind != syntax.Variable || list.Kind != syntax.List || len(list.Args) > maxRounds || f.rounds > maxRounds {
		return false
	}
	w.walk(list, f)
	for _, element := range list.Args {
		c := f.child(Expr{})
		c.rounds += len(list.Args)
		c.match(name, element)
		w.body(body, c)
	}
	return true
}

// scope walks a router's scope.
func (w *walker) scope(n *syntax.Node, f *frame) {
	c := f.child(Expr{})
	if len(n.Args) > 0 {
		p := n.Args[0]
		if p.Kind == syntax.List {
			p = keyword(p, "path")
		}
		if p != nil && p.Kind == syntax.String {
			c.route = path.Join("/", f.route, p.Text)
		}
		under := keyword(n.Args[0], "alias")
		if len(n.Args) > 2 {
			under = n.Args[1]
			if of := keyword(n.Args[1], "alias"); of != nil {
				under = of
			}
		}
		if under != nil {
			if name, ok := f.m.alias(under); ok {
				c.under = strings.TrimPrefix(f.under+"."+name, ".")
			}
		}
	}
	w.all(n.Args, c)
}
