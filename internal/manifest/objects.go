package manifest

import (
	"bytes"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"go.yaml.in/yaml/v3"
)

// maxDocument bounds one document, in bytes: it is what an API server takes in one request. A List is read item by item
// where it is written in blocks.
const maxDocument = 3 << 20

// Object is one Kubernetes object of a source, with the place of each of its fields.
type Object struct {
	Position
	APIVersion, Kind, Namespace, Name string
	// Origin is the template of Helm's that it was made from, as Helm writes it above: shop/templates/service.yaml.
	Origin string
	// Begin and End are the first line of its document, with the comments above it, and the last.
	Begin, End int

	cells []cell
}

// Label is how people call the object: KIND NAME, or KIND NAMESPACE/NAME.
func (o *Object) Label() string {
	name := o.Name
	if name == "" {
		name = o.At("metadata.generateName").String()
	}
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	return strings.TrimSpace(o.Kind + " " + name)
}

// Group is the API group: apps of apps/v1, and empty for v1.
func (o *Object) Group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

// Set is all objects of some sources, in their order, whatever their kinds.
type Set struct {
	Objects   []*Object
	Patches   []*Object  // parts of objects, which a kustomization lays over whole ones
	Templates []Template // of Helm's
	Problems  Problems   // documents that can't be read
	Skipped   Problems   // what was not looked at

	read   []*Object         // objects and patches, in their order
	texts  map[string]string // by name of the source
	byKind map[string][]*Object
	byName map[objectKey][]*Object
}

type objectKey struct{ kind, name string }

// Objects reads all of a tree's objects.
func (t *Tree) Objects() *Set {
	s := ReadObjects(t.Sources)
	s.Templates, s.Skipped = t.Templates, t.Skipped
	for _, template := range t.Templates {
		s.texts[template.Name] = string(template.Text)
	}
	return s
}

// ReadObjects reads all objects of sources. It uses all processors.
func ReadObjects(sources []Source) *Set {
	s := &Set{texts: make(map[string]string, len(sources)), byKind: map[string][]*Object{}, byName: map[objectKey][]*Object{}}
	var jobs []job
	for _, source := range sources {
		text, problem := decodable(source)
		if problem != nil {
			if !source.Found || looksLikeObject(source.Text) {
				s.Problems = append(s.Problems, *problem)
			}
			continue
		}
		s.texts[source.Name] = shared(source.Text)
		for _, c := range split(text) {
			for _, c := range c.apart() {
				jobs = append(jobs, job{chunk: c, source: source})
			}
		}
	}
	run(jobs)
	for i := range jobs {
		s.Problems = append(s.Problems, jobs[i].problems...)
		s.Objects = append(s.Objects, jobs[i].objects...)
	}
	s.index()
	s.Problems = s.Problems.sorted(sources)
	return s
}

// ParseFile reads a source that is one document of no kind of Kubernetes', such as a tool's settings. It is nil where the
// source is empty.
func ParseFile(s Source) (*Object, Problems) {
	text, problem := decodable(s)
	if problem != nil {
		return nil, Problems{*problem}
	}
	j := job{chunk: chunk{text: text}, source: s}
	j.parse(true, nil)
	if len(j.objects) == 0 {
		return nil, j.problems
	}
	return j.objects[0], j.problems
}

// shared is a text as a string without a copy; nobody changes what was read.
func shared(text []byte) string { return unsafe.String(unsafe.SliceData(text), len(text)) }

// job is one chunk to parse.
type job struct {
	chunk
	source   Source
	objects  []*Object
	problems Problems
}

func run(jobs []job) {
	const atATime = 16
	var next atomic.Int64
	var wait sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(jobs)/atATime+1) {
		wait.Go(func() {
			var scratch []cell
			for {
				end := int(next.Add(atATime))
				if end-atATime >= len(jobs) {
					return
				}
				for i := end - atATime; i < min(end, len(jobs)); i++ {
					jobs[i].parse(false, &scratch)
					jobs[i].text = nil
				}
			}
		})
	}
	wait.Wait()
}

// parse reads the chunk's objects. Without whole, what says neither its kind nor its version is nobody's object, and left out.
func (j *job) parse(whole bool, scratch *[]cell) {
	if len(j.text) > maxDocument {
		j.problems = Problems{{Position: Position{j.source.Name, j.line + 1, 1}, Text: "not read: the document has more than 3 MiB, which no API server takes"}}
		return
	}
	if !whole && j.quickly(scratch) {
		return
	}
	roots, problem := j.chunk.parse(j.source.Name)
	if problem != nil && (!j.source.Found || looksLikeObject(j.text)) {
		j.problems = append(j.problems, *problem)
	}
	if len(roots) == 0 {
		return
	}
	g := tree{file: j.source.Name, text: shared(j.text), begins: j.lineStarts(), before: j.line, open: map[*yaml.Node]bool{}}
	end := j.line + len(g.begins)
	if g.begins[len(g.begins)-1] == len(j.text) {
		end-- // the line end of the last line begins none
	}
	for i, root := range roots {
		begin, last := j.line+1, end
		if i > 0 {
			begin = root.Line + j.line
		}
		if i+1 < len(roots) {
			last = roots[i+1].Line + j.line - 1
		}
		if j.item {
			root = deref(root)
			if root.Kind != yaml.SequenceNode || len(root.Content) != 1 {
				continue
			}
			root = root.Content[0]
		}
		j.root(&g, root, begin, last, whole, 0)
	}
	j.problems = append(j.problems, g.problems...)
}

// quickly reads a chunk that is one object, written as most are. scratch is for the cells while they grow.
func (j *job) quickly(scratch *[]cell) bool {
	g := tree{cells: (*scratch)[:0], file: j.source.Name, text: shared(j.text), before: j.line}
	ok := g.quickly(j.item)
	if *scratch = g.cells; !ok {
		return false
	}
	o := &Object{cells: slices.Clone(g.cells)}
	o.File = j.source.Name // for what is asked below
	o.Kind, o.APIVersion = o.At("kind").String(), o.At("apiVersion").String()
	if o.Kind == "" || o.APIVersion == "" || strings.HasSuffix(o.Kind, "List") {
		return false
	}
	o.Name, o.Namespace = o.At("metadata.name").String(), o.At("metadata.namespace").String()
	o.Line, o.Column = int(o.cells[0].line), int(o.cells[0].column)
	o.Begin, o.End = j.line+1, j.line+bytes.Count(j.text, []byte("\n"))
	if !bytes.HasSuffix(j.text, []byte("\n")) {
		o.End++
	}
	o.Origin = origin(j.text)
	j.objects = append(j.objects, o)
	return true
}

// root takes an object, or a List's items.
func (j *job) root(g *tree, n *yaml.Node, begin, end int, whole bool, depth int) {
	root := deref(n)
	kind, version := text(root, "kind"), text(root, "apiVersion")
	if base := filepath.Base(j.source.Name); kind == "" && (base == "kustomization.yaml" || base == "kustomization.yml") {
		kind = "Kustomization"
	}
	if _, list := lookup(root, "items"); strings.HasSuffix(kind, "List") && depth < maxListDepth && list != nil && list.Kind == yaml.SequenceNode && !whole {
		for i, item := range list.Content {
			last := end
			if i+1 < len(list.Content) {
				last = max(list.Content[i+1].Line+j.line-1, item.Line+j.line)
			}
			j.root(g, item, item.Line+j.line, last, whole, depth+1)
		}
		return
	}
	at := Position{j.source.Name, n.Line + j.line, n.Column}
	switch {
	case whole:
	case kind == "" && version == "":
		if !j.source.Found && root.Kind != yaml.MappingNode {
			j.problems = append(j.problems, Problem{Position: at, Text: "want a mapping with apiVersion, kind and metadata, found " + describeNode(root)})
		}
		return
	case kind == "Kustomization": // kustomize does without a version
	case j.source.Found && (kind == "" || version == ""):
		return // some other tool's
	case kind == "" || version == "":
		missing := "kind"
		if version == "" {
			missing = "apiVersion"
		}
		j.problems = append(j.problems, Problem{Position: at, Path: missing, Text: "is missing"})
		return
	}
	g.cells, g.aliases = make([]cell, 0, count(n)), 0
	g.grow(n)
	if g.expanded > maxExpanded {
		return // what is left of it says nothing
	}
	o := &Object{
		Position: at, APIVersion: version, Kind: kind,
		Namespace: text(root, "metadata", "namespace"), Name: text(root, "metadata", "name"),
		Begin: begin, End: end, cells: g.cells, Origin: origin(j.text),
	}
	j.objects = append(j.objects, o)
}

// count is the number of cells that a node takes, but for what aliases stand for.
func count(n *yaml.Node) int {
	all := 1
	for _, c := range n.Content {
		all += count(c)
	}
	return all
}

var sourceComment = []byte("# Source: ")

// origin is what Helm says in a comment above an object.
func origin(text []byte) string {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(line)
		if name, ok := bytes.CutPrefix(line, sourceComment); ok {
			return string(bytes.TrimSpace(name))
		}
		if len(line) > 0 && line[0] != '#' && !isMarker(line) {
			return ""
		}
	}
	return ""
}

// looksLikeObject tells a broken manifest from some other tool's broken file.
func looksLikeObject(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimLeft(line, " \"{")
		if bytes.HasPrefix(line, []byte("apiVersion")) {
			return true
		}
	}
	return false
}

// Text is the text of a source that was read, by its name.
func (s *Set) Text(name string) (string, bool) {
	t, ok := s.texts[name]
	return t, ok
}

// OfKind gives the objects of a kind, whatever their version.
func (s *Set) OfKind(kind string) []*Object { return s.byKind[kind] }

// SameNamespace says whether two objects can be in one namespace: where one does not say, it depends on how it is applied.
func SameNamespace(a, b *Object) bool {
	return a.Namespace == b.Namespace || a.Namespace == "" || b.Namespace == ""
}

// Find is an object of the same namespace as another, by kind and name. Of several (overlays of one app) it is the one that
// lies nearest to it. It is nil where there is none.
func (s *Set) Find(near *Object, kind, name string) *Object {
	var best *Object
	for _, o := range s.byName[objectKey{kind, name}] {
		if SameNamespace(near, o) && (best == nil || nearness(near, o) > nearness(near, best)) {
			best = o
		}
	}
	return best
}

// Near says whether two objects belong to one deployment, as far as their places tell: no other object of the second's name
// lies nearer to the first.
func (s *Set) Near(a, b *Object) bool { return nearness(a, b) >= s.nearest(a, b) }

func (s *Set) nearest(a, b *Object) int {
	most := 0
	for _, o := range s.byName[objectKey{b.Kind, b.Name}] {
		if SameNamespace(a, o) {
			most = max(most, nearness(a, o))
		}
	}
	return most
}

// nearness is how much of their paths two objects share.
func nearness(a, b *Object) int {
	if a.File == b.File {
		return len(a.File) + 1
	}
	n := 0
	for i := 0; i < min(len(a.File), len(b.File)) && a.File[i] == b.File[i]; i++ {
		if a.File[i] == filepath.Separator {
			n = i + 1
		}
	}
	return n
}

// takePatchesOut finds the files that kustomizations lay over others: what they hold are no whole objects.
func (s *Set) takePatchesOut() {
	patches := map[string]bool{}
	for _, o := range s.Objects {
		if o.Kind != "Kustomization" && o.Kind != "Component" {
			continue
		}
		dir := filepath.Dir(o.File)
		for _, list := range []string{"patches", "patchesStrategicMerge", "patchesJson6902"} {
			for f := range o.At(list).Items() {
				name := f.At("path").String()
				if name == "" {
					name = f.String()
				}
				if name != "" && !strings.Contains(name, "\n") {
					patches[filepath.Join(dir, name)] = true
				}
			}
		}
	}
	if len(patches) == 0 {
		return
	}
	var whole []*Object
	for _, o := range s.Objects {
		if patches[filepath.Clean(o.File)] {
			s.Patches = append(s.Patches, o)
		} else {
			whole = append(whole, o)
		}
	}
	s.Objects = whole
}
