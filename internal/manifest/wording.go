package manifest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/phialdev/phial/internal/spell"
)

// wording turns what the API server's code says into problems: with a place, without
// repeating the path, and with the nearest right name. What a rule says is left as it
// is: that is the API's own message.
type wording struct {
	schema   *schema
	d        *Document
	problems Problems
	// meant are fields that are there under a misspelt name, or in another place: what is wrong for want of them is no other mistake.
	meant []string
}

func (w *wording) add(path, format string, args ...any) {
	w.problems = append(w.problems, Problem{w.d.Find(path), path, fmt.Sprintf(format, args...)})
}

// unknown is about a field that the schema does not have.
func (w *wording) unknown(path string) {
	at := find(w.d.root, path)
	if !at.whole || len(at.segments) == 0 {
		w.add(path, "there is no such field")
		return
	}
	last := len(at.segments) - 1
	name, around := at.segments[last], w.schema.structural
	for _, s := range at.segments[:last] {
		around = child(around, s)
	}
	if around == nil || around.Type != "object" {
		return // that this is no mapping is another problem
	}
	outer := strings.TrimSuffix(strings.TrimSuffix(path, name), ".")
	known := fields(around)
	if outer == "metadata" {
		known = metaFields
	}
	hint := spell.Hint(name, known)
	if n := spell.Nearest(name, known); n != "" {
		w.meant = append(w.meant, join(outer, n))
	} else if there := w.elsewhere(name, at.segments[:last]); there != "" {
		w.meant = append(w.meant, there)
		hint = "; did you mean " + there + "?"
	} else if len(known) > 0 {
		hint = "; there are " + spell.List(known, "and", 8)
	}
	p := Problem{w.d.at(w.d.File, at.node()), path, "there is no such field" + hint}
	if at.key != nil {
		p.Position = w.d.at(w.d.File, at.key)
	}
	w.problems = append(w.problems, p)
}

// elsewhere is the path of the field of such a name that stands one level further in, or further out; empty where there is none,
// or several.
func (w *wording) elsewhere(name string, around []string) string {
	s := w.schema.structural
	var outer []string // by the level, the paths of fields that are called so
	for i := 0; i <= len(around) && s != nil; i++ {
		path := strings.Join(around[:i], ".")
		if i == len(around) {
			for _, field := range fields(s) {
				below := s.Properties[field]
				if n := spell.Nearest(name, fields(&below)); n != "" {
					outer = append(outer, join(join(path, field), n))
				}
			}
			break
		}
		if s.Items != nil || s.AdditionalProperties != nil {
			return "" // of lists the path would be another
		}
		if n := spell.Nearest(name, fields(s)); i > 0 && n != "" {
			outer = append(outer, join(path, n))
		}
		s = child(s, around[i])
	}
	if len(outer) != 1 {
		return ""
	}
	return outer[0]
}

// metaFields are what a person writes of metadata.
var metaFields = []string{"name", "namespace", "labels", "annotations"}

func fields(s *structuralschema.Structural) []string {
	if s == nil {
		return nil
	}
	names := make([]string, 0, len(s.Properties))
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var (
	inBody = regexp.MustCompile(`^\S* in body (?:should|must) `)
	// What the OpenAPI library adds where a value fits none of several types. It has said before
	// what is wrong with which field.
	anyOf = regexp.MustCompile(`must validate at least one schema|^Checked value must be`)
	// The last part of what Kubernetes says of names.
	regexUsed = regexp.MustCompile(` \(e\.g\. .*regex used for validation is .*\)$`)
)

func (w *wording) refused(errs field.ErrorList) {
	mistyped := map[string]bool{}
	for _, e := range errs {
		if e.Type == field.ErrorTypeTypeInvalid {
			mistyped[e.Field] = true
		}
	}
	for _, e := range errs {
		if e.Type != field.ErrorTypeTypeInvalid && mistyped[e.Field] || anyOf.MatchString(e.Detail) && len(errs) > 1 {
			continue
		}
		if !slices.ContainsFunc(w.meant, func(there string) bool { return within(e.Field, there) }) {
			w.one(e)
		}
	}
}

func (w *wording) one(e *field.Error) {
	path, detail := e.Field, regexUsed.ReplaceAllString(e.Detail, "")
	if path == "<nil>" {
		path = ""
		// A rule of the whole object says itself which field it is about.
		if field, text, ok := strings.Cut(detail, " "); ok && find(w.d.root, field).whole {
			path, detail = field, text
		}
	}
	switch e.Type {
	case field.ErrorTypeRequired:
		switch {
		case detail != "":
			w.add(path, "%s", detail)
		default:
			w.add(path, "is missing, and required")
		}
	case field.ErrorTypeNotSupported:
		value, allowed := fmt.Sprint(e.BadValue), w.allowed(path)
		if value == "" {
			w.add(path, "is empty; want %s", spell.List(allowed, "or", 12))
			return
		}
		w.add(path, "%q is none of %s%s", value, spell.List(allowed, "and", 12), spell.Hint(value, allowed))
	case field.ErrorTypeTypeInvalid:
		w.add(path, "want %s, found %s%s", w.wanted(path), w.shown(path, e.BadValue), w.quote(path))
	case field.ErrorTypeDuplicate:
		w.add(path, "%s occurs in the list already", w.repeated(path, e.BadValue))
	default:
		if cut := inBody.ReplaceAllString(detail, "must "); cut != detail {
			detail = plainPattern(cut) + ", found " + w.shown(path, e.BadValue)
		}
		w.add(path, "%s", detail)
	}
}

// repeated names an entry of a list by the field that tells entries apart, or as it is.
func (w *wording) repeated(path string, v any) string {
	if m, ok := v.(map[string]any); ok && len(m) == 1 {
		for k, v := range m {
			return fmt.Sprintf("%s %v", k, v)
		}
	}
	return w.shown(path, v)
}

// at is the schema of a path, by the document as it is.
func (w *wording) at(path string) *structuralschema.Structural {
	s := w.schema.structural
	for _, segment := range w.segments(path) {
		s = child(s, segment)
	}
	return s
}

// segments takes a path apart, by the document where that has it.
func (w *wording) segments(path string) []string {
	if at := find(w.d.root, path); at.whole {
		return at.segments
	}
	steps, err := parsePath(path)
	if err != nil {
		return nil
	}
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.name
	}
	return names
}

func (w *wording) allowed(path string) []string {
	s := w.at(path)
	if s == nil || s.ValueValidation == nil {
		return nil
	}
	var all []string
	for _, v := range s.ValueValidation.Enum {
		all = append(all, fmt.Sprint(v.Object))
	}
	return all
}

func (w *wording) wanted(path string) string {
	s := w.at(path)
	switch {
	case s == nil:
		return "something else"
	case s.XIntOrString:
		return "a whole number or a string"
	}
	return typeWord(s.Type)
}

func typeWord(t string) string {
	switch t {
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "string":
		return "a string"
	case "object":
		return "a mapping"
	}
	return t
}

// quote is the way out where text looks like something else to YAML.
func (w *wording) quote(path string) string {
	s, at := w.at(path), find(w.d.root, path)
	if s != nil && (s.Type == "string" || s.XIntOrString) && at.whole && at.value.Kind == yaml.ScalarNode {
		return "; quote it"
	}
	return ""
}

// secret are the parts of a path below which values may be.
var secret = regexp.MustCompile(`\.env\[|\.podTemplate\b|\bannotations\b|\.command\b|\.flags\b`)

// shown tells what stands at a path: the value where it is short and can be no secret.
// The API server's code gives the value that it does not like, or only the type of it.
func (w *wording) shown(path string, bad any) string {
	hide := secret.MatchString(path)
	at := find(w.d.root, path)
	switch {
	case !at.whole || w.d.Find(path).Line == 0: // a flag's
		return shownValue(bad, hide)
	case at.value.Kind != yaml.ScalarNode:
		return describeNode(at.value)
	}
	c := converter{d: w.d}
	return shownValue(c.scalar(at.value, path), hide)
}

func shownValue(v any, hide bool) string {
	var kind string
	switch v.(type) {
	case map[string]any:
		return "a mapping"
	case []any:
		return "a list"
	case nil:
		return "nothing"
	case string:
		kind = "the string"
	case bool:
		kind = "the word"
	default:
		kind = "the number"
	}
	if hide {
		return strings.Replace(kind, "the", "a", 1)
	}
	text, err := json.Marshal(v)
	if err != nil || len(text) > 80 {
		return strings.Replace(kind, "the", "a", 1)
	}
	return kind + " " + string(text)
}
