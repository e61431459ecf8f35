package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
)

// project writes a small mix project.
func project(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mixExs(extra string) string {
	return `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.3.0", elixir: "~> 1.14"` + extra + `]
  def application, do: [extra_applications: [:logger]]
end
`
}

const shopEx = "defmodule Shop do\n  def hello, do: :world\nend\n"

func TestBuild(t *testing.T) {
	t.Parallel()
	beamtest.Host(t) // Elixir has to be there
	dir := project(t, map[string]string{"mix.exs": mixExs(""), "lib/shop.ex": shopEx})
	var steps []string
	b := builder{dir: dir, root: t.TempDir(), env: inheritedEnv(os.Environ()), progress: func(s string) { steps = append(steps, s) }}
	r, err := b.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.name != "shop" || r.version != "0.3.0" || !exists(r.script()) {
		t.Errorf("built %+v", r)
	}
	for _, app := range []string{"kernel", "shop", "logger"} {
		if !strings.Contains(strings.Join(r.apps, " "), app) {
			t.Errorf("the release starts %v, want %s among them", r.apps, app)
		}
	}
	if strings.Contains(strings.Join(r.apps, " "), "iex") {
		t.Errorf("the release only carries iex along, and it is expected to run: %v", r.apps)
	}
	if len(steps) == 0 || steps[0] != "mix release" || !strings.Contains(steps[len(steps)-1], "built shop 0.3.0") {
		t.Errorf("progress: %q", steps)
	}

	steps = nil
	if again, err := b.build(t.Context()); err != nil || again.root != r.root || len(steps) != 0 {
		t.Errorf("nothing changed: %+v %v, steps %q, want none", again, err, steps)
	}

	later := time.Now().Add(time.Second)
	os.WriteFile(filepath.Join(dir, "lib/shop.ex"), []byte(shopEx+"# more\n"), 0o644)
	os.Chtimes(filepath.Join(dir, "lib/shop.ex"), later, later)
	if _, err := b.build(t.Context()); err != nil || len(steps) == 0 {
		t.Errorf("a source changed: %v, steps %q, want a build", err, steps)
	}

	os.WriteFile(filepath.Join(dir, "lib/shop.ex"), []byte("defmodule Shop do\n  def broken(\nend\n"), 0o644)
	_, err = b.build(t.Context())
	if err == nil || !strings.Contains(err.Error(), "mix release failed:\n") || !strings.Contains(err.Error(), "lib/shop.ex") {
		t.Errorf("a source that does not compile: %v, want mix's own words", err)
	}
}

func TestWhichRelease(t *testing.T) {
	t.Parallel()
	beamtest.Host(t)
	two := mixExs(`, releases: [shop: [], back: [version: "9.0.0"]]`)
	umbrella := `defmodule Um.MixProject do
  use Mix.Project
  def project, do: [apps_path: "apps", version: "0.1.0"]
end
`
	for _, c := range []struct{ mix, want, name, err string }{
		{mix: two, err: "pick one with --release: shop, back"},
		{mix: two, want: "back", name: "back"},
		{mix: two, want: "front", err: "no release front: there is shop, back"},
		{mix: mixExs(`, releases: [shop: [], back: []], default_release: :shop`), name: "shop"},
		{mix: umbrella, err: "umbrella project without releases"},
	} {
		dir := project(t, map[string]string{"mix.exs": c.mix, "lib/shop.ex": shopEx, "apps/.keep": ""})
		b := builder{dir: dir, want: c.want, root: t.TempDir(), env: inheritedEnv(os.Environ()), progress: func(string) {}}
		r, err := b.build(t.Context())
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("--release %q: %v, want %q", c.want, err, c.err)
		case c.err == "" && (err != nil || r.name != c.name):
			t.Errorf("--release %q: %+v %v, want %s", c.want, r, err, c.name)
		}
	}
}
