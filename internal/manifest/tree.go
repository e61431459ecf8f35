package manifest

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// A cell is a node of a document in a slab: what is below it follows it. It takes a fifth of what the YAML library's nodes
// take, so that all of a fleet's manifests can be kept. Aliases and merge keys are gone: what they stand for is there.
type cell struct {
	text   string // of a scalar or a key; shared with the source where it stands there as it is
	next   int32  // the node after it in the same mapping or list; 0 = none. A key's next is its value
	line   int32  // in the source
	column uint16 // in characters; what is further to the right is at the last
	kind   uint8  // yaml.Kind
	flags  uint8
}

const (
	plainScalar uint8 = 1 << iota // no quotes, no block, no tag: it may be a number, a boolean or null
	flowStyle                     // in braces or brackets
	hasBelow
	copied // by an alias or a merge key: it stands for another place, and is not changed there
)

// tree makes cells of the nodes of one document.
type tree struct {
	cells    []cell
	file     string
	text     string // of the chunk
	begins   []int  // where its lines begin
	before   int    // lines before the chunk
	open     map[*yaml.Node]bool
	aliases  int
	expanded int
	problems Problems
}

// lineStarts are the offsets where lines begin, as the YAML library counts them.
func (c chunk) lineStarts() []int { return lineBegins(c.text) }

func (t *tree) problem(n *yaml.Node, format string, args ...any) {
	t.problems = append(t.problems, Problem{Position{t.file, n.Line + t.before, n.Column}, "", fmt.Sprintf(format, args...)})
}

// grow adds a node and what is below it, and gives its index.
func (t *tree) grow(n *yaml.Node) int32 {
	if n.Kind == yaml.AliasNode {
		target := deref(n)
		if t.open[target] {
			t.problem(n, "the alias *%s stands within what it names", n.Value)
			return t.cell(n, yaml.ScalarNode, plainScalar)
		}
		t.aliases++
		defer func() { t.aliases-- }()
		n = target
	}
	if t.aliases > 0 && t.spent(n) {
		return t.cell(n, yaml.ScalarNode, plainScalar)
	}
	switch n.Kind {
	case yaml.MappingNode:
		return t.mapping(n)
	case yaml.SequenceNode:
		at := t.cell(n, n.Kind, 0)
		t.within(n, func() {
			last := int32(0)
			for _, c := range n.Content {
				i := t.grow(c)
				if last != 0 {
					t.cells[last].next = i
				}
				last = i
			}
		})
		t.below(at)
		return at
	}
	at := t.cell(n, yaml.ScalarNode, 0)
	t.cells[at].text = t.share(n)
	return at
}

// spent counts what aliases bring, and says whether it is too much.
func (t *tree) spent(n *yaml.Node) bool {
	if t.expanded++; t.expanded == maxExpanded+1 {
		t.problem(n, "the aliases of this document stand for more than %d values", maxExpanded)
	}
	return t.expanded > maxExpanded
}

// within keeps a node open while what is below it grows, to find an alias of it. Only what has an anchor can have one.
func (t *tree) within(n *yaml.Node, grow func()) {
	if n.Anchor != "" {
		t.open[n] = true
		defer delete(t.open, n)
	}
	grow()
}

func (t *tree) below(at int32) {
	if len(t.cells) > int(at)+1 {
		t.cells[at].flags |= hasBelow
	}
}

func (t *tree) cell(n *yaml.Node, kind yaml.Kind, flags uint8) int32 {
	if n.Style&yaml.FlowStyle != 0 {
		flags |= flowStyle
	}
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle | yaml.TaggedStyle
	if kind == yaml.ScalarNode && n.Style&quoted == 0 {
		flags |= plainScalar
	}
	if t.aliases > 0 {
		flags |= copied
	}
	t.cells = append(t.cells, cell{line: int32(n.Line + t.before), column: uint16(min(n.Column, math.MaxUint16)), kind: uint8(kind), flags: flags})
	return int32(len(t.cells) - 1)
}

// mapping adds a mapping; what merge keys bring comes last.
func (t *tree) mapping(n *yaml.Node) int32 {
	at := t.cell(n, n.Kind, 0)
	t.within(n, func() {
		m := mappingOf{tree: t, first: at + 1}
		var merged []*yaml.Node
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := deref(n.Content[i])
			switch {
			case key.Kind != yaml.ScalarNode:
				t.problem(key, "a key has to be a word, and this is %s", describeNode(key))
			case key.Value == "<<" && key.ShortTag() == mergeTag:
				merged = append(merged, n.Content[i+1])
			default:
				m.add(key, n.Content[i+1], false)
			}
		}
		for _, v := range merged {
			t.merge(&m, v)
		}
	})
	t.below(at)
	return at
}

// merge adds what a mapping does not have: <<: *base, or <<: [*a, *b], of which the first wins.
func (t *tree) merge(m *mappingOf, v *yaml.Node) {
	target := deref(v)
	if t.spent(v) {
		return
	}
	if target.Kind == yaml.SequenceNode && !t.open[target] {
		t.within(target, func() {
			for _, c := range target.Content {
				if deref(c).Kind == yaml.MappingNode {
					t.merge(m, c)
				}
			}
		})
		return
	}
	if target.Kind != yaml.MappingNode || t.open[target] {
		t.problem(v, "<< takes a mapping, or a list of mappings, around none of which it stands")
		return
	}
	t.aliases++
	defer func() { t.aliases-- }()
	t.within(target, func() {
		for i := 0; i+1 < len(target.Content); i += 2 {
			key := deref(target.Content[i])
			switch {
			case t.spent(key):
				return
			case key.Kind != yaml.ScalarNode:
			case key.Value == "<<" && key.ShortTag() == mergeTag:
				t.merge(m, target.Content[i+1])
			default:
				m.add(key, target.Content[i+1], true)
			}
		}
	})
}

// mappingOf is a mapping that grows.
type mappingOf struct {
	*tree
	first, last int32
	n           int
	lines       map[string]int32 // of its keys, once there are many
}

// manyKeys is from how many keys on a map is quicker than looking.
const manyKeys = 24

func (m *mappingOf) line(key string) (int32, bool) {
	if m.lines != nil {
		line, ok := m.lines[key]
		return line, ok
	}
	if m.n == 0 {
		return 0, false
	}
	for i := m.first; ; {
		if m.cells[i].text == key {
			return m.cells[i].line, true
		}
		if i = m.cells[m.cells[i].next].next; i == 0 {
			return 0, false
		}
	}
}

func (m *mappingOf) add(key, value *yaml.Node, merged bool) {
	if line, twice := m.line(key.Value); twice {
		if !merged {
			m.problem(key, "the key %s stands here for the second time; line %d has it already", key.Value, line)
		}
		return
	}
	k := m.cell(key, yaml.ScalarNode, 0)
	m.cells[k].text = m.share(key)
	if m.last != 0 {
		m.cells[m.last].next = k
	}
	v := m.grow(value)
	m.cells[k].next, m.last = v, v
	m.n++
	if m.lines != nil {
		m.lines[m.cells[k].text] = m.cells[k].line
	} else if m.n == manyKeys {
		lines := map[string]int32{}
		for i := m.first; i != 0; i = m.cells[m.cells[i].next].next {
			lines[m.cells[i].text] = m.cells[i].line
		}
		m.lines = lines
	}
}

// share gives a scalar's text as a part of the source, where it stands there letter by letter.
func (t *tree) share(n *yaml.Node) string {
	if n.Value == "" {
		return ""
	}
	if n.Line >= 1 && n.Line <= len(t.begins) {
		at := t.begins[n.Line-1] + n.Column - 1 // in ASCII
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			at++
		}
		if end := at + len(n.Value); end <= len(t.text) && t.text[at:end] == n.Value {
			return t.text[at:end]
		}
	}
	return strings.Clone(n.Value)
}

const byteOrderMark = "\ufeff"

// offset is where a place of the source stands in its text, and -1 where it does not.
func offset(text string, line, column int) int {
	at := 0
	if strings.HasPrefix(text, byteOrderMark) {
		at = len(byteOrderMark)
	}
	for range line - 1 {
		n := strings.IndexByte(text[at:], '\n')
		if n < 0 {
			return -1
		}
		at += n + 1
	}
	for range column - 1 {
		if at >= len(text) {
			return -1
		}
		_, size := utf8.DecodeRuneInString(text[at:])
		at += size
	}
	return at
}
