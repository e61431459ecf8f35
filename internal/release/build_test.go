package release

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/host"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	beamtest.Host(t) // Elixir has to be there
	dir := beamtest.WriteProject(t, map[string]string{"mix.exs": beamtest.MixExs(""), "lib/shop.ex": beamtest.ShopEx})
	var steps []string
	b := Builder{Dir: dir, Memory: t.TempDir(), Env: os.Environ(), Progress: func(s string) { steps = append(steps, s) }}
	r, err := b.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Name != "shop" || r.Version != "0.3.0" || !host.Exists(r.Script()) {
		t.Errorf("built %+v", r)
	}
	for _, app := range []string{"kernel", "shop", "logger"} {
		if !strings.Contains(strings.Join(r.Apps, " "), app) {
			t.Errorf("the release starts %v, want %s among them", r.Apps, app)
		}
	}
	if strings.Contains(strings.Join(r.Apps, " "), "iex") {
		t.Errorf("the release only carries iex along, and it is expected to run: %v", r.Apps)
	}
	if len(steps) == 0 || steps[0] != "mix release" || !strings.Contains(steps[len(steps)-1], "built shop 0.3.0") {
		t.Errorf("progress: %q", steps)
	}

	steps = nil
	if again, err := b.Build(t.Context()); err != nil || again.Root != r.Root || len(steps) != 0 {
		t.Errorf("nothing changed: %+v %v, steps %q, want none", again, err, steps)
	}

	later := time.Now().Add(time.Second)
	os.WriteFile(filepath.Join(dir, "lib/shop.ex"), []byte(beamtest.ShopEx+"# more\n"), 0o644)
	os.Chtimes(filepath.Join(dir, "lib/shop.ex"), later, later)
	if _, err := b.Build(t.Context()); err != nil || len(steps) == 0 {
		t.Errorf("a source changed: %v, steps %q, want a build", err, steps)
	}

	os.WriteFile(filepath.Join(dir, "lib/shop.ex"), []byte("defmodule Shop do\n  def broken(\nend\n"), 0o644)
	_, err = b.Build(t.Context())
	if err == nil || !strings.Contains(err.Error(), "mix release failed:\n") || !strings.Contains(err.Error(), "lib/shop.ex") {
		t.Errorf("a source that does not compile: %v, want mix's own words", err)
	}
}

func TestWhichRelease(t *testing.T) {
	t.Parallel()
	beamtest.Host(t)
	two := beamtest.MixExs(`, releases: [shop: [], back: [version: "9.0.0"]]`)
	umbrella := `defmodule Um.MixProject do
  use Mix.Project
  def project, do: [apps_path: "apps", version: "0.1.0"]
end
`
	for _, c := range []struct{ mix, want, name, err string }{
		{mix: two, err: "pick one with --release: shop, back"},
		{mix: two, want: "back", name: "back"},
		{mix: two, want: "front", err: "no release front: there is shop, back"},
		{mix: beamtest.MixExs(`, releases: [shop: [], back: []], default_release: :shop`), name: "shop"},
		{mix: umbrella, err: "umbrella project without releases"},
	} {
		dir := beamtest.WriteProject(t, map[string]string{"mix.exs": c.mix, "lib/shop.ex": beamtest.ShopEx, "apps/.keep": ""})
		b := Builder{Dir: dir, Want: c.want, Memory: t.TempDir(), Env: os.Environ(), Progress: func(string) {}}
		r, err := b.Build(t.Context())
		switch {
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
			t.Errorf("--release %q: %v, want %q", c.want, err, c.err)
		case c.err == "" && (err != nil || r.Name != c.name):
			t.Errorf("--release %q: %+v %v, want %s", c.want, r, err, c.name)
		}
	}
}

// Mix is asked about a project when what its answer depends on has changed, and when the
// answer of another day turns out wrong; starting it takes as long as many a build.
func TestMixIsAskedOnce(t *testing.T) {
	t.Parallel()
	beamtest.Host(t)
	mix := strings.Replace(beamtest.MixExs(`, releases: [{String.to_atom(String.trim(File.read!("name"))), []}]`), "def application", "@external_resource \"name\"\n  def application", 1)
	dir := beamtest.WriteProject(t, map[string]string{"mix.exs": mix, "lib/shop.ex": beamtest.ShopEx, "name": "front"})
	bin, log := t.TempDir(), filepath.Join(t.TempDir(), "log")
	theirs, err := exec.LookPath("mix")
	if err != nil {
		t.Fatal(err)
	}
	script := "#!/bin/sh\necho \"$1\" >>" + log + "\nexec " + theirs + " \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "mix"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	b := Builder{Dir: dir, Memory: t.TempDir(), Env: append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH")), Progress: func(string) {}}
	later := time.Now()
	for _, step := range []struct {
		file, text string
		release    string
		ran        string
	}{
		{"", "", "front", "run release"},
		{"lib/shop.ex", beamtest.ShopEx + "# more\n", "front", "release"},
		{"mix.exs", mix + "# more\n", "front", "run release"},
		{"name", "back", "back", "release run release"}, // which no look at mix.exs tells
		{"lib/shop.ex", beamtest.ShopEx, "back", "release"},
	} {
		if step.file != "" {
			later = later.Add(2 * time.Second)
			path := filepath.Join(dir, step.file)
			if err := errors.Join(os.WriteFile(path, []byte(step.text), 0o644), os.Chtimes(path, later, later)); err != nil {
				t.Fatal(err)
			}
		}
		os.Remove(log)
		r, err := b.Build(t.Context())
		ran, _ := os.ReadFile(log)
		if err != nil || r.Name != step.release || strings.Join(strings.Fields(string(ran)), " ") != step.ran || r.OTP == "" {
			t.Errorf("%s changed: %+v, %v, mix ran %q; want %s by %q", step.file, r, err, ran, step.release, step.ran)
		}
	}
}

// Changes that the project's own directory does not show, or only far down in it.
func TestFingerprint(t *testing.T) {
	dir := beamtest.WriteProject(t, map[string]string{
		"shop/mix.exs": beamtest.MixExs(`, deps: [{:lib1, path: "../lib1"}, {:b, in_umbrella: true}]`), "shop/lib/doc/x.ex": "x", "shop/priv/.well-known/x": "x",
		"shop/.git/HEAD": "x", "shop/_build/x": "x", "lib1/lib/lib1.ex": "x", "b/mix.exs": "x",
	})
	now, err := fingerprint(filepath.Join(dir, "shop"))
	if err != nil {
		t.Fatal(err)
	}
	for name, counts := range map[string]bool{
		"shop/lib/doc/x.ex": true, "shop/priv/.well-known/x": true, "lib1/lib/lib1.ex": true, "b/mix.exs": true,
		"shop/.git/HEAD": false, "shop/_build/x": false,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("other"), 0o644); err != nil {
			t.Fatal(err)
		}
		next, err := fingerprint(filepath.Join(dir, "shop"))
		if err != nil || (next != now) != counts {
			t.Errorf("%s changed: noticed %v, %v, want %v", name, next != now, err, counts)
		}
		now = next
	}
}

// With Always mix has its say each time, and one build waits for another.
func TestAlways(t *testing.T) {
	t.Parallel()
	beamtest.Host(t)
	dir := beamtest.WriteProject(t, map[string]string{"mix.exs": beamtest.MixExs(""), "lib/shop.ex": beamtest.ShopEx})
	var mu sync.Mutex
	var steps []string
	b := Builder{Dir: dir, Memory: t.TempDir(), Env: os.Environ(), Always: true, Progress: func(s string) {
		mu.Lock()
		defer mu.Unlock()
		steps = append(steps, s)
	}}
	for range 2 {
		steps = nil
		if _, err := b.Build(t.Context()); err != nil || !strings.HasPrefix(strings.Join(steps, "\n"), "mix release") {
			t.Errorf("%v, steps %q", err, steps)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	other := b
	other.Keep = func(r Release) (Release, error) {
		_, err := Builder{Dir: dir, Memory: b.Memory, Env: b.Env, Progress: func(s string) {
			if strings.HasPrefix(s, "waiting for another build") {
				cancel()
			}
		}}.Build(ctx)
		return r, err
	}
	if _, err := other.Build(t.Context()); !errors.Is(err, context.Canceled) {
		t.Errorf("a build while another has the release: %v, want it to wait until it is cancelled", err)
	}
}
