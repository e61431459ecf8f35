package manifest

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Document is one Kubernetes object, or what ought to be one, of a source: a YAML
// document, or an item of a List.
type Document struct {
	Position
	APIVersion, Kind, Namespace, Name string

	root   *yaml.Node
	offset int                 // lines before the text that root was parsed from
	found  bool                // of a source that nobody named
	flags  map[string]Position // paths whose values came by a flag
}

// Documents reads all objects of a stream of YAML or JSON. A List is its items. The
// error is of type [Problems] where it is about the content; documents that could be
// read are given along with it.
func Documents(name string, r io.Reader) ([]*Document, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	documents, problems := documents(Source{Name: name, Text: text})
	return documents, problems.Err()
}

func documents(s Source) ([]*Document, Problems) {
	text, problem := decodable(s)
	if problem != nil {
		return nil, Problems{*problem}
	}
	var all []*Document
	var problems Problems
	for _, c := range split(text) {
		roots, problem := c.parse(s.Name)
		if problem != nil {
			problems = append(problems, *problem)
		}
		for _, root := range roots {
			d := &Document{root: root, offset: c.line, found: s.Found}
			d.Position = d.at(s.Name, root)
			all = append(all, d.items(0)...)
		}
	}
	return all, problems
}

// items fills in what the object is; those of a List are its items.
func (d *Document) items(depth int) []*Document {
	root := deref(d.root)
	d.APIVersion, d.Kind = text(root, "apiVersion"), text(root, "kind")
	d.Name, d.Namespace = text(root, "metadata", "name"), text(root, "metadata", "namespace")
	if !strings.HasSuffix(d.Kind, "List") || depth >= maxListDepth {
		return []*Document{d}
	}
	_, list := lookup(root, "items")
	if list == nil || list.Kind != yaml.SequenceNode {
		return []*Document{d}
	}
	var all []*Document
	for _, n := range list.Content {
		item := &Document{root: n, offset: d.offset, found: d.found}
		item.Position = d.at(d.File, n)
		all = append(all, item.items(depth+1)...)
	}
	return all
}

// maxListDepth bounds Lists of Lists.
const maxListDepth = 4

// at is where a node stands.
func (d *Document) at(file string, n *yaml.Node) Position {
	return Position{File: file, Line: n.Line + d.offset, Column: n.Column}
}

// Find is where a field stands, or, where the document does not have it, the nearest
// field around it that it has. Paths are as in Problem.Path.
func (d *Document) Find(path string) Position {
	nearest, of := Position{}, ""
	for p, flag := range d.flags {
		if len(p) > len(of) && within(path, p) {
			nearest, of = flag, p
		}
	}
	if of != "" {
		return nearest
	}
	return d.at(d.File, find(d.root, path).node())
}

// within tells whether a path leads to or through another.
func within(path, outer string) bool {
	rest, ok := strings.CutPrefix(path, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// Label is how people call the object: KIND NAME, or KIND NAMESPACE/NAME.
func (d *Document) Label() string {
	name := d.Name
	if d.Namespace != "" {
		name = d.Namespace + "/" + name
	}
	return strings.TrimSpace(d.Kind + " " + name)
}
