package syntax_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/phialdev/phial/elixir/syntax"
)

// FuzzParse reads anything, as every version. The tree has to lie in the source, and to be whole where there is no error.
func FuzzParse(f *testing.F) {
	for _, src := range tricky(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src string) {
		for v := syntax.Oldest; v <= syntax.Newest; v++ {
			if err := check(src, v); err != "" {
				t.Fatalf("1.%d: %q: %s", v, src, err)
			}
		}
	})
}

// check reads a source and tells what can't be.
func check(src string, v syntax.Version) (wrong string) {
	f := syntax.Parse(src, syntax.Options{Elixir: v})
	unknown := 0
	var walk func(n *syntax.Node)
	walk = func(n *syntax.Node) {
		switch {
		case n == nil:
			wrong = "nil node"
		case n.Start() < 0 || n.End() < n.Start() || n.End() > len(src):
			wrong = fmt.Sprintf("%s %q at %d-%d", n.Kind, n.Text, n.Start(), n.End())
		case n.Kind == syntax.Tuple && len(n.Args) != 2:
			wrong = fmt.Sprintf("tuple of %d", len(n.Args))
		case n.Kind == syntax.Call && n.Fun == nil && n.Text == "":
			wrong = "call of nothing"
		}
		if wrong != "" {
			return
		}
		if n.Kind == syntax.Unknown {
			unknown++
			if n.Text == "" {
				wrong = fmt.Sprintf("unknown at %d without a reason", n.Start())
			}
		}
		if n.Kind == syntax.Integer {
			if _, ok := n.BigInt(); !ok {
				wrong = "integer " + n.Text
			}
		}
		if n.Kind == syntax.Float {
			if _, ok := n.Float(); !ok {
				wrong = "float " + n.Text
			}
		}
		if n.Fun != nil {
			walk(n.Fun)
		}
		for _, a := range n.Args {
			walk(a)
		}
	}
	walk(f.Root)
	switch {
	case wrong != "":
		return wrong
	case unknown > 0 && len(f.Errors) == 0:
		return "unknown expressions and no error"
	case unknown == 0 && len(f.Errors) > 0 && utf8.ValidString(src):
		return fmt.Sprintf("an error and nothing unknown: %v", f.Errors[0])
	}
	for _, e := range f.Errors {
		if e.Offset < 0 || e.Offset > len(src) || e.Line < 1 || e.Column < 1 {
			return fmt.Sprintf("error at %d: %v", e.Offset, e)
		}
	}
	return ""
}

// What is repeated many times, and in many levels, ends in a tree or in an error: in time, and without an overflow. Each
// would take hours if its time grew with the square of its size.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	done := make(chan string, 1)
	go func() {
		defer close(done)
		for _, s := range []string{
			"(", "[", "{", "%{", "<<", "fn ", "fn ->", "fn a -> ", "do ", "a do ", "a do\n", "\"#{", "\"", "'", "~s(", "~s(#{", "\"\"\"\n", "\"\"\"\n#{", "'a'#{", ":\"", ":\"#{", "\"#{a}\": ",
			"a+", "a ++ ", "a|", "a =", "a::", "-", "!", "@", "@@a", "&", "&&", "not ", "not a in ", "... ", "..", "a.", "a.b.", "a.(", "a.()", "a[", "a[b]", "a()", "a()()", "a(", "a ", "a b, ", "a,", "a: ", "a: b, ", "[a: ", "->", "a->", "(a, b) -> ", "((a, ", "(a) when ",
			"\\\n", "#", "#\n", "}", ")", "end ", "else ", "%", "%a", "%@", "%{a | ", "%{a => ", "%{a: 1, ", "%a{} ", "é", "日", "a\u0301", "\u0301", "?\\", "?", "\\u", "0x", "1_", "1.", "1.0e", ". ", ".\n", ";", ";\n", "\n", "x -", "a -b ", "a |> ", "a..b//", "//", "when ", "a when ", "\x00", "\xff", "<<<<<<< ", "@a[", "unquote_splicing(",
			"a do b else ", "if a do b end ", "a, do: ", "(a; ", "(;", "[1 2 ", "{1 2, ", "a(1 2) ", "(] ", "[) ", "a b c d\n", "(\n", "[\n", "a\n", "&1 ", "&1.", "~r/a/", "#{", "\"\\", "\"\u0600", "a.\"b\"", "a.{", "a.{b}", "Foo.", ":a.", "=> ", "<- ", "\\\\ ", "a\\\\b ", "& /", "&/ ", "not /", "|\n", "\n|", "a\n|> ",
		} {
			for _, src := range []string{strings.Repeat(s, size/len(s)), strings.Repeat(s, size/len(s)/2) + "a" + strings.Repeat(")]}>>end", size/14), "a " + strings.Repeat(s, 3000) + "\nb"} {
				if wrong := check(src, syntax.Newest); wrong != "" {
					done <- fmt.Sprintf("%q repeated: %s", s, wrong)
					return
				}
			}
		}
	}()
	select {
	case wrong := <-done:
		if wrong != "" {
			t.Error(wrong)
		}
	case <-time.After(3 * time.Minute):
		t.Error("still reading")
	}
}

func TestLimits(t *testing.T) {
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	for name, c := range map[string]struct {
		src  string
		o    syntax.Options
		want string
	}{
		"depth":     {deep, syntax.Options{MaxDepth: 50}, "1:51: expressions are nested too deeply to be read"},
		"size":      {deep, syntax.Options{MaxBytes: 199}, "1:1: source of 200 bytes: at most 199 are read"},
		"long":      {strings.Repeat("a + ", 60) + "a", syntax.Options{MaxDepth: 50}, "1:203: expressions are nested too deeply to be read"},
		"strings":   {strings.Repeat("\"#{", 101) + "1" + strings.Repeat("}\"", 101), syntax.Options{}, "1:301: strings are nested too deeply to be read"},
		"good":      {deep, syntax.Options{MaxDepth: 200, MaxBytes: 200}, ""},
		"encoding":  {"a\xff", syntax.Options{}, "1:1: unexpected token: '�'"},
		"encoding2": {"\"\xff\"", syntax.Options{}, "1:1: invalid encoding"},
		"encoding3": {"# \xff", syntax.Options{}, "1:3: invalid encoding: the source is not UTF-8"},
	} {
		f := syntax.Parse(c.src, c.o)
		got := ""
		if len(f.Errors) > 0 {
			got = f.Errors[0].Error()
		}
		if got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
