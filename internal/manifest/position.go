package manifest

import (
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Position is a place in a source.
type Position struct {
	// File is the name of the source: a path, "standard input", or the flag that a value
	// was given with.
	File string `json:"file"`
	// Line and Column count from 1, the column in characters. 0 is unknown.
	Line   int `json:"line,omitempty"`
	Column int `json:"column,omitempty"`
}

// String is file:line:column, as editors and terminals take it.
func (p Position) String() string {
	switch {
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// place is where a path led to.
type place struct {
	segments   []string   // of the path, as far as it exists; an index without its brackets
	key, value *yaml.Node // key is nil in lists and at the root
	whole      bool       // the path exists to its end
}

// node is where to point a person to: at the value where it is one word, otherwise at
// the name that it has, since the value begins below.
func (p place) node() *yaml.Node {
	if p.key != nil && (p.value.Kind == yaml.MappingNode || p.value.Kind == yaml.SequenceNode || p.value.Value == "") {
		return p.key
	}
	return p.value
}

// find follows a field path as field.Path writes it (spec.env[0].name, spec.labels[a.b/c]) as far as it exists. Keys with dots in them are
// found by what is there, longest first, since not all who write paths quote them.
func find(root *yaml.Node, path string) place {
	at := place{value: deref(root)}
	for path != "" {
		var key, value *yaml.Node
		var name, rest string
		switch at.value.Kind {
		case yaml.MappingNode:
			key, value, name, rest = findKey(at.value, path)
		case yaml.SequenceNode:
			value, name, rest = findItem(at.value, path)
		}
		if value == nil {
			return at
		}
		at.key, at.value, path = key, value, rest
		at.segments = append(at.segments, name)
	}
	at.whole = true
	return at
}

func findKey(mapping *yaml.Node, path string) (key, value *yaml.Node, name, rest string) {
	if inside, after, ok := bracketed(path); ok {
		key, value = lookup(mapping, inside)
		return key, value, inside, after
	}
	path = strings.TrimPrefix(path, ".")
	for k, v := range pairs(mapping) {
		after, ok := strings.CutPrefix(path, k.Value)
		ends := after == "" || after[0] == '.' || after[0] == '['
		if ok && ends && len(k.Value) > len(name) {
			key, value, name, rest = k, v, k.Value, after
		}
	}
	return key, value, name, rest
}

func findItem(list *yaml.Node, path string) (value *yaml.Node, name, rest string) {
	inside, after, ok := bracketed(path)
	if !ok {
		return nil, "", ""
	}
	i, err := strconv.Atoi(inside)
	if err != nil || i < 0 || i >= len(list.Content) {
		return nil, "", ""
	}
	return deref(list.Content[i]), inside, after
}

func bracketed(path string) (inside, rest string, ok bool) {
	if !strings.HasPrefix(path, "[") {
		return "", "", false
	}
	return strings.Cut(path[1:], "]")
}
