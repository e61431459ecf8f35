package render

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/plan"
)

// Ways to differ.
const (
	changed = "changed"
	missing = "missing" // rendered, and not there
	extra   = "extra"   // there as an object of Phial's, and not rendered
)

// difference is one object that differs.
type difference struct {
	Change    string `json:"change"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	Diff      string `json:"diff"` // unified, of both as YAML with sorted keys
}

// plain is an object without comments and formatting.
type plain struct {
	*manifest.Document
	group string
	value any
	yaml  []byte
}

func (p plain) key() string {
	return p.group + "/" + p.Kind + "/" + p.Namespace + "/" + p.Name
}

// compare holds what is in a file or directory against what was rendered.
func compare(s *term.IO, o options, objects []object) error {
	var stream bytes.Buffer
	for _, obj := range objects {
		stream.WriteString("---\n")
		stream.Write(obj.yaml)
	}
	want, err := plainAll([]manifest.Source{{Name: "render", Text: stream.Bytes()}})
	if err != nil {
		return err
	}
	sources, err := manifest.Open(o.diff, s.In)
	if err != nil {
		return fmt.Errorf("--diff: %w", err)
	}
	there, err := plainAll(sources)
	if err != nil {
		return refuse(s, o.diff, err)
	}
	found := differences(o, there, want)
	if err := show(s, o, found); err != nil {
		return err
	}
	if len(found) == 0 {
		return nil
	}
	more := len(slices.DeleteFunc(slices.Clone(found), func(d difference) bool { return d.Change != extra }))
	text := fmt.Sprintf("%d of %d objects differ from %s", len(found)-more, len(want), manifest.Called(o.diff))
	if more > 0 {
		text += fmt.Sprintf(", and %d there %s not rendered", more, map[bool]string{true: "was", false: "were"}[more == 1])
	}
	s.Notef("%s%s", text, where(want, there))
	return term.Found()
}

// where says in which namespace things were compared, and where that is the difference.
func where(want, there []plain) string {
	ours, theirs := namespaces(want), namespaces(there)
	switch {
	case len(ours) == 1 && ours[0] != "":
		text := "; these were rendered for namespace " + ours[0]
		if len(theirs) == 1 && theirs[0] != ours[0] {
			text += ", and those are " + in(theirs[0])
		}
		return text
	case len(ours) == 1 && len(theirs) == 1 && theirs[0] != "":
		return fmt.Sprintf("; these were rendered without a namespace, and those are in %s: -n %[1]s renders for it", theirs[0])
	case len(ours) == 1 && len(theirs) > 1:
		return "; these were rendered without a namespace, which -n gives"
	}
	return ""
}

func in(namespace string) string {
	if namespace == "" {
		return "in none"
	}
	return "in " + namespace
}

// namespaces are those of objects of Phial's.
func namespaces(all []plain) []string {
	var out []string
	for _, p := range all {
		if labelsOf(p)[plan.LabelManagedBy] == plan.ManagedBy && !slices.Contains(out, p.Namespace) {
			out = append(out, p.Namespace)
		}
	}
	slices.Sort(out)
	return out
}

func plainAll(sources []manifest.Source) ([]plain, error) {
	var all []plain
	var problems manifest.Problems
	for _, source := range sources {
		documents, err := manifest.Documents(source.Name, bytes.NewReader(source.Text))
		var broken manifest.Problems
		if errors.As(err, &broken) {
			problems = append(problems, broken...)
		} else if err != nil {
			return nil, err
		}
		for _, d := range documents {
			value, broken := d.Value()
			problems = append(problems, broken...)
			text, err := yaml.Marshal(value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", d.Position, err)
			}
			group, _, versioned := strings.Cut(d.APIVersion, "/")
			if !versioned {
				group = ""
			}
			all = append(all, plain{d, group, value, text})
		}
	}
	return all, problems.Err()
}

func differences(o options, there, want []plain) []difference {
	old := map[string]plain{}
	for _, p := range there {
		old[p.key()] = p
	}
	var all []difference
	add := func(change string, p plain, from, to string, before, after []byte) {
		d := string(diff.Diff(from, before, to, after))
		// The first line repeats the two after it.
		if _, rest, ok := strings.Cut(d, "\n"); ok && strings.HasPrefix(d, "diff ") {
			d = rest
		}
		all = append(all, difference{change, p.Kind, p.Namespace, p.Name, d})
	}
	for _, p := range want {
		label := p.Label() + ", rendered"
		before, ok := old[p.key()]
		delete(old, p.key())
		switch {
		case !ok:
			add(missing, p, os.DevNull, label, nil, p.yaml)
		case !bytes.Equal(before.yaml, p.yaml):
			add(changed, p, fmt.Sprintf("%s, %s", p.Label(), before.Position), label, before.yaml, p.yaml)
		}
	}
	for _, p := range there {
		if _, left := old[p.key()]; left && ours(o, p, want) {
			add(extra, p, fmt.Sprintf("%s, %s", p.Label(), p.Position), os.DevNull, p.yaml, nil)
		}
	}
	return all
}

// ours tells whether an object that is there was rendered some time: by its label, and, where one
// BeamApp of several was asked for, by that one's.
func ours(o options, p plain, want []plain) bool {
	labels := labelsOf(p)
	if labels[plan.LabelManagedBy] != plan.ManagedBy {
		return false
	}
	return o.name == "" || slices.ContainsFunc(want, func(w plain) bool {
		return labelsOf(w)[plan.LabelName] == labels[plan.LabelName]
	})
}

func labelsOf(p plain) map[string]any {
	object, _ := p.value.(map[string]any)
	meta, _ := object["metadata"].(map[string]any)
	labels, _ := meta["labels"].(map[string]any)
	return labels
}

func show(s *term.IO, o options, found []difference) error {
	if o.format == formatJSON {
		if found == nil {
			found = []difference{}
		}
		return s.WriteJSON(found)
	}
	for _, d := range found {
		for l := range strings.Lines(d.Diff) {
			if _, err := fmt.Fprint(s.Out, colour(s, l)); err != nil {
				return fmt.Errorf("write differences: %w", err)
			}
		}
	}
	return nil
}

// colour paints a line of a unified diff as git does.
func colour(s *term.IO, line string) string {
	code := ""
	switch {
	case !s.Colour:
	case strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "+++ "):
		code = "1"
	case strings.HasPrefix(line, "@@"):
		code = "36"
	case strings.HasPrefix(line, "-"):
		code = "31"
	case strings.HasPrefix(line, "+"):
		code = "32"
	}
	if code == "" {
		return line
	}
	text, end := strings.CutSuffix(line, "\n")
	text = "\x1b[" + code + "m" + text + "\x1b[0m"
	if end {
		text += "\n"
	}
	return text
}
