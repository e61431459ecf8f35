package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/spell"
)

// fieldProblems holds a patch against the fields of a pod template. The API server
// would take what it does not know for nothing at all, and so would a merge.
func fieldProblems(patch any) []Problem {
	var w fieldWalk
	w.value(patch, reflect.TypeFor[corev1.PodTemplateSpec](), patchPath)
	return w.problems
}

type fieldWalk struct{ problems []Problem }

func (w *fieldWalk) add(path, format string, a ...any) {
	w.problems = append(w.problems, Problem{path, fmt.Sprintf(format, a...)})
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// value checks v, which stands at path, against what t wants. null takes a field away,
// whatever its type.
func (w *fieldWalk) value(v any, t reflect.Type, path string) {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if v == nil {
		return
	}
	if reflect.PointerTo(t).Implements(unmarshaler) { // a quantity, a port by name or number
		b, err := json.Marshal(v)
		if err == nil {
			err = json.Unmarshal(b, reflect.New(t).Interface())
		}
		if err != nil {
			w.add(path, "%s does not fit here: %v", shown(v), err)
		}
		return
	}
	var fits bool
	switch t.Kind() {
	case reflect.Struct:
		m, ok := v.(map[string]any)
		if fits = ok; ok {
			w.fields(m, t, path)
		}
	case reflect.Map:
		m, ok := v.(map[string]any)
		if fits = ok; ok {
			for _, k := range sortedKeys(m) {
				if !directive(k) {
					w.value(m[k], t.Elem(), path+"["+k+"]")
				}
			}
		}
	case reflect.Slice:
		list, ok := v.([]any)
		if fits = ok; ok {
			for i, e := range list {
				w.value(e, t.Elem(), fmt.Sprintf("%s[%d]", path, i))
			}
		}
	case reflect.String:
		_, fits = v.(string)
	case reflect.Bool:
		_, fits = v.(bool)
	case reflect.Int32, reflect.Int64:
		n, ok := v.(json.Number)
		_, err := n.Int64()
		fits = ok && err == nil
	default:
		fits = true
	}
	if !fits {
		w.add(path, "%s where %s is wanted", shown(v), kindWord(t))
	}
}

func (w *fieldWalk) fields(m map[string]any, t reflect.Type, path string) {
	known := jsonFields(t)
	for _, k := range sortedKeys(m) {
		if directive(k) {
			continue
		}
		field, ok := known[k]
		switch {
		case !ok:
			w.add(path+"."+k, "there is no such field%s", spell.Hint(k, sortedKeys(known)))
		case t == reflect.TypeFor[corev1.PodTemplateSpec]() && k == "metadata":
			w.metadata(m[k], path+"."+k)
		default:
			w.value(m[k], field, path+"."+k)
		}
	}
}

// metadata of a template has labels and annotations; what else may stand there counts
// for nothing, since pods are named by what makes them.
func (w *fieldWalk) metadata(v any, path string) {
	m, ok := v.(map[string]any)
	if !ok {
		if v != nil {
			w.add(path, "%s where an object is wanted", shown(v))
		}
		return
	}
	for _, k := range sortedKeys(m) {
		switch {
		case k == "labels" || k == "annotations":
			w.value(m[k], reflect.TypeFor[map[string]string](), path+"."+k)
		case !directive(k):
			hint := cmp.Or(spell.Hint(k, []string{"labels", "annotations"}),
				"; pods have labels and annotations of their own, and nothing else")
			w.add(path+"."+k, "counts for nothing in a template%s", hint)
		}
	}
}

// directive reports whether a key is an instruction of strategic merge.
func directive(key string) bool { return strings.HasPrefix(key, "$") }

// jsonFields are the names of a struct's fields in JSON, and their types.
func jsonFields(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case name == "" && (f.Anonymous || strings.Contains(options, "inline")):
			for k, v := range jsonFields(f.Type) {
				fields[k] = v
			}
		case name != "":
			fields[name] = f.Type
		}
	}
	return fields
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func kindWord(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		return "a list"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	}
	return "a whole number"
}

// shown tells what stands there, without its content: that might be a secret.
func shown(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a string"
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return "the number " + v.String()
	}
	return "a value"
}
