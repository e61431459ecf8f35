package manifest

import "bytes"

// largeList is from how many bytes on a List is taken apart before it is parsed, so that no more than an item has to be
// held as the YAML library holds it.
const largeList = 256 << 10

// apart gives the items of a large List as chunks of their own, where it is written as kubectl writes one: in blocks, or
// as JSON with a line for each brace. Any other chunk stays whole.
func (c chunk) apart() []chunk {
	if len(c.text) < largeList {
		return []chunk{c}
	}
	for _, items := range []func() []chunk{c.blockItems, c.jsonItems} {
		if all := items(); len(all) > 0 {
			return all
		}
	}
	return []chunk{c}
}

// blockItems cuts before each "- " of the items. A line that begins so, as far to the left, can't stand within an item:
// all that an item has, texts of several lines included, is further to the right.
func (c chunk) blockItems() []chunk {
	var (
		all    []chunk
		list   bool // kind: …List
		within bool
		dash   []byte // what an item begins with
		line   = c.line
		at     int
	)
	end := func(to int) {
		if n := len(all); n > 0 && all[n-1].text == nil {
			all[n-1].text = c.text[all[n-1].begin:to]
		}
	}
	for l := range bytes.Lines(c.text) {
		content := bytes.TrimLeft(l, " ")
		indent := l[:len(l)-len(content)]
		switch {
		case within && bytes.HasPrefix(content, []byte("- ")) && (dash == nil || len(indent)+2 == len(dash)):
			if dash == nil {
				dash = append(bytes.Clone(indent), "- "...)
			}
			end(at)
			all = append(all, chunk{line: line, begin: at, item: true})
		case len(indent) == 0 && len(bytes.TrimSpace(l)) > 0 && l[0] != '#' && !isMarker(l):
			end(at)
			within = bytes.Equal(bytes.TrimSpace(l), []byte("items:"))
			if within && len(all) > 0 {
				return nil // twice: the parser says so
			}
			if kind, ok := bytes.CutPrefix(l, []byte("kind: ")); ok {
				list = bytes.HasSuffix(bytes.Trim(kind, " \"'\r\n"), []byte("List"))
			}
		}
		at += len(l)
		line++
	}
	end(len(c.text))
	if !list {
		return nil
	}
	return all
}

// jsonItems cuts at the lines with the braces of the items, which are the only ones as far to the right.
func (c chunk) jsonItems() []chunk {
	var (
		all          []chunk
		list, within bool
		brace        = -1 // the column of the items' braces
		line         = c.line
		at           int
	)
	for l := range bytes.Lines(c.text) {
		content := bytes.TrimSpace(l)
		indent := bytes.IndexFunc(l, func(r rune) bool { return r != ' ' && r != '\t' })
		switch {
		case line == c.line && !bytes.Equal(content, []byte("{")):
			return nil
		case !within && brace < 0 && bytes.Equal(content, []byte(`"items": [`)):
			within = true
		case within && (brace < 0 || indent == brace) && bytes.Equal(content, []byte("{")):
			brace = indent
			all = append(all, chunk{line: line, begin: at})
		case within && indent == brace && bytes.HasPrefix(content, []byte("}")):
			n := len(all) - 1
			all[n].text = c.text[all[n].begin : at+brace+1]
		case within && indent < brace && bytes.HasPrefix(content, []byte("]")):
			within = false
		case !within && bytes.HasPrefix(content, []byte(`"kind": `)):
			list = list || bytes.HasSuffix(bytes.TrimRight(content, `",`), []byte("List"))
		}
		at += len(l)
		line++
	}
	for _, item := range all {
		if item.text == nil {
			return nil
		}
	}
	if !list || within {
		return nil
	}
	return all
}
