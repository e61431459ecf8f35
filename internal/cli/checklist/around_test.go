package checklist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/deployed"
	"github.com/phialdev/phial/internal/cli/term"
)

const bare = "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop]\nend\n"

// The root of the repository is looked for above the project, but not everywhere above.
func TestAround(t *testing.T) {
	for name, c := range map[string]struct {
		git  string // a file in the root's .git; empty: none
		dir  string
		want *checklist.Around // without Root
	}{
		"at the root":         {".git/HEAD", ".", nil},
		"below it":            {".git/HEAD", "backend", &checklist.Around{Up: "..", Down: "backend", Names: []string{"../.github/workflows/a.yml", "../.gitlab-ci.yml"}}},
		"further below":       {".git/HEAD", "apps/shop", &checklist.Around{Up: "../..", Down: "apps/shop", Names: []string{"../../.github/workflows/b.yaml"}}},
		"in a worktree":       {".git", "backend", &checklist.Around{Up: "..", Down: "backend", Names: []string{"../.github/workflows/a.yml", "../.gitlab-ci.yml"}}},
		"as deep as is asked": {".git/HEAD", "1/2/3/4/5/6", &checklist.Around{Up: "../../../../../..", Down: "1/2/3/4/5/6"}},
		"too deep":            {".git/HEAD", "1/2/3/4/5/6/7", nil},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			files := map[string]string{
				c.git:                     "",
				c.dir + "/mix.exs":        bare,
				".github/workflows/a.yml": "jobs: {a: {steps: [{run: docker build backend}]}}\n", ".github/workflows/b.yaml": "jobs: {b: {steps: [{run: make}], working-directory: apps/shop}}\n",
				".github/workflows/README.md": "backend\n", ".gitlab-ci.yml": "a: {script: [cd backend, mix release]}\n",
			}
			for name, text := range files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			dir := filepath.Join(root, c.dir)
			p, err := deployed.Project(dir, "checklist")
			if err != nil {
				t.Fatal(err)
			}
			got, err := around(dir, p)
			if err != nil {
				t.Fatal(err)
			}
			if got != nil {
				if len(got.Root.CI) == 0 {
					t.Error("no step of the root's CI was read")
				}
				got.Root = nil
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A workflow that can't be read is said to be there.
func TestAroundTooLarge(t *testing.T) {
	lay(t, "-- backend/mix.exs --\n"+bare+"-- .git/HEAD --\n-- .github/workflows/ci.yml --\n"+strings.Repeat("# a long comment\n", (1<<20)/16))
	t.Chdir("backend")
	if state, text := lineOf(t, "ci"); state != checklist.NotKnown || !strings.Contains(text, "../.github/workflows/ci.yml: could not be read: it is larger than 1 MiB") {
		t.Errorf("%s: %s", state, text)
	}
}

// What is said of the root's CI is shown as it lies from here.
func TestAroundIsShown(t *testing.T) {
	lay(t, "-- apps/shop/mix.exs --\n"+bare+"-- .git/HEAD --\n-- .github/workflows/ci.yml --\njobs:\n  a:\n    steps:\n    - run: docker build apps/shop\n")
	for dir, want := range map[string]string{".": " .github/workflows/ci.yml:4:12: builds", "apps": " ../.github/workflows/ci.yml:4:12: builds"} {
		here, err := filepath.Rel(dir, "apps/shop")
		if err != nil {
			t.Fatal(err)
		}
		t.Run(dir, func(t *testing.T) {
			t.Chdir(dir)
			out, err := call(t, here)
			if term.Code(err) != term.Findings || !strings.Contains(out, want) {
				t.Errorf("want %q (%v) in:\n%s", want, err, out)
			}
		})
	}
}

// Whether there is HTTP is asked of the project, where no phial.yaml says it.
func TestServes(t *testing.T) {
	for name, c := range map[string]struct {
		files string
		want  bool
	}{
		"nothing":               {"-- mix.exs --\n" + bare, false},
		"PORT":                  {"-- mix.exs --\n" + bare + "-- config/runtime.exs --\nimport Config\nconfig :shop, port: System.get_env(\"PORT\", \"4000\")\n", true},
		"a server":              {"-- mix.exs --\n" + strings.Replace(bare, "[app: :shop]", "[app: :shop, deps: [{:bandit, \"~> 1.5\"}]]", 1), true},
		"another dependency":    {"-- mix.exs --\n" + strings.Replace(bare, "[app: :shop]", "[app: :shop, deps: [{:broadway_kafka, \"~> 0.4\"}]]", 1), false},
		"computed dependencies": {"-- mix.exs --\n" + strings.Replace(bare, "[app: :shop]", "[app: :shop, deps: Shop.Deps.all()]", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			lay(t, c.files)
			in, _, err := look(t.Context(), options{dir: "."})
			if err != nil {
				t.Fatal(err)
			}
			if in.NoHTTP == c.want {
				t.Errorf("no HTTP: %v", in.NoHTTP)
			}
			s := &term.IO{}
			if eng, err := engine(s, options{dir: "."}, in.NoHTTP); err != nil || eng.NoHTTP == c.want {
				t.Errorf("the engine is told that there is no HTTP: %v (%v)", eng.NoHTTP, err)
			}
			app := "apiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: shop}\nspec: {image: \"registry.example.com/shop:1\", http: {port: 4000}}\n"
			if err := os.WriteFile("phial.yaml", []byte(app), 0o644); err != nil {
				t.Fatal(err)
			}
			if eng, err := engine(s, options{dir: "."}, true); err != nil || eng.NoHTTP {
				t.Errorf("phial.yaml has http, and the engine is told that there is none (%v)", err)
			}
		})
	}
}
