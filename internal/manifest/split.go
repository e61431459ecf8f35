package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// decodable gives a source's text without a byte order mark, or says why it is no text.
func decodable(s Source) ([]byte, *Problem) {
	text := bytes.TrimPrefix(s.Text, []byte("\xef\xbb\xbf"))
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return nil, &Problem{Position{s.Name, 1, 1}, "", "the file is UTF-16; save it as UTF-8"}
	}
	line, column := 1, 1
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return nil, &Problem{Position{s.Name, line, column}, "", fmt.Sprintf("the byte %#02x is not UTF-8; save the file as UTF-8", text[i])}
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return nil, &Problem{Position{s.Name, line, column}, "", fmt.Sprintf("a control character (%#02x), which YAML does not allow", r)}
		case r == '\n':
			line, column = line+1, 0
		}
		column++
		i += size
	}
	return text, nil
}

// A chunk is the text of one document, and the number of lines before it.
type chunk struct {
	text  []byte
	line  int
	begin int  // of an item: where it begins in the List's text
	item  bool // it is one item of a List, with the dash in front of it
}

// split cuts a stream at its lines "---", so that a mistake in one document hides none
// in the next. Nothing else in YAML may begin a line with three dashes.
func split(text []byte) []chunk {
	var all []chunk
	start, startLine, line := 0, 0, 0
	begun := false // the chunk has more than comments and directives, which belong to the document after them
	for i := 0; i < len(text); line++ {
		end := len(text)
		if n := bytes.IndexByte(text[i:], '\n'); n >= 0 {
			end = i + n + 1
		}
		l := text[i:end]
		if isMarker(l) {
			if begun {
				all = append(all, chunk{text: text[start:i], line: startLine})
				start, startLine = i, line
			}
			begun = true
		} else if t := bytes.TrimSpace(l); len(t) > 0 && t[0] != '#' && l[0] != '%' {
			begun = true
		}
		i = end
	}
	return append(all, chunk{text: text[start:], line: startLine})
}

func isMarker(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("---"))
	return ok && (len(rest) == 0 || strings.IndexByte(" \t\r\n", rest[0]) >= 0)
}

// parse gives the roots of a chunk's documents: one, but where "..." ends a document
// there may be another. Those that are empty are left out.
func (c chunk) parse(file string) ([]*yaml.Node, *Problem) {
	roots, err := parse(c.text)
	if err != nil && json.Valid(c.text) {
		// JSON is YAML but for one thing: a character beyond 16 bits as two escapes.
		roots, err = parse(joinSurrogates(c.text))
	}
	if err != nil {
		return roots, c.problem(file, err)
	}
	return roots, nil
}

func parse(text []byte) ([]*yaml.Node, error) {
	var roots []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var n yaml.Node
		switch err := d.Decode(&n); {
		case errors.Is(err, io.EOF):
			return roots, nil
		case err != nil:
			return roots, err
		}
		if n.Kind == yaml.DocumentNode && len(n.Content) == 1 && n.Content[0].ShortTag() != "!!null" {
			roots = append(roots, n.Content[0])
		}
	}
}

// maxSearched bounds the text in which the place of a mistake is looked for: it is parsed again for each guess.
const maxSearched = 256 << 10

var (
	yamlLine       = regexp.MustCompile(`^yaml: (?:line \d+: )?`)
	yamlLineNumber = regexp.MustCompile(`^yaml: line (\d+): `)
	surrogate      = regexp.MustCompile(`\\(?:\\|u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})`)
)

// problem turns what the YAML library says into a place and a sentence. The library
// names the line where the block began that it could not finish, and one too few for some
// mistakes; so the place is looked for: the first line with which the text begins to
// be wrong in this way.
func (c chunk) problem(file string, err error) *Problem {
	ends := lineEnds(c.text)
	said := sentence(err)
	if len(c.text) > maxSearched {
		at := 1
		if m := yamlLineNumber.FindStringSubmatch(err.Error()); m != nil {
			at, _ = strconv.Atoi(m[1])
		}
		return &Problem{Position{file, c.line + min(max(at, 1), len(ends)), 1}, "", "not YAML, here or above: " + advised(said)}
	}
	n := sort.Search(len(ends)-1, func(i int) bool {
		_, err := parse(c.text[:ends[i]])
		return err != nil && sentence(err) == said
	})
	begin := 0
	if n > 0 {
		begin = ends[n-1]
	}
	line := c.text[begin:ends[n]]
	p := &Problem{Position{file, c.line + n + 1, len(line) - len(bytes.TrimLeft(line, " ")) + 1}, "", "not YAML: " + advised(said)}
	if tab := tabInIndent(line); tab > 0 {
		p.Column = tab
		p.Text = "not YAML: a tab in the indentation; YAML indents with spaces"
	}
	return p
}

// sentence is what the library says without the line.
func sentence(err error) string { return yamlLine.ReplaceAllString(err.Error(), "") }

// lineEnds are the offsets where the next line begins, the last one the text's length.
func lineEnds(text []byte) []int {
	var ends []int
	for i, b := range text {
		if b == '\n' && i+1 < len(text) {
			ends = append(ends, i+1)
		}
	}
	return append(ends, len(text))
}

// tabInIndent is the column of a tab before the first other character, and 0 without.
func tabInIndent(line []byte) int {
	indent := line[:len(line)-len(bytes.TrimLeft(line, " \t"))]
	return bytes.IndexByte(indent, '\t') + 1
}

// joinSurrogates writes each pair of UTF-16 escapes as the one escape that YAML has.
func joinSurrogates(text []byte) []byte {
	return surrogate.ReplaceAllFunc(text, func(m []byte) []byte {
		if len(m) < 12 {
			return m
		}
		high, _ := strconv.ParseUint(string(m[2:6]), 16, 32)
		low, _ := strconv.ParseUint(string(m[8:12]), 16, 32)
		return fmt.Appendf(nil, `\U%08X`, utf16.DecodeRune(rune(high), rune(low)))
	})
}
