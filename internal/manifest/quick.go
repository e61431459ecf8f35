package manifest

import (
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// quick reads the YAML that tools write, in blocks, with a value on one line or below, an order of magnitude faster than
// the YAML library, and without its nodes. At anything else it gives up, and the library reads the document: it gives the
// same cells as the library's nodes, or none.
type quick struct {
	*tree
	at   int // offset of the next line
	line int // its number in the chunk, from 1
	next lineOf
}

// lineOf is a line with something on it.
type lineOf struct {
	indent     int
	begin, end int // of its content
	line       int
	ok         bool
}

// maxQuickDepth bounds the recursion; what is deeper is the library's.
const maxQuickDepth = 100

// quickly adds a document's cells to the tree, or says that it can't; what it has added then means nothing. item: the text is one entry of a list, with its
// dash.
func (t *tree) quickly(item bool) bool {
	q := quick{tree: t, line: 1}
	return q.document(item)
}

func (q *quick) document(item bool) bool {
	if strings.HasPrefix(q.text, "---\n") {
		q.at, q.line = len("---\n"), 2
	}
	if !q.advance() || !q.next.ok {
		return false
	}
	l := q.next
	if item {
		if !q.dash(l) || !q.entry(l, 0) {
			return false
		}
	} else if q.dash(l) || !q.mapping(l.indent, 0) {
		return false
	}
	return !q.next.ok
}

// advance finds the next line with content. It is false at what is not for it.
func (q *quick) advance() bool {
	for q.at < len(q.text) {
		end := strings.IndexByte(q.text[q.at:], '\n')
		if end < 0 {
			end = len(q.text)
		} else {
			end += q.at
		}
		begin := q.at
		for begin < end && q.text[begin] == ' ' {
			begin++
		}
		l := lineOf{begin - q.at, begin, end, q.line, true}
		q.at, q.line = min(end+1, len(q.text)), q.line+1
		if begin == end {
			continue
		}
		if q.text[begin] == '#' {
			if strings.ContainsAny(q.text[begin:end], "\r\u0085\u2028\u2029") {
				return false // it ends where the line does not
			}
			continue
		}
		for i := begin; i < end; i++ {
			if c := q.text[i]; c < ' ' || c >= 0x7f {
				return false
			}
		}
		for l.end > begin && q.text[l.end-1] == ' ' {
			l.end--
		}
		if l.indent == 0 && (strings.HasPrefix(q.text[begin:end], "---") || strings.HasPrefix(q.text[begin:end], "...") || q.text[begin] == '%') {
			return false
		}
		q.next = l
		return true
	}
	q.next = lineOf{}
	return true
}

// dash says whether a line is an entry of a list.
func (q *quick) dash(l lineOf) bool {
	return q.text[l.begin] == '-' && (l.end == l.begin+1 || q.text[l.begin+1] == ' ')
}

func (q *quick) put(l lineOf, at int, kind yaml.Kind, flags uint8, text string) int32 {
	column := l.indent + at - l.begin + 1
	q.cells = append(q.cells, cell{text: text, line: int32(l.line + q.before), column: uint16(min(column, math.MaxUint16)), kind: uint8(kind), flags: flags})
	return int32(len(q.cells) - 1)
}

// mapping reads the keys from the next line on that are this far to the right.
func (q *quick) mapping(indent, depth int) bool {
	if depth > maxQuickDepth {
		return false
	}
	first := q.next
	at := q.put(first, first.begin, yaml.MappingNode, hasBelow, "")
	m := mappingOf{tree: q.tree, first: at + 1}
	for q.next.ok && q.next.indent == indent {
		l := q.next
		if q.dash(l) {
			// A list's next entry, where the mapping is in one; otherwise a mistake.
			return q.next.indent < first.indent
		}
		end := q.key(l)
		if end < 0 {
			return false
		}
		name := q.text[l.begin:end]
		if _, twice := m.line(name); twice {
			return false
		}
		key := q.put(l, l.begin, yaml.ScalarNode, plainScalar, name)
		if m.last != 0 {
			q.cells[m.last].next = key
		}
		value := int32(len(q.cells))
		if !q.value(l, end+1, indent, depth) {
			return false
		}
		q.cells[key].next, m.last = value, value
		m.noted(key)
	}
	return !q.next.ok || q.next.indent < indent
}

// noted keeps a key in mind, to find it twice.
func (m *mappingOf) noted(key int32) {
	m.n++
	if m.lines != nil {
		m.lines[m.cells[key].text] = m.cells[key].line
		return
	}
	if m.n < manyKeys {
		return
	}
	m.lines = map[string]int32{}
	for i := m.first; i != 0; i = m.cells[m.cells[i].next].next {
		m.lines[m.cells[i].text] = m.cells[i].line
	}
}

// key is the offset of the colon behind a line's key, and -1 where the line is of another kind.
func (q *quick) key(l lineOf) int {
	for i := l.begin; i < l.end; i++ {
		switch c := q.text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '/', c == '-':
		case c == ':' && i > l.begin && q.text[l.begin] != '-' && (i+1 == l.end || q.text[i+1] == ' '):
			return i
		default:
			return -1
		}
	}
	return -1
}

// value reads what stands behind a key: on its line, or below it.
func (q *quick) value(l lineOf, from, indent, depth int) bool {
	for from < l.end && q.text[from] == ' ' {
		from++
	}
	if from < l.end && q.text[from] != '#' {
		return q.scalar(l, from, indent)
	}
	if from < l.end && q.text[from-1] != ' ' {
		return false
	}
	if !q.advance() {
		return false
	}
	switch {
	case q.next.ok && q.dash(q.next) && q.next.indent >= indent:
		return q.list(q.next.indent, depth+1)
	case q.next.ok && q.next.indent > indent:
		return q.mapping(q.next.indent, depth+1)
	}
	return false // null; the library knows where it stands
}

// list reads the entries from the next line on that are this far to the right.
func (q *quick) list(indent, depth int) bool {
	if depth > maxQuickDepth {
		return false
	}
	at := q.put(q.next, q.next.begin, yaml.SequenceNode, hasBelow, "")
	last := int32(0)
	for q.next.ok && q.next.indent == indent && q.dash(q.next) {
		entry := int32(len(q.cells))
		if !q.entry(q.next, depth) {
			return false
		}
		if last != 0 {
			q.cells[last].next = entry
		}
		last = entry
	}
	return last > at && (!q.next.ok || q.next.indent <= indent)
}

// entry reads what stands behind a dash.
func (q *quick) entry(l lineOf, depth int) bool {
	from := l.begin + 1
	for from < l.end && q.text[from] == ' ' {
		from++
	}
	if from >= l.end || q.text[from] == '#' {
		return false
	}
	within := lineOf{l.indent + from - l.begin, from, l.end, l.line, true}
	if q.dash(within) {
		return false
	}
	if q.key(within) >= 0 {
		q.next = within
		return q.mapping(within.indent, depth+1)
	}
	return q.scalar(l, from, l.indent)
}

// scalar reads a value of one line, and goes on to the next.
func (q *quick) scalar(l lineOf, from, indent int) bool {
	if c := q.text[from]; c == '{' || c == '[' {
		return q.flow(l, from, indent)
	}
	text, quoted, ok := q.word(from, l.end)
	if !ok {
		return false
	}
	flags := plainScalar
	if quoted {
		flags = 0
	}
	q.put(l, from, yaml.ScalarNode, flags, text)
	// Text of several lines is the library's.
	return q.advance() && (!q.next.ok || q.next.indent <= indent)
}

// word takes a scalar from a line, without its quotes and the comment behind it.
func (q *quick) word(from, end int) (text string, quoted, ok bool) {
	rest := q.text[from:end]
	switch c := rest[0]; c {
	case '"', '\'':
		n := strings.IndexByte(rest[1:], c)
		if n < 0 || strings.IndexByte(rest[1:n+1], '\\') >= 0 {
			return "", false, false
		}
		after := rest[n+2:]
		if after != "" && !strings.HasPrefix(strings.TrimLeft(after, " "), "#") || strings.HasPrefix(after, "#") {
			return "", false, false
		}
		return rest[1 : n+1], true, true
	case '{', '[', '|', '>', '&', '*', '!', '@', '`', '%', ',', ']', '}', '#':
		return "", false, false
	case '-', '?', ':':
		if len(rest) == 1 || rest[1] == ' ' {
			return "", false, false
		}
	}
	if n := strings.Index(rest, " #"); n >= 0 {
		rest = strings.TrimRight(rest[:n], " ")
	}
	if strings.Contains(rest, ": ") || strings.HasSuffix(rest, ":") {
		return "", false, false
	}
	return rest, false, true
}
