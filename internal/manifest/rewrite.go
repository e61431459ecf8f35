package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// rewriter changes scalars of one document in its text.
type rewriter struct {
	chunk
	file     string
	matcher  *matcher
	seen     map[*yaml.Node]bool // nodes that were walked over
	counted  map[*yaml.Node]bool // what n counts
	n        int
	edits    []edit
	problems Problems
	lines    []int // offsets where lines begin, as the YAML library counts them
}

// edit puts new bytes in place of those from begin to end.
type edit struct {
	begin, end int
	text       string
}

func (r *rewriter) run() []byte {
	r.counted = map[*yaml.Node]bool{}
	roots, err := parse(r.text)
	if err != nil && json.Valid(r.text) {
		roots, err = parse(surrogate.ReplaceAllFunc(r.text, sameLength)) // see chunk.parse
	}
	if err != nil {
		r.problems = append(r.problems, *r.unreadable(err))
		return nil
	}
	r.lines = lineBegins(r.text)
	for _, root := range roots {
		r.walk(root)
		r.kustomization(root)
	}
	slices.SortStableFunc(r.edits, func(a, b edit) int { return a.begin - b.begin })
	var out []byte
	at := 0
	for _, e := range r.edits {
		if e.begin < at {
			continue // the same scalar again, by an alias
		}
		out = append(append(out, r.text[at:e.begin]...), e.text...)
		at = e.end
	}
	return append(out, r.text[at:]...)
}

// sameLength writes a pair of UTF-16 escapes as one that YAML knows, and fills up what that is shorter, so that all that
// comes after it stays where it is.
func sameLength(m []byte) []byte {
	if len(m) < 12 {
		return m
	}
	return append(joinSurrogates(m), "  "...)
}

// unreadable says what keeps the text from being YAML. A template of Helm's is the most likely.
func (r *rewriter) unreadable(err error) *Problem {
	if i := bytes.Index(r.text, []byte("{{")); i >= 0 {
		before := r.text[:i]
		line := bytes.Count(before, []byte("\n"))
		column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
		return &Problem{Position{r.file, r.line + line + 1, column}, "", "not YAML, but a template of it ({{ … }}): render it first, or name the file that its values are in"}
	}
	return r.problem(r.file, err)
}

func (r *rewriter) count(n *yaml.Node) {
	r.counted[n] = true
	r.n++
}

func (r *rewriter) refuse(n *yaml.Node, format string, args ...any) {
	r.problems = append(r.problems, Problem{Position{r.file, n.Line + r.line, n.Column}, "", fmt.Sprintf(format, args...)})
}

// set gives a scalar another value in the style that it has.
func (r *rewriter) set(n *yaml.Node, value string) {
	n = deref(n)
	if n.Kind == yaml.ScalarNode && strings.TrimRight(n.Value, "\n") == value {
		return
	}
	begin, end, ok := r.span(n)
	if !ok {
		r.refuse(n, "this value can't be changed in place: write %s by hand", value)
		return
	}
	if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 && !plain(value) {
		value = `"` + value + `"` // nothing in a reference has a meaning there
	}
	r.edits = append(r.edits, edit{begin, end, value})
}

// plain says whether a value is a string without quotes as well, also among other values in braces.
func plain(value string) bool {
	var got map[string]any
	err := yaml.Unmarshal([]byte("{a: "+value+", b: 1}"), &got)
	return err == nil && got["a"] == value && len(got) == 2
}

// span is where the content of a scalar is in the text, without quotes and indentation. It is not ok where what is there is
// not what the library has read.
func (r *rewriter) span(n *yaml.Node) (begin, end int, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return 0, 0, false
	}
	begin, ok = r.offset(n)
	if !ok {
		return 0, 0, false
	}
	begin = skipProperties(r.text, begin)
	rest := r.text[begin:]
	content := strings.TrimRight(n.Value, "\n")
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		end, ok = closing(rest, '"')
		return begin + 1, begin + end, ok
	case n.Style&yaml.SingleQuotedStyle != 0:
		end, ok = closing(rest, '\'')
		return begin + 1, begin + end, ok
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		i := bytes.IndexByte(rest, '\n')
		if i < 0 || len(rest) == 0 || rest[0] != '|' && rest[0] != '>' {
			return 0, 0, false
		}
		for i < len(rest) && bytes.IndexByte([]byte(" \t\r\n"), rest[i]) >= 0 {
			i++
		}
		begin, rest = begin+i, rest[i:]
	}
	return begin, begin + len(content), content != "" && bytes.HasPrefix(rest, []byte(content))
}

// closing is the offset of the quote that ends what begins with one.
func closing(text []byte, quote byte) (int, bool) {
	if len(text) == 0 || text[0] != quote {
		return 0, false
	}
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && quote == '"':
			i++
		case text[i] == quote && quote == '\'' && i+1 < len(text) && text[i+1] == quote:
			i++
		case text[i] == quote:
			return i, true
		}
	}
	return 0, false
}

// skipProperties goes over the anchor and the tag before a value.
func skipProperties(text []byte, at int) int {
	for at < len(text) && (text[at] == '&' || text[at] == '!') {
		for at < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at]) < 0 {
			at++
		}
		for at < len(text) && bytes.IndexByte([]byte(" \t\r\n"), text[at]) >= 0 {
			at++
		}
	}
	return at
}

// offset is where a node begins in the text.
func (r *rewriter) offset(n *yaml.Node) (int, bool) {
	if n.Line < 1 || n.Line > len(r.lines) {
		return 0, false
	}
	at := r.lines[n.Line-1]
	for range n.Column - 1 {
		if at >= len(r.text) {
			return 0, false
		}
		_, size := utf8.DecodeRune(r.text[at:])
		at += size
	}
	return at, at < len(r.text)
}

// lineBegins are the offsets where lines begin for the YAML library, which knows five ways to end one.
func lineBegins(text []byte) []int {
	begins := []int{0}
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRune(text[i:])
		i += size
		if c == '\r' && i < len(text) && text[i] == '\n' {
			continue
		}
		switch c {
		case '\r', '\n', '\u0085', '\u2028', '\u2029':
			begins = append(begins, i)
		}
	}
	return begins
}

// insert adds fields to a mapping, right behind another one: within braces behind a comma, otherwise on lines of their own.
func (r *rewriter) insert(mapping, key, value *yaml.Node, fields []string) {
	begin, end, ok := r.span(value)
	at, found := r.offset(key)
	// A field that an alias or a merge brought has its text somewhere else.
	i := slices.Index(mapping.Content, key)
	if !ok || !found || begin < at || i < 0 || mapping.Content[i+1] != value {
		r.refuse(key, "no field can be added here: write %s by hand", strings.Join(fields, " and "))
		return
	}
	if value.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		end++
	}
	if mapping.Style&yaml.FlowStyle != 0 {
		r.edits = append(r.edits, edit{end, end, ", " + strings.Join(fields, ", ")})
		return
	}
	line := r.text[r.lines[key.Line-1]:at]
	if len(bytes.Trim(line, " -")) > 0 {
		r.refuse(key, "no field can be added here: write %s by hand", strings.Join(fields, " and "))
		return
	}
	eol := "\n"
	if n := bytes.IndexByte(r.text[end:], '\n'); n >= 0 {
		if end += n; r.text[end-1] == '\r' {
			end, eol = end-1, "\r\n"
		}
	} else {
		end = len(r.text)
	}
	begins := eol + strings.Repeat(" ", len(line))
	r.edits = append(r.edits, edit{end, end, begins + strings.Join(fields, begins)})
}
