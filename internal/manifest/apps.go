package manifest

import (
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/spell"
)

// App is a BeamApp as it was written, without defaults, and where it stands. It keeps
// the schema and the rules that an API server holds it against.
type App struct {
	*v1alpha1.BeamApp
	Document *Document
}

// Find is where a field stands; see [Document.Find].
func (a *App) Find(path string) Position { return a.Document.Find(path) }

// Options say what of the sources is wanted, and what is laid over it.
type Options struct {
	// Name keeps only the BeamApp of that name. Empty keeps all.
	Name string
	// Namespace, where it is not empty, is that of every BeamApp, whatever the source
	// says.
	Namespace string
	// Set are laid over each BeamApp that is kept, in their order.
	Set []Setting
}

// Result is what sources hold.
type Result struct {
	Apps   []*App
	Others []*Document // objects of other kinds, in the order of the sources
}

// ReadApps opens a path as [Open] does and reads its BeamApps. The error is of type
// [Problems] where the content is at fault. There is at least one App without one.
func ReadApps(path string, stdin io.Reader) ([]*App, error) {
	sources, err := Open(path, stdin)
	if err != nil {
		return nil, err
	}
	result, err := Read(sources, Options{})
	return result.Apps, err
}

// Read reads the BeamApps of sources. The error is of type [Problems] where the
// content is at fault, and has everything that is wrong, by position; apps that are
// right are given nevertheless. Without a single BeamApp there is an error.
func Read(sources []Source, o Options) (Result, error) {
	s, err := beamApp()
	if err != nil {
		return Result{}, err
	}
	r := reader{schema: s, options: o, first: map[string]Position{}}
	for _, source := range sources {
		documents, problems := documents(source)
		r.problems = append(r.problems, problems...)
		for _, d := range documents {
			r.read(d)
		}
	}
	if len(r.names) == 0 && len(r.problems) == 0 {
		r.problems = Problems{nothing(sources, r.result.Others)}
	}
	if o.Name != "" && !r.kept && len(r.problems) == 0 {
		return r.result, fmt.Errorf("no BeamApp in %s is named %s%s; there are %s", nameOf(sources), o.Name, spell.Hint(o.Name, r.names), spell.List(r.names, "and", 12))
	}
	return r.result, r.problems.sorted(sources).Err()
}

type reader struct {
	schema   *schema
	options  Options
	result   Result
	problems Problems
	names    []string            // of every BeamApp that was seen
	kept     bool                // one of them is wanted
	first    map[string]Position // where a name was first used, with its namespace
}

// want is what an object has to say to be a BeamApp.
var wantAPIVersion = v1alpha1.GroupVersion.String()

func (r *reader) read(d *Document) {
	root := deref(d.root)
	if root.Kind != yaml.MappingNode {
		if !d.found {
			r.add(d.Position, "", "want a mapping with apiVersion, kind and metadata, found %s", describeNode(root))
		}
		return
	}
	if d.Kind == "" && d.APIVersion == "" && d.found {
		return // nobody's object: some other tool's file
	}
	if !likeBeamApp(d) {
		r.result.Others = append(r.result.Others, d)
		return
	}
	r.names = append(r.names, d.Name)
	if r.options.Name != "" && d.Name != r.options.Name {
		return
	}
	r.kept = true
	if !r.header(d, "apiVersion", d.APIVersion, wantAPIVersion) || !r.header(d, "kind", d.Kind, v1alpha1.Kind) {
		return
	}
	value, problems := d.Value()
	object, _ := value.(map[string]any)
	r.problems = append(r.problems, problems...)
	for _, o := range r.options.Set {
		if p := r.schema.set(d, object, o); p != nil {
			r.problems = append(r.problems, *p)
			problems = append(problems, *p)
		}
	}
	if ns := r.options.Namespace; ns != "" {
		_ = r.schema.set(d, object, Setting{Flag: "--namespace " + ns, Path: "metadata.namespace", Value: ns})
	}
	if meta, ok := object["metadata"].(map[string]any); ok {
		d.Name, _ = meta["name"].(string)
		d.Namespace, _ = meta["namespace"].(string)
	}
	app, refused := r.schema.judge(d, object)
	for _, p := range refused {
		if !problems.about(p.Path) { // once is enough
			r.problems = append(r.problems, p)
		}
	}
	id := d.Namespace + "/" + d.Name
	if at, twice := r.first[id]; twice && d.Name != "" {
		r.add(d.Find("metadata.name"), "metadata.name", "there is a BeamApp %s already, at %s", d.Name, at)
		return
	}
	r.first[id] = d.Find("metadata.name")
	if app != nil && len(problems) == 0 {
		r.result.Apps = append(r.result.Apps, &App{app, d})
	}
}

func (r *reader) add(at Position, path, format string, args ...any) {
	r.problems = append(r.problems, Problem{at, path, fmt.Sprintf(format, args...)})
}

// header judges apiVersion or kind of what is meant to be a BeamApp.
func (r *reader) header(d *Document, field, got, want string) bool {
	switch got {
	case want:
		return true
	case "":
		r.add(d.Find(field), field, "is missing; want %s", want)
	default:
		r.add(d.Find(field), field, "want %s, found %s", want, got)
	}
	return false
}

// likeBeamApp tells a BeamApp, also one with a mistake in its kind or apiVersion, from
// others' objects.
func likeBeamApp(d *Document) bool {
	group, _, _ := strings.Cut(d.APIVersion, "/")
	ours := v1alpha1.GroupVersion.Group
	if group == ours || d.Kind == v1alpha1.Kind || d.Kind == "" && d.APIVersion == "" {
		return true
	}
	return spell.Nearest(d.Kind, []string{v1alpha1.Kind}) != "" || spell.Nearest(group, []string{ours}) != ""
}

// nothing says that there is no BeamApp, and what there is.
func nothing(sources []Source, others []*Document) Problem {
	only := ""
	if len(others) > 0 {
		var labels []string
		for _, d := range others {
			labels = append(labels, d.Label())
		}
		only = " (apiVersion: " + wantAPIVersion + ", kind: " + v1alpha1.Kind + "), only " + spell.List(labels, "and", 4)
	}
	p := Problem{Text: "there is no BeamApp here" + only + "; phial init writes one for a project"}
	p.File = nameOf(sources)
	if len(sources) == 1 {
		p.Line, p.Column = 1, 1
	}
	return p
}

func nameOf(sources []Source) string {
	var names []string
	for _, s := range sources {
		names = append(names, s.Name)
	}
	return spell.List(names, "and", 3)
}
