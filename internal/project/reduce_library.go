package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// system is what System gives of the environment.
func (sc scope) system(c call, at Pos) (Expr, bool) {
	if len(c.args) == 0 || c.args[0].Kind != syntax.String {
		return Expr{}, false
	}
	e := Expr{Kind: ExprEnv, At: at, Text: c.args[0].Text}
	if sc.building {
		e.Kind = ExprBuildEnv
	}
	switch {
	case c.name == "get_env" && len(c.args) == 1:
		return e.weigh(), true
	case c.name == "get_env" && len(c.args) == 2:
		e.Args = []Expr{sc.reduce(c.args[1])}
		return e.weigh(), true
	case c.name == "fetch_env!" && len(c.args) == 1:
		return op(at, "||", e.weigh(), Expr{Kind: ExprRaise, At: at, Text: "the environment variable " + e.Text + " is not set"}), true
	}
	return Expr{}, false
}

// application is what Application gives of the configuration.
func (sc scope) application(c call, at Pos) (Expr, bool) {
	if sc.w.settings == nil || len(c.args) < 2 {
		return Expr{}, false
	}
	compiled := strings.HasPrefix(c.name, "compile_env")
	if !compiled && c.name != "get_env" && c.name != "fetch_env!" {
		return Expr{}, false
	}
	app, key := sc.reduce(c.args[0]), sc.reduce(c.args[1])
	if app.Kind != ExprAtom {
		return Expr{}, false
	}
	keys := []Expr{key}
	if key.Kind == ExprList && compiled {
		keys = nil
		for _, i := range key.Items {
			keys = append(keys, i.Value)
		}
	}
	e := sc.w.settings.app(app.Text)
	for _, k := range keys {
		if k.Kind != ExprAtom && k.Kind != ExprModule {
			return Expr{}, false
		}
		e = e.Get(k.Text)
	}
	sc.m.src.left -= e.weight()
	switch {
	case !e.Absent():
		return e, true
	case len(c.args) == 3:
		return sc.reduce(c.args[2]), true
	case strings.HasSuffix(c.name, "!"):
		return Expr{Kind: ExprRaise, At: at, Text: "the configuration does not have " + app.Text + ", " + key.Text}, true
	}
	return atomExpr(at, "nil"), true
}

// texts are functions of one text, by their names in String and Kernel.
var textFunctions = map[string]string{
	"String.to_integer": "to_integer", "String.to_atom": "to_atom", "String.to_existing_atom": "to_atom", "String.to_charlist": "to_charlist",
	"String.trim": "trim", "String.downcase": "downcase", "String.upcase": "upcase", "Kernel.to_string": "to_string", "Kernel.to_charlist": "to_charlist",
	"Integer.to_string": "to_string", "Kernel.is_nil": "is_nil",
}

// noNils are the functions with which a list is filtered to leave out nil and false.
var noNils = map[string][]string{
	"filter": {"& &1", "&(&1)", "&(&1 != nil)", "&(not is_nil(&1))", "&(!is_nil(&1))", "fn x -> x end", "fn child -> child end"},
	"reject": {"&is_nil/1", "&is_nil(&1)", "&(is_nil(&1))", "&(&1 == nil)", "&Kernel.is_nil/1"},
}

// library is what functions of Elixir's own library give, of which a few are known.
func (sc scope) library(c call, at Pos) (Expr, bool) {
	name := c.module + "." + c.name
	if o, ok := textFunctions[name]; ok && len(c.args) == 1 {
		return op(at, o, sc.reduce(c.args[0])), true
	}
	if len(c.args) == 1 && (name == "List.flatten" || name == "Enum.concat") {
		return op(at, "flatten", sc.reduce(c.args[0])), true
	}
	if len(c.args) < 2 {
		return Expr{}, false
	}
	a := sc.reduce(c.args[0])
	key := func() (string, bool) {
		k := sc.reduce(c.args[1])
		return k.Text, k.Kind == ExprAtom || k.Kind == ExprModule
	}
	switch name {
	case "String.split":
		if len(c.args) == 2 {
			return op(at, "split", a, sc.reduce(c.args[1])), true
		}
		if t := keyword(c.args[2], "trim"); t != nil && t.Text == "true" {
			return op(at, "split_trim", a, sc.reduce(c.args[1])), true
		}
	case "String.replace":
		if len(c.args) == 3 {
			return op(at, "replace", a, sc.reduce(c.args[1]), sc.reduce(c.args[2])), true
		}
	case "String.trim_trailing", "String.trim_leading":
		return op(at, strings.TrimPrefix(name, "String."), a, sc.reduce(c.args[1])), true
	case "Keyword.get", "Access.get", "Map.get", "Keyword.fetch!", "Map.fetch!":
		k, ok := key()
		if !ok {
			return Expr{}, false
		}
		e := a.Get(k)
		switch {
		case !e.Absent():
			return e, true
		case len(c.args) == 3:
			return sc.reduce(c.args[2]), true
		case strings.HasSuffix(name, "!"):
			return Expr{Kind: ExprRaise, At: at, Text: "there is no key " + k}, true
		}
		return atomExpr(at, "nil"), true
	case "Keyword.merge":
		if b := sc.reduce(c.args[1]); len(c.args) == 2 && a.Keyword() && b.Keyword() {
			return overlay(a, b, Expr{}, replaced), true
		}
	case "Keyword.put":
		if k, ok := key(); ok && len(c.args) == 3 && a.Keyword() {
			return overlay(a, Expr{Kind: ExprList, At: at, Items: []Item{{k, sc.m.src.at(c.args[1]), sc.reduce(c.args[2])}}}, Expr{}, replaced), true
		}
	case "Enum.concat":
		return join(a, sc.reduce(c.args[1])), true
	case "Enum.filter", "Enum.reject":
		f := sc.reduce(c.args[1])
		if f.Kind != ExprFunction {
			return Expr{}, false
		}
		if slices.Contains(noNils[c.name], f.Text) {
			return op(at, "compact", a), true
		}
		return op(at, "filter", a), true
	}
	return Expr{}, false
}

// childSpec is the child that a specification is made of.
func (sc scope) childSpec(c call, at Pos) Expr {
	if c.module == "Supervisor" {
		if len(c.args) < 2 {
			return sc.reduce(c.args[0])
		}
		return op(at, "child_spec", sc.reduce(c.args[0]), sc.reduce(c.args[1]))
	}
	return Expr{Kind: ExprTuple, At: at, Items: []Item{{Value: Expr{Kind: ExprModule, At: at, Text: c.module}}, {Value: sc.reduce(c.args[0])}}}.weigh()
}
