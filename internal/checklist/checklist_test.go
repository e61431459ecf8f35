package checklist

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// The projects that the tables speak of.
const (
	plainMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", deps: []]
  def application, do: [mod: {Shop.Application, []}]
end
`
	phoenixMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", deps: [{:phoenix, "~> 1.7"}]]
  def application, do: [mod: {Shop.Application, []}]
end
`
	hordeMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", deps: [{:horde, "~> 0.9"}]]
  def application, do: [mod: {Shop.Application, []}]
end
`
	dnsMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", deps: [{:dns_cluster, "~> 0.2"}]]
  def application, do: [mod: {Shop.Application, []}]
end
`
	libraryMix = `defmodule Money.MixProject do
  use Mix.Project
  def project, do: [app: :money, version: "0.1.0"]
  def application, do: []
end
`
	cookieMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", releases: [shop: [cookie: "for-all-to-read"]]]
  def application, do: [mod: {Shop.Application, []}]
end
`
	computedMix = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", releases: Shop.Releases.all()]
  def application, do: [mod: {Shop.Application, []}]
end
`
	umbrellaMix = `defmodule All.MixProject do
  use Mix.Project
  def project, do: [apps_path: "apps", version: "0.1.0"]
end
`
	runtime4000 = "import Config\nif System.get_env(\"PHX_SERVER\"), do: config(:shop, ShopWeb.Endpoint, server: true)\nport = System.get_env(\"PORT\")\n"
	docker      = "FROM hexpm/elixir:1.18.4-erlang-27.3-debian-bookworm-20250811-slim AS build\nRUN mix release\nFROM debian:bookworm-20250811-slim\nCOPY --from=build /release /app\n"
	workflows   = ".github/workflows/ci.yml"
)

// input is a project of these files.
func input(t *testing.T, files map[string]string) Input {
	t.Helper()
	tree := fstest.MapFS{}
	for name, text := range files {
		tree[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	p, err := project.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	return Input{Project: p}
}

func with(more ...string) map[string]string {
	all := map[string]string{"mix.exs": plainMix}
	for i := 0; i+1 < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func line(t *testing.T, in Input, id string) Line {
	t.Helper()
	r := New(in)
	i := slices.IndexFunc(r.Lines, func(l Line) bool { return l.ID == id })
	if i < 0 {
		t.Fatalf("no line %s", id)
	}
	return r.Lines[i]
}

// say is a line as text: its state, and its items with their places.
func say(l Line) string {
	var b strings.Builder
	b.WriteString(string(l.State))
	for _, i := range l.Items {
		b.WriteString("\n" + string(i.State) + ": ")
		if i.At != nil {
			b.WriteString(i.At.String() + ": ")
		}
		if i.Code != "" {
			b.WriteString(string(i.Code) + " ")
		}
		b.WriteString(i.Text)
	}
	return b.String()
}

var somewhere = &advise.Place{File: "k8s/app.yaml", Line: 9, Column: 5}

// What no line is about is counted, and a command is named once.
func TestElsewhere(t *testing.T) {
	in := input(t, with())
	in.Workloads = []Workload{{Label: "Deployment shop", At: *somewhere, Served: true}}
	in.Checked = &Checked{}
	for _, code := range []finding.Code{"DRN-04", "HLT-06", "PHX-01"} {
		in.Checked.Found = append(in.Checked.Found, Found{Code: code, Counts: true, Text: "found", At: *somewhere}, Found{Code: code, Text: "a hint", At: *somewhere})
	}
	r := New(in)
	if r.Elsewhere != 2 { // DRN-04 and PHX-01
		t.Errorf("%d findings that no line is about, want 2", r.Elsewhere)
	}
	for _, l := range r.Lines {
		seen := map[string]bool{}
		for _, c := range l.Commands {
			if seen[c.Command] {
				t.Errorf("%s names %s twice", l.ID, c.Command)
			}
			seen[c.Command] = true
		}
	}
}

// An app without HTTP is run as one, unless phial.yaml says what it has.
func TestCommandsWithoutHTTP(t *testing.T) {
	for _, c := range []struct {
		noHTTP, yaml, want bool
	}{{true, false, true}, {true, true, false}, {false, false, false}} {
		in := input(t, with())
		in.Dir, in.NoHTTP = "apps/shop", c.noHTTP
		if c.yaml {
			in.App = app("Stateless")
		}
		for _, l := range New(in).Lines {
			for _, s := range l.Commands {
				if strings.HasPrefix(s.Command, "phial try") && strings.HasPrefix(s.Command, "phial try apps/shop --no-http") != c.want {
					t.Errorf("%+v: %s", c, s.Command)
				}
			}
		}
	}
}

// A line that has not passed says what would settle it; one that has needs nothing.
func TestWhatSettlesIt(t *testing.T) {
	for name, change := range map[string]func(*Input){
		"bare":      func(*Input) {},
		"clustered": func(in *Input) { in.App = app("Clustered") },
		"deployed":  func(in *Input) { in.Workloads = []Workload{{Label: "Deployment shop"}} },
		"in a directory": func(in *Input) {
			in.Dir = "apps/shop"
		},
	} {
		in := input(t, with("mix.exs", phoenixMix))
		change(&in)
		r := New(in)
		if got := r.Count(Passed) + r.Count(Failed) + r.Count(NotKnown); got != len(r.Lines) || len(r.Lines) != len(lines) {
			t.Errorf("%s: %d lines are in a state, of %d", name, got, len(lines))
		}
		for _, l := range r.Lines {
			if l.State == NotKnown && len(l.Commands) == 0 {
				t.Errorf("%s: %s is not known, and nothing says what would settle it", name, l.ID)
			}
			if l.State == Passed && len(l.Commands) > 0 {
				t.Errorf("%s: %s has passed, and %v would settle it", name, l.ID, l.Commands)
			}
			if len(l.Items) == 0 {
				t.Errorf("%s: %s without evidence", name, l.ID)
			}
			for _, c := range l.Commands {
				if in.Dir != "" && !strings.Contains(c.Command, in.Dir) && c.Command != "phial mesh" {
					t.Errorf("%s: %s is not about the project", name, c.Command)
				}
			}
		}
	}
}

// The same input gives the same list.
func TestSameInputSameList(t *testing.T) {
	in := input(t, with("mix.exs", hordeMix, "Dockerfile", docker, workflows, "- run: docker push a\n"))
	want := New(in)
	for range 10 {
		if d := cmp.Diff(want, New(in)); d != "" {
			t.Fatal(d)
		}
	}
}
