package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/spell"
)

const (
	defaultFile = "phial.yaml"
	formatYAML  = "yaml"
	formatJSON  = "json"
)

type options struct {
	file, name, namespace   string
	set                     []manifest.Setting
	outputDir, diff, format string
	agentImage              string
	cookieCommand           bool
}

// inDir is the file that a project's BeamApp is in. A file is itself.
func inDir(dir string) string {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return dir
	}
	return filepath.Join(dir, defaultFile)
}

// object is one that was rendered, and the BeamApp that it is for.
type object struct {
	app                   *manifest.App
	kind, namespace, name string
	yaml                  []byte
}

func (o object) label() string {
	if o.namespace != "" {
		return o.kind + " " + o.namespace + "/" + o.name
	}
	return o.kind + " " + o.name
}

func render(s *term.IO, o options) error {
	// A short run makes much garbage and ends: collecting it is a third of the time that
	// one app takes.
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(400))
	}
	apps, err := read(s, o)
	if err != nil {
		return err
	}
	objects, commands, warnings, err := renderAll(s, apps, o)
	if err != nil {
		return err
	}
	if o.cookieCommand {
		return writeCommands(s, commands)
	}
	for _, w := range warnings {
		s.Notef("%s", w)
	}
	switch {
	case o.diff != "":
		return compare(s, o, objects)
	case o.outputDir != "":
		return writeDir(s, o.outputDir, objects)
	case o.format == formatJSON:
		return writeJSON(s, objects)
	}
	for i, obj := range objects {
		if i > 0 {
			fmt.Fprintln(s.Out, "---")
		}
		if _, err := s.Out.Write(obj.yaml); err != nil {
			return fmt.Errorf("write YAML: %w", err)
		}
	}
	return nil
}

// read reads the BeamApps and says what else was there.
func read(s *term.IO, o options) ([]*manifest.App, error) {
	sources, err := manifest.Open(o.file, s.In)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: phial init writes one for a project, and -f names another file", err)
	}
	if err != nil {
		return nil, err
	}
	result, err := manifest.Read(sources, manifest.Options{Name: o.name, Namespace: o.namespace, Set: o.set})
	if err != nil {
		return nil, refuse(s, o.file, err)
	}
	if len(result.Others) > 0 {
		var labels []string
		for _, d := range result.Others {
			labels = append(labels, d.Label())
		}
		s.Notef("%s: left out, since only BeamApps are rendered: %s", result.Others[0].Position, spell.List(labels, "and", 5))
	}
	return result.Apps, nil
}

// refuse writes each problem on a line of its own.
func refuse(s *term.IO, file string, err error) error {
	var problems manifest.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for _, p := range problems {
		s.Notef("%s", p)
	}
	return fmt.Errorf("%s: %s; nothing was rendered", manifest.Called(file), problems.Count())
}

// writeCommands writes how to make the Secrets that the apps need.
func writeCommands(s *term.IO, commands []string) error {
	if len(commands) == 0 {
		s.Notef("no Secret has to be made: there is no Clustered app")
	}
	for _, c := range commands {
		if _, err := fmt.Fprintln(s.Out, c); err != nil {
			return fmt.Errorf("write the command: %w", err)
		}
	}
	return nil
}

// renderAll gives the objects of all apps, in order, the commands for their Secrets, and
// what is to be said of them, each once. What somebody has to do by hand matters to who
// applies the objects, not to who compares them.
func renderAll(s *term.IO, apps []*manifest.App, o options) (objects []object, commands, said []string, err error) {
	var (
		all      []object
		warnings []string
		problems manifest.Problems
		taken    = map[string]object{}
	)
	for _, app := range apps {
		p, err := plan.New(app.BeamApp, plan.Options{AgentImage: o.agentImage})
		var patch *plan.PatchError
		if errors.As(err, &patch) {
			problems = append(problems, located(app, patch)...)
			continue
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("BeamApp %s: %w", app.Name, err)
		}
		if c := p.Cookie.Command(app.Namespace); p.Cookie.Required && !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
		for _, made := range p.Objects() {
			obj, err := encode(app, made)
			if err != nil {
				return nil, nil, nil, err
			}
			if first, twice := taken[obj.label()]; twice {
				problems = append(problems, manifest.Problem{
					Position: app.Find("metadata.name"), Path: "metadata.name",
					Text: fmt.Sprintf("BeamApps %s and %s both make %s: rename one of them", first.app.Name, app.Name, obj.label()),
				})
				continue
			}
			taken[obj.label()] = obj
			all = append(all, obj)
		}
		for _, w := range p.Warnings {
			if o.diff == "" || !w.ByHand {
				warnings = append(warnings, warning(app, w))
			}
		}
	}
	if len(problems) > 0 {
		return nil, nil, nil, refuse(s, o.file, problems)
	}
	return all, commands, warnings, nil
}

// located says where in the file is what the plan refuses.
func located(app *manifest.App, e *plan.PatchError) manifest.Problems {
	var all manifest.Problems
	for _, p := range e.Problems {
		text := p.Text
		if e.Of != "" {
			text += " (in the pods of " + e.Of + ")"
		}
		all = append(all, manifest.Problem{Position: app.Find(p.Path), Path: p.Path, Text: text})
	}
	return all
}

func warning(app *manifest.App, w plan.Warning) string {
	text := fmt.Sprintf("%s: warning: %s: %s", app.Find(w.Path), w.Path, w.Text)
	if w.Code != "" {
		text += " (phial explain " + w.Code + ")"
	}
	return text
}

func encode(app *manifest.App, o plan.Object) (object, error) {
	var b bytes.Buffer
	if err := plan.Encode(&b, []plan.Object{o}); err != nil {
		return object{}, err
	}
	return object{app, o.GetObjectKind().GroupVersionKind().Kind, o.GetNamespace(), o.GetName(), b.Bytes()}, nil
}

// writeJSON writes one List.
func writeJSON(s *term.IO, objects []object) error {
	items := make([]json.RawMessage, len(objects))
	for i, o := range objects {
		text, err := yaml.YAMLToJSON(o.yaml)
		if err != nil {
			return fmt.Errorf("%s as JSON: %w", o.label(), err)
		}
		items[i] = text
	}
	return s.WriteJSON(struct {
		APIVersion string            `json:"apiVersion"`
		Kind       string            `json:"kind"`
		Items      []json.RawMessage `json:"items"`
	}{"v1", "List", items})
}

// fileName is the file of an object in a directory: DEPLOYMENT-NAME.yaml in lower case,
// with the namespace where it has one. No order is in it, so that an object more or less
// renames no other.
func (o object) fileName() string {
	name := strings.ToLower(o.kind) + "-" + o.name
	if o.namespace != "" {
		name += "." + o.namespace
	}
	return name + ".yaml"
}
