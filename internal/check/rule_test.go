package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// What can be in manifests and in a project is not checked where there is neither, and passed where there is one.
func TestNeedsOneOfTwo(t *testing.T) {
	codes := []string{"COO-02", "IMG-06", "IMG-07", "IMG-08", "IMG-12", "NAM-09", "OPS-01", "GLB-01"}
	missing := func(in *Input) (all []string) {
		for _, n := range Run(in, Options{Rules: rules(t, codes...)}).NotChecked {
			all = append(all, string(n.Code)+": "+strings.Join(n.Missing, ", "))
		}
		slices.Sort(all)
		return all
	}
	var want []string
	for _, c := range codes {
		want = append(want, c+": Kubernetes manifests or a mix project")
	}
	slices.Sort(want)
	templates := &manifest.Set{Templates: []manifest.Template{{}}}
	for name, c := range map[string]struct {
		in   *Input
		want []string
	}{
		"neither":           {&Input{Now: today}, want},
		"templates of Helm": {&Input{Now: today, Objects: templates}, want},
		"manifests":         {filesOf(map[string]string{"a.yaml": workload("a", "shop:1", "")}), nil},
		"a project":         {withProject(t, &Input{Now: today}, mix), nil},
	} {
		if d := cmp.Diff(c.want, missing(c.in)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// A code that a running mesh shows as well weighs there what a rule may at most, or more: what was seen is surer.
func TestWeighsAtMostWhatIsSeen(t *testing.T) {
	for _, r := range Rules() {
		if e, ok := finding.Lookup(r.Code); ok && r.Severity > e.Severity {
			t.Errorf("%s is an %s here and %s in the catalogue", r.Code, r.Severity, e.Severity)
		}
	}
}
