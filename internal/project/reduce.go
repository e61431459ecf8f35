package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// scope is where an expression stands: what its names mean.
type scope struct {
	w        *world
	m        *module
	vars     *binding
	building bool // it runs when the release is built
	depth    int  // of names that lead to one another
}

// world is what expressions may refer to beyond their file.
type world struct {
	settings *settings
	modules  map[string]*module
	find     func(name string) *module // looks for one that is not among them; nil: nobody can
}

// module finds a module of the project.
func (w *world) module(name string) *module {
	m, ok := w.modules[name]
	if !ok && w.find != nil {
		m = w.find(name)
		w.modules[name] = m // also that there is none
	}
	return m
}

// binding is a variable that was given a value. Its value is worked out when somebody asks.
type binding struct {
	name string
	node *syntax.Node // nil: it is not known
	at   Pos
	in   scope
	busy bool
	done bool
	expr Expr
	prev *binding
}

func (sc *scope) bind(name string, value *syntax.Node, at Pos) {
	sc.vars = &binding{name: name, node: value, at: at, in: *sc, prev: sc.vars}
}

const maxDepth = 30 // of functions, attributes and variables that lead to one another

// unknown is an expression of which nothing is known but the place.
func (sc scope) unknown(n *syntax.Node, why string) Expr { return unknownExpr(sc.m.src.at(n), why) }

// reduce tells what an expression is.
func (sc scope) reduce(n *syntax.Node) Expr {
	src := sc.m.src
	if src.left--; src.left < 0 {
		return sc.unknown(n, "the file says too much")
	}
	at := src.at(n)
	switch n.Kind {
	case syntax.Unknown:
		return unknownExpr(at, n.Text)
	case syntax.String:
		return textExpr(at, n.Text)
	case syntax.Charlist:
		return Expr{Kind: ExprCharlist, At: at, Text: n.Text}
	case syntax.Atom:
		if name, ok := strings.CutPrefix(n.Text, "Elixir."); ok {
			return Expr{Kind: ExprModule, At: at, Text: name}
		}
		return atomExpr(at, n.Text)
	case syntax.Integer:
		i, ok := n.BigInt()
		if !ok || len(n.Text) > 100 {
			return unknownExpr(at, "a number that is not read")
		}
		return Expr{Kind: ExprInteger, At: at, Text: i.String()}
	case syntax.Float:
		return Expr{Kind: ExprFloat, At: at, Text: n.Text}
	case syntax.List:
		return sc.list(n)
	case syntax.Tuple:
		return sc.items(ExprTuple, at, n.Args)
	case syntax.Variable:
		return sc.variable(n)
	}
	if full, ok := sc.m.alias(n); ok {
		return Expr{Kind: ExprModule, At: at, Text: full}
	}
	return sc.call(n, at)
}

// items reads the elements of a tuple or a list; a tuple of an atom and something is an element with a key.
func (sc scope) items(k ExprKind, at Pos, nodes []*syntax.Node) Expr {
	e := Expr{Kind: k, At: at, Items: make([]Item, 0, len(nodes))}
	for _, a := range nodes {
		if sc.m.src.left < 0 {
			return unknownExpr(at, "the file says too much")
		}
		if k != ExprTuple && a.Kind == syntax.Tuple && len(a.Args) == 2 && a.Args[0].Kind == syntax.Atom {
			key := strings.TrimPrefix(a.Args[0].Text, "Elixir.")
			e.Items = append(e.Items, Item{key, sc.m.src.at(a), sc.reduce(a.Args[1])})
			continue
		}
		if k != ExprTuple && a.Kind == syntax.Tuple && len(a.Args) == 2 {
			if full, ok := sc.m.alias(a.Args[0]); ok { // {MyApp.Repo, [...]}: a pair, and as good as a key
				e.Items = append(e.Items, Item{full, sc.m.src.at(a), sc.reduce(a.Args[1])})
				continue
			}
		}
		v := sc.reduce(a)
		e.Items = append(e.Items, Item{Value: v})
	}
	return e.weigh()
}

// list reads a list; [a | rest] is one list before another.
func (sc scope) list(n *syntax.Node) Expr {
	at := sc.m.src.at(n)
	if len(n.Args) > 0 {
		if cons := n.Args[len(n.Args)-1]; cons.Kind == syntax.Call && cons.Fun == nil && cons.Text == "|" && len(cons.Args) == 2 {
			head := slices.Concat(n.Args[:len(n.Args)-1], cons.Args[:1])
			return join(sc.items(ExprList, at, head), sc.reduce(cons.Args[1]))
		}
	}
	return sc.items(ExprList, at, n.Args)
}

// join is ++. It stands where its first list does, which is where one would add to it.
func join(a, b Expr) Expr {
	if a.Kind == ExprList && b.Kind == ExprList {
		a.Items = slices.Concat(a.Items, b.Items)
		return a.weigh()
	}
	return op(a.At, "++", a, b)
}

// variable is what a variable stands for, or a function that is called without parentheses.
func (sc scope) variable(n *syntax.Node) Expr {
	at := sc.m.src.at(n)
	for b := sc.vars; b != nil; b = b.prev {
		if b.name == n.Text {
			return sc.bound(b, at)
		}
		if sc.m.src.left--; sc.m.src.left < 0 {
			return unknownExpr(at, "the file says too much")
		}
	}
	switch n.Text {
	case "__MODULE__":
		if sc.m.name == "" {
			return atomExpr(at, "nil")
		}
		return Expr{Kind: ExprModule, At: at, Text: sc.m.name}
	case "__DIR__", "__ENV__", "__CALLER__":
		return unknownExpr(at, n.Text+" is computed")
	}
	return sc.function(n.Text, at)
}

func (sc scope) bound(b *binding, at Pos) Expr {
	switch {
	case b.node == nil:
		return unknownExpr(b.at, "the value of "+b.name+" is computed")
	case b.busy || sc.depth > maxDepth:
		return unknownExpr(at, b.name+" leads to itself")
	case !b.done:
		b.busy = true
		in := b.in
		in.depth = sc.depth + 1
		b.expr = in.reduce(b.node)
		b.busy, b.done = false, true
	default:
		sc.m.src.left -= b.expr.weight()
	}
	return b.expr
}

// defined is what an attribute or a function is.
func (sc scope) defined(m *module, d *definition, at Pos, building bool) Expr {
	switch {
	case d.busy || sc.depth > maxDepth:
		return unknownExpr(at, "it leads to itself")
	case d.body == nil:
		return unknownExpr(at, "it is computed")
	case !d.done:
		d.busy = true
		in := scope{w: sc.w, m: m, building: building, depth: sc.depth + 1}
		d.expr = in.body(d.body)
		d.busy, d.done = false, true
	default:
		if sc.m.src.left -= d.expr.weight(); sc.m.src.left < 0 {
			return unknownExpr(at, "the file says too much")
		}
	}
	return d.expr
}

// attribute is what @name stands for, where it is set once.
func (sc scope) attribute(name string, at Pos) Expr {
	all := sc.m.attributes[name]
	if len(all) != 1 {
		return unknownExpr(at, "@"+name+" is not set, or more than once")
	}
	return sc.defined(sc.m, all[0], at, sc.m.name != "" || sc.building)
}

// function is what a function without arguments gives, where there is one such in the module or around it.
func (sc scope) function(name string, at Pos) Expr {
	return sc.functionOf(sc.m, name, at)
}

func (sc scope) functionOf(m *module, name string, at Pos) Expr {
	all := m.functions[name]
	if len(all) != 1 {
		return unknownExpr(at, name+" is computed")
	}
	return sc.defined(m, all[0], at, sc.building && m == sc.m)
}

// body is the value of a block whose steps before the last give names alone, or log.
func (sc scope) body(n *syntax.Node) Expr {
	steps := n.Block()
	if len(steps) == 0 {
		return atomExpr(sc.m.src.at(n), "nil")
	}
	for _, s := range steps[:len(steps)-1] {
		c, isCall := sc.m.called(s)
		switch {
		case isCall && c.module == "" && c.name == "=" && len(c.args) == 2:
			sc.match(c.args[0], c.args[1])
		case isCall && (c.module == "Logger" || c.module == "" && slices.Contains([]string{"require", "alias", "import"}, c.name)):
		default:
			return sc.unknown(steps[0], "it is computed in several steps")
		}
	}
	return sc.reduce(steps[len(steps)-1])
}

// match gives the names of a pattern their values: one name that of the whole, others none that is known.
func (sc *scope) match(pattern, value *syntax.Node) {
	if pattern.Kind == syntax.Variable {
		sc.bind(pattern.Text, value, sc.m.src.at(pattern))
		return
	}
	sc.forget(pattern)
}

// forget makes all names of a pattern unknown.
func (sc *scope) forget(pattern *syntax.Node) {
	if pattern == nil {
		return
	}
	if pattern.Kind == syntax.Variable {
		sc.bind(pattern.Text, nil, sc.m.src.at(pattern))
	}
	for _, a := range pattern.Args {
		sc.forget(a)
	}
}
