package manifest

import (
	"strings"
	"testing"

	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
)

// Nobody has to read a regular expression: each pattern of what a person writes has words.
func TestPatternsHaveWords(t *testing.T) {
	s, err := beamApp()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	var walk func(path string, s *structuralschema.Structural)
	walk = func(path string, s *structuralschema.Structural) {
		if s == nil {
			return
		}
		if v := s.ValueValidation; v != nil && v.Pattern != "" {
			seen++
			if said := "must match '" + v.Pattern + "'"; plainPattern(said) == said {
				t.Errorf("%s: no words for %s", path, v.Pattern)
			}
		}
		for name, p := range s.Properties {
			walk(join(path, name), &p)
		}
		walk(path+"[]", s.Items)
		if s.AdditionalProperties != nil {
			walk(path+"{}", s.AdditionalProperties.Structural)
		}
	}
	spec := s.structural.Properties["spec"]
	walk("spec", &spec)
	if seen < 5 {
		t.Errorf("only %d patterns were found", seen)
	}
}

// What the library says stays, to be searched for, and what to do comes after it.
func TestYAMLAdvice(t *testing.T) {
	for text, advice := range map[string]string{
		"replicas: [":       "close it",
		"a: [b, c\nd: e\n":  "a [ is open",
		"a: {b: c\nd: e\n":  "a { is open",
		"a: b: c":           "quote text",
		"a: \"x":            "a quote is open",
		"a: @x":             "quote text",
		"a:\n  b: 1\n c: 2": "indent it",
		"a:\n- b\nc\n":      "colon",
		"a: \"\\d\"":        "backslash",
		"a: *b":             "anchor",
		"a:\n  - b\n  c: d": "begin each entry",
		"a: *":              "quote text",
	} {
		_, err := parse([]byte(text))
		if err == nil {
			t.Errorf("%q is YAML", text)
			continue
		}
		said := sentence(err)
		if got := advised(said); !strings.HasPrefix(got, said+"; ") || !strings.Contains(got, advice) {
			t.Errorf("%q: %s", text, got)
		}
	}
}
