package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/project"
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

// A line that was not understood is shown only where no word on it or beside it is one for a secret, and no Secret is in the
// file; what names a Secret is none.
func TestMayHoldSecret(t *testing.T) {
	for text, want := range map[string]bool{
		"kind: Deployment\nspec: {\n  replicas: 3":             false,
		"kind: Deployment\nname: SECRET_KEY_BASE\nvalue: {abc": true,
		"kind: Deployment\nvalue: {abc\nname: DB_PASSWORD":     true,
		"kind: Secret\ndata: {\n  a: b":                        true,
		"{\"kind\": \"SealedSecret\"}\na: {\nb":                true,
		"kind: Deployment\nspec:\n  url: {\n":                  false,
		"kind: Deployment\n\x00\x01\nspec":                     true,
	} {
		in := &Input{Project: &project.Project{}, Files: func(string) (string, bool) { return text, true }}
		for _, n := range []int{2, 3} {
			if n > strings.Count(text, "\n")+1 {
				continue
			}
			if got := mayHoldSecret(in, Span{File: "a.yaml", Line: n}); got != want {
				t.Errorf("line %d of %q: %v, want %v", n, text, got, want)
			}
		}
	}
	if !mayHoldSecret(&Input{}, Span{File: "nowhere", Line: 1}) {
		t.Error("what is not at hand is shown")
	}
}
