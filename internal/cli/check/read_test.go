package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/cli/term"
)

// What a project's tests need is not what it deploys, unless it is named.
func TestManifestsOfTests(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"mix.exs":            "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop]\nend\n",
		"k8s/app.yaml":       "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n",
		"test/k8s/case.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: case}\n",
		"test/k8s/bad.yaml":  "apiVersion: v1\nkind: [\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ paths, want []string }{
		{[]string{"."}, []string{"k8s/app.yaml"}},
		{[]string{".", "test/k8s/case.yaml"}, []string{"k8s/app.yaml", "test/k8s/case.yaml"}},
		{[]string{"test"}, []string{"test/k8s/case.yaml", "test/k8s/bad.yaml"}},
	} {
		in, err := (&options{paths: c.paths}).read(t.Context(), &term.IO{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range in.Objects.Objects {
			got = append(got, filepath.ToSlash(o.File))
		}
		for _, p := range in.Objects.Problems {
			got = append(got, filepath.ToSlash(p.File))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%v (-want +got):\n%s", c.paths, d)
		}
	}
}

// What phial-check.yaml excludes is not looked at, unless it is named.
func TestExclude(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"app.yaml":              mendable,
		"fixtures/deep/b.yaml":  "{{{",
		"phial-check.yaml":      "exclude: [\"**/fixtures/**\"]\n",
		"fixtures/deep/ok.yaml": mendable,
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out, notes := said(t, "", dir)
	if !strings.Contains(out, "app.yaml:") || strings.Contains(out, "fixtures") {
		t.Errorf("%s%s", out, notes)
	}
	if out, notes := said(t, "", dir, filepath.Join(dir, "fixtures", "deep", "b.yaml")); !strings.Contains(out+notes, "b.yaml:") {
		t.Errorf("%s%s", out, notes)
	}
}

// Where a path is no project itself, the only one below it is the project; of several none is guessed.
func TestProjectBelow(t *testing.T) {
	const mix = "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop]\nend\n"
	for _, c := range []struct {
		files, paths []string
		root, note   string
	}{
		{[]string{"backend/mix.exs"}, []string{"."}, "backend", "the project is backend"},
		{[]string{"backend/mix.exs"}, []string{".", "backend"}, "backend", ""},
		{[]string{"a/mix.exs", "b/mix.exs"}, []string{"."}, "", "2 mix projects are below, and none of them was read: name one (phial check a .)"},
		{[]string{"a/mix.exs", "b/mix.exs"}, []string{"b", "."}, "b", ""},
		{[]string{"mix.exs", "a/mix.exs"}, []string{"."}, ".", ""},
	} {
		t.Chdir(t.TempDir())
		for _, name := range append(c.files, "k8s/app.yaml") {
			if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
				t.Fatal(err)
			}
			text := mix
			if name == "k8s/app.yaml" {
				text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: app}\n"
			}
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var notes strings.Builder
		in, err := (&options{paths: c.paths}).read(t.Context(), &term.IO{Err: &notes})
		if err != nil {
			t.Errorf("%v in %v: %v", c.paths, c.files, err)
			continue
		}
		if got := strings.TrimSpace(notes.String()); in.Root != c.root || got != c.note {
			t.Errorf("%v in %v: project %q, want %q; said %q, want %q", c.paths, c.files, in.Root, c.root, got, c.note)
		}
	}
}

// The same workload in two places is two environments: each has findings and a mesh of its own, and what both have is
// told once.
func TestEnvironments(t *testing.T) {
	t.Chdir(t.TempDir())
	const app = "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: shop}\nspec:\n  replicas: 2\n  serviceName: shop-headless\n  selector: {matchLabels: {app: shop}}\n  template:\n" +
		"    metadata: {labels: {app: shop}}\n    spec:\n      containers:\n      - name: app\n        image: shop:1\n        env:\n        - {name: RELEASE_DISTRIBUTION, value: name}\n"
	for name, text := range map[string]string{
		"k8s/prod/app.yaml":    app + "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n",
		"k8s/staging/app.yaml": app,
		"k8s/common.yaml":      "apiVersion: v1\nkind: Service\nmetadata: {name: shop-headless}\nspec: {clusterIP: 10.0.0.1, selector: {app: shop}, ports: [{name: epmd, port: 4369}]}\n",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := said(t, "", ".")
	for text, times := range map[string]int{
		"NAM-07": 1, "k8s/common.yaml:4:": 1, "Predicted mesh in prod": 1, "Predicted mesh in staging": 1, ", prod and staging apart": 1, "for want of a prediction": 0,
	} {
		if n := strings.Count(out, text); n != times {
			t.Errorf("%q is there %d times, want %d", text, n, times)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}
