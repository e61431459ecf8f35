package v1alpha1_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/phialdev/phial/internal/kubetest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

// manifest is the BeamApp of a case, with the spec laid over [validSpec].
func (c ruleCase) manifest(tb testing.TB, spec string) map[string]any {
	tb.Helper()
	all := parse(tb, validSpec)
	for field, v := range parse(tb, spec) {
		all[field] = v
	}
	name := c.app
	if name == "" {
		name = "shop"
	}
	return map[string]any{
		"apiVersion": "phial.dev/v1alpha1", "kind": "BeamApp",
		"metadata": map[string]any{"name": name}, "spec": all,
	}
}

// TestRules tries every case on the definition in this process, and asks that every rule
// of it has a case.
func TestRules(t *testing.T) {
	d := theDefinition(t)
	fired := map[string]bool{}
	judge := func(t *testing.T, c ruleCase) []*refusal {
		t.Helper()
		app := c.manifest(t, c.spec)
		d.fill(app)
		var old map[string]any
		if c.old != "" {
			old = c.manifest(t, c.old)
			d.fill(old)
			if errs := d.judge(t.Context(), old, nil); len(errs) > 0 {
				t.Fatalf("what is to be changed is not valid itself: %v", errs.ToAggregate())
			}
		}
		var all []*refusal
		for _, err := range d.judge(t.Context(), app, old) {
			all = append(all, &refusal{err.Field, err.ErrorBody()})
			fired[anyIndex(err.Field)+": "+err.Detail] = true
		}
		return all
	}
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) { c.refused(t, judge(t, c)) })
	}
	for _, c := range validCases {
		t.Run("valid/"+c.name, func(t *testing.T) {
			for _, r := range judge(t, c) {
				t.Errorf("refused: %v", r)
			}
		})
	}
	walk(d.schema, "", func(path string, s *apiextensionsv1.JSONSchemaProps) {
		for _, rule := range s.XValidations {
			where := strings.TrimPrefix(path+rule.FieldPath, ".")
			if !fired[where+": "+rule.Message] {
				t.Errorf("no case shows this rule to fire: %s: %s", where, rule.Message)
			}
		}
	})
}

// TestRulesOnServer tries the same cases on a real API server.
func TestRulesOnServer(t *testing.T) {
	server := installed(t)
	judge := func(t *testing.T, c ruleCase) []*refusal {
		t.Helper()
		if c.old != "" {
			made, err := server.Apply(t.Context(), encode(t, c.manifest(t, c.old)), false)
			if err != nil {
				t.Fatalf("what is to be changed is not valid itself: %v", err)
			}
			defer func() {
				if err := server.Delete(t.Context(), made); err != nil {
					t.Error(err)
				}
			}()
		}
		_, err := server.Apply(t.Context(), encode(t, c.manifest(t, c.spec)), true)
		return refusals(t, err)
	}
	for _, c := range ruleCases {
		t.Run(c.name, func(t *testing.T) { c.refused(t, judge(t, c)) })
	}
	for _, c := range validCases {
		t.Run("valid/"+c.name, func(t *testing.T) {
			for _, r := range judge(t, c) {
				t.Errorf("refused: %v", r)
			}
		})
	}
}

// TestExamples holds every example that people are shown against the rules.
func TestExamples(t *testing.T) {
	d := theDefinition(t)
	files, err := filepath.Glob("../../examples/*/phial.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../internal/apidoc/example.yaml") {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			app := parse(t, string(text))
			before := string(encode(t, app))
			d.fill(app)
			if errs := d.judge(t.Context(), app, nil); len(errs) > 0 {
				t.Error(errs.ToAggregate())
			}
			server := installed(t)
			if meta, _ := app["metadata"].(map[string]any); meta["namespace"] != nil {
				if err := server.Namespace(t.Context(), fmt.Sprint(meta["namespace"])); err != nil {
					t.Fatal(err)
				}
			}
			applied, err := server.Apply(t.Context(), []byte(before), true)
			if err != nil {
				t.Error(err)
			}
			for _, a := range applied {
				for _, warning := range a.Warnings {
					t.Error(warning)
				}
			}
		})
	}
}

// A refusal is what is wrong with one field.
type refusal struct{ field, text string }

func (r refusal) String() string { return r.field + ": " + r.text }

// refused asks that the case's rule was broken, and no other.
func (c ruleCase) refused(t *testing.T, got []*refusal) {
	t.Helper()
	if len(got) == 0 {
		t.Fatalf("not refused; want %s: %s…", c.field, c.want)
	}
	for _, r := range got {
		_, message, _ := strings.Cut(r.text, ": ")
		if r.field == rootField(c.field) && (strings.HasPrefix(message, c.want) || strings.Contains(message, ": "+c.want)) {
			continue
		}
		t.Errorf("refused with\n%v\nwant\n%s: %s…", r, c.field, c.want)
	}
}

// rootField is how the API server names the whole object.
func rootField(field string) string {
	if field == "" {
		return "<nil>"
	}
	return field
}

var index = regexp.MustCompile(`\[[^\]]*\]`)

// anyIndex makes spec.env[3].name spec.env[].name.
func anyIndex(field string) string {
	if field == "<nil>" {
		return ""
	}
	return index.ReplaceAllString(field, "[]")
}

// refusals reads what an API server's refusal says of each field.
func refusals(t *testing.T, err error) []*refusal {
	t.Helper()
	if err == nil {
		return nil
	}
	var status *apierrors.StatusError
	if !errors.As(err, &status) || status.ErrStatus.Reason != metav1.StatusReasonInvalid {
		t.Fatalf("not the API server's judgement: %v", err)
	}
	var all []*refusal
	for _, cause := range status.ErrStatus.Details.Causes {
		all = append(all, &refusal{cause.Field, cause.Message})
	}
	if len(all) == 0 {
		all = append(all, &refusal{"", fmt.Sprint(err)})
	}
	return all
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	text, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// installed gives a real API server that knows BeamApps.
func installed(t *testing.T) *kubetest.Cluster {
	t.Helper()
	server := kubetest.Shared(t)
	if err := server.InstallCRDs(t.Context(), kubetest.DefinitionFiles("../../deploy/crd/*_beamapps.yaml")); err != nil {
		t.Fatal(err)
	}
	return server
}
