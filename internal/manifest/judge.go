package manifest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/phialdev/phial/api/v1alpha1"
)

// judge does to an object what an API server does to one that is to be made: what the
// schema does not know is refused, what has a default gets it, and the whole is held
// against schema and rules. object is changed: what is not known goes.
func (s *schema) judge(d *Document, object map[string]any) (*v1alpha1.BeamApp, Problems) {
	w := &wording{schema: s, d: d}
	unknown := pruning.PruneWithOptions(object, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	meta, _, unknownMeta, metaErr := objectmeta.GetObjectMetaWithOptions(object, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
	for _, path := range append(unknown, unknownMeta...) {
		w.unknown(path)
	}
	if metaErr != nil && !w.mistypedMeta(object) {
		w.add("metadata", "%s", plainJSON(metaErr))
	}

	full := kruntime.DeepCopyJSON(object)
	defaulting.PruneNonNullableNullsWithoutDefaults(full, s.structural)
	defaulting.Default(full, s.structural)
	errs := validation.ValidateCustomResource(nil, full, s.openAPI)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, full)...)
	switch {
	case metaErr != nil: // said above
	case meta == nil:
		errs = append(errs, judgeMeta(metav1.ObjectMeta{})...)
	default:
		errs = append(errs, judgeMeta(*meta)...)
	}
	blocked := metaErr != nil
	places := slices.Clone(w.meant)
	if blocked {
		places = append(places, "metadata")
	}
	for _, e := range errs {
		if blocks(e) {
			blocked = true
			places = append(places, e.Field)
		}
	}
	errs = append(errs, s.rules.judge(full, object, places)...)
	w.refused(errs)
	if blocked || len(w.problems) > 0 {
		return nil, w.problems
	}
	app := &v1alpha1.BeamApp{}
	text, err := json.Marshal(object)
	if err == nil {
		err = json.Unmarshal(text, app)
	}
	if err != nil {
		w.add("", "%s", plainJSON(err))
		return nil, w.problems
	}
	return app, nil
}

// mistypedMeta tells of what has another type in metadata than every object's, and says whether there is any. The definition
// does not have these fields, for the API server knows them by itself.
func (w *wording) mistypedMeta(object map[string]any) bool {
	meta, _ := object["metadata"].(map[string]any)
	before := len(w.problems)
	text := func(path string, v any) {
		if _, ok := v.(string); ok || v == nil {
			return
		}
		quote := "; quote it"
		switch v.(type) {
		case map[string]any, []any:
			quote = ""
		}
		w.add(path, "want a string, found %s%s", w.shown(path, v), quote)
	}
	for _, name := range []string{"name", "generateName", "namespace"} {
		text("metadata."+name, meta[name])
	}
	for _, name := range []string{"labels", "annotations"} {
		path := "metadata." + name
		all, ok := meta[name].(map[string]any)
		if !ok && meta[name] != nil {
			w.add(path, "want a mapping, found %s", w.shown(path, meta[name]))
		}
		for _, key := range slices.Sorted(maps.Keys(all)) {
			text(join(path, key), all[key])
		}
	}
	return len(w.problems) > before
}

// judgeMeta holds metadata against what every object's has to keep. Where no namespace is
// named the client adds one.
func judgeMeta(meta metav1.ObjectMeta) field.ErrorList {
	if meta.Namespace == "" {
		meta.Namespace = metav1.NamespaceDefault
	}
	if meta.Name == "" && meta.GenerateName == "" {
		return field.ErrorList{field.Required(field.NewPath("metadata", "name"), "")}
	}
	return apivalidation.ValidateObjectMeta(&meta, true, apivalidation.NameIsDNSSubdomain, field.NewPath("metadata"))
}

// blocks tells whether rules can't be relied on for what is around a value: the API
// server does not ask any then; see hasBlockingErr of its registry/customresource.
func blocks(e *field.Error) bool {
	return slices.Contains([]field.ErrorType{
		field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid,
	}, e.Type)
}

// A question is one value that has rules.
type question struct {
	rules *rules
	path  *field.Path
	value any
}

// judge asks the rules of v and of all within it that was written: defaults keep the rules,
// or no API server would take the definition. Where a value is wrong already, those
// around it are not asked. The rules are compiled and asked side by side, since for
// one app that is most of the time there is.
func (r *rules) judge(v, written any, wrong []string) field.ErrorList {
	var all []question
	r.questions(nil, v, written, wrong, &all)
	answers := make([]field.ErrorList, len(all))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, q := range all {
		g.Go(func() error {
			answers[i], _ = q.rules.here().Validate(context.Background(), q.path, q.rules.schema, q.value, nil, math.MaxInt64)
			return nil
		})
	}
	_ = g.Wait() // none fails: what is wrong is in the answers
	return slices.Concat(answers...)
}

func (r *rules) questions(path *field.Path, v, written any, wrong []string, all *[]question) {
	if r == nil || written == nil {
		return
	}
	if r.here != nil && !slices.ContainsFunc(wrong, func(w string) bool { return path == nil || within(w, path.String()) }) {
		*all = append(*all, question{r, path, v})
	}
	switch v := v.(type) {
	case map[string]any:
		written, _ := written.(map[string]any)
		for name, value := range v {
			if p := r.properties[name]; p != nil {
				p.questions(path.Child(name), value, written[name], wrong, all)
			} else if r.items != nil {
				r.items.questions(path.Key(name), value, written[name], wrong, all)
			}
		}
	case []any:
		written, _ := written.([]any)
		for i, value := range v {
			if r.items != nil && i < len(written) {
				r.items.questions(path.Index(i), value, written[i], wrong, all)
			}
		}
	}
}

// plainJSON leaves out what only the programmer of encoding/json understands.
func plainJSON(err error) string {
	text := err.Error()
	for _, prefix := range []string{"json: ", "cannot unmarshal "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return fmt.Sprintf("does not fit: %s", text)
}
