package v1alpha1_test

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
)

// TestRulesAnswer: a rule says yes or no, whatever stands in the fields. One that can't
// be worked out is shown to people as such, in words about CEL.
func TestRulesAnswer(t *testing.T) {
	d := theDefinition(t)
	odd := rapid.OneOf(
		rapid.StringMatching(`[0-9]{0,6}-[0-9]{0,6}`),
		rapid.StringMatching(`[a-z./:*0-9 %-]{0,12}`),
		rapid.SampledFrom([]string{"", "-", ":", "/", "0%", "9100-", "-9100", "9100-9107-9110", "99999-99999", "kafka:99999999999999999999", "1e3", "𝔭"}),
	)
	draw := func(t *rapid.T) map[string]any {
		app := drawApp().Draw(t, "app")
		if app.Name == "" {
			app.Name = "shop" // there is no BeamApp without one
		}
		content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(app)
		if err != nil {
			t.Fatal(err)
		}
		spec := content["spec"].(map[string]any)
		merge(spec, map[string]any{
			"http":     map[string]any{"ingress": map[string]any{"hosts": []any{odd.Draw(t, "host")}}},
			"rollout":  map[string]any{"maxSurge": odd.Draw(t, "maxSurge")},
			"vm":       map[string]any{"flags": []any{odd.Draw(t, "flag")}},
			"security": map[string]any{"writablePaths": []any{odd.Draw(t, "path")}},
			"env":      []any{map[string]any{"name": odd.Draw(t, "name"), "value": odd.Draw(t, "value")}},
			"pipelines": []any{map[string]any{"name": "p", "lagPerReplica": int64(1), "kafka": map[string]any{
				"brokers": []any{odd.Draw(t, "broker")}, "group": odd.Draw(t, "group"), "topics": []any{"t"}, "partitions": int64(3),
			}}},
		})
		if clustered, ok := spec["clustered"].(map[string]any); ok {
			merge(clustered, map[string]any{"distribution": map[string]any{"portRange": odd.Draw(t, "portRange")}})
		}
		d.fill(content)
		return content
	}
	rapid.Check(t, func(t *rapid.T) {
		app, old := draw(t), draw(t)
		if rapid.Bool().Draw(t, "new") {
			old = nil
		}
		broken, _ := d.rules.Validate(t.Context(), nil, d.structural, app, asAny(old), 1<<40)
		for _, err := range broken {
			if strings.Contains(err.Detail, "evaluating rule") || strings.Contains(err.Detail, "no such key") {
				t.Errorf("%v", err)
			}
		}
		var typed v1alpha1.BeamApp
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(app, &typed); err != nil {
			t.Skip("not a BeamApp that the plan would see: ", err)
		}
		v1alpha1.SetDefaults(&typed)
	})
}

// asAny keeps a nil map from being something.
func asAny(m map[string]any) any {
	if m == nil {
		return nil
	}
	return m
}

// merge lays one map on another, field by field.
func merge(base, over map[string]any) {
	for k, v := range over {
		if m, ok := v.(map[string]any); ok {
			if b, ok := base[k].(map[string]any); ok {
				merge(b, m)
				continue
			}
		}
		base[k] = v
	}
}

// TestNameless: the API server asks for a name before it asks the rules. The command line
// has only the rules.
func TestNameless(t *testing.T) {
	d := theDefinition(t)
	app := ruleCase{}.manifest(t, "{}")
	app["metadata"] = map[string]any{}
	d.fill(app)
	errs := d.judge(t.Context(), app, nil)
	if len(errs) != 1 || !strings.HasPrefix(errs[0].Detail, "metadata.name must be") {
		t.Errorf("got %v", errs)
	}
}
