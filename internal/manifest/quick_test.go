package manifest

import (
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

// slowly reads a chunk by the YAML library alone.
func slowly(text string) ([]cell, bool) {
	c := chunk{text: []byte(text)}
	roots, problem := c.parse("x")
	if problem != nil || len(roots) != 1 {
		return nil, false
	}
	g := tree{file: "x", text: text, begins: c.lineStarts(), open: map[*yaml.Node]bool{}}
	g.grow(roots[0])
	return g.cells, len(g.problems) == 0
}

// same holds the quick reader against the library: the same cells, or none.
func same(t *testing.T, text string) (quickly bool) {
	t.Helper()
	g := tree{file: "x", text: text}
	if !g.quickly(false) {
		return false
	}
	want, ok := slowly(text)
	if !ok {
		t.Errorf("read quickly, and the library refuses it:\n%s", text)
		return true
	}
	if d := cmp.Diff(want, g.cells, cmp.AllowUnexported(cell{})); d != "" {
		t.Errorf("other cells (-library +quick):\n%s\n%s", text, d)
	}
	return true
}

var quickCases = []string{
	"a: 1\n", "---\na: b\n", "a:\n  b: c\n  d:\n  - e\n  - f: 1\n    g: 2\n  h: {}\n", "a: \"x\" # c\nb: 'y'\nc: z # d\n", "a:\n- b\n-  c: 1\n   d: 2\n",
	"a:\n  - b\n  - c: d\n    e:\n      - f\ng: h\n", "a: b\n  c\n", "a: b\n  # c\nd: e\n", "a: x: y\n", "a: -\n", "a: - b\n", "a:#b\n", "a:  b  \n\n\n", "a: b#c\n",
	"a:\n b: 1\n  c: 2\n", "a:\n    b: 1\n  c: 2\n", "a: 1\na: 2\n", "- a\n", "a:\n", "a: ~\n", "a: ?\nb: :c\nd: ?e\nf: -g\n", "a: 'it''s'\n", "a: \"b\\n\"\n", "a: [b]\n", "a: {}  # c\n", "a: \"b\"c\n",
	"a:\n- b: 1\n  c:\n  - d\n- e: 2\n", "a:\n-\n  b: 1\n", "a:\n- - b\n", "a: b\n- c\n", "  a: 1\n  b: 2\n", "  a: 1\nb: 2\n", "a: |\n  b\n", "a: \"b\n  c\"\n", "a: &x b\n", "?: b\n", "-a: b\n", "--- a\n", "a: b\n...\n", "a: b\n---\nc: d\n",
	"a: {b: c, d: [e, 1, {f: g}], h: {}, i: []}\n", "a: {b: c} # d\n", "a: {b: c}#d\n", "a: {b: c} d\n", "a: {b: c,}\n", "a: [b,]\n", "a: [,b]\n", "a: {b}\n", "a: {b:}\n", "a: {b: }\n", "a: {b: , c: d}\n", "a: [b: c]\n",
	"a: {b:c}\n", "a: {\"b\":c}\n", "a: {\"b\": \"c\", 'd': 'e'}\n", "a: {'b''c': d}\n", "a: {b: 'c''d'}\n", "a: {b: \"c\\n\"}\n", "a: {b : c}\n", "a: {b: c: d}\n", "a: {b: c d , e: f  }\n", "a: {b: c, b: d}\n", "a: {<<: b}\n", "a: [b\n  , c]\n",
	"a: {b: -, c: d}\n", "a: [-1, - b]\n", "a: [-]\n", "a: {b: http://c:80/d}\n", "a: {b: c:}\n", "a: {b: $(C), d: e@f}\n", "a: {b: @c}\n", "a: {b: [c]d}\n", "a: {b: c} e: f\n", "a: [a b, c  d]\n", "a: [\"b\", 'c',\"d\"]\n", "a: [\"b\"c]\n", "a: [a\"b]\n",
	"a: {b: c}\n  d\n", "a: {b: c}\n  # d\ne: f\n", "- {a: b}\n", "a:\n- {b: c}\n- [d]\n- {}\n", "a: {-b: c}\n", "a: [~, null, true, 0x1]\n", "a: [(]\n", "a: [=]\n", "a: {=: b}\n", "a: [b#c]\n", "a: [b #c]\n", "a: {1: 2}\n", "{a: b}\n", "a: [+, .]\n", "a: [ b , c ]\n", "a: { b: c }\n", "a: [b]: c\n", "a: {{b: c}: d}\n", "a: [?b]\n", "a: {? b: c}\n",
	"a: b:\n", "a: 1 # b: c\n", "a: ''\nb: \"\"\n", "a: 'b' #\n", "a: 'b'#\n", "a: b:c\n", "a:\n- b # c\n- 'd'\n", "a:\n- b\n  c\n", "1: 2\ny: n\n", "a:\tb\n", "a: \u00e4\n", "a: b\r\n", "a: @b\n", "a: %b\n",
}

func TestQuickIsTheLibrary(t *testing.T) {
	for _, text := range quickCases {
		same(t, text)
	}
	quickly, all := 0, 0
	for _, dir := range []string{"../plan/testdata", "../check/testdata", "testdata", "../scaffold/testdata", "../../deploy"} {
		err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
			if ext := filepath.Ext(file); err != nil || ext != ".yaml" && ext != ".txt" {
				return err
			}
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			for _, part := range strings.Split(string(text), "\n----\n") {
				for _, c := range split([]byte(part + "\n")) {
					all++
					if same(t, string(c.text)) {
						quickly++
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d documents are read quickly", quickly, all)
	if quickly < all/3 {
		t.Errorf("only %d of %d documents are read quickly", quickly, all)
	}
}

// Lines of what braces and brackets are made of, most of them as they should be but for one sign.
func TestQuickFlowIsTheLibrary(t *testing.T) {
	words := []string{"a", "b-c", `"x"`, "'y'", "''", "-1", "$(A)", "h://x:80/", "~", "=", ".", "+", "1:2", "x y", "a@b", "/", "(", "null", "{}", "[]"}
	signs := append([]string{"{", "}", "[", "]", ",", ", ", ":", ": ", " ", "-", "- ", "#", " #", "@", "?", "? ", "&f", "*f", "!g", "|", `\`, `"`, "'", "<<: ", "%", "\t"}, words...)
	r := rand.New(rand.NewPCG(1, 2))
	var value func(depth int) string
	value = func(depth int) string {
		kind := r.IntN(4)
		if depth > 3 || kind > 1 {
			return words[r.IntN(len(words))]
		}
		var parts []string
		for i := range r.IntN(4) {
			part := value(depth + 1)
			if kind == 0 {
				part = []string{"k", `"q"`, "m-", "a.b/"}[i] + ": " + part
			}
			parts = append(parts, part)
		}
		return "{["[kind:kind+1] + strings.Join(parts, []string{",", ", ", " , "}[r.IntN(3)]) + "}]"[kind:kind+1]
	}
	quickly := 0
	for range 40_000 {
		text := "[" + value(0) + ", " + value(0) + "]"
		if r.IntN(3) > 0 {
			at := r.IntN(len(text))
			text = text[:at] + signs[r.IntN(len(signs))] + text[at+r.IntN(2):]
		}
		if same(t, "k: "+text+"\n") {
			quickly++
		}
		if t.Failed() {
			return
		}
	}
	t.Logf("%d lines are read quickly", quickly)
	if quickly < 10_000 {
		t.Errorf("only %d lines are read quickly", quickly)
	}
}

// FuzzQuick: whatever the text is, the quick reader gives what the library gives, or nothing.
func FuzzQuick(f *testing.F) {
	for _, text := range quickCases {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.ContainsRune(text, 0xfeff) {
			t.Skip("a byte order mark is taken off before")
		}
		if body, problem := decodable(Source{Text: []byte(text)}); problem != nil || len(split(body)) != 1 {
			return
		}
		same(t, text)
	})
}
