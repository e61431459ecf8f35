package plan_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
)

// A migration is confined as the app is and has its environment; it is no node, holds no
// cookie, and needs nothing that is there only after it.
func TestMigrationIsTheAppWithoutANode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		if p.Migration == nil {
			return
		}
		pod, node := p.Migration.Spec.Template.Spec, p.PodTemplate().Spec
		c, app := pod.Containers[0], node.Containers[0]
		if !reflect.DeepEqual(pod.SecurityContext, node.SecurityContext) || !reflect.DeepEqual(c.SecurityContext, app.SecurityContext) {
			t.Error("it is confined in another way")
		}
		if !reflect.DeepEqual(c.EnvFrom, app.EnvFrom) || c.Image != app.Image || !slices.Equal(c.Command, p.App.Spec.Migration.Command) {
			t.Errorf("it runs %v of %s with %v", c.Command, c.Image, c.EnvFrom)
		}
		for _, e := range p.App.Spec.Env {
			if !slices.ContainsFunc(c.Env, func(x corev1.EnvVar) bool { return x.Name == e.Name }) {
				t.Errorf("%s is not in its environment", e.Name)
			}
		}
		if pod.ServiceAccountName != p.App.Spec.ServiceAccountName || len(pod.InitContainers) > 0 || pod.RestartPolicy != corev1.RestartPolicyNever {
			t.Errorf("account %q, %d init containers, restart policy %s", pod.ServiceAccountName, len(pod.InitContainers), pod.RestartPolicy)
		}
		b, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		for _, not := range []string{p.Cookie.SecretName, plan.ConfigMapName(p.App.Name)} {
			if strings.Contains(string(b), fmt.Sprintf("%q", not)) {
				t.Errorf("it needs %s", not)
			}
		}
	})
}

// Another template is another Job, since a Job's template can't be changed; the same one
// is the same.
func TestMigrationIsNamedByItsTemplate(t *testing.T) {
	app := func(change func(*v1alpha1.BeamAppSpec)) string {
		a := &v1alpha1.BeamApp{Spec: v1alpha1.BeamAppSpec{Image: "shop:1.4.2", Migration: &v1alpha1.MigrationSpec{Command: []string{"bin/migrate"}}}}
		a.Name = strings.Repeat("a", 40)
		change(&a.Spec)
		p, err := plan.New(a, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Migration.Name
	}
	same := app(func(*v1alpha1.BeamAppSpec) {})
	if len(same) > validation.DNS1123LabelMaxLength {
		t.Errorf("%s has %d characters", same, len(same))
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.BeamAppSpec)
		other  bool
	}{
		"image":       {func(s *v1alpha1.BeamAppSpec) { s.Image = "shop:1.4.3" }, true},
		"command":     {func(s *v1alpha1.BeamAppSpec) { s.Migration.Command = []string{"bin/other"} }, true},
		"environment": {func(s *v1alpha1.BeamAppSpec) { s.Env = []corev1.EnvVar{{Name: "A", Value: "b"}} }, true},
		"time":        {func(s *v1alpha1.BeamAppSpec) { s.Migration.TimeoutSeconds = 5 }, false},
		"replicas":    {func(s *v1alpha1.BeamAppSpec) { s.Replicas = new(int32(7)) }, false},
		"agent":       {func(s *v1alpha1.BeamAppSpec) { s.Agent = v1alpha1.Disabled }, false},
	} {
		if got := app(tt.change); (got != same) != tt.other {
			t.Errorf("another %s: %s, before %s", name, got, same)
		}
	}
}
