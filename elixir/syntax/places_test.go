package syntax_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/phialdev/phial/elixir/syntax"
	"github.com/phialdev/phial/internal/beamtest"
)

// same tells whether two trees are alike, wherever they stand.
func same(a, b *syntax.Node) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Kind == b.Kind && a.Text == b.Text && same(a.Fun, b.Fun) && slices.EqualFunc(a.Args, b.Args, same)
}

// alone lists the expressions below a node that stand in the source as such: not keys, clauses, blocks, parts of strings,
// lists without brackets, nor what is written in some shorter way.
func alone(f *syntax.File, n *syntax.Node, visit func(*syntax.Node)) {
	text := f.Source(n)
	begins := func(prefixes ...string) bool {
		return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(text, p) })
	}
	switch {
	case begins(`"`, "'", "~", `:"`) && !n.Bare() && n.Kind != syntax.Tuple && n.Kind != syntax.List && (n.Kind != syntax.Call || n.Call("<<>>") || strings.HasPrefix(n.Text, "sigil_") || n.CallOf("erlang", "binary_to_atom") || n.CallOf("Elixir.List", "to_charlist")):
		visit(n)
		return // its parts do not stand alone
	case n.Call("when") && len(n.Args) != 2, n.Call("<<>>", "__aliases__", "->", "fn", "|", "__block__", "%", "%{}", "{}"):
	case n.Kind == syntax.List && (n.Bare() || !begins("[")), n.Kind == syntax.Tuple && !begins("{"), n.Kind == syntax.Atom:
	default:
		visit(n)
	}
	if n.Call("not", "!") && n.Args[0].Call("in") && n.Args[0].Start() == n.Start() {
		n = n.Args[0] // a not in b
	}
	for _, a := range n.Args {
		if a.Kind == syntax.Tuple && (n.Call("%{}") || n.Bare()) {
			alone(f, a.Args[0], visit) // an entry of a map is no tuple in the source
			a = a.Args[1]
		}
		alone(f, a, visit)
	}
}

// What stands between the offsets of an expression is that expression, so that it can be put elsewhere, or be replaced.
func TestOffsets(t *testing.T) {
	t.Parallel()
	const each = 7 // expressions of which one is read again
	checked := 0
	for _, src := range corpus(t, beamtest.Source(t, "trixie", "elixir-lang")) {
		f := syntax.Parse(src, syntax.Options{})
		if len(f.Errors) > 0 {
			continue
		}
		alone(f, f.Root, func(n *syntax.Node) {
			text := f.Source(n)
			if n.Kind == syntax.Variable && (strings.Trim(n.Text, "!@^&|<>=+-*/~.:") == "" || slices.Contains([]string{"and", "or", "not", "in", "when"}, n.Text)) {
				return // &+/2
			}
			if checked++; checked%each != 0 {
				return
			}
			again := syntax.Parse(text, syntax.Options{})
			root := again.Root
			if root.Call("__block__") && len(root.Args) == 1 && !n.Call("__block__") {
				root = root.Args[0]
			}
			if len(again.Errors) > 0 || !same(n, root) {
				t.Errorf("%v: %s %q is not %q (%v)", n.Pos(), n.Kind, n.Text, text, again.Errors)
			}
		})
		if t.Failed() {
			return
		}
	}
	t.Logf("%d expressions", checked/each)
}
