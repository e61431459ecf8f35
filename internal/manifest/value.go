package manifest

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// maxExpanded bounds what the aliases of one document may grow to, in values. The
// largest BeamApp that the schema allows has fewer.
const maxExpanded = 100_000

// Value gives the document as JSON values, as an API server would get it from kubectl:
// whole numbers are int64, and words like yes and on are booleans. It is a copy.
// Duplicate keys, tags, and what JSON has no value for are problems; the value is as
// good as it can be nevertheless.
func (d *Document) Value() (any, Problems) {
	c := converter{d: d, open: map[*yaml.Node]bool{}}
	return c.value(d.root, ""), c.problems
}

type converter struct {
	d        *Document
	problems Problems
	open     map[*yaml.Node]bool // what the value is within, to find an alias of it
	expanded int                 // values that came by aliases
	aliases  int                 // aliases that the value is within
	spent    bool
}

func (c *converter) problem(n *yaml.Node, path, format string, args ...any) {
	c.problems = append(c.problems, Problem{c.d.at(c.d.File, n), path, fmt.Sprintf(format, args...)})
}

func (c *converter) value(n *yaml.Node, path string) any {
	if n.Kind == yaml.AliasNode {
		target := deref(n)
		if c.open[target] {
			c.problem(n, path, "the alias *%s stands within what it names", n.Value)
			return nil
		}
		c.aliases++
		defer func() { c.aliases-- }()
		n = target
	}
	if c.aliases > 0 {
		if c.expanded++; c.expanded > maxExpanded {
			if !c.spent {
				c.problem(n, path, "the aliases of this document stand for more than %d values", maxExpanded)
			}
			c.spent = true
			return nil
		}
	}
	switch n.Kind {
	case yaml.MappingNode:
		c.open[n] = true
		defer delete(c.open, n)
		return c.mapping(n, path)
	case yaml.SequenceNode:
		c.open[n] = true
		defer delete(c.open, n)
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = c.value(item, fmt.Sprintf("%s[%d]", path, i))
		}
		return list
	case yaml.ScalarNode:
		return c.scalar(n, path)
	}
	return nil
}

func (c *converter) mapping(n *yaml.Node, path string) map[string]any {
	m := make(map[string]any, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := deref(n.Content[i])
		if key.ShortTag() == mergeTag {
			continue
		}
		name, ok := c.key(key, path)
		if !ok {
			continue
		}
		if line, twice := lines[name]; twice {
			c.problem(key, join(path, name), "the key stands here for the second time; line %d has it already", line)
			continue
		}
		lines[name] = key.Line + c.d.offset
		m[name] = c.value(n.Content[i+1], join(path, name))
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if deref(n.Content[i]).ShortTag() == mergeTag {
			c.merge(m, n.Content[i+1], path)
		}
	}
	return m
}

// merge adds what m does not have: <<: *base, or <<: [*a, *b], of which the first wins.
func (c *converter) merge(m map[string]any, value *yaml.Node, path string) {
	named := []*yaml.Node{value}
	if list := deref(value); list.Kind == yaml.SequenceNode {
		named = list.Content
	}
	for _, n := range named {
		if deref(n).Kind != yaml.MappingNode {
			c.problem(n, path, "<< takes a mapping, or a list of mappings")
			continue
		}
		from, _ := c.value(n, path).(map[string]any)
		for k, v := range from {
			if _, ok := m[k]; !ok {
				m[k] = v
			}
		}
	}
}

func (c *converter) key(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		c.problem(n, path, "a key has to be a word, and this is %s", describeNode(n))
		return "", false
	}
	if n.ShortTag() == "!!str" && boolean(n) != nil {
		c.problem(n, join(path, n.Value), "kubectl reads the key %s as %v; quote it", n.Value, *boolean(n))
	}
	return n.Value, true
}

func (c *converter) scalar(n *yaml.Node, path string) any {
	tag := n.ShortTag()
	if n.Style&yaml.TaggedStyle != 0 && !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!null"}, tag) {
		c.problem(n, path, "the tag %s means nothing in a manifest; take it out", n.Tag)
		return n.Value
	}
	switch tag {
	case "!!null":
		return nil
	case "!!str":
		if b := boolean(n); b != nil {
			return *b
		}
		return n.Value
	case "!!timestamp", "!!binary", mergeTag:
		return n.Value
	}
	var v any
	if err := n.Decode(&v); err != nil {
		c.problem(n, path, "this is no %s, as its tag says", strings.TrimPrefix(tag, "!!"))
		return n.Value
	}
	switch v := v.(type) {
	case int:
		return int64(v)
	case uint64:
		return float64(v)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.problem(n, path, "%s is no number that JSON has; quote it if it is text", n.Value)
			return n.Value
		}
		// 3.0 and 3e0 are the whole number 3 on their way to the server.
		if whole, err := strconv.ParseInt(strconv.FormatFloat(v, 'f', -1, 64), 10, 64); err == nil && math.Abs(v) < 1e21 {
			return whole
		}
		return v
	case int64, bool:
		return v
	}
	return n.Value
}

// boolean tells what kubectl, which reads YAML 1.1, takes a plain word for.
func boolean(n *yaml.Node) *bool {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle|yaml.TaggedStyle) != 0 {
		return nil
	}
	switch n.Value {
	case "y", "Y", "yes", "Yes", "YES", "on", "On", "ON":
		return new(true)
	case "n", "N", "no", "No", "NO", "off", "Off", "OFF":
		return new(false)
	}
	return nil
}

// join adds a key to a path, in brackets where it would be read as more than one.
func join(path, key string) string {
	switch {
	case strings.ContainsAny(key, ".[]/"):
		return path + "[" + key + "]"
	case path == "":
		return key
	}
	return path + "." + key
}

func describeNode(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return "a word"
}
