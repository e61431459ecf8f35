package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// today is the day that tests live on.
var today = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// input reads manifests as the command line does. A directory "project" beside them is the project.
func input(t *testing.T, paths ...string) *Input {
	t.Helper()
	in := &Input{Now: today}
	var tree manifest.Tree
	for _, p := range paths {
		if err := tree.Add(p, nil); err != nil {
			t.Fatal(err)
		}
	}
	in.Objects = tree.Objects()
	in.Refused = manifest.Refused(tree.Sources, in.Objects)
	return in
}

// withProject adds a project of some files.
func withProject(t *testing.T, in *Input, files map[string]string) *Input {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text)}
	}
	p, err := project.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	in.Project, in.Root = p, "app"
	in.Files = func(name string) (string, bool) { text, ok := files[name]; return text, ok }
	return in
}

// fixtures are the cases of a rule: files below testdata/CODE whose names begin with a word.
func fixtures(t *testing.T, code finding.Code, word string) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(filepath.Join("testdata", string(code)), func(file string, _ os.DirEntry, err error) error {
		if err == nil && strings.HasPrefix(filepath.Base(file), word) {
			all = append(all, file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// marked are the lines that end in "# fires", or follow one that is that alone.
func marked(text string) []int {
	var all []int
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		l = strings.TrimSpace(l)
		switch {
		case l == "# fires":
			all = append(all, i+2)
		case strings.HasSuffix(l, "# fires"):
			all = append(all, i+1)
		}
	}
	return all
}

// untested are the rules whose cases are no files of manifests; each has a test of its own.
var untested = map[finding.Code]string{
	NotLookedAt: "TestNotLookedAt", NotRendered: "TestNotRendered",
	"NAM-01": "TestPredicted", "NAM-02": "TestPredicted", "NAM-03": "TestPredicted", "NAM-10": "TestPredicted", "NAM-16": "TestPredicted",
	"DSC-04": "TestPredicted", "DSC-08": "TestPredicted", "DSC-09": "TestPredicted", "DSC-10": "TestPredicted", "DSC-13": "TestPredicted",
	"NET-01": "TestPredicted", "NET-08": "TestPredicted",
	codeMachineDNS: "TestParted", codeNoCertificate: "TestParted", codeKeepsOut: "TestParted", codeWindowsEnds: "TestWindowsEnds",
	"HLT-03": "TestProjectRules", "HLT-04": "TestProjectRules", "HLT-09": "TestProjectRules", "HLT-15": "TestProjectRules", "DRN-03": "TestProjectRules",
	"CPU-02": "TestProjectRules", "CPU-03": "TestProjectRules", "MEM-01": "TestProjectRules", "MEM-05": "TestProjectRules",
	"DBM-02": "TestProjectRules", "DBM-04": "TestProjectRules",
	"PHX-02": "TestProjectRules", "PHX-06": "TestProjectRules", "PHX-07": "TestProjectRules", "PHX-09": "TestProjectRules",
	"GLB-01": "TestProjectRules", "GLB-02": "TestProjectRules", "GLB-03": "TestProjectRules",
	"STA-01": "TestProjectRules", "STA-02": "TestProjectRules", "STA-03": "TestProjectRules", "STA-04": "TestProjectRules", "STA-05": "TestProjectRules", "STA-08": "TestProjectRules",
	"JOB-01": "TestProjectRules", "JOB-02": "TestProjectRules", "JOB-03": "TestProjectRules", "SES-01": "TestProjectRules",
	"KAF-01": "TestProjectRules", "KAF-02": "TestProjectRules", "KAF-03": "TestProjectRules", "KAF-05": "TestProjectRules", "KAF-06": "TestProjectRules", "KAF-07": "TestProjectRules", "KAF-08": "TestProjectRules",
}

// Every rule fires on its cases, on the very lines, and is silent on their twins.
func TestEveryRuleHasItsCases(t *testing.T) {
	for _, r := range Rules() {
		if untested[r.Code] != "" || ofProjects(r.Code) {
			continue
		}
		t.Run(string(r.Code), func(t *testing.T) {
			fires, silent := fixtures(t, r.Code, "fires"), fixtures(t, r.Code, "silent")
			if len(fires) == 0 || len(silent) == 0 {
				t.Fatalf("testdata/%s has %d cases and %d twins: write fires.yaml and silent.yaml", r.Code, len(fires), len(silent))
			}
			for _, file := range slices.Concat(fires, silent) {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				want := marked(string(text))
				if slices.Contains(fires, file) == (len(want) == 0) {
					t.Errorf("%s: %d lines are marked with # fires", file, len(want))
				}
				var got []int
				var said []string
				note := func(f Finding) {
					if f.Code == r.Code {
						got = append(got, f.At.Line)
						said = append(said, fmt.Sprintf("%s: %s %s: %s", f.At, f.Severity, f.Subject, f.Cause))
					}
				}
				report := Run(input(t, file), Options{})
				for _, f := range report.Findings {
					note(f)
					for _, b := range f.Beneath {
						note(b)
					}
				}
				slices.Sort(got)
				if got = slices.Compact(got); !slices.Equal(got, want) {
					t.Errorf("%s: found on the lines %v, want %v\n%s", file, got, want, strings.Join(said, "\n"))
				}
			}
		})
	}
}

// Every rule is whole, its code is its own, and causes do not hide each other in a circle.
func TestRegistry(t *testing.T) {
	seen := map[finding.Code]bool{}
	for _, r := range Rules() {
		for name, text := range map[string]string{"Title": r.Title, "Looks": r.Looks, "Why": r.Why, "Fix": r.Fix} {
			if text == "" || strings.TrimSpace(text) != text {
				t.Errorf("%s: %s is %q", r.Code, name, text)
			}
		}
		if strings.HasSuffix(r.Title, ".") || strings.HasSuffix(r.Fix, ".") || !strings.HasSuffix(r.Why, ".") && !strings.HasSuffix(r.Why, "!") {
			t.Errorf("%s: titles and fixes end without a dot, and why is sentences", r.Code)
		}
		if seen[r.Code] {
			t.Errorf("two rules have the code %s", r.Code)
		}
		seen[r.Code] = true
		if r.Severity > r.Confidence.heaviest() {
			t.Errorf("%s: an %s that is no more than %s", r.Code, r.Severity, r.Confidence)
		}
		if r.Check == nil {
			t.Errorf("%s: nothing looks", r.Code)
		}
	}
	hides := map[finding.Code][]finding.Code{}
	for _, r := range Rules() {
		hides[r.Code] = r.Hides
		for _, h := range r.Hides {
			if !seen[h] {
				t.Errorf("%s hides %s, which no rule finds", r.Code, h)
			}
		}
	}
	for code := range seen {
		for _, below := range reached(hides, code, nil) {
			if below == code {
				t.Errorf("%s hides itself by way of others", code)
			}
		}
	}
}

func reached(hides map[finding.Code][]finding.Code, from finding.Code, seen []finding.Code) []finding.Code {
	for _, h := range hides[from] {
		if !slices.Contains(seen, h) {
			seen = reached(hides, h, append(seen, h))
		}
	}
	return seen
}

// Whatever is rendered from a BeamApp is clean: neither errors nor warnings.
func TestRenderedIsClean(t *testing.T) {
	goldens, err := filepath.Glob("../plan/testdata/*.yaml")
	if err != nil || len(goldens) < 10 {
		t.Fatal(len(goldens), err)
	}
	for _, golden := range goldens {
		text, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(string(text), "\n----\n")
		if len(parts) < 2 {
			t.Fatalf("%s has no objects", golden)
		}
		set := manifest.ReadObjects([]manifest.Source{{Name: golden, Text: []byte(parts[1] + "\n")}})
		report := Run(&Input{Objects: set, Now: today}, Options{Severity: finding.Warning})
		for _, f := range report.Findings {
			t.Errorf("%s: %s %s %s: %s", f.At, f.Severity, f.Code, f.Subject, f.Cause)
		}
		if len(report.Looked.Beams) == 0 && strings.Contains(parts[1], "kind: Deployment") {
			t.Errorf("%s: no workload is taken for a release", golden)
		}
	}
}

// What is missing is not checked, which is not the same as passed.
func TestNotChecked(t *testing.T) {
	report := Run(&Input{Now: today}, Options{})
	unchecked := map[finding.Code]bool{}
	for _, n := range report.NotChecked {
		unchecked[n.Code] = len(n.Missing) > 0
	}
	for _, r := range Rules() {
		if (r.Needs != 0) != unchecked[r.Code] {
			t.Errorf("%s needs %v and is not checked: %v", r.Code, r.Needs.Names(), unchecked[r.Code])
		}
	}
}

// A finding never weighs more than its confidence allows.
func TestWeight(t *testing.T) {
	rule := &Rule{Severity: finding.Error, Confidence: Certain}
	for _, c := range []struct {
		severity   finding.Severity
		confidence Confidence
		want       finding.Severity
	}{
		{finding.Error, Certain, finding.Error}, {finding.Error, Likely, finding.Warning}, {finding.Error, Hint, finding.Info},
		{finding.Warning, Certain, finding.Warning}, {finding.Info, Certain, finding.Info},
	} {
		n := &Finding{}
		if n.As(c.severity, c.confidence).weigh(rule); n.Severity != c.want {
			t.Errorf("%s, %s weighs %s, want %s", c.severity, c.confidence, n.Severity, c.want)
		}
	}
}

func TestNotLookedAt(t *testing.T) {
	in := &Input{Objects: &manifest.Set{Skipped: manifest.Problems{{Position: manifest.Position{File: "big.yaml"}, Text: "not read"}}}}
	report := Run(in, Options{})
	var got []string
	for _, f := range report.Findings {
		got = append(got, fmt.Sprint(f.Code, " ", f.At, " ", f.Cause))
	}
	if d := cmp.Diff([]string{"CHK-04 big.yaml not read"}, got); d != "" {
		t.Error(d)
	}
}

// Of a Rollout whose pods are another object's it is said that it is not looked at.
func TestBorrowedPods(t *testing.T) {
	in := input(t, "testdata/K8S-02/silent-rollout.yaml")
	got := found(Run(in, Options{Rules: rules(t, "CHK", "K8S-02")}))
	if d := cmp.Diff([]string{"testdata/K8S-02/silent-rollout.yaml:41 info CHK-04"}, got); d != "" {
		t.Error(d)
	}
}

// What one rule tells is bounded, and so is the time for what is made to take long.
func TestManyFindings(t *testing.T) {
	var b strings.Builder
	b.WriteString(workload("a", "x", "        env:\n        - {name: PHX_SERVER, value: x}\n"))
	const n = maxFound + 10
	for i := range n {
		fmt.Fprintf(&b, "        - {name: RELEASE_%d, value: $(NO_%d)}\n", i, i)
	}
	b.WriteString(workload("b", "x", "        env: [{name: RELEASE_NODE, value: a@$(b c)}]\n"))
	set := manifest.ReadObjects([]manifest.Source{{Name: "a.yaml", Text: []byte(b.String())}})
	report := Run(&Input{Objects: set, Now: today}, Options{Rules: rules(t, "NAM-07", "NAM-05")})
	if len(report.Findings) != maxFound+2 || report.Count(finding.Error) != 1 {
		t.Errorf("%d findings, want %d", len(report.Findings), maxFound+2)
	}
}

// found lists a report's findings: file and line, severity, code.
func found(r Report) []string {
	var all []string
	for _, f := range r.Findings {
		s := fmt.Sprintf("%s:%d %s %s", f.At.File, f.At.Line, f.Severity, f.Code)
		for _, b := range f.Beneath {
			s += " >" + string(b.Code)
		}
		all = append(all, s)
	}
	return all
}
