package manifest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// schemaJSON is the schema of the CustomResourceDefinition, without the descriptions:
// reading the whole definition takes longer than all else that a small app needs.
//
//go:generate go test -run ^TestSchemaIsTheDefinitions$ . -update
//go:embed schema.json
var schemaJSON []byte

// schema is what an API server makes of the definition.
type schema struct {
	structural *structuralschema.Structural
	openAPI    validation.SchemaValidator
	rules      *rules
}

// beamApp is the schema of BeamApp. It is made when the first one is read.
var beamApp = sync.OnceValues(func() (*schema, error) {
	s, err := newSchema(schemaJSON)
	if err != nil {
		return nil, fmt.Errorf("the schema of BeamApp: %w", err)
	}
	return s, nil
})

func newSchema(text []byte) (*schema, error) {
	var v1 apiextensionsv1.JSONSchemaProps
	if err := json.Unmarshal(text, &v1); err != nil {
		return nil, err
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&v1, &props, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(&props)
	if err != nil {
		return nil, err
	}
	openAPI, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return nil, err
	}
	return &schema{structural, openAPI, newRules(structural)}, nil
}

// rules are the rules of a schema, compiled one value at a time and only where a
// document has something to judge: compiling all of them takes longer than everything
// else that render does for one app.
type rules struct {
	schema *structuralschema.Structural
	// here judges the value itself, and nothing below it. nil without rules.
	here       func() *cel.Validator
	properties map[string]*rules
	items      *rules // of a list, or of a map's values
}

func newRules(s *structuralschema.Structural) *rules {
	return rulesOf(s, bare(s), true)
}

func rulesOf(s, without *structuralschema.Structural, root bool) *rules {
	r := &rules{schema: s}
	node := *without
	for _, v := range s.XValidations {
		// Rules about a change need something to change. The API server skips them, too,
		// but after it has compiled them.
		onCreate := v.OptionalOldSelf != nil && *v.OptionalOldSelf
		if onCreate || !strings.Contains(v.Rule, "oldSelf") {
			node.XValidations = append(node.XValidations, v)
		}
	}
	if len(node.XValidations) > 0 {
		r.here = sync.OnceValue(func() *cel.Validator {
			return cel.NewValidator(&node, root, celconfig.PerCallLimit)
		})
	}
	for name, p := range s.Properties {
		below := without.Properties[name]
		if child := rulesOf(&p, &below, false); child != nil {
			if r.properties == nil {
				r.properties = map[string]*rules{}
			}
			r.properties[name] = child
		}
	}
	switch {
	case s.Items != nil:
		r.items = rulesOf(s.Items, without.Items, false)
	case s.AdditionalProperties != nil && s.AdditionalProperties.Structural != nil:
		r.items = rulesOf(s.AdditionalProperties.Structural, without.AdditionalProperties.Structural, false)
	}
	if r.here == nil && r.properties == nil && r.items == nil && !root {
		return nil
	}
	return r
}

// bare is a schema without its rules, with the types that rules speak of.
func bare(s *structuralschema.Structural) *structuralschema.Structural {
	if s == nil {
		return nil
	}
	b := *s
	b.XValidations = nil
	if s.Properties != nil {
		b.Properties = make(map[string]structuralschema.Structural, len(s.Properties))
		for name, p := range s.Properties {
			b.Properties[name] = *bare(&p)
		}
	}
	b.Items = bare(s.Items)
	if s.AdditionalProperties != nil {
		a := *s.AdditionalProperties
		a.Structural = bare(a.Structural)
		b.AdditionalProperties = &a
	}
	return &b
}

// child is the schema of a field, or of what is in a list or map; nil where the schema
// says nothing about it.
func child(s *structuralschema.Structural, segment string) *structuralschema.Structural {
	switch {
	case s == nil:
		return nil
	case s.Items != nil:
		return s.Items
	case s.AdditionalProperties != nil:
		return s.AdditionalProperties.Structural
	}
	if p, ok := s.Properties[segment]; ok {
		return &p
	}
	return nil
}
