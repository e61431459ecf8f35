package manifest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	kruntime "k8s.io/apimachinery/pkg/runtime"

	"github.com/phialdev/phial/internal/spell"
)

// A Setting is a value that is laid over what the sources say: the path of a field and
// the value as a person types it, such as replicas and 5. Paths without spec. or metadata.
// in front are below spec. The schema says what type the value has.
type Setting struct {
	// Flag is how it was given, for problems: --set replicas=5.
	Flag  string
	Path  string
	Value string
}

// ParseSetting reads the argument of a flag, PATH=VALUE.
func ParseSetting(flag, argument string) (Setting, error) {
	path, value, ok := strings.Cut(argument, "=")
	if !ok || path == "" {
		return Setting{}, fmt.Errorf("%s %s: want PATH=VALUE, such as replicas=5 or env[POOL_SIZE].value=20", flag, argument)
	}
	return Setting{Flag: flag + " " + path, Path: path, Value: value}, nil
}

// set lays a setting over an object, and notes in d where the value came from.
func (s *schema) set(d *Document, object map[string]any, o Setting) *Problem {
	path := o.Path
	if !strings.HasPrefix(path, "spec.") && !strings.HasPrefix(path, "metadata.") {
		path = "spec." + path
	}
	refuse := func(format string, args ...any) *Problem {
		return &Problem{Position{File: o.Flag}, "", fmt.Sprintf(format, args...)}
	}
	steps, err := parsePath(path)
	if err != nil {
		return refuse("%v", err)
	}
	if steps[0].name == "metadata" {
		return s.setMetadata(d, object, steps, o)
	}
	var whole string // the path with names of list entries made indices
	before := kruntime.DeepCopyJSON(object)
	// The root is a map, and so changed in place.
	_, err = walkSet(object, s.structural, steps, "", func(leaf *structuralschema.Structural, where string) (any, error) {
		whole = where
		return typed(leaf, o.Value, where)
	})
	if err != nil {
		return refuse("%v", err)
	}
	d.cameFrom(whole, o.Flag)
	// What had to be made on the way came by the flag, too: the name of a new entry of a
	// list, and what that still lacks.
	if made := firstMade(before, whole); made != "" {
		d.cameFrom(made, o.Flag)
	}
	return nil
}

// firstMade is the shortest path to or through which path leads that v does not have, and
// empty where v has it all. path is as walkSet writes it.
func firstMade(v any, path string) string {
	at := ""
	steps, _ := parsePath(path) // of walkSet, so it is right
	for _, s := range steps {
		var there bool
		switch of := v.(type) {
		case map[string]any:
			v, there = of[s.name]
			at = join(at, s.name)
		case []any:
			i, err := strconv.Atoi(s.name)
			if there = err == nil && i < len(of); there {
				v = of[i]
			}
			at += "[" + s.name + "]"
		default: // nothing, or what gave way
			return at
		}
		if !there || v == nil {
			return at
		}
	}
	return ""
}

func (d *Document) cameFrom(path, flag string) {
	if d.flags == nil {
		d.flags = map[string]Position{}
	}
	d.flags[path] = Position{File: flag}
}

// setMetadata sets what has no schema in the definition: names, labels, annotations.
func (s *schema) setMetadata(d *Document, object map[string]any, steps []step, o Setting) *Problem {
	names := []string{"name", "namespace", "labels", "annotations"}
	field := steps[1].name
	mapped := field == "labels" || field == "annotations"
	if !slices.Contains(names, field) || mapped != (len(steps) > 2) {
		return &Problem{Position{File: o.Flag}, "", fmt.Sprintf(
			"no field %s to set%s; of metadata there are name, namespace, labels[NAME] and annotations[NAME]", o.Path, spell.Hint(field, names))}
	}
	meta, ok := object["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		object["metadata"] = meta
	}
	if !mapped {
		meta[field] = o.Value
		d.cameFrom("metadata."+field, o.Flag)
		return nil
	}
	of, ok := meta[field].(map[string]any)
	if !ok {
		of = map[string]any{}
		meta[field] = of
	}
	// labels.a.b/c and labels[a.b/c] are the same: there is nothing below a label.
	key := steps[2].name
	for _, s := range steps[3:] {
		key += "." + s.name
	}
	of[key] = o.Value
	d.cameFrom(join("metadata."+field, key), o.Flag)
	return nil
}

// walkSet goes down v by steps, makes what is missing on the way, and puts in the value
// that leaf gives. It returns v, or what stands in its place.
func walkSet(v any, s *structuralschema.Structural, steps []step, path string, leaf func(*structuralschema.Structural, string) (any, error)) (any, error) {
	if len(steps) == 0 {
		return leaf(s, path)
	}
	this, rest := steps[0], steps[1:]
	switch {
	case s == nil || s.XPreserveUnknownFields && s.Properties[this.name].Type == "":
		m, _ := v.(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		below, err := walkSet(m[this.name], nil, rest, join(path, this.name), leaf)
		m[this.name] = below
		return m, err
	case s.Type == "array":
		return walkList(v, s, this, rest, path, leaf)
	case s.Type != "object":
		return nil, fmt.Errorf("%s is %s: there is nothing below it", path, typeWord(s.Type))
	}
	below := child(s, this.name)
	if below == nil {
		known := fields(s)
		hint := spell.Hint(this.name, known)
		if hint == "" {
			hint = "; there are " + spell.List(known, "and", 8)
		}
		return nil, fmt.Errorf("there is no field %s%s", join(path, this.name), hint)
	}
	m, _ := v.(map[string]any)
	if m == nil {
		m = map[string]any{}
	}
	next, err := walkSet(m[this.name], below, rest, join(path, this.name), leaf)
	if err != nil {
		return nil, err
	}
	m[this.name] = next
	return m, nil
}

// walkList goes into an entry of a list: by index, of which the first that is free adds
// one, or by name where entries have one.
func walkList(v any, s *structuralschema.Structural, this step, rest []step, path string, leaf func(*structuralschema.Structural, string) (any, error)) (any, error) {
	list, _ := v.([]any)
	i, err := strconv.Atoi(this.name)
	key := listKey(s)
	if err != nil && key == "" {
		return nil, fmt.Errorf("%s is a list: name an entry by its index, as %s[0]", path, path)
	}
	var entry any
	if err != nil {
		i = slices.IndexFunc(list, func(e any) bool {
			m, _ := e.(map[string]any)
			return m[key] == this.name
		})
		if i < 0 {
			i = len(list)
			entry = map[string]any{key: this.name}
		}
	}
	if i < 0 || i > len(list) {
		return nil, fmt.Errorf("%s has %d entries: want an index from 0 to %d, which adds one", path, len(list), len(list))
	}
	if i < len(list) {
		entry = list[i]
	}
	next, err := walkSet(entry, s.Items, rest, fmt.Sprintf("%s[%d]", path, i), leaf)
	if err != nil {
		return nil, err
	}
	list = append(slices.Clone(list[:i]), next)
	if old, _ := v.([]any); i < len(old) {
		list = append(list, old[i+1:]...)
	}
	return list, nil
}

// listKey is the field that tells the entries of a list apart.
func listKey(s *structuralschema.Structural) string {
	if len(s.XListMapKeys) == 1 {
		return s.XListMapKeys[0]
	}
	return ""
}

// typed reads a value as the schema wants it.
func typed(s *structuralschema.Structural, value, path string) (any, error) {
	switch {
	case s != nil && s.XIntOrString:
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			return n, nil
		}
		return value, nil
	case s != nil && s.Type == "string":
		return value, nil
	case s != nil && s.Type == "integer":
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s wants a whole number, and got %q", path, value)
		}
		return n, nil
	case s != nil && s.Type == "boolean":
		switch value {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return nil, fmt.Errorf("%s wants true or false, and got %q", path, value)
	}
	// What has parts, or no type, is written as in YAML: {port: 8080}, [a, b].
	roots, err := parse([]byte(value))
	if err != nil {
		return nil, fmt.Errorf("%s wants %s as YAML: %s", path, wantedWord(s), advised(sentence(err)))
	}
	if len(roots) != 1 {
		return nil, nil // nothing, or null, takes the field out
	}
	d := &Document{root: roots[0]}
	v, problems := d.Value()
	if len(problems) > 0 {
		return nil, fmt.Errorf("%s: %s", path, problems[0].Text)
	}
	if s != nil && s.Type != "" && kindOf(roots[0]) != s.Type {
		return nil, fmt.Errorf("%s wants %s: write it as YAML, or name a field below it", path, wantedWord(s))
	}
	return v, nil
}

func wantedWord(s *structuralschema.Structural) string {
	if s == nil || s.Type == "" {
		return "a value"
	}
	return typeWord(s.Type)
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "object"
	case yaml.SequenceNode:
		return "array"
	}
	return ""
}

// Fields are the paths below a path that can be set, for completion: those of one level.
func Fields(path string) ([]string, error) {
	s, err := beamApp()
	if err != nil {
		return nil, err
	}
	at := s.structural.Properties["spec"]
	node := &at
	if path != "" {
		steps, err := parsePath(path)
		if err != nil {
			return nil, err
		}
		for _, step := range steps {
			node = child(node, step.name)
		}
	}
	return fields(node), nil
}
