package report

import (
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/manifest"
)

const checked = `# phial:ignore K8S-03 still on 1.24
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: shop, namespace: prod}
spec: {maxUnavailable: 1}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: shop
        image: shop:1.0.0
        env:
        - name: RELEASE_NODE
          value: shop@$(hostname -f)	| <b>
        - {name: RELEASE_COOKIE, value: monster-in-the-cookie}
        - name: SECRET_KEY_BASE
          value: do-not-show-this-key-base
        resources:
          limits: {cpu: 250m}
---
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: shop}
`

func checkedReport(t *testing.T) (check.Report, Texts) {
	t.Helper()
	file := "k8s/shop a.yaml"
	in := &check.Input{
		Objects: manifest.ReadObjects([]manifest.Source{{Name: file, Text: []byte(checked)}}),
		Now:     time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC),
	}
	return check.Run(in, check.Options{}), in.Text
}

// Each format has its golden, and none of them a secret.
func TestCheckFormats(t *testing.T) {
	r, texts := checkedReport(t)
	formats := map[string]func(b *strings.Builder) error{
		"check.golden":          func(b *strings.Builder) error { Check(b, r, texts, Style{Width: 100}); return nil },
		"check-colour.golden":   func(b *strings.Builder) error { Check(b, r, texts, Style{Colour: true, Width: 60}); return nil },
		"check-markdown.golden": func(b *strings.Builder) error { CheckMarkdown(b, r); return nil },
		"check-github.golden":   func(b *strings.Builder) error { CheckGitHub(b, r); return nil },
	}
	for name, write := range formats {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/"+name, b.String())
	}
	formats["SARIF"] = func(b *strings.Builder) error { return CheckSARIF(b, r, "0.1.0") }
	formats["JUnit"] = func(b *strings.Builder) error { return CheckJUnit(b, r) }
	formats["JSON"] = func(b *strings.Builder) error { return json.NewEncoder(b).Encode(r) }
	for name, write := range formats {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"monster", "do-not-show"} {
			if strings.Contains(b.String(), secret) {
				t.Errorf("%s shows a secret", name)
			}
		}
	}
}

// What SARIF 2.1.0 requires is there, and every result leads to its rule.
func TestCheckSARIF(t *testing.T) {
	r, _ := checkedReport(t)
	var b strings.Builder
	if err := CheckSARIF(&b, r, "0.1.0"); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Version string
		Schema  string `json:"$schema"`
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID               string
						ShortDescription struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine, StartColumn, EndLine, EndColumn int }
					}
				}
				PartialFingerprints map[string]string
				Suppressions        []struct{ Kind, Justification string }
			}
		}
	}
	if err := json.Unmarshal([]byte(b.String()), &log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "phial" {
		t.Fatalf("the head of it: %+v", log)
	}
	run := log.Runs[0]
	suppressed := 0
	for _, res := range run.Results {
		region := res.Locations[0].PhysicalLocation.Region
		switch {
		case run.Tool.Driver.Rules[res.RuleIndex].ID != res.RuleID:
			t.Errorf("%s leads to %s", res.RuleID, run.Tool.Driver.Rules[res.RuleIndex].ID)
		case res.Message.Text == "" || res.PartialFingerprints["phial/v1"] == "":
			t.Errorf("%+v", res)
		case res.Level != "error" && res.Level != "warning" && res.Level != "note":
			t.Errorf("level %s", res.Level)
		case res.Locations[0].PhysicalLocation.ArtifactLocation.URI != "k8s/shop%20a.yaml":
			t.Errorf("a reference %s", res.Locations[0].PhysicalLocation.ArtifactLocation.URI)
		case region.StartLine < 1 || region.StartColumn < 1 || region.EndLine < region.StartLine || region.EndColumn <= region.StartColumn:
			t.Errorf("%s: the region %+v", res.RuleID, region)
		}
		for _, s := range res.Suppressions {
			suppressed++
			if s.Kind != "inSource" || s.Justification != "still on 1.24" {
				t.Errorf("%+v", s)
			}
		}
	}
	if len(run.Results) != len(r.Findings)+1 || suppressed != 1 {
		t.Errorf("%d results with %d suppressed, of %d findings", len(run.Results), suppressed, len(r.Findings))
	}
}

// JUnit counts what it holds; hints are no failures.
func TestCheckJUnit(t *testing.T) {
	r, _ := checkedReport(t)
	var b strings.Builder
	if err := CheckJUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	var all junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &all); err != nil {
		t.Fatal(err)
	}
	tests, failures, skipped := 0, 0, 0
	for _, s := range all.Suites {
		for _, c := range s.Cases {
			tests++
			if c.Failure != nil {
				failures++
			}
			if c.Skipped != nil {
				skipped++
			}
		}
	}
	want := []int{all.Tests, all.Failures, len(r.NotChecked)}
	if d := cmp.Diff(want, []int{tests, failures, skipped}); d != "" || failures == 0 {
		t.Errorf("%s%s", d, b.String())
	}
}

// A long line is shown around the place, control characters are not, and a place that is not there is left out.
func TestFrame(t *testing.T) {
	text := strings.Repeat("x", 300) + "HERE" + strings.Repeat("y", 300) + "\nesc: \x1b[31m\u009b\n"
	for _, c := range []struct {
		at     check.Span
		masked bool
		want   string
	}{
		{check.Span{File: "a", Line: 1, Column: 301, EndColumn: 305}, false, "HERE"},
		{check.Span{File: "a", Line: 2, Column: 1, EndColumn: 4}, false, "\uFFFD"},
		{check.Span{File: "a", Line: 2, Column: 6, EndColumn: 9}, true, "esc: ******"},
		{check.Span{File: "a", Line: 2, Column: 1, EndColumn: 4}, true, "esc: ******"},
		{check.Span{File: "a", Line: 9, Column: 1}, false, ""},
		{check.Span{File: "b", Line: 1, Column: 1}, false, ""},
	} {
		var b strings.Builder
		frame(&b, c.at, c.masked, "", "", newLines(func(file string) (string, bool) { return text, file == "a" }), Style{Width: 80})
		got := b.String()
		if !strings.Contains(got, c.want) || (c.want == "") != (got == "") || strings.Contains(got, "\x1b") {
			t.Errorf("%+v: %q", c.at, got)
		}
		for l := range strings.Lines(got) {
			if n := len([]rune(l)); n > 80 {
				t.Errorf("a line of %d", n)
			}
		}
	}
}

// Secrets on a line are not shown, whatever the finding on it is about; nothing else moves.
func TestScrub(t *testing.T) {
	for line, want := range map[string]string{
		"{name: RELEASE_COOKIE, value: monster}, image: a":  "{name: RELEASE_COOKIE, value: *******}, image: a",
		"{name: \"SECRET_KEY_BASE\", value: \"a b\"}, b":    "{name: \"SECRET_KEY_BASE\", value: *****}, b",
		"RELEASE_COOKIE: monster":                           "RELEASE_COOKIE: *******",
		"secretKeyRef: {name: shop, key: cookie}":           "secretKeyRef: {name: shop, key: cookie}",
		"TOKEN=$(cat \\":                                    "TOKEN=*******",
		"secretName: shop-tls":                              "secretName: shop-tls",
		"export SECRET_KEY_BASE=$(head -c 48 /dev/urandom)": "export SECRET_KEY_BASE=**************************",
		"TOKEN=\"$(cat a (b))\" shop":                       "TOKEN=************** shop",
		"{secretName: a, password: b}":                      "{secretName: a, password: *}",
		"value: ecto://shop:hunter2@db/shop":                "value: ecto://shop:*******@db/shop",
		"args: [--cookie, monster, --name, a]":              "args: [--cookie, *******, --name, a]",
		"value: -setcookie monster +Q 65536":                "value: -setcookie ******* +Q 65536",
		"image: shop:latest":                                "image: shop:latest",
	} {
		if got := string(scrub([]rune(line))); got != want {
			t.Errorf("%s becomes %s", line, got)
		}
	}
}
