package check

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// write puts files below a directory and goes there.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// limited is a release with a CPU limit of a quarter, on line 16.
const limited = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: shop
  namespace: prod
spec:
  replicas: 1
  template:
    spec:
      terminationGracePeriodSeconds: 60
      containers:
      - name: shop
        image: shop:1.0.0
        command: [bin/shop, start]
        resources:
          limits: {cpu: 250m}
`

func rules(t *testing.T, names ...string) []*Rule {
	t.Helper()
	all, err := Select(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A decision counts on its line, above it, above what its line is in, and above the object; with a reason, and until its day.
func TestSuppression(t *testing.T) {
	above := func(line string, comment string) string {
		return strings.Replace(limited, line, strings.Repeat(" ", len(line)-len(strings.TrimLeft(line, " ")))+comment+"\n"+line, 1)
	}
	const is = "a.yaml:17 warning CPU-04 >CPU-01"
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"none":          {"\n" + limited, []string{is}},
		"on the line":   {strings.Replace(limited, "{cpu: 250m}", "{cpu: 250m} # phial:ignore CPU-04 measured", 1), nil},
		"above it":      {above("          limits", "# phial:ignore CPU-04 measured"), nil},
		"around it":     {above("      - name: shop", "# phial:ignore CPU measured"), nil},
		"beside it":     {above("        command:", "# phial:ignore CPU-04 measured"), []string{is}},
		"the object":    {"# phial:ignore CPU-04,DRN measured\n" + limited, nil},
		"below ---":     {"# shop\n# phial:ignore CPU-04 measured\n---\n" + limited, nil},
		"in lower case": {"# phial:ignore cpu-04: measured\n" + limited, nil},
		"another rule":  {"# phial:ignore MEM-03 measured\n" + limited, []string{is}},
		"its day":       {"# phial:ignore CPU-04 measured until 2026-11-26\n" + limited, nil},
		"long ago":      {"# phial:ignore CPU-04 measured (until 2026-11-25)\n" + limited, []string{"a.yaml:1 info CHK-05", is}},
		"no reason":     {"# phial:ignore CPU-04 until 2027-01-01\n" + limited, []string{"a.yaml:1 warning CHK-06", is}},
		"no rule":       {"# phial:ignore\n" + limited, []string{"a.yaml:1 warning CHK-06", is}},
		"no day":        {"# phial:ignore CPU-04 measured until easter\n" + limited, []string{"a.yaml:1 warning CHK-06", is}},
		"no comment":    {"x: phial:ignore CPU-04 measured\n" + limited, []string{"a.yaml:1 warning CHK-07", is}},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{"a.yaml": c.text})
			report := Run(input(t, "a.yaml"), Options{Rules: rules(t, "CPU", "CHK")})
			if d := cmp.Diff(c.want, found(report)); d != "" {
				t.Errorf("%s\n%s", c.text, d)
			}
			if (len(c.want) == 0) != (len(report.Suppressed) > 0) {
				t.Errorf("suppressed: %+v", report.Suppressed)
			}
		})
	}
}

// Comments are those of any language that has # or // for them.
func TestComments(t *testing.T) {
	all, refused := comments("a.go", "x()\n  // phial:ignore NET-05 for tests\n  y(\n    z)\nw() # phial:ignore NET,COO-02 also\n")
	var got []string
	for _, i := range all {
		got = append(got, fmt.Sprint(i.Codes, " ", i.Reason, " ", i.from, "-", i.to, " ", i.At))
	}
	want := []string{"[NET-05] for tests 3-4 a.go:2:6", "[NET COO-02] also 5-5 a.go:5:7"}
	if d := cmp.Diff(want, got); d != "" || len(refused) > 0 {
		t.Error(d, refused)
	}
}

// Decisions in phial-check.yaml go by rule, path and object.
func TestConfig(t *testing.T) {
	parse := func(text string) []Ignore {
		t.Helper()
		c, err := ParseConfig(manifest.Source{Name: ConfigFile, Text: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return c.Ignore
	}
	write(t, map[string]string{"k8s/dev/a.yaml": limited, "k8s/prod/a.yaml": limited})
	dev, prod := "k8s/dev/a.yaml:16 warning CPU-04 >CPU-01", "k8s/prod/a.yaml:16 warning CPU-04 >CPU-01"
	for _, c := range []struct {
		entry string
		want  []string
	}{
		{"{rule: CPU-04, reason: measured}", nil},
		{"{rule: cpu, reason: measured}", nil},
		{"{rule: CPU-04, path: dev/*, reason: measured}", []string{prod}},
		{"{rule: CPU-04, path: k8s/dev/**, reason: measured}", []string{prod}},
		{"{rule: CPU-04, path: '**/a.yaml', reason: measured}", nil},
		{"{rule: CPU-04, path: b.yaml, reason: measured}", []string{dev, prod}},
		{"{rule: CPU-04, object: Deployment prod/shop, reason: measured}", nil},
		{"{rule: CPU-04, object: Deployment shop, reason: measured}", nil},
		{"{rule: CPU-04, object: Deployment other, reason: measured}", []string{dev, prod}},
		{"{rule: CPU-04, reason: measured, expires: 2026-01-01}", []string{dev, prod, ConfigFile + ":2 info CHK-05"}},
	} {
		report := Run(input(t, "k8s"), Options{Rules: rules(t, "CPU", "CHK"), Ignore: parse("ignore:\n- " + c.entry + "\n")})
		if d := cmp.Diff(c.want, found(report)); d != "" {
			t.Errorf("%s: %s", c.entry, d)
		}
	}
	if all := parse("# nothing yet\n"); len(all) != 0 {
		t.Error(all)
	}
	for text, want := range map[string]string{
		"ignore:\n- {rule: CPU-04}\n":                               "phial-check.yaml:2:3: ignore[0]: the reason is missing: say why it is right as it is",
		"ignore:\n- {reason: x}\n":                                  "phial-check.yaml:2:3: ignore[0]: the rule is missing: a code such as NET-05, or a family such as NET",
		"ignore:\n- {rule: CPU-40, reason: x}\n":                    "phial-check.yaml:2:10: ignore[0].rule: CPU-40: no rule has this code; did you mean CPU-04?",
		"ignore:\n- {rule: CPU-04, reason: x, until: 2027-01-01}\n": "phial-check.yaml:2:36: ignore[0].until: there is no field until; there are rule, path, object, reason and expires",
		"ignore:\n- {rule: CPU-04, reason: x, expires: soon}\n":     "phial-check.yaml:2:38: ignore[0].expires: \"soon\" is no day: write it as 2027-01-31",
		"ignored: []\n":    "phial-check.yaml:1:1: ignored: there is no field ignored; did you mean ignore?",
		"ignore: CPU-04\n": "phial-check.yaml:1:9: ignore: ignore has to be a list, and is a text",
		"exclude: test\n":  "phial-check.yaml:1:10: exclude: exclude has to be a list, and is a text",
		"exclude: [{}]\n":  "phial-check.yaml:1:11: exclude[0]: an entry of exclude has to be a glob of files, such as test/**, and is a mapping",
		"exclude: ['[']\n": "phial-check.yaml:1:11: exclude[0]: \"[\" is no glob",
		"- a\n":            "phial-check.yaml:1:1: the file has to be a mapping with the lists ignore and exclude, and is a list",
		"ignore:\n- {rule: CPU-04, reason: x, path: '[', object: y}\n": "phial-check.yaml:2:35: ignore[0].path: \"[\" is no glob",
	} {
		_, err := ParseConfig(manifest.Source{Name: ConfigFile, Text: []byte(text)})
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Files that are excluded are not looked at, unless they are named themselves.
func TestExclude(t *testing.T) {
	write(t, map[string]string{"k8s/a.yaml": limited, "test/fixtures/a.yaml": limited, "priv/a.yaml": limited, "chart/templates/a.yaml": "kind: {{ .Values.kind }}\n"})
	for exclude, want := range map[string][]string{
		"[]":                        {"chart", "k8s/a.yaml", "priv/a.yaml", "test/fixtures/a.yaml"},
		"[test/**]":                 {"chart", "k8s/a.yaml", "priv/a.yaml"},
		"[fixtures/*, priv/*.yaml]": {"chart", "k8s/a.yaml"},
		"[chart/**, a.yaml]":        nil,
		"[test]":                    {"chart", "k8s/a.yaml", "priv/a.yaml"},
		"[./test/, chart]":          {"k8s/a.yaml", "priv/a.yaml"},
		"[test/fixtures]":           {"chart", "k8s/a.yaml", "priv/a.yaml"},
		"[fixtures]":                {"chart", "k8s/a.yaml", "priv/a.yaml"},
		"[tes, fix*, a]":            {"chart", "k8s/a.yaml", "priv/a.yaml", "test/fixtures/a.yaml"},
	} {
		c, err := ParseConfig(manifest.Source{Name: ConfigFile, Text: []byte("exclude: " + exclude + "\n")})
		if err != nil {
			t.Fatal(err)
		}
		for _, named := range []bool{false, true} {
			var tree manifest.Tree
			if err := tree.Add(".", nil); err != nil {
				t.Fatal(err)
			}
			all := len(tree.Sources) + len(tree.Templates)
			if named {
				tree = manifest.Tree{}
				if err := tree.Add("test/fixtures/a.yaml", nil); err != nil {
					t.Fatal(err)
				}
				if left := c.LeaveOut(&tree); left != 0 || len(tree.Sources) != 1 {
					t.Errorf("%s: what is named is left out", exclude)
				}
				continue
			}
			left := c.LeaveOut(&tree)
			report := Run(&Input{Now: today, Objects: tree.Objects()}, Options{Rules: rules(t, "CPU", "CHK")})
			var got []string
			for _, f := range report.Findings {
				got = append(got, f.At.File)
			}
			if d := cmp.Diff(want, got); d != "" || left != all-len(want) {
				t.Errorf("%s: %d left out of %d\n%s", exclude, left, all, d)
			}
		}
	}
}

// A pattern that no file matches is told, since it leaves nothing out; what is around the project is no part of it.
func TestExcludeNothing(t *testing.T) {
	write(t, map[string]string{"k8s/shop/k8s/a.yaml": limited, "k8s/shop/b.yaml": limited})
	text := "exclude:\n- k8s\n- manifests/**\n"
	c, err := ParseConfig(manifest.Source{Name: "k8s/shop/" + ConfigFile, Text: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	var tree manifest.Tree
	if err := tree.Add("k8s/shop", nil); err != nil {
		t.Fatal(err)
	}
	c.LeaveOut(&tree)
	got := found(Run(&Input{Now: today, Objects: tree.Objects()}, Options{Rules: rules(t, "CPU-04", "CHK"), Exclude: c.Exclude}))
	want := []string{"k8s/shop/b.yaml:16 warning CPU-04", "k8s/shop/phial-check.yaml:3 info CHK-06"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	// A directory that a decision names is all that is in it.
	i := Ignore{Codes: []string{"CPU"}, Path: "k8s", At: manifest.Position{File: "k8s/shop/phial-check.yaml", Line: 1}}
	for file, want := range map[string]bool{"k8s/shop/k8s/a.yaml": true, "k8s/shop/b.yaml": false} {
		n := &Finding{Finding: finding.Finding{Code: "CPU-04"}, At: Span{File: file, Line: 1}}
		if got := i.covers(n); got != want {
			t.Errorf("%s: %v", file, got)
		}
	}
}

// A baseline leaves alone what it knows, also after lines have moved, and nothing else.
func TestBaseline(t *testing.T) {
	write(t, map[string]string{"a.yaml": limited})
	report := Run(input(t, "a.yaml"), Options{Rules: rules(t, "CPU")})
	b, err := ParseBaseline("base.json", BaselineOf(report, nil).Encode())
	if err != nil {
		t.Fatal(err)
	}
	moved := "# a comment\n\n" + strings.Replace(limited, "        image:", "        tty: true\n        image:", 1)
	other := strings.Replace(limited, "      - name: shop\n", "      - name: proxy\n        command: [bin/p, start]\n        resources: {limits: {cpu: 100m}}\n      - name: shop\n", 1)
	for text, want := range map[string][]string{
		limited: nil, moved: nil,
		limited + "---\n" + strings.ReplaceAll(limited, "shop", "other"): {"a.yaml:33 warning CPU-04 >CPU-01"},
		other: {"a.yaml:14 warning CPU-04 >CPU-01"}, // the release is now the first container
	} {
		write(t, map[string]string{"a.yaml": text})
		again := Run(input(t, "a.yaml"), Options{Rules: rules(t, "CPU"), Baseline: b})
		if d := cmp.Diff(want, found(again)); d != "" {
			t.Errorf("%s\n%s", text, d)
		}
		if anew := BaselineOf(again, b); len(want) == 0 && len(anew.Known) != len(b.Known) {
			t.Errorf("written anew the baseline has %d findings, not %d", len(anew.Known), len(b.Known))
		}
	}
	for _, text := range []string{"", "[]", `{"version": 2}`} {
		if _, err := ParseBaseline("base.json", []byte(text)); err == nil || !strings.Contains(err.Error(), "--write-baseline") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Rules go by code and by family; what is neither is refused with the nearest name.
func TestSelect(t *testing.T) {
	for _, c := range []struct {
		only, skip []string
		want       string
	}{
		{[]string{"net-05", "MEM"}, nil, "NET-05 MEM-03 MEM-01 MEM-05"},
		{[]string{"CPU"}, []string{"CPU-01"}, "CPU-02 CPU-03 CPU-04"},
		{[]string{"NTE"}, nil, "--only NTE: no rule has this code; did you mean NET?"},
		{nil, []string{"NET-50"}, "--skip NET-50: no rule has this code; did you mean NET-05?"},
		{[]string{"NET-12"}, nil, "--only NET-12: only a running mesh or an image shows that; phial explain NET-12 says more"},
		{[]string{"CPU-01"}, []string{"CPU-01"}, "--skip CPU-01 leaves no rule"},
	} {
		rules, err := Select(c.only, c.skip)
		var got []string
		for _, r := range rules {
			got = append(got, string(r.Code))
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
			t.Errorf("only %v, skip %v: %s", c.only, c.skip, d)
		}
	}
}

// Edits keep comments and layout, and the mended text has no more of what they mend.
func TestFix(t *testing.T) {
	for name, c := range map[string]struct{ before, after string }{
		"a version":     {"# budget\napiVersion: policy/v1beta1 # old\nkind: PodDisruptionBudget\nmetadata: {name: a}\n", "# budget\napiVersion: policy/v1 # old\nkind: PodDisruptionBudget\nmetadata: {name: a}\n"},
		"quoted, CRLF":  {"apiVersion: \"batch/v1beta1\"\r\nkind: CronJob\r\n", "apiVersion: \"batch/v1\"\r\nkind: CronJob\r\n"},
		"after a BOM":   {"\ufeffapiVersion: batch/v1beta1\nkind: CronJob\n", "\ufeffapiVersion: batch/v1\nkind: CronJob\n"},
		"several":       {"apiVersion: batch/v1beta1\nkind: CronJob\n---\n{kind: CronJob, apiVersion: batch/v1beta1}\n", "apiVersion: batch/v1\nkind: CronJob\n---\n{kind: CronJob, apiVersion: batch/v1}\n"},
		"not by itself": {"apiVersion: extensions/v1beta1\nkind: Ingress\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{"a.yaml": c.before})
			in := input(t, "a.yaml")
			fixed := Fix(in, Run(in, Options{Rules: rules(t, "K8S-03")}))
			got := ""
			if len(fixed) > 0 {
				got = fixed[0].After
			}
			if d := cmp.Diff(c.after, got); d != "" {
				t.Error(d)
			}
		})
	}
}

// A cause hides what follows from it, for the same subject alone.
func TestCausesHideSymptoms(t *testing.T) {
	two := limited + "---\n" + strings.ReplaceAll(limited, "shop", "other")
	write(t, map[string]string{"a.yaml": two})
	report := Run(input(t, "a.yaml"), Options{Rules: rules(t, "CPU")})
	if d := cmp.Diff([]string{"a.yaml:16 warning CPU-04 >CPU-01", "a.yaml:33 warning CPU-04 >CPU-01"}, found(report)); d != "" {
		t.Error(d)
	}
	if n := report.Count(finding.Warning); n != 2 {
		t.Errorf("%d warnings count, want 2", n)
	}
}

// Helm's templates and kustomize's patches are said to be no manifests yet.
func TestNotRendered(t *testing.T) {
	write(t, map[string]string{
		"chart/templates/a.yaml":  "kind: {{ .Values.kind }}\n",
		"k8s/kustomization.yaml":  "resources: [a.yaml]\npatches: [{path: p.yaml}]\n",
		"k8s/a.yaml":              limited,
		"k8s/p.yaml":              "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {template: {spec: {containers: [{name: shop, env: [{name: PHX_SERVER, value: x}]}]}}}\n",
		"node_modules/a/bad.yaml": "apiVersion: [\n", ".hidden/bad.yaml": "apiVersion: [\n", "deps/x/bad.yaml": "apiVersion: [\n",
	})
	report := Run(input(t, "."), Options{Rules: rules(t, "CHK", "HLT-01")})
	if d := cmp.Diff([]string{"chart:0 info CHK-03", "k8s/a.yaml:12 info HLT-01", "k8s/p.yaml:1 info CHK-03"}, found(report)); d != "" {
		t.Error(d)
	}
}

// A kustomization that puts something into names, or lays patches over, is told with the mesh that is worked out without it.
func TestOverlaysAreTold(t *testing.T) {
	const base = "resources: [a.yaml]\n"
	for name, tt := range map[string]struct {
		overlay string
		keys    []string
		found   []string
	}{
		"a prefix":    {"namePrefix: prod-\n", []string{"namePrefix"}, []string{"k8s/prod/kustomization.yaml:2 info CHK-03"}},
		"a suffix":    {"nameSuffix: -blue\n", []string{"nameSuffix"}, []string{"k8s/prod/kustomization.yaml:2 info CHK-03"}},
		"a patch":     {"patches: [{patch: \"{}\", target: {kind: Deployment}}]\n", []string{"patches"}, nil},
		"no change":   {"namePrefix: \"\"\npatches: []\n", nil, nil},
		"a namespace": {"namespace: prod\n", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, map[string]string{"k8s/base/kustomization.yaml": base, "k8s/base/a.yaml": limited, "k8s/prod/kustomization.yaml": "resources: [../base]\n" + tt.overlay})
			in := input(t, ".")
			var keys []string
			for _, o := range in.overlays(slices.Concat(rename, layOver)...) {
				keys = append(keys, o.Key)
				if o.Dir != "k8s/prod" {
					t.Errorf("%+v", o)
				}
			}
			if d := cmp.Diff(tt.keys, keys); d != "" {
				t.Error(d)
			}
			if d := cmp.Diff(tt.found, found(Run(in, Options{Rules: rules(t, "CHK-03")}))); d != "" {
				t.Error(d)
			}
		})
	}
}
