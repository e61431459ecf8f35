package manifest

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

const mergeTag = "!!merge"

// deref gives what an alias stands for.
func deref(n *yaml.Node) *yaml.Node {
	// An alias of an alias can't be written; the bound is for what a parser may let pass.
	for range maxAliasChain {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

const maxAliasChain = 8

// pairs gives the keys and values of a mapping in the order of the file, those that a
// merge key (<<) brings last. A key that occurs again is given again.
func pairs(mapping *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		var merged []*yaml.Node
		for i := 0; i+1 < len(mapping.Content); i += 2 {
			key, value := deref(mapping.Content[i]), deref(mapping.Content[i+1])
			if key.ShortTag() == mergeTag {
				merged = append(merged, sources(value)...)
				continue
			}
			if !yield(key, value) {
				return
			}
		}
		// One level: a merge within what is merged is for whoever converts the values.
		for _, m := range merged {
			for i := 0; i+1 < len(m.Content); i += 2 {
				if key := deref(m.Content[i]); key.ShortTag() != mergeTag && !yield(key, deref(m.Content[i+1])) {
					return
				}
			}
		}
	}
}

// sources are the mappings that a merge key names: one, or a list of them.
func sources(value *yaml.Node) []*yaml.Node {
	switch value.Kind {
	case yaml.MappingNode:
		return []*yaml.Node{value}
	case yaml.SequenceNode:
		var all []*yaml.Node
		for _, c := range value.Content {
			if m := deref(c); m.Kind == yaml.MappingNode {
				all = append(all, m)
			}
		}
		return all
	}
	return nil
}

// lookup gives the value of a key, and nil where there is none.
func lookup(mapping *yaml.Node, name string) (key, value *yaml.Node) {
	if mapping.Kind != yaml.MappingNode {
		return nil, nil
	}
	for k, v := range pairs(mapping) {
		if k.Kind == yaml.ScalarNode && k.Value == name {
			return k, v
		}
	}
	return nil, nil
}

// text is a string at the end of a path of keys, and empty where there is none.
func text(n *yaml.Node, path ...string) string {
	for _, k := range path {
		if n = deref(n); n.Kind != yaml.MappingNode {
			return ""
		}
		if _, n = lookup(n, k); n == nil {
			return ""
		}
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}
