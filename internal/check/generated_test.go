package check

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A cookie that two overlays make a Secret of is one cookie for both, and is never shown.
func TestGeneratedCookies(t *testing.T) {
	overlay := func(cookie string) string {
		return "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nsecretGenerator:\n- name: shop\n  literals:\n  - cookie=" + cookie + "\n"
	}
	for name, c := range map[string]struct {
		staging string
		want    []string
	}{
		"the same":   {"kq3v9hs7d2m4x8c1z5b6n0l2", []string{"prod/kustomization.yaml:6 warning COO-02", "staging/kustomization.yaml:6 warning COO-02", "staging/kustomization.yaml:6 warning COO-06"}},
		"another":    {"zz3v9hs7d2m4x8c1z5b6n0l2", []string{"prod/kustomization.yaml:6 warning COO-02", "staging/kustomization.yaml:6 warning COO-02"}},
		"none there": {"$COOKIE", []string{"prod/kustomization.yaml:6 warning COO-02"}},
	} {
		report := Run(filesOf(map[string]string{"prod/kustomization.yaml": overlay("kq3v9hs7d2m4x8c1z5b6n0l2"), "staging/kustomization.yaml": overlay(c.staging)}), Options{Rules: rules(t, "COO")})
		if d := cmp.Diff(c.want, found(report)); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
		for _, f := range report.Findings {
			if !f.Masked {
				t.Errorf("%s: %s would show what stands there", name, f.Code)
			}
		}
	}
}
