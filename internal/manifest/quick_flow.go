package manifest

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// flow reads a value in braces or brackets that ends on its line, and goes on to the next. What is written otherwise than
// most write it is the library's: keys without a value, commas at the end, words with signs that mean something.
func (q *quick) flow(l lineOf, from, indent int) bool {
	f := quickFlow{quick: q, l: l, at: from}
	if !f.value(0) {
		return false
	}
	rest := q.text[f.at:l.end]
	if rest != "" && !strings.HasPrefix(strings.TrimLeft(rest, " "), "#") || strings.HasPrefix(rest, "#") {
		return false
	}
	return q.advance() && (!q.next.ok || q.next.indent <= indent)
}

type quickFlow struct {
	*quick
	l  lineOf
	at int
}

// sign is the next one of the line that is no space; 0: there is none.
func (f *quickFlow) sign() byte {
	for f.at < f.l.end && f.text[f.at] == ' ' {
		f.at++
	}
	if f.at == f.l.end {
		return 0
	}
	return f.text[f.at]
}

func (f *quickFlow) value(depth int) bool {
	if depth > maxQuickDepth {
		return false
	}
	switch f.sign() {
	case '{':
		return f.mapping(depth)
	case '[':
		return f.list(depth)
	}
	at := f.at
	text, flags, ok := f.scalar()
	if ok {
		f.put(f.l, at, yaml.ScalarNode, flags, text)
	}
	return ok
}

// mapping reads {key: value, key: value}.
func (f *quickFlow) mapping(depth int) bool {
	at := f.put(f.l, f.at, yaml.MappingNode, flowStyle, "")
	f.at++
	m := mappingOf{tree: f.tree, first: at + 1}
	if f.sign() == '}' {
		f.at++
		return true
	}
	for {
		f.sign()
		begin := f.at
		name, flags, ok := f.scalar()
		if !ok || f.at+1 >= f.l.end || f.text[f.at] != ':' || f.text[f.at+1] != ' ' {
			return false
		}
		f.at++
		if _, twice := m.line(name); twice || name == "<<" {
			return false
		}
		key := f.put(f.l, begin, yaml.ScalarNode, flags, name)
		if m.last != 0 {
			f.cells[m.last].next = key
		}
		value := int32(len(f.cells))
		if !f.value(depth + 1) {
			return false
		}
		f.cells[key].next, m.last = value, value
		m.noted(key)
		if more, ok := f.more('}'); !more {
			f.cells[at].flags |= hasBelow
			return ok
		}
	}
}

// list reads [value, value].
func (f *quickFlow) list(depth int) bool {
	at := f.put(f.l, f.at, yaml.SequenceNode, flowStyle, "")
	f.at++
	if f.sign() == ']' {
		f.at++
		return true
	}
	last := int32(0)
	for {
		entry := int32(len(f.cells))
		if !f.value(depth + 1) {
			return false
		}
		if last != 0 {
			f.cells[last].next = entry
		}
		last = entry
		if more, ok := f.more(']'); !more {
			f.cells[at].flags |= hasBelow
			return ok
		}
	}
}

// more goes past a comma, behind which something has to stand, or past the end.
func (f *quickFlow) more(end byte) (more, ok bool) {
	switch f.sign() {
	case ',':
		f.at++
		return true, true
	case end:
		f.at++
		return false, true
	}
	return false, false
}

// scalar takes a key or a value.
func (f *quickFlow) scalar() (text string, flags uint8, ok bool) {
	c := f.sign()
	begin := f.at
	if c == '"' || c == '\'' {
		n := strings.IndexByte(f.text[begin+1:f.l.end], c)
		if n < 0 {
			return "", 0, false
		}
		text = f.text[begin+1 : begin+1+n]
		f.at += n + 2
		// A quote behind a quote is a part of the text.
		return text, 0, strings.IndexByte(text, '\\') < 0 && (f.at == f.l.end || f.text[f.at] != c)
	}
	end := begin // of the last sign that is no space
	for ; f.at < f.l.end; f.at++ {
		c := f.text[f.at]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '.', c == '/', c == '$', c == '(', c == ')', c == '+', c == '=':
			end = f.at + 1
			continue
		case c == '-' && (f.at > begin || f.beforeWord()), c == '@' && f.at > begin, c == ':' && f.at > begin && f.beforeWord():
			end = f.at + 1
			continue
		case c == ' ':
			continue
		case c == ',', c == ']', c == '}', c == ':':
		default:
			return "", 0, false
		}
		break
	}
	f.at = min(f.at, f.l.end)
	if f.text[begin:f.at] != f.text[begin:end] && f.at < f.l.end && f.text[f.at] == ':' {
		return "", 0, false // a space before the colon
	}
	return f.text[begin:end], plainScalar, end > begin
}

// beforeWord says that a letter, a digit or a slash follows.
func (f *quickFlow) beforeWord() bool {
	if f.at+1 >= f.l.end {
		return false
	}
	c := f.text[f.at+1]
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '/'
}
