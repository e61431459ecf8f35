package syntax_test

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/phialdev/phial/elixir/syntax"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beamtest"
)

// ask has Elixir read every source below it, and every snippet of files that hold several, and writes what it says of each.
//
//nolint:dupword // it is Elixir
const ask = `
read = fn name, source ->
  answer =
    try do
      Code.string_to_quoted(source, columns: true, emit_warnings: false)
    rescue
      e -> {:error, {[], Exception.message(e), ""}}
    end
  case answer do
    {:ok, quoted} -> {name, source, quoted}
    {:error, {meta, message, token}} -> {name, source, :refused, inspect(meta), inspect({message, token})}
  end
end
out = File.open!("answer", [:write, :raw, {:delayed_write, 1_000_000, 1000}])
for path <- Enum.sort(Path.wildcard("**/*.{ex,exs,snippets}", match_dot: true)), path != "script.exs" do
  content = File.read!(path)
  sources =
    if Path.extname(path) == ".snippets",
      do: Enum.with_index(:binary.split(content, <<0>>, [:global]), fn s, i -> {"#{path}:#{i}", s} end),
      else: [{path, content}]
  for {name, source} <- sources do
    term = :erlang.term_to_binary(read.(name, source), compressed: 6)
    :ok = :file.write(out, [<<byte_size(term)::32>>, term])
  end
end
:ok = :file.close(out)
`

// answer is what Elixir says of one source.
type answer struct {
	name, source string
	quoted       etf.Term
	refused      string // why, where it gives no tree
}

// at names a source, with its text where that is short.
func (a answer) at() string {
	if len(a.source) > 300 {
		return a.name
	}
	return fmt.Sprintf("%s: %q", a.name, a.source)
}

// answers has an Elixir read what is in a directory.
func answers(tb testing.TB, otp beamtest.OTP, dir string) (all []answer) {
	tb.Helper()
	b := otp.Answer(tb, dir, ask)
	decoder := etf.Decoder{MaxDepth: 1 << 16}
	for len(b) > 0 {
		n := binary.BigEndian.Uint32(b)
		term, _, err := decoder.Decode(b[4 : 4+n])
		if err != nil {
			tb.Fatal(err)
		}
		b = b[4+n:]
		a := answer{}
		a.name, _ = term.At(0).Text()
		source, _ := term.At(1).Bytes()
		a.source = string(source)
		if term.At(2).IsAtom("refused") && term.Len() == 5 {
			where, _ := term.At(3).Text()
			why, _ := term.At(4).Text()
			a.refused = where + " " + why
		} else {
			a.quoted = term.At(2)
		}
		all = append(all, a)
	}
	return all
}

func version(tb testing.TB, otp beamtest.OTP) syntax.Version {
	tb.Helper()
	var minor int
	if _, err := fmt.Sscanf(otp.Elixir(tb), "1.%d.", &minor); err != nil {
		tb.Fatal(err)
	}
	return syntax.Version(minor)
}

// comparison holds a tree of ours against Elixir's.
type comparison struct {
	different string // the first difference
	lines     []string
	unknown   int  // expressions that we do not know
	columns   bool // whether columns are to be the same
}

func (c *comparison) differ(n *syntax.Node, format string, args ...any) {
	if c.different == "" {
		c.different = fmt.Sprintf("%d:%d: ", n.Pos().Line, n.Pos().Column) + fmt.Sprintf(format, args...)
	}
}

func (c *comparison) compare(n *syntax.Node, t etf.Term) {
	if c.different != "" {
		return
	}
	switch n.Kind {
	case syntax.Unknown:
		c.unknown++
	case syntax.Atom:
		if !t.IsAtom(etf.Atom(n.Text)) {
			c.differ(n, "atom %q, want %.200s", n.Text, t)
		}
	case syntax.Integer:
		got, ok := n.BigInt()
		want, isInt := t.BigInt()
		if i, ok := t.Int(); ok {
			want, isInt = big.NewInt(i), true
		}
		if !ok || !isInt || got.Cmp(want) != 0 {
			c.differ(n, "integer %s, want %.200s", n.Text, t)
		}
	case syntax.Float:
		got, ok := n.Float()
		if want, isFloat := t.Float(); !ok || !isFloat || got != want {
			c.differ(n, "float %s, want %.200s", n.Text, t)
		}
	case syntax.String:
		if want, ok := t.Bytes(); !ok || string(want) != n.Text {
			c.differ(n, "string %q, want %.200s", n.Text, t)
		}
	case syntax.Charlist:
		want := []rune(n.Text)
		if t.Len() != len(want) || len(want) == 0 && !t.IsNil() {
			c.differ(n, "charlist %q, want %.200s", n.Text, t)
			return
		}
		i := 0
		for e := range t.Elems() {
			if r, ok := e.Int(); !ok || rune(r) != want[i] {
				c.differ(n, "charlist %q, want %.200s", n.Text, t)
				return
			}
			i++
		}
	case syntax.List, syntax.Tuple:
		if n.Kind == syntax.List && t.Kind() != etf.KindList && !t.IsNil() || n.Kind == syntax.Tuple && t.Kind() != etf.KindTuple {
			c.differ(n, "%s, want %.200s", n.Kind, t)
			return
		}
		c.elements(n, n.Args, t)
	case syntax.Variable, syntax.Call:
		c.triple(n, t)
	}
}

func (c *comparison) elements(n *syntax.Node, args []*syntax.Node, t etf.Term) {
	if t.Len() != len(args) {
		c.differ(n, "%s %q of %d elements, want %d: %.300s", n.Kind, n.Text, len(args), t.Len(), t)
		return
	}
	i := 0
	for e := range t.Elems() {
		c.compare(args[i], e)
		i++
	}
}

func (c *comparison) triple(n *syntax.Node, t etf.Term) {
	if t.Kind() != etf.KindTuple || t.Len() != 3 {
		c.differ(n, "%s %q, want %.200s", n.Kind, n.Text, t)
		return
	}
	if n.Fun != nil {
		c.compare(n.Fun, t.At(0))
	} else if !t.At(0).IsAtom(etf.Atom(n.Text)) {
		c.differ(n, "%s %q, want %.200s", n.Kind, n.Text, t)
		return
	}
	meta := map[string]etf.Term{}
	for pair := range t.At(1).Elems() {
		key, _ := pair.At(0).Atom()
		if _, ok := meta[string(key)]; !ok {
			meta[string(key)] = pair.At(1)
		}
	}
	line, hasLine := meta["line"].Int()
	column, _ := meta["column"].Int()
	if hasLine != n.HasMeta() || hasLine && (int(line) != n.Pos().Line || c.columns && int(column) != n.Pos().Column && !c.indic(line)) {
		c.differ(n, "%s %q at %d:%d (%v), want %d:%d (%v)", n.Kind, n.Text, n.Pos().Line, n.Pos().Column, n.HasMeta(), line, column, hasLine)
	}
	_, noParens := meta["no_parens"]
	if noParens != n.NoParens() {
		c.differ(n, "%s %q without parentheses: %v", n.Kind, n.Text, n.NoParens())
	}
	if n.Kind == syntax.Variable {
		if !t.At(2).IsAtom("nil") {
			c.differ(n, "variable %q, want %.200s", n.Text, t)
		}
		return
	}
	if t.At(2).Kind() != etf.KindList && !t.At(2).IsNil() {
		c.differ(n, "call %q, want %.200s", n.Text, t)
		return
	}
	c.elements(n, n.Args, t.At(2))
}

// indic tells whether a line has letters that Unicode 15.1 joins and older versions do not: what a column is behind them is
// the OTP's to say, not Elixir's.
func (c *comparison) indic(line int64) bool {
	return line > 0 && int(line) <= len(c.lines) && strings.ContainsFunc(c.lines[line-1], func(r rune) bool { return r >= 0x900 && r < 0xE00 })
}

// tally is how a set of sources was read.
type tally struct {
	files, whole, unknown, different, refused, lenient int
}

func (y tally) String() string {
	return fmt.Sprintf("%d files, %.2f %% read whole, %d unknown expressions, %d different; Elixir refuses %d, we %d fewer",
		y.files, 100*float64(y.whole)/float64(max(y.files, 1)), y.unknown, y.different, y.refused, y.lenient)
}

// lenient tells of a source that Elixir refuses and we do not: 1.14 has no semicolon at the beginning of the line that
// closes a parenthesis, later versions do.
func lenient(v syntax.Version, src string) bool { return v == 14 && lateSemicolon.MatchString(src) }

var lateSemicolon = regexp.MustCompile(`\n\s*;\s*\)`)

// hold compares all answers of one Elixir with what we read.
func hold(t *testing.T, v syntax.Version, all []answer) (y tally) {
	t.Helper()
	for _, a := range all {
		f := syntax.Parse(a.source, syntax.Options{Elixir: v})
		if !a.quoted.Valid() {
			y.refused++
			if len(f.Errors) == 0 && !lenient(v, a.source) {
				y.lenient++
				if y.lenient <= 20 {
					t.Errorf("%s: read without an error, and Elixir says %.200s", a.at(), a.refused)
				}
			}
			continue
		}
		y.files++
		c := comparison{lines: strings.Split(a.source, "\n"), columns: v > 14 || !strings.Contains(a.source, `\#{`)}
		c.compare(f.Root, a.quoted)
		y.unknown += c.unknown
		switch {
		case c.different != "":
			y.different++
			if y.different <= 20 {
				t.Errorf("%s: %s", a.at(), c.different)
			}
		case c.unknown == 0 && len(f.Errors) == 0:
			y.whole++
		case y.files-y.whole <= 20:
			t.Logf("unknown: %s: %v", a.at(), f.Errors[0])
		}
	}
	return y
}

var more = flag.String("sources", "", "a directory of Elixir's sources to read too, of a version that Debian does not serve")

// Elixir's own sources are read as that Elixir reads them.
func TestElixirsOwnSources(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		trees := map[string]string{}
		for _, suite := range []string{"bookworm", "trixie"} {
			trees[suite] = beamtest.Source(t, suite, "elixir-lang")
		}
		if *more != "" {
			trees[filepath.Base(*more)] = *more
		}
		for name, dir := range trees {
			t.Run(otp.Elixir(t)+" of "+name, func(t *testing.T) {
				y := hold(t, version(t, otp), answers(t, otp, onlyElixir(t, dir)))
				t.Log(y)
				if y.files < 400 || y.whole*100 < y.files*99 {
					t.Errorf("%s: want 99 %% of more files", y)
				}
			})
		}
	}
}

// onlyElixir gives a directory with the Elixir sources of another.
func onlyElixir(tb testing.TB, dir string) string {
	tb.Helper()
	to := tb.TempDir()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if ext := filepath.Ext(path); err != nil || !d.Type().IsRegular() || ext != ".ex" && ext != ".exs" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(to, filepath.Dir(rel)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), b, 0o644)
	})
	if err != nil {
		tb.Fatal(err)
	}
	return to
}
