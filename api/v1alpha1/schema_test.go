package v1alpha1_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	crdvalidation "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/deploy/crd"
)

// definition is the CustomResourceDefinition, and what the API server makes of it.
type definition struct {
	crd        apiextensionsv1.CustomResourceDefinition
	internal   apiextensions.CustomResourceDefinition
	schema     *apiextensionsv1.JSONSchemaProps
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *cel.Validator
}

var readDefinition = sync.OnceValues(func() (*definition, error) {
	d := &definition{}
	if err := yaml.UnmarshalStrict(crd.YAML, &d.crd); err != nil {
		return nil, err
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&d.crd)
	apiextensionsv1.SetDefaults_CustomResourceDefinitionSpec(&d.crd.Spec)
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&d.crd, &d.internal, nil); err != nil {
		return nil, err
	}
	d.schema = d.crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(d.schema, &props, nil); err != nil {
		return nil, err
	}
	var err error
	if d.structural, err = structuralschema.NewStructural(&props); err != nil {
		return nil, err
	}
	if d.openAPI, _, err = validation.NewSchemaValidator(&props); err != nil {
		return nil, err
	}
	d.rules = cel.NewValidator(d.structural, true, celconfig.PerCallLimit)
	return d, nil
})

func theDefinition(tb testing.TB) *definition {
	tb.Helper()
	d, err := readDefinition()
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// fill does to a BeamApp what the API server does on its way in: what the schema does
// not know goes, and what has a default gets it.
func (d *definition) fill(app map[string]any) {
	pruning.Prune(app, d.structural, true)
	defaulting.PruneNonNullableNullsWithoutDefaults(app, d.structural)
	defaulting.Default(app, d.structural)
}

// judge gives what the API server says of a BeamApp that is to be made, or to take the
// place of old. Both are filled in.
func (d *definition) judge(ctx context.Context, app, old map[string]any) field.ErrorList {
	var errs field.ErrorList
	if old == nil {
		errs = validation.ValidateCustomResource(nil, app, d.openAPI)
	} else {
		errs = validation.ValidateCustomResourceUpdate(nil, app, old, d.openAPI)
	}
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, d.structural, app)...)
	var was any
	if old != nil {
		was = old
	}
	broken, _ := d.rules.Validate(ctx, nil, d.structural, app, was, math.MaxInt64)
	return append(errs, broken...)
}

func parse(tb testing.TB, text string) map[string]any {
	tb.Helper()
	document, err := yaml.YAMLToJSONStrict([]byte(text))
	if err != nil {
		tb.Fatalf("%v in:\n%s", err, text)
	}
	var v map[string]any
	if err := json.Unmarshal(document, &v); err != nil { // whole numbers are int64, as the API server has them
		tb.Fatalf("%v in:\n%s", err, text)
	}
	return v
}

// TestDefinition holds the definition against what the API server asks of one: a
// structural schema, defaults that are valid, rules that compile, and an estimated cost
// within the limits even for the largest BeamApp.
func TestDefinition(t *testing.T) {
	d := theDefinition(t)
	if errs := crdvalidation.ValidateCustomResourceDefinition(t.Context(), &d.internal); len(errs) > 0 {
		t.Fatal(errs.ToAggregate())
	}
	// etcd takes 1.5 MB; kubectl apply without --server-side keeps a copy in an
	// annotation, and annotations end at 256 KiB.
	if size := len(crd.YAML); size > 200<<10 {
		t.Errorf("the definition has %d bytes, too near to the 262144 of an annotation", size)
	}
}

// TestConventions holds every field against Kubernetes' conventions for an API.
func TestConventions(t *testing.T) {
	ours := func(path string) bool {
		for _, theirs := range []string{".env[]", ".envFrom[]", ".resources", ".tolerations[]", ".ingressRules[]", ".egressRules[]", ".imagePullSecrets[]", ".conditions[]", ".metadata"} {
			if strings.Contains(path, theirs+".") || strings.HasSuffix(path, theirs) {
				return false
			}
		}
		return true
	}
	walk(theDefinition(t).schema, "", func(path string, s *apiextensionsv1.JSONSchemaProps) {
		if !ours(path) || path == "" || path == ".apiVersion" || path == ".kind" {
			return
		}
		if s.Description == "" && !strings.HasSuffix(path, "[]") && !strings.HasSuffix(path, "{}") {
			t.Errorf("%s: no description", path)
		}
		if strings.HasPrefix(path, ".status") {
			return
		}
		if s.Type == "array" && (s.MaxItems == nil || s.XListType == nil) {
			t.Errorf("%s: a list without maxItems or list type", path)
		}
		if s.Type == "string" && s.MaxLength == nil && len(s.Enum) == 0 && !strings.HasSuffix(path, "{}") {
			t.Errorf("%s: a string without maxLength", path)
		}
		if s.Type == "integer" && (s.Minimum == nil || s.Maximum == nil) {
			t.Errorf("%s: a number without a range", path)
		}
		for name := range s.Properties {
			if strings.ToLower(name[:1]) != name[:1] || strings.ContainsAny(name, "_-") {
				t.Errorf("%s.%s is not camelCase", path, name)
			}
		}
	})
}

// walk calls f for a schema and all below it, in no order. A path is as .spec.env[].name.
func walk(s *apiextensionsv1.JSONSchemaProps, path string, f func(path string, s *apiextensionsv1.JSONSchemaProps)) {
	f(path, s)
	for name, p := range s.Properties {
		walk(&p, path+"."+name, f)
	}
	if s.Items != nil && s.Items.Schema != nil {
		walk(s.Items.Schema, path+"[]", f)
	}
	if s.AdditionalProperties != nil && s.AdditionalProperties.Schema != nil {
		walk(s.AdditionalProperties.Schema, path+"{}", f)
	}
}
