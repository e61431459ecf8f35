package manifest

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/deploy/crd"
)

var update = flag.Bool("update", false, "write generated and golden files anew")

// The schema that is read is that of the definition, in less time.
func TestSchemaIsTheDefinitions(t *testing.T) {
	var definition struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					OpenAPIV3Schema map[string]any `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(crd.YAML, &definition); err != nil {
		t.Fatal(err)
	}
	if n := len(definition.Spec.Versions); n != 1 {
		t.Fatalf("the definition has %d versions; this room knows one", n)
	}
	schema := definition.Spec.Versions[0].Schema.OpenAPIV3Schema
	withoutDescriptions(schema)
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(schema); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("schema.json", want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want.Bytes(), schemaJSON) {
		t.Error("schema.json is not that of deploy/crd: go generate ./internal/manifest")
	}
}

func withoutDescriptions(schema map[string]any) {
	delete(schema, "description")
	for _, below := range []string{"properties", "items", "additionalProperties"} {
		m, ok := schema[below].(map[string]any)
		if !ok {
			continue
		}
		if below != "properties" {
			withoutDescriptions(m)
			continue
		}
		for _, p := range m {
			if p, ok := p.(map[string]any); ok {
				withoutDescriptions(p)
			}
		}
	}
}
