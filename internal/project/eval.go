package project

import (
	"math/big"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxText bounds what texts may grow to when they are put together.
const maxText = 1 << 16

// Eval works an expression out in an environment. What comes of it is literal, ExprRaise where the app would not boot
// because of it, or has ExprUnknown in the places that can't be told, with the reason. What does not matter to the value
// is supposed to boot. A variable that is read when the release is built is not known, whatever the environment says.
//
// The operations are Elixir's own where they have a sign: "||", "&&", "!", "==", "!=", "<>" and "++" of any number, "in";
// "if" of condition, value and other value; functions of one text: to_string, to_integer, to_atom, to_charlist, trim,
// downcase, upcase, is_nil; "split" by a text, and "split_trim", which leaves out empty parts; "trim_trailing" and
// "trim_leading" a text; "replace" a text by a text; of lists "compact", which leaves nil and false out, and "flatten".
// Nothing is known of what comes of "filter", and of "child_spec", which has a child and what is changed of it.
func (e Expr) Eval(env Env) Expr {
	steps := 100_000
	return e.eval(env, &steps)
}

func (e Expr) eval(env Env, steps *int) Expr {
	if *steps--; *steps < 0 {
		return unknownExpr(e.At, "it is too large to be worked out")
	}
	switch e.Kind {
	case ExprList, ExprTuple, ExprMap:
		out := e
		out.Items = make([]Item, len(e.Items))
		for n, i := range e.Items {
			i.Value = i.Value.eval(env, steps)
			if i.Value.Kind == ExprRaise {
				return i.Value
			}
			out.Items[n] = i
		}
		return out
	case ExprBuildEnv:
		return unknownExpr(e.At, e.Text+" is read when the release is built, at "+e.At.String())
	case ExprEnv:
		switch v := env(e.Text); {
		case v.Unknown != "":
			return unknownExpr(e.At, v.Unknown)
		case v.Set:
			return textExpr(e.At, v.Value)
		case len(e.Args) > 0:
			return e.Args[0].eval(env, steps)
		}
		return atomExpr(e.At, "nil")
	case ExprOp:
		return e.apply(env, steps)
	}
	return e
}

func (e Expr) apply(env Env, steps *int) Expr {
	arg := func(i int) Expr {
		if i >= len(e.Args) {
			return Expr{}
		}
		return e.Args[i].eval(env, steps)
	}
	switch e.Text {
	case "||", "&&":
		left := arg(0)
		switch truthy, ok := left.truth(); {
		case !ok:
			return left
		case truthy == (e.Text == "||"):
			return left
		}
		return arg(1)
	case "if":
		c := arg(0)
		truthy, ok := c.truth()
		switch {
		case !ok && c.Kind == ExprRaise:
			return c
		case !ok:
			// Where both ways lead to the same, it does not matter which it is.
			if yes, no := arg(1), arg(2); yes.Literal() && no.Literal() && same(yes, no) {
				return yes
			}
			return c
		case truthy:
			return arg(1)
		}
		return arg(2)
	}
	args := make([]Expr, len(e.Args))
	for i := range e.Args {
		args[i] = arg(i)
		if args[i].Kind == ExprRaise {
			return args[i]
		}
	}
	for _, a := range args {
		if unclear, ok := a.Find(ExprUnknown); ok {
			return unclear
		}
	}
	return compute(e.At, e.Text, args)
}

// compute does an operation on literals.
func compute(at Pos, name string, args []Expr) Expr {
	fails := func(why string) Expr { return Expr{Kind: ExprRaise, At: at, Text: why} }
	switch name {
	case "!":
		truthy, _ := args[0].truth()
		return boolExpr(at, !truthy)
	case "is_nil":
		return boolExpr(at, args[0].Nil())
	case "==", "!=":
		if args[0].alike(args[1]) {
			return unknownExpr(at, "a float or a charlist is compared")
		}
		return boolExpr(at, same(args[0], args[1]) == (name == "=="))
	case "in":
		if args[1].Kind != ExprList || slices.ContainsFunc(args[1].Items, func(i Item) bool { return i.Keyed() || i.Value.alike(args[0]) }) {
			return unknownExpr(at, "it is looked for in "+args[1].String())
		}
		return boolExpr(at, slices.ContainsFunc(args[1].Items, func(i Item) bool { return same(i.Value, args[0]) }))
	case "compact", "flatten":
		out := Expr{Kind: ExprList, At: at}
		if args[0].Kind != ExprList {
			return fails(name + " of " + args[0].String() + ", which is no list")
		}
		for _, i := range args[0].Items {
			switch truthy, _ := i.Value.truth(); {
			case name == "compact" && !truthy && !i.Keyed():
			case name == "flatten" && i.Value.Kind == ExprList && !i.Keyed():
				out.Items = append(out.Items, compute(at, name, []Expr{i.Value}).Items...)
			default:
				out.Items = append(out.Items, i)
			}
		}
		return out.weigh()
	case "filter", "child_spec":
		return unknownExpr(at, "it is computed by "+name)
	case "++":
		out := Expr{Kind: ExprList, At: at}
		for n, a := range args {
			if a.Kind == ExprCharlist || a.Kind != ExprList && n > 0 {
				return unknownExpr(at, "a list with "+a.String()+" behind it")
			}
			if a.Kind != ExprList {
				return fails("++ of " + a.String() + ", which is no list")
			}
			out.Items = slices.Concat(out.Items, a.Items)
		}
		return out.weigh()
	case "<>":
		var b strings.Builder
		for _, a := range args {
			if a.Kind != ExprText {
				return fails("<> of " + a.String() + ", which is no text")
			}
			b.WriteString(a.Text)
		}
		if b.Len() > maxText {
			return unknownExpr(at, "it is too long")
		}
		return textExpr(at, b.String())
	case "to_string":
		switch a := args[0]; a.Kind {
		case ExprText, ExprCharlist, ExprInteger:
			return textExpr(at, a.Text)
		case ExprAtom:
			if a.Nil() {
				return textExpr(at, "")
			}
			return textExpr(at, a.Text)
		case ExprModule:
			return textExpr(at, "Elixir."+a.Text)
		}
		return unknownExpr(at, "it is a text of "+args[0].String())
	}
	// What is left works on a text.
	a := args[0]
	if a.Kind != ExprText {
		return fails(name + " of " + a.String() + ", which is no text")
	}
	switch name {
	case "to_integer":
		n, ok := new(big.Int).SetString(a.Text, 10)
		if !ok || len(a.Text) > 100 || strings.Contains(a.Text, "_") {
			return fails("String.to_integer of " + a.String() + ", which is no number")
		}
		return Expr{Kind: ExprInteger, At: at, Text: n.String()}
	case "to_atom":
		return atomExpr(at, a.Text)
	case "to_charlist":
		return Expr{Kind: ExprCharlist, At: at, Text: a.Text}
	case "trim":
		return textExpr(at, strings.TrimSpace(a.Text))
	case "downcase", "upcase":
		if strings.ContainsFunc(a.Text, func(r rune) bool { return r >= utf8.RuneSelf }) {
			return unknownExpr(at, "letters that are not ASCII change their case")
		}
		if name == "upcase" {
			return textExpr(at, strings.ToUpper(a.Text))
		}
		return textExpr(at, strings.ToLower(a.Text))
	case "split", "split_trim":
		out := Expr{Kind: ExprList, At: at}
		parts := strings.Fields(a.Text)
		if len(args) > 1 {
			if args[1].Kind != ExprText || args[1].Text == "" {
				return unknownExpr(at, "it is split by "+args[1].String())
			}
			parts = strings.Split(a.Text, args[1].Text)
		}
		for _, p := range parts {
			if p != "" || name == "split" {
				out.Items = append(out.Items, Item{Value: textExpr(at, p)})
			}
		}
		return out.weigh()
	case "replace":
		if len(args) == 3 && args[1].Kind == ExprText && args[2].Kind == ExprText && args[1].Text != "" && len(a.Text)*max(len(args[2].Text), 1) < maxText {
			return textExpr(at, strings.ReplaceAll(a.Text, args[1].Text, args[2].Text))
		}
	case "trim_trailing", "trim_leading":
		if len(args) == 2 && args[1].Kind == ExprText && args[1].Text != "" {
			s := a.Text
			for cut := true; cut; {
				if name == "trim_trailing" {
					s, cut = strings.CutSuffix(s, args[1].Text)
				} else {
					s, cut = strings.CutPrefix(s, args[1].Text)
				}
			}
			return textExpr(at, s)
		}
	}
	return unknownExpr(at, "it is computed")
}

// alike says that two literals may be the same although they are of two kinds.
func (e Expr) alike(o Expr) bool {
	loose := func(k ExprKind) bool { return k == ExprFloat || k == ExprCharlist }
	if e.Kind != o.Kind && (loose(e.Kind) || loose(o.Kind)) {
		return true
	}
	for n := range min(len(e.Items), len(o.Items)) {
		if e.Items[n].Keyed() != o.Items[n].Keyed() || e.Items[n].Value.alike(o.Items[n].Value) {
			return true
		}
	}
	return false
}

// same compares two literals.
func same(a, b Expr) bool {
	if a.Nil() && b.Nil() {
		return true
	}
	if a.Kind != b.Kind || a.Text != b.Text || len(a.Items) != len(b.Items) {
		return false
	}
	for n := range a.Items {
		if a.Items[n].Key != b.Items[n].Key || a.Items[n].Keyed() != b.Items[n].Keyed() || !same(a.Items[n].Value, b.Items[n].Value) {
			return false
		}
	}
	return true
}
