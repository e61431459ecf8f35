package syntax_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// pieces are what random sources are made of.
var pieces = []string{"a", "b", "foo", "Foo", "Bar.Baz", ":a", "1", "2.0", "\"s\"", "'c'", "?x", "nil", "true", "~w(a)a", "@a", "&1", "&a/1", "a.b", "a.b()", "a()", "a(", "foo.(", "[", "]", "(", ")", "{", "}", "%{", "%Foo{", "<<", ">>", ",", ";", "do", "end", "fn", "->", "else", "rescue", "after", "a:", "b:", "\"k\":", "+", "-", "-1", "*", "/", "..", "//", "...", "++", "<>", "=", "==", "!=", "<", ">", "|>", "||", "|", "&&", "and", "or", "in", "not", "!", "^", "&", "@", "::", "<-", "=>", "when", "\\\\", ".", "#{", "\"", "if", "def", "unquote_splicing(", "~~~", "^^^", "<<<", "<~>", "**", "é", "[a", "[b", "]]", " -", " - ", "\n", "\n", " ", "\"\"\"\n", "\\\n", "# c\n", ", ", " -> ", " = "}

// grammar makes sources that are right more often than not: expressions of every form in one another, with few brackets
// around them.
type grammar struct{ *rand.Rand }

func (g grammar) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g grammar) expr(depth int) string {
	if depth <= 0 || g.IntN(8) == 0 {
		return g.pick("a", "b", "c?", "A", "A.B", ":d", "1", "2.5", "\"s\"", "'e'", "nil", "true", "?f", "~s(g)", "&1", "@h", "[]", "{}", "%{}", "i()", "j.k", "...", "..", "\"#{l}\"", "()", "__MODULE__", "<<>>", "x.()")
	}
	e := func() string { return g.expr(depth - 1) }
	switch g.IntN(34) {
	case 0, 1, 2, 3, 4, 5:
		op := g.pick("+", "-", "*", "/", "++", "--", "<>", "..", "|>", "=", "==", "!=", "=~", "<", ">=", "&&", "||", "and", "or", "in", "not in", "::", "|", "when", "<-", "\\\\", "**", "^^^", "<<<", "~>", "<|>", "//", "&&&", "|||", "+++", "===")
		return e() + g.pick(" ", " ", " ", "\n", "") + op + g.pick(" ", " ", " ", "\n", "") + e()
	case 6, 7:
		return g.pick("-", "+", "!", "^", "not ", "@", "&", "~~~", "... ", "& ", "//") + e()
	case 8:
		return g.pick("f", "g.h", "A.f", "x") + g.pick(" ", " ", "  ", " \\\n ") + e()
	case 9:
		return g.pick("f", "g.h", "A.f") + " " + e() + ", " + e()
	case 10:
		return g.pick("f", "g.h") + " " + g.pick("", e()+", ") + "k: " + e()
	case 11:
		return g.pick("f", "g.h", "A.f", "x.") + "(" + e() + g.pick("", ", "+e(), ", k: "+e(), "\n") + ")"
	case 12:
		return g.pick("f", "g.h") + "(" + e() + ")" + g.pick("", "("+e()+")", ".m", "["+e()+"]", " do "+e()+" end")
	case 13, 14:
		return g.pick("if ", "f ", "g.h ", "") + e() + " do" + g.pick(" ", "\n", ";") + g.body(depth) + g.pick("", "", " else "+e(), "\nrescue\n"+e()+" -> "+e()) + g.pick(" ", "\n") + "end"
	case 15:
		return "fn " + g.args(depth) + " -> " + g.body(depth) + g.pick(" end", "\nend", " end.()")
	case 16:
		return "(" + g.pick("", "\n", ";") + g.body(depth) + g.pick("", "\n", ";") + ")"
	case 17:
		return "(" + g.args(depth) + " -> " + e() + ")"
	case 18:
		return "[" + e() + g.pick("", ", "+e(), " | "+e(), ", k: "+e(), ",", "\n") + "]"
	case 19:
		return "{" + e() + g.pick("", ", "+e(), ", "+e()+", "+e(), ", k: "+e()) + "}"
	case 20:
		return "%" + g.pick("", "A", "@a", "a.b", "__MODULE__", "_", "a", "^a") + "{" + g.pick("k: "+e(), e()+" => "+e(), e()+" | k: "+e(), e()+" | "+e()+" => "+e(), e()) + "}"
	case 21:
		return "<<" + e() + g.pick("", "::"+e(), ", "+e()) + ">>"
	case 22:
		return e() + "[" + e() + "]"
	case 23:
		return e() + g.pick(".m", ".M", ".m()", ".(", ".\"m\"", ".{A, B}", ".m "+e(), ".+("+e()+")") + g.pick("", ")")
	case 24:
		return "\"#{" + e() + "}\"" + g.pick("", ": "+e())
	case 25:
		return "@" + g.pick("a", "spec", "A") + g.pick(" ", "[", "(") + e() + g.pick("", "]", ")")
	case 26:
		return "unquote_splicing(" + e() + ")"
	case 27:
		return e() + " -" + e()
	case 28:
		return "a" + g.pick(" -", " +", " !", " &", " @", " ^", " ~~~", " not ", " ...") + e()
	case 29:
		return "\"\"\"\n  " + "x#{" + e() + "}\n  \"\"\""
	case 30:
		return "not " + e() + " in " + e()
	case 31:
		return e() + g.pick(";", "\n", "\n\n", "\n# c\n") + e()
	case 32:
		return e() + ".." + e() + "//" + e()
	default:
		return "&" + g.pick("a/1", "a.b/2", "+/2", "A.b/1", "&1", "(&1)", "1", " 1")
	}
}

func (g grammar) args(depth int) string {
	e := func() string { return g.expr(depth - 1) }
	return g.pick("", e(), "()", e()+", "+e(), "("+e()+", "+e()+")", e()+" when "+e(), "("+e()+", "+e()+") when "+e(), "() when "+e(), "k: "+e(), "("+e()+")")
}

func (g grammar) body(depth int) string {
	e := func() string { return g.expr(depth - 1) }
	clause := func() string { return g.args(depth) + " -> " + e() }
	return g.pick("", e(), e(), e()+"\n"+e(), clause(), clause()+"\n"+clause(), clause()+"; "+e()+"; "+clause(), clause()+"\n"+e())
}

// random makes sources of pieces, and of the lines of real ones with pieces put in, cut out and moved.
func random(tb testing.TB, n int, seed uint64, dir string) (all []string) {
	tb.Helper()
	rng := rand.New(rand.NewPCG(seed, 20)) //nolint:gosec // it is to be the same each time
	for range n {
		var b strings.Builder
		for range 1 + rng.IntN(10) {
			b.WriteString(pieces[rng.IntN(len(pieces))])
			if rng.IntN(3) > 0 {
				b.WriteByte(' ')
			}
		}
		all = append(all, b.String())
	}
	for range n {
		all = append(all, grammar{rng}.expr(1+rng.IntN(4)))
	}
	var lines [][]string
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			lines = append(lines, strings.SplitAfter(string(b), "\n"))
		}
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	for range n {
		file := lines[rng.IntN(len(lines))]
		from := rng.IntN(len(file))
		s := strings.Join(file[from:min(len(file), from+1+rng.IntN(4))], "")
		for range rng.IntN(4) {
			i := rng.IntN(len(s) + 1)
			j := min(len(s), i+rng.IntN(6))
			switch rng.IntN(4) {
			case 0:
				s = s[:i] + s[j:]
			case 1:
				s = s[:i] + pieces[rng.IntN(len(pieces))] + s[i:]
			case 2:
				s = s[:i] + pieces[rng.IntN(len(pieces))] + s[j:]
			case 3:
				k := rng.IntN(len(s) + 1)
				s = s[:k] + s[i:j] + s[k:]
			}
		}
		all = append(all, s)
	}
	return all
}
