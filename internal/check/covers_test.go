package check

import (
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

// A code that a rule covers leads to the rule, wherever people write codes, and is no rule's own.
func TestCovers(t *testing.T) {
	own := map[finding.Code]bool{}
	for _, r := range Rules() {
		own[r.Code] = true
	}
	covered := map[finding.Code]finding.Code{}
	for _, r := range Rules() {
		for _, c := range r.Covers {
			if own[c] || covered[c] != "" {
				t.Errorf("%s covers %s, which is found elsewhere too", r.Code, c)
			}
			if _, ok := finding.Lookup(c); ok {
				t.Errorf("%s covers %s, which a running mesh shows by itself", r.Code, c)
			}
			covered[c] = r.Code
		}
	}
	for code, by := range map[string]finding.Code{"DSC-05": "NAM-02", "k8s-04": "PHX-07", "MEM-02": "MEM-03", "NAM-02": "NAM-02"} {
		if r, ok := Lookup(code); !ok || r.Code != by {
			t.Errorf("%s leads to %v, want %s", code, r, by)
		}
		rules, err := Select([]string{code}, nil)
		if err != nil || len(rules) != 1 || rules[0].Code != by {
			t.Errorf("--only %s: %v, %v", code, rules, err)
		}
		all, err := Select(nil, []string{code})
		for _, r := range all {
			if r.Code == by {
				t.Errorf("--skip %s leaves %s", code, by)
			}
		}
		if err != nil {
			t.Errorf("--skip %s: %v", code, err)
		}
		if i, err := parseIgnore(" " + code + " we know"); err != nil || !i.covers(&Finding{Finding: finding.Finding{Code: by}}) {
			t.Errorf("a comment with %s does not cover %s: %v", code, by, err)
		}
	}
	if _, ok := Lookup("DSC-99"); ok {
		t.Error("a code that nobody has leads somewhere")
	}
}
