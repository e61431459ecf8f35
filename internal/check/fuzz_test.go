package check

import (
	"errors"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/manifest"
)

// FuzzCheck: whatever the manifests are, a check ends, its places are in the text, and its edits can be made.
func FuzzCheck(f *testing.F) {
	for _, r := range []string{"NAM-05", "DSC-02", "NET-02", "COO-03", "HLT-05", "DRN-04", "K8S-05"} {
		if rule, ok := Lookup(r); ok {
			f.Add(string(rule.Code))
		}
	}
	f.Add(limited)
	f.Add("# phial:ignore CPU-04 x until 2026-01-01\n" + limited)
	f.Add(workload("a", "x", "        env: [{name: RELEASE_NODE, value: a@$(b c)}, {}, null, 1]\n        ports: 1\n"))
	f.Add("apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {selector: {app: a}, ports: [{port: 4369}, x], type: NodePort}\n" + workload("a", "x", "        command: [bin/a, start]\n"))
	f.Fuzz(func(t *testing.T, text string) {
		in := &Input{Now: today, Objects: manifest.ReadObjects([]manifest.Source{{Name: "a.yaml", Text: []byte(text)}})}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + strings.Count(text, "\u0085") + strings.Count(text, "\u2028") + strings.Count(text, "\u2029") + 1
		report := Run(in, Options{})
		for _, n := range report.Findings {
			if n.At.Line < 1 || n.At.Line > lines || n.Cause == "" || n.Fingerprint == "" {
				t.Errorf("%+v", n)
			}
		}
		Fix(in, report)
	})
}

// FuzzConfig: whatever the settings are, reading them ends in decisions or in problems with a place.
func FuzzConfig(f *testing.F) {
	f.Add("ignore:\n- {rule: NET-05, path: 'a/**', object: Service a, reason: x, expires: 2027-01-31}\n", "a/b.yaml")
	f.Add("ignore: [{rule: [x]}, 1, null]", "")
	f.Add("exclude: [a/**, '[', {}]", "a/b.yaml")
	f.Fuzz(func(t *testing.T, text, file string) {
		c, err := ParseConfig(manifest.Source{Name: "c", Text: []byte(text)})
		var problems manifest.Problems
		if err != nil && !errors.As(err, &problems) {
			t.Fatal(err)
		}
		for _, i := range c.Ignore {
			if i.Reason == "" || len(i.Codes) == 0 {
				t.Errorf("%+v", i)
			}
			if strings.Count(i.Path, "**") < 4 {
				glob(i.Path, file)
			}
		}
		for _, e := range c.Exclude {
			if strings.Count(e.Glob, "**") < 4 {
				covers(e.Glob, "c", file)
			}
		}
		if _, err := ParseBaseline("b", []byte(text)); err == nil && !strings.Contains(text, "version") {
			t.Error("a baseline without a version")
		}
		comments("c", text)
	})
}
