package syntax_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/elixir/syntax"
)

// show writes a tree as Elixir writes quoted forms, without metadata.
func show(n *syntax.Node) string {
	args := func() string {
		all := make([]string, len(n.Args))
		for i, a := range n.Args {
			all[i] = show(a)
		}
		return strings.Join(all, ", ")
	}
	switch n.Kind {
	case syntax.Unknown:
		return "?(" + args() + ")"
	case syntax.Atom:
		return ":" + n.Text
	case syntax.String, syntax.Charlist:
		return fmt.Sprintf("%q", n.Text)
	case syntax.List:
		return "[" + args() + "]"
	case syntax.Tuple:
		return "{" + args() + "}"
	case syntax.Variable:
		return n.Text
	case syntax.Call:
		if n.Fun != nil {
			return show(n.Fun) + "(" + args() + ")"
		}
		return n.Text + "(" + args() + ")"
	}
	return n.Text
}

// What is broken is unknown, and what stands behind it is read.
func TestRecovery(t *testing.T) {
	for _, c := range []struct{ src, tree, errors string }{
		{"a 1 2\nb", "__block__(?(a(1)), b)", "1:5: syntax error before: 2"},
		{"[a, 1 2, b]", "[a, ?(1), b]", "1:7: syntax error before: 2"},
		{"[a: 1 2, b: 3]", "[{:a, ?(1)}, {:b, 3}]", "1:7: syntax error before: 2"},
		{"[a: , b: 3]", "[{:a, ?()}, {:b, 3}]", "1:5: syntax error before: ,"},
		{"[a: b c, d, e: 1]", "[{:a, ?()}]", "1:2: unexpected comma. Parentheses are required to solve ambiguity inside containers"},
		{"f(1 2, g(3), 4)", "f(?(1), g(3), 4)", "1:5: syntax error before: 2"},
		{"%{a: 1, b => => 2, c: 3}", "%{}({:a, 1}, ?(), {:c, 3})", "1:9: unexpected expression after keyword list. Keyword lists must always come last"},
		{"%{a: 1 1, b: 2}", "%{}({:a, ?(1)}, {:b, 2})", "1:8: syntax error before: 1"},
		{"def a do\n  1 +\nend\ndef b, do: 2", "__block__(def(a, [{:do, ?()}]), def(b, [{:do, 2}]))", "3:1: syntax error before: end"},
		{"def a do\n  )\n  b\nend\nc", "__block__(def(a, [{:do, __block__(?(), b)}]), c)", "2:3: syntax error before: )"},
		{"def a do\n  f(\nend\nb", "__block__(def(a, [{:do, ?(?())}]), b)", "3:1: syntax error before: end"},
		{"def a do\n  [1,\n   2\nend\nb", "__block__(def(a, [{:do, ?(1, 2)}]), b)", "4:1: syntax error before: end"},
		{"defmodule A do\n  def b do\n    c\n  end\n", "?(defmodule(__aliases__(:A), [{:do, def(b, [{:do, c}])}]))", "5:1: syntax error: expression is incomplete"},
		{"a\nend\nb", "__block__(a, ?(), b)", "2:1: syntax error before: end"},
		{"x = \"a\ny = 1", "__block__(?(), =(y, 1))", "1:5: missing terminator: \""},
		{"x = \"\"\"\na\n\ny = 1", "__block__(?(), a, =(y, 1))", "1:5: missing terminator: \"\"\""},
		{"x = \"#{a\ny = 1", "__block__(?(), =(y, 1))", "1:5: missing terminator: \""},
		{"\"a#{b c d 1 2}e\"; f", "__block__(<<>>(\"a\", ::(.(:Elixir.Kernel, :to_string)(?(b(c(d(1))))), binary), \"e\"), f)", "1:13: syntax error before: 2"},
		{"fn a end\nb", "__block__(?(a), b)", "1:1: expected anonymous functions to be defined with -> inside: fn"},
		{"a do\n  b -> c\n  d e f -> 1 2\n  g -> h\nend", "a([{:do, [->([b], __block__(c, ?(->([d(e(f))], 1)))), ->([g], h)]}])", ""},
		{"if a do b else c", "?(if(a, [{:do, b}, {:else, c}]))", "1:17: syntax error: expression is incomplete"},
		{"a |> |> b\nc", "__block__(?(), c)", "1:6: syntax error before: |>"},
		{"1//4\nc", "__block__(?(), c)", ""},
		{"a; b @ ; c", "__block__(a, ?(), c)", "1:8: syntax error before: ;"},
		{"\u00abx\nb", "__block__(?(), b)", "1:1: unexpected token: '«'"},
		{"x = a\u0301\nf(a\u0301, 1)", "__block__(=(x, ?()), f(?(), 1))", "1:5: a character that is not read in identifiers: '\u0301'"},
		{"[a\u0301: 1, b: 2]", "[{?(), 1}, {:b, 2}]", "1:2: a character that is not read in identifiers: '\u0301'"},
		{"a\u0301(1, 2)", "?(1, 2)", "1:1: a character that is not read in identifiers: '\u0301'"},
	} {
		f := syntax.Parse(c.src, syntax.Options{})
		if len(f.Errors) == 0 {
			t.Errorf("%q: no error", c.src)
			continue
		}
		got := f.Errors[0].Error()
		if c.errors == "" {
			got = ""
		}
		if d := cmp.Diff([]string{c.tree, c.errors}, []string{show(f.Root), got}); d != "" {
			t.Errorf("%q (-want +got):\n%s", c.src, d)
		}
		if wrong := check(c.src, syntax.Newest); wrong != "" {
			t.Errorf("%q: %s", c.src, wrong)
		}
	}
}

// Where the versions differ.
func TestVersions(t *testing.T) {
	for _, c := range []struct {
		src      string
		old, new string
		since    syntax.Version
	}{
		{"& 1 + 2", "+(&(1), 2)", "&(+(1, 2))", 15},
		{"a do not b end", "a([{:do, __block__(not(b))}])", "a([{:do, not(b)}])", 15},
		{"a -(b)", "-(a, b)", "a(-(b))", 17},
		{"...", "...", "...()", 17},
		{`a."b\n"`, `.(a, :b\n)()`, ".(a, :b\n)()", 18},
		{"a \\\n -1", "-(a, 1)", "a(-(1))", 20},
		{`"\x4"`, "\"\\x04\"", "?()", 20},
		{"\"\v\"", "\"\\v\"", "?()", 19},
	} {
		for v := syntax.Oldest; v <= syntax.Newest; v++ {
			want := c.old
			if v >= c.since {
				want = c.new
			}
			if got := show(syntax.Parse(c.src, syntax.Options{Elixir: v}).Root); got != want {
				t.Errorf("1.%d: %q is %s, want %s", v, c.src, got, want)
			}
		}
	}
	for o, want := range map[syntax.Version]string{1: "+(&(1), 2)", 99: "&(+(1, 2))", 0: "&(+(1, 2))"} {
		if got := show(syntax.Parse("& 1 + 2", syntax.Options{Elixir: o}).Root); got != want {
			t.Errorf("1.%d: %s, want %s", o, got, want)
		}
	}
}

func first(src string) *syntax.Node { return syntax.Parse(src, syntax.Options{}).Root }

func TestHelpers(t *testing.T) {
	str := func(n *syntax.Node, ok bool) string {
		if !ok {
			return "no"
		}
		return show(n)
	}
	do := func(n *syntax.Node) string { return str(n.Do()) }
	get := func(key string) func(*syntax.Node) string {
		return func(n *syntax.Node) string { return str(n.Get(key)) }
	}
	alias := func(n *syntax.Node) string {
		s, ok := n.Alias()
		return fmt.Sprint(s, " ", ok)
	}
	words := func(n *syntax.Node) string {
		w, atoms, ok := n.Words()
		return fmt.Sprint(w, " atoms ", atoms, " ok ", ok)
	}
	sigil := func(n *syntax.Node) string {
		name, text, modifiers, ok := n.Sigil()
		return fmt.Sprintf("%s %q %s %v", name, text, modifiers, ok)
	}
	attribute := func(n *syntax.Node) string {
		name, value, ok := n.Attribute()
		return name + " " + str(value, value != nil) + fmt.Sprint(" ", ok)
	}
	integer := func(n *syntax.Node) string {
		i, ok := n.Int()
		b, okBig := n.BigInt()
		return fmt.Sprint(i, ok, b, okBig)
	}
	pipe := func(n *syntax.Node) string {
		var all []string
		for _, p := range n.Pipe() {
			all = append(all, show(p))
		}
		return strings.Join(all, " / ")
	}
	remote := func(n *syntax.Node) string {
		m, f, ok := n.Remote()
		return str(m, ok) + " " + f
	}
	keywords := func(n *syntax.Node) string { return str(n.Keywords()) }
	for _, c := range []struct {
		src  string
		ask  func(*syntax.Node) string
		want string
	}{
		{"if a do b else c end", do, "b"},
		{"if a, do: b, else: c", do, "b"},
		{"if a, b: 1 do c end", do, "c"},
		{"if a", do, "no"},
		{"a", do, "no"},
		{"[do: 1]", do, "no"},
		{"[a: 1, b: 2, a: 3]", get("a"), "1"},
		{"%{\"a\" => 1, a: 2}", get("a"), "2"},
		{"[{:a, 1}]", get("a"), "1"},
		{"[b, 1]", get("a"), "no"},
		{"a", get("a"), "no"},
		{"Foo.Bar", alias, "Foo.Bar true"},
		{"Foo", alias, "Foo true"},
		{"__MODULE__.Foo", alias, " false"},
		{":foo", alias, " false"},
		{"~w(a b c)a", words, "[a b c] atoms true ok true"},
		{"~w[a\n b]", words, "[a b] atoms false ok true"},
		{"~W(a)s", words, "[a] atoms false ok true"},
		{"~w(a\\ b)", words, "[] atoms false ok false"},
		{"~w(#{a})", words, "[] atoms false ok false"},
		{"~s(a)", words, "[] atoms false ok false"},
		{"~r/a/iu", sigil, `r "a" iu true`},
		{"~S|a|", sigil, `S "a"  true`},
		{"sigil_r(a, b)", sigil, `""  false`},
		{"@a 1", attribute, "a 1 true"},
		{"@a", attribute, "a no true"},
		{"@a 1, 2", attribute, " no false"},
		{"@A", attribute, " no false"},
		{"a", attribute, " no false"},
		{"1_000", integer, "1000 true 1000 true"},
		{"0x_1", integer, "0 false <nil> false"},
		{"0xFf", integer, "255 true 255 true"},
		{"0b1_0", integer, "2 true 2 true"},
		{"?\\n", integer, "10 true 10 true"},
		{"?é", integer, "233 true 233 true"},
		{"?\\\\", integer, "92 true 92 true"},
		{"99999999999999999999", integer, "0 false 99999999999999999999 true"},
		{"1.0", integer, "0 false <nil> false"},
		{"a |> b |> c(1)", pipe, "a / b / c(1)"},
		{"a", pipe, "a"},
		{"System.get_env(\"X\")", remote, "__aliases__(:System) get_env"},
		{":os.getenv", remote, ":os getenv"},
		{"a.(b)", remote, "no "},
		{"a[b]", remote, ":Elixir.Access get"},
		{"f(1, a: 2)", keywords, "[{:a, 2}]"},
		{"f(1)", keywords, "no"},
		{"[a: 1]", keywords, "[{:a, 1}]"},
		{"f([a, b: 1])", keywords, "no"},
	} {
		got := strings.TrimLeft(c.ask(first(c.src)), " ")
		if want := strings.TrimLeft(c.want, " "); got != want {
			t.Errorf("%s: got %q, want %q", c.src, got, want)
		}
	}
	if n := first("System.get_env(\"X\")"); !n.CallOf("System", "get_env") || n.CallOf("Systems", "get_env") || n.CallOf("System", "get") {
		t.Error("CallOf of an alias")
	}
	if n := first(":os.getenv(~c\"X\")"); !n.CallOf("os", "getenv") || n.CallOf("so", "getenv") {
		t.Error("CallOf of an atom")
	}
	if b := first("a\nb").Block(); len(b) != 2 || len(first("a").Block()) != 1 || len(first("").Block()) != 0 {
		t.Error("Block")
	}
	// Every node once, and none after the visitor has enough.
	seen := ""
	for n := range first("a(b, [c: d.e])").All() {
		if seen += " " + n.Kind.String(); n.Text == "c" {
			break
		}
	}
	if seen != " call variable list tuple atom" {
		t.Errorf("All: %s", seen)
	}
}

func TestPositions(t *testing.T) {
	src := "a = \"é\"\nfoo(:b,\n  c + 1)"
	f := syntax.Parse(src, syntax.Options{})
	plus := f.Root.Args[1].Args[1]
	if got, want := plus.Pos(), (syntax.Position{Line: 3, Column: 5}); got != want {
		t.Errorf("+ is at %v, want %v", got, want)
	}
	if got := f.Source(plus); got != "c + 1" {
		t.Errorf("+ is %q", got)
	}
	for offset, want := range map[int]syntax.Position{0: {1, 1}, 5: {1, 6}, 7: {1, 7}, 9: {2, 1}, -1: {1, 1}, 1000: {3, 9}} {
		if got := f.Position(offset); got != want {
			t.Errorf("offset %d is at %v, want %v", offset, got, want)
		}
	}
}

// What is beyond the package is told from mistakes.
func TestLimitsAreNoMistakes(t *testing.T) {
	for source, limit := range map[string]bool{
		"x = ?\n":                      true,
		"\u0430b = 1":                  true, // a Cyrillic letter beside a Latin one
		strings.Repeat("(", 50) + "1":  true,
		"x = 'a":                       false,
		"def f do":                     false,
		"x = \"\xff\"":                 false,
		"@ @ )":                        false,
		strings.Repeat("x = 1\n", 1e5): false,
	} {
		f := syntax.Parse(source, syntax.Options{MaxDepth: 40, MaxBytes: 4096})
		if len(f.Errors) == 0 || f.Errors[0].Limit != limit {
			t.Errorf("%.20q: %+v", source, f.Errors)
		}
	}
}
