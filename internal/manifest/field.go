package manifest

import (
	"encoding/base64"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Field is a place in an object: a value with where it stands, or, where there is none, the nearest that there is around it.
// The zero Field is nowhere, and all that is asked of it is empty.
type Field struct {
	of     *Object
	key    int32 // its name's cell; -1 in lists and at the root
	cell   int32
	absent bool
}

// Root is the whole object.
func (o *Object) Root() Field {
	if len(o.cells) == 0 {
		return Field{}
	}
	return Field{of: o, key: -1}
}

// At is a field by its path, such as spec.template.spec. Names with dots in them, and entries of lists, are reached by [Field.Key]
// and [Field.Items].
func (o *Object) At(path string) Field { return o.Root().At(path) }

// At is a field below this one.
func (f Field) At(path string) Field {
	for name := range strings.SplitSeq(path, ".") {
		f = f.Key(name)
	}
	return f
}

// Key is an entry of a mapping by its name.
func (f Field) Key(name string) Field {
	if f.of == nil {
		return f
	}
	if !f.absent {
		for key, below := range f.entries() {
			if f.of.cells[key].text == name {
				return below
			}
		}
	}
	f.absent = true
	return f
}

func (f Field) entries() iter.Seq2[int32, Field] {
	return func(yield func(int32, Field) bool) {
		c := f.self()
		if c.kind != uint8(yaml.MappingNode) || c.flags&hasBelow == 0 {
			return
		}
		for key := f.cell + 1; key != 0; {
			value := f.of.cells[key].next
			if !yield(key, Field{of: f.of, key: key, cell: value}) {
				return
			}
			key = f.of.cells[value].next
		}
	}
}

// Fields gives the entries of a mapping with their names, those of a merge key last.
func (f Field) Fields() iter.Seq2[string, Field] {
	return func(yield func(string, Field) bool) {
		for key, below := range f.entries() {
			if !yield(f.of.cells[key].text, below) {
				return
			}
		}
	}
}

// Items gives the entries of a list.
func (f Field) Items() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		c := f.self()
		if c.kind != uint8(yaml.SequenceNode) || c.flags&hasBelow == 0 {
			return
		}
		for i := f.cell + 1; i != 0; i = f.of.cells[i].next {
			if !yield(Field{of: f.of, key: -1, cell: i}) {
				return
			}
		}
	}
}

// self is the field's cell; one of no kind where it is absent.
func (f Field) self() cell {
	if f.of == nil || f.absent {
		return cell{}
	}
	return f.of.cells[f.cell]
}

// Exists says whether the field is there, if only as null.
func (f Field) Exists() bool { return f.of != nil && !f.absent }

// Null says whether nothing is set: the field is absent, empty or null.
func (f Field) Null() bool {
	c := f.self()
	if c.kind != uint8(yaml.ScalarNode) {
		return c.kind == 0
	}
	return c.flags&plainScalar != 0 && (c.text == "" || c.text == "~" || c.text == "null" || c.text == "Null" || c.text == "NULL")
}

// IsMap says whether it is a mapping.
func (f Field) IsMap() bool { return f.self().kind == uint8(yaml.MappingNode) }

// IsList says whether it is a list.
func (f Field) IsList() bool { return f.self().kind == uint8(yaml.SequenceNode) }

// Len is the number of a mapping's or a list's entries.
func (f Field) Len() int {
	n := 0
	for range f.Items() {
		n++
	}
	for range f.entries() {
		n++
	}
	return n
}

// Text is a scalar as it is written, without quotes: also a number's or a boolean's. It is not ok where the field is
// absent, null, a mapping or a list.
func (f Field) Text() (string, bool) {
	if c := f.self(); c.kind == uint8(yaml.ScalarNode) && !f.Null() {
		return c.text, true
	}
	return "", false
}

// String is Text, and empty where there is none.
func (f Field) String() string {
	s, _ := f.Text()
	return s
}

// Int is a whole number that is not quoted.
func (f Field) Int() (int64, bool) {
	c := f.self()
	if c.kind != uint8(yaml.ScalarNode) || c.flags&plainScalar == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(c.text, "_", ""), 0, 64)
	return n, err == nil
}

// IntOr is Int, or what holds where the field is absent or null. ok is false for what is no number.
func (f Field) IntOr(otherwise int64) (n int64, ok bool) {
	if f.Null() {
		return otherwise, true
	}
	return f.Int()
}

// Bool is true or false, as kubectl reads it: yes and on are true.
func (f Field) Bool() (value, ok bool) {
	c := f.self()
	if c.kind != uint8(yaml.ScalarNode) || c.flags&plainScalar == 0 {
		return false, false
	}
	switch strings.ToLower(c.text) {
	case "true", "yes", "on", "y":
		return true, true
	case "false", "no", "off", "n":
		return false, true
	}
	return false, false
}

// True says whether it is set to true.
func (f Field) True() bool {
	v, ok := f.Bool()
	return v && ok
}

// False says whether it is set to false.
func (f Field) False() bool {
	v, ok := f.Bool()
	return !v && ok
}

// Plain says whether the scalar stands without quotes.
func (f Field) Plain() bool { return f.self().flags&plainScalar != 0 }

// Name is the field's own name; empty in lists and at the root.
func (f Field) Name() string {
	if f.of == nil || f.key < 0 {
		return ""
	}
	return f.of.cells[f.key].text
}

// Object is what the field is in.
func (f Field) Object() *Object { return f.of }

// shown is the cell to point a person to: the value where it is one word, else the name that it has, since the value
// begins below.
func (f Field) shown() cell {
	c := f.of.cells[f.cell]
	if f.key >= 0 && (c.kind != uint8(yaml.ScalarNode) || c.text == "") {
		return f.of.cells[f.key]
	}
	return c
}

// Position is where to point a person to; of a field that is absent, the nearest around it.
func (f Field) Position() Position {
	if f.of == nil {
		return Position{}
	}
	c := f.shown()
	return Position{File: f.of.File, Line: int(c.line), Column: int(c.column)}
}

// KeyPosition is where the field's name stands, and its Position where it has none.
func (f Field) KeyPosition() Position {
	if f.of == nil || f.key < 0 {
		return f.Position()
	}
	c := f.of.cells[f.key]
	return Position{File: f.of.File, Line: int(c.line), Column: int(c.column)}
}

// Width is the number of characters that Position points to, on its line.
func (f Field) Width() int {
	if f.of == nil {
		return 0
	}
	c := f.shown()
	if c.kind != uint8(yaml.ScalarNode) {
		// Of an entry of a list its first line is shown, by its first key.
		if c.flags&hasBelow != 0 && c.kind == uint8(yaml.MappingNode) && c.flags&flowStyle == 0 {
			return utf8.RuneCountInString(f.of.cells[f.cell+1].text)
		}
		return 1
	}
	text, _, _ := strings.Cut(c.text, "\n")
	n := utf8.RuneCountInString(text)
	if c.flags&plainScalar == 0 && c.text != "" {
		if strings.Contains(c.text, "\n") {
			return 1 // a block: its text is on other lines
		}
		n += 2
	}
	return max(n, 1)
}

// Path is how the field is called, spec.template.spec.containers[shop].image: entries of lists by their name, where they
// have one, so that the path stays when entries are added. Of an absent field it is that of the nearest.
func (f Field) Path() string {
	if f.of == nil {
		return ""
	}
	var b strings.Builder
	at := f.of.Root()
	for at.cell != f.cell {
		next := at
		i, n := 0, 0
		step := func(below Field) {
			if below.cell <= f.cell {
				next, n = below, i
			}
			i++
		}
		for _, below := range at.entries() {
			step(below)
		}
		for below := range at.Items() {
			step(below)
		}
		if next.cell == at.cell {
			break
		}
		switch name := next.At("name").String(); {
		case next.key >= 0:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(next.Name())
		case name != "":
			b.WriteString("[" + name + "]")
		default:
			b.WriteString("[" + strconv.Itoa(n) + "]")
		}
		at = next
	}
	return b.String()
}

// Decoded is a value of a Secret's data, which may be folded.
func Decoded(v Field) (string, error) {
	text, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(v.String()), ""))
	return string(text), err
}
