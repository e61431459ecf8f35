package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// call tells what a call gives, where that is known without running anything.
func (sc scope) call(n *syntax.Node, at Pos) Expr {
	c, _ := sc.m.called(n)
	switch c.module {
	case "":
		return sc.local(c, n, at)
	case "System":
		if e, ok := sc.system(c, at); ok {
			return e
		}
	case "Application":
		if e, ok := sc.application(c, at); ok {
			return e
		}
	case "String", "Kernel", "Keyword", "Access", "List", "Integer", "Map", "Enum":
		if e, ok := sc.library(c, at); ok {
			return e
		}
	case ":timer":
		if e, ok := sc.timer(c, at); ok {
			return e
		}
	case "Config":
		if c.name == "config_env" && len(c.args) == 0 {
			return sc.prod(at)
		}
	case "Mix":
		if c.name == "env" && len(c.args) == 0 {
			return sc.prod(at)
		}
	default:
		if c.module == "?" || strings.HasPrefix(c.module, ":") || c.name == "child_spec" && len(c.args) > 0 {
			break
		}
		if m := sc.w.module(c.module); m != nil {
			if len(c.args) == 0 {
				return sc.functionOf(m, c.name, at)
			}
			if e, ok := sc.applied(m, c.name, c.args, at); ok {
				return e
			}
		}
	}
	if c.name == "child_spec" && len(c.args) > 0 && c.module != "?" {
		return sc.childSpec(c, at)
	}
	return unknownExpr(at, "it is computed by "+strings.TrimPrefix(c.module+"."+c.name, "?."))
}

// prod is what Mix.env() and config_env() are in a release.
func (sc scope) prod(at Pos) Expr {
	if sc.w.settings == nil { // mix.exs is read for what it says, whatever the environment
		return unknownExpr(at, "it hangs on the environment of Mix")
	}
	return atomExpr(at, "prod")
}

// local tells what a call of a function, an operator or a form of the language gives.
func (sc scope) local(c call, n *syntax.Node, at Pos) Expr {
	arg := func(i int) Expr { return sc.reduce(c.args[i]) }
	switch len(c.args) {
	case 0:
		switch c.name {
		case "config_env":
			return sc.prod(at)
		case "__block__":
			return atomExpr(at, "nil")
		case "{}":
			return Expr{Kind: ExprTuple, At: at}.weigh()
		case "%{}":
			return Expr{Kind: ExprMap, At: at}.weigh()
		}
		if n.Text != "|>" {
			return sc.function(c.name, at)
		}
	case 1:
		switch c.name {
		case "@":
			if a := c.args[0]; a.Kind == syntax.Variable {
				return sc.attribute(a.Text, at)
			}
			return unknownExpr(at, "it is computed")
		case "!", "not":
			return op(at, "!", arg(0))
		case "-":
			if e := arg(0); e.Kind == ExprInteger || e.Kind == ExprFloat {
				e.At, e.Text = at, "-"+e.Text
				return e
			}
		case "is_nil", "to_string", "to_charlist":
			return op(at, c.name, arg(0))
		case "to_timeout":
			if e, ok := sc.timeout(c.args[0], at); ok {
				return e
			}
		case "&", "fn":
			return sc.function_(n, at)
		case "raise":
			e := Expr{Kind: ExprRaise, At: at, Text: "it raises"}
			if t := arg(0); t.Kind == ExprText {
				e.Text = strings.TrimSpace(t.Text)
			}
			return e
		}
	case 2:
		switch c.name {
		case "||", "or":
			return either(at, arg(0), arg(1))
		case "&&", "and":
			left := arg(0)
			if truthy, ok := left.truth(); ok {
				if truthy {
					return arg(1)
				}
				return left
			}
			return op(at, "&&", left, arg(1))
		case "==", "!=", "===", "!==", "in":
			left, right := arg(0), arg(1)
			e := op(at, strings.TrimSuffix(c.name, "=")+"=", left, right)
			if e.Text = map[string]string{"===": "==", "!==": "!="}[c.name]; e.Text == "" {
				e.Text = c.name
			}
			if left.Literal() && right.Literal() {
				return compute(at, e.Text, e.Args)
			}
			return e
		case "++":
			return join(arg(0), arg(1))
		case "<>":
			return op(at, "<>", arg(0), arg(1))
		case "raise":
			return Expr{Kind: ExprRaise, At: at, Text: "it raises"}
		case "sigil_w", "sigil_W", "sigil_s", "sigil_S", "sigil_c", "sigil_C":
			return sc.sigil(c, at)
		case "%":
			e := sc.reduce(c.args[1])
			if name, ok := sc.m.alias(c.args[0]); ok && e.Kind == ExprMap {
				e.At, e.Text = at, name
				return e
			}
		case "if", "unless":
			return sc.condition(c, at)
		case "case":
			return sc.cases(c, at)
		}
		if c.name == "." { // opts.key
			return unknownExpr(at, "it is computed")
		}
	}
	if e, ok := sc.applied(sc.m, c.name, c.args, at); ok {
		return e
	}
	switch c.name {
	case "__block__":
		return sc.body(n)
	case "worker", "supervisor":
		if len(c.args) == 2 || len(c.args) == 3 {
			return Expr{Kind: ExprTuple, At: at, Items: []Item{{Value: arg(0)}, {Value: arg(1)}}}.weigh()
		}
	case "{}":
		return sc.items(ExprTuple, at, c.args)
	case "%{}":
		return sc.items(ExprMap, at, c.args)
	case "<<>>":
		return sc.interpolated(c, at)
	case "cond":
		return sc.conds(c, at)
	case "fn":
		return sc.function_(n, at)
	}
	return unknownExpr(at, "it is computed by "+c.name)
}

// function_ is a function as a value; what it does is for people to read.
func (sc scope) function_(n *syntax.Node, at Pos) Expr {
	text := sc.m.src.text[n.Start():min(n.End(), n.Start()+200)]
	return Expr{Kind: ExprFunction, At: at, Text: strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")}
}

// interpolated is a text with #{} in it.
func (sc scope) interpolated(c call, at Pos) Expr {
	parts := make([]Expr, 0, len(c.args))
	for _, a := range c.args {
		switch {
		case a.Kind == syntax.String:
			parts = append(parts, textExpr(sc.m.src.at(a), a.Text))
		case a.Kind == syntax.Call && a.Fun == nil && a.Text == "::" && len(a.Args) == 2 && a.Args[0].Kind == syntax.Call && a.Args[0].Fun != nil && len(a.Args[0].Args) == 1:
			v := sc.reduce(a.Args[0].Args[0])
			parts = append(parts, op(v.At, "to_string", v))
		default:
			return unknownExpr(at, "it is made of bytes")
		}
	}
	return op(at, "<>", parts...)
}

// sigil reads ~w and ~s. In the ones with a small letter escapes count, which are left as they are written.
func (sc scope) sigil(c call, at Pos) Expr {
	name, text, modifiers, ok := c.node.Sigil()
	if !ok || name != strings.ToUpper(name) && strings.Contains(text, `\`) {
		return unknownExpr(at, "a sigil with something computed in it")
	}
	switch strings.ToLower(name) {
	case "s":
		return textExpr(at, text)
	case "c":
		return Expr{Kind: ExprCharlist, At: at, Text: text}
	}
	e := Expr{Kind: ExprList, At: at}
	for _, w := range strings.Fields(text) {
		i := textExpr(at, w)
		switch modifiers {
		case "a":
			i.Kind = ExprAtom
		case "c":
			i.Kind = ExprCharlist
		}
		e.Items = append(e.Items, Item{Value: i})
	}
	return e.weigh()
}

// condition is if and unless.
func (sc scope) condition(c call, at Pos) Expr {
	branch := func(name string) Expr {
		b := keyword(c.args[1], name)
		if b == nil {
			return atomExpr(at, "nil")
		}
		return sc.body(b)
	}
	if k := c.args[0]; k.Kind == syntax.Call && k.Fun == nil && k.Text == "=" && len(k.Args) == 2 { // if x = ...
		sc.match(k.Args[0], k.Args[1])
		c.args = []*syntax.Node{k.Args[1], c.args[1]}
	}
	condition := sc.reduce(c.args[0])
	yes, no := "do", "else"
	if c.name == "unless" {
		yes, no = no, yes
	}
	if truthy, ok := condition.truth(); ok {
		if truthy {
			return branch(yes)
		}
		return branch(no)
	}
	return choose(at, condition, branch(yes), branch(no))
}

// clause is a clause of case or cond.
type clause struct {
	patterns []*syntax.Node
	body     *syntax.Node
}

func clauses(n *syntax.Node) (all []clause) {
	if n == nil || n.Kind != syntax.List {
		return nil
	}
	for _, a := range n.Args {
		if a.Kind == syntax.Call && a.Fun == nil && a.Text == "->" && len(a.Args) == 2 && a.Args[0].Kind == syntax.List {
			all = append(all, clause{a.Args[0].Args, a.Args[1]})
		}
	}
	return all
}

// cases is case of literals and names.
func (sc scope) cases(c call, at Pos) Expr {
	subject := sc.reduce(c.args[0])
	e := Expr{Kind: ExprRaise, At: at, Text: "no clause of case matches"}
	all := clauses(keyword(c.args[1], "do"))
	if len(all) == 0 {
		return unknownExpr(at, "it is computed by case")
	}
	for _, cl := range slices.Backward(all) {
		if len(cl.patterns) != 1 {
			return unknownExpr(at, "it is computed by case")
		}
		in := sc
		switch p := cl.patterns[0]; p.Kind {
		case syntax.Variable:
			in.match(p, c.args[0])
			e = in.body(cl.body)
		case syntax.Atom, syntax.String, syntax.Integer:
			same := op(at, "==", subject, sc.reduce(p))
			if subject.Literal() {
				same = compute(at, "==", same.Args)
			}
			e = choose(at, same, in.body(cl.body), e)
		default:
			in.forget(p)
			e = choose(at, unknownExpr(sc.m.src.at(p), "a pattern is matched"), in.body(cl.body), e)
		}
	}
	return e
}

// conds is cond.
func (sc scope) conds(c call, at Pos) Expr {
	e := Expr{Kind: ExprRaise, At: at, Text: "no clause of cond is true"}
	if len(c.args) != 1 {
		return unknownExpr(at, "it is computed")
	}
	for _, cl := range slices.Backward(clauses(keyword(c.args[0], "do"))) {
		if len(cl.patterns) != 1 {
			return unknownExpr(at, "it is computed by cond")
		}
		e = choose(at, sc.reduce(cl.patterns[0]), sc.body(cl.body), e)
	}
	return e
}
