// Package apidoc writes the reference page of the BeamApp from its definition: what
// the API server knows is what people read.
package apidoc

import (
	"bytes"
	_ "embed"
	"fmt"
	"reflect"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Example is a BeamApp that shows most fields, with a word to each.
//
//go:embed example.yaml
var Example []byte

// Kubernetes gives the name of Kubernetes' own type that a field holds, at a path such
// as .spec.env[]: its fields are documented by Kubernetes. Empty: the field is ours.
func Kubernetes(path string) string {
	for suffix, name := range kubernetes {
		if strings.HasSuffix(path, suffix) {
			return name
		}
	}
	return ""
}

var kubernetes = map[string]string{
	".metadata":           "ObjectMeta",
	".env[]":              "EnvVar",
	".envFrom[]":          "EnvFromSource",
	".imagePullSecrets[]": "LocalObjectReference",
	".resources":          "ResourceRequirements",
	".tolerations[]":      "Toleration",
	".ingressRules[]":     "NetworkPolicyIngressRule",
	".egressRules[]":      "NetworkPolicyEgressRule",
	".conditions[]":       "Condition",
	".podTemplate":        "PodTemplateSpec",
}

// A page is written in the order of the Go types, which is the order to read it in.
type page struct {
	bytes.Buffer
	fixed   []rule // for changes
	refused []rule
}

type rule struct{ where, message string }

// Page gives the reference page in Markdown, from the YAML of the definition.
func Page(definition []byte) ([]byte, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(definition, &crd); err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	root := crd.Spec.Versions[0].Schema.OpenAPIV3Schema
	p := &page{}
	fmt.Fprintf(p, `# %s (%s/%s)

Generated from `+"`api/v1alpha1`"+`. Short names for kubectl: %s.

%s

## Example

`+"```yaml\n%s```\n", crd.Spec.Names.Kind, crd.Spec.Group, crd.Spec.Versions[0].Name,
		"`"+strings.Join(crd.Spec.Names.ShortNames, "`, `")+"`", sentence(root.Description), Example)
	p.rules("", root)
	app := reflect.TypeFor[v1alpha1.BeamApp]()
	for i := range app.NumField() {
		if name := jsonName(app.Field(i)); name == "spec" || name == "status" {
			schema := root.Properties[name]
			p.field("."+name, &schema, app.Field(i).Type)
		}
	}
	fmt.Fprint(p, `
## What can't be changed

Make another BeamApp in place of such a change, move the traffic, and delete the first.

`)
	p.table(p.fixed)
	fmt.Fprint(p, `
## What is refused

By the API server and by the command line, in these words. What only shows in the whole
plan (a `+"`podTemplate`"+` that breaks it) is refused when the plan is made.

`)
	p.table(p.refused)
	return p.Bytes(), nil
}

// object writes the section of an object and then those of the objects in it.
func (p *page) object(path string, schema *apiextensionsv1.JSONSchemaProps, typ reflect.Type) {
	fmt.Fprintf(p, "\n## %s\n\n", strings.TrimPrefix(path, "."))
	if d := sentence(schema.Description); d != "" {
		fmt.Fprintf(p, "%s\n\n", d)
	}
	fmt.Fprint(p, "| Field | Type | Default | |\n|---|---|---|---|\n")
	typ = under(typ)
	var inner []func()
	for i := range typ.NumField() {
		name := jsonName(typ.Field(i))
		field, ok := schema.Properties[name]
		if !ok {
			continue
		}
		here := path + "." + name
		value, required := "", ""
		if field.Default != nil && string(field.Default.Raw) != "{}" {
			value = "`" + strings.Trim(string(field.Default.Raw), `"`) + "`"
		}
		for _, r := range schema.Required {
			if r == name {
				required = "required"
			}
		}
		if value == "" {
			value = required
		}
		fmt.Fprintf(p, "| `%s` | %s | %s | %s |\n", name, cell(typeOf(here, &field)), value, cell(sentence(field.Description)))
		inner = append(inner, func() { p.field(here, &field, typ.Field(i).Type) })
	}
	for _, f := range inner {
		f()
	}
}

// field notes the rules of a field, and writes the section of the objects in it.
func (p *page) field(path string, schema *apiextensionsv1.JSONSchemaProps, typ reflect.Type) {
	p.rules(path, schema)
	switch {
	case Kubernetes(path) != "":
	case schema.Items != nil:
		p.field(path+"[]", schema.Items.Schema, under(typ).Elem())
	case len(schema.Properties) > 0:
		p.object(path, schema, typ)
	}
}

func (p *page) rules(path string, schema *apiextensionsv1.JSONSchemaProps) {
	for _, r := range schema.XValidations {
		where := strings.TrimPrefix(path+r.FieldPath, ".")
		if where == "" {
			where = "metadata.name" // a rule can't point there
		}
		if strings.Contains(r.Rule, "oldSelf") {
			p.fixed = append(p.fixed, rule{where, r.Message})
		} else {
			p.refused = append(p.refused, rule{where, r.Message})
		}
	}
}

func (p *page) table(rules []rule) {
	fmt.Fprint(p, "| Field | Message |\n|---|---|\n")
	for _, r := range rules {
		fmt.Fprintf(p, "| `%s` | %s |\n", r.where, cell(r.message))
	}
}

// typeOf says what a field takes: its type, values and range.
func typeOf(path string, s *apiextensionsv1.JSONSchemaProps) string {
	if name := Kubernetes(path); name != "" {
		return "Kubernetes' " + name
	}
	switch {
	case s.Items != nil:
		item := typeOf(path+"[]", s.Items.Schema)
		switch {
		case s.MinItems != nil:
			return fmt.Sprintf("list of %d to %d: %s", *s.MinItems, *s.MaxItems, item)
		case s.MaxItems != nil:
			return fmt.Sprintf("list of at most %d: %s", *s.MaxItems, item)
		}
		return "list: " + item
	case s.AdditionalProperties != nil:
		return "map: " + typeOf(path+"{}", s.AdditionalProperties.Schema)
	case len(s.Enum) > 0:
		values := make([]string, 0, len(s.Enum))
		for _, v := range s.Enum {
			values = append(values, "`"+strings.Trim(string(v.Raw), `"`)+"`")
		}
		return strings.Join(values, ", ")
	case s.XIntOrString && s.Pattern != "":
		return "quantity"
	case s.XIntOrString:
		return "integer or string"
	case s.Type == "integer" && s.Minimum != nil && s.Maximum != nil:
		return fmt.Sprintf("integer, %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Format == "date-time":
		return "time"
	case s.Type == "string" && s.Pattern != "":
		return "string, `" + s.Pattern + "`"
	case len(s.Properties) > 0:
		return "[object](#" + anchor(path) + ")"
	}
	return s.Type
}

// anchor is what Markdown makes of a section's heading for links to it.
func anchor(path string) string {
	return strings.ToLower(strings.NewReplacer(".", "", "[", "", "]", "").Replace(path))
}

// under is the type behind pointers.
func under(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// sentence puts a description on one line.
func sentence(s string) string { return strings.Join(strings.Fields(s), " ") }

// cell keeps what ends a table's cell, or means something in Markdown, out of it.
func cell(s string) string {
	var b strings.Builder
	code := false
	for _, r := range s {
		switch {
		case r == '`':
			code = !code
		case r == '|', !code && strings.ContainsRune("*<_", r):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
