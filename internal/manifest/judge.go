package manifest

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
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
	if metaErr != nil {
		w.add("metadata", "%s", plainJSON(metaErr))
	}

	full := runtime.DeepCopyJSON(object)
	defaulting.PruneNonNullableNullsWithoutDefaults(full, s.structural)
	defaulting.Default(full, s.structural)
	errs := validation.ValidateCustomResource(nil, full, s.openAPI)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, full)...)
	if meta != nil {
		errs = append(errs, judgeMeta(*meta)...)
	}
	blocked := metaErr != nil
	var places []string
	for _, e := range errs {
		if blocks(e) {
			blocked = true
			places = append(places, e.Field)
		}
	}
	errs = append(errs, s.rules.judge(nil, full, object, places)...)
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

// judge asks the rules of v and of all within it that was written: defaults keep the rules, or
// no API server would take the definition. Where a value is wrong already, those around it are not asked.
func (r *rules) judge(path *field.Path, v, written any, wrong []string) field.ErrorList {
	if r == nil || written == nil {
		return nil
	}
	var errs field.ErrorList
	if r.here != nil && !slices.ContainsFunc(wrong, func(w string) bool { return path == nil || within(w, path.String()) }) {
		errs, _ = r.here().Validate(context.Background(), path, r.schema, v, nil, math.MaxInt64)
	}
	switch v := v.(type) {
	case map[string]any:
		written, _ := written.(map[string]any)
		for name, value := range v {
			if p := r.properties[name]; p != nil {
				errs = append(errs, p.judge(path.Child(name), value, written[name], wrong)...)
			} else if r.items != nil {
				errs = append(errs, r.items.judge(path.Key(name), value, written[name], wrong)...)
			}
		}
	case []any:
		written, _ := written.([]any)
		for i, value := range v {
			if r.items != nil && i < len(written) {
				errs = append(errs, r.items.judge(path.Index(i), value, written[i], wrong)...)
			}
		}
	}
	return errs
}

// plainJSON leaves out what only the programmer of encoding/json understands.
func plainJSON(err error) string {
	text := err.Error()
	for _, prefix := range []string{"json: ", "cannot unmarshal "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return fmt.Sprintf("does not fit: %s", text)
}
