package plan_test

import (
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// docs/reference/environment.md names what the plans of the goldens set, all of it and
// nothing else.
func TestEnvironmentPage(t *testing.T) {
	const file = "../../docs/reference/environment.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`[A-Z_`, ]+`) \\|").FindAllStringSubmatch(string(page), -1) {
		named = append(named, regexp.MustCompile(`[A-Z_]+`).FindAllString(row[1], -1)...)
	}
	slices.Sort(named)

	set := map[string]bool{}
	for _, g := range plantest.Goldens(t, "testdata") {
		p, err := plan.New(g.App, plan.Options{AgentImage: g.AgentImage})
		if err != nil {
			t.Fatal(err)
		}
		theirs := map[string]bool{}
		for _, e := range g.App.Spec.Env {
			theirs[e.Name] = true
		}
		pods := []*corev1.PodTemplateSpec{p.PodTemplate()}
		for i, pipe := range p.Pipelines {
			pods = append(pods, &pipe.Deployment.Spec.Template)
			for _, e := range g.App.Spec.Pipelines[i].Env {
				theirs[e.Name] = true
			}
		}
		if p.Migration != nil {
			pods = append(pods, &p.Migration.Spec.Template)
		}
		for _, pod := range pods {
			for _, e := range pod.Spec.Containers[0].Env {
				if !theirs[e.Name] {
					set[e.Name] = true
				}
			}
		}
	}
	var all []string
	for name := range set {
		all = append(all, name)
	}
	slices.Sort(all)
	if diff := cmp.Diff(all, named); diff != "" {
		t.Errorf("%s (-plan +page):\n%s", file, diff)
	}
}
