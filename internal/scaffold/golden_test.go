package scaffold_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/scaffold"
)

var update = flag.Bool("update", false, "write what is generated into testdata")

// want begins the names of what is expected of a case; the others are the project's.
const want = "want/"

// golden is one case: a project, and what is made of it.
type golden struct {
	name    string
	file    string
	archive *txtar.Archive
	project fstest.MapFS
	options scaffold.Options
	want    map[string]string
}

func goldens(t *testing.T) []golden {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	var all []golden
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		g := golden{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: a, project: fstest.MapFS{}, want: map[string]string{}}
		for line := range strings.Lines(string(a.Comment)) {
			words, ok := strings.CutPrefix(strings.TrimSpace(line), "options:")
			if !ok {
				continue
			}
			for _, w := range strings.Fields(words) {
				g.option(t, w)
			}
		}
		for _, f := range a.Files {
			if name, ok := strings.CutPrefix(f.Name, want); ok {
				g.want[name] = string(f.Data)
			} else {
				g.project[f.Name] = &fstest.MapFile{Data: f.Data, Mode: 0o644}
			}
		}
		all = append(all, g)
	}
	return all
}

func (g *golden) option(t *testing.T, word string) {
	t.Helper()
	name, value, _ := strings.Cut(word, "=")
	into, ok := map[string]*string{"name": &g.options.Name, "release": &g.options.Release, "image": &g.options.Image, "type": &g.options.Type,
		"discovery": &g.options.Discovery, "base": &g.options.Base, "ci": &g.options.CI}[name]
	if !ok {
		t.Fatalf("%s: no option %q", g.file, name)
	}
	*into = value
}

// generate gives the files, and the notes as one more, by name.
func (g *golden) generate(t *testing.T) map[string]string {
	t.Helper()
	p, err := project.Read(g.project)
	if err != nil {
		t.Fatal(err)
	}
	r, err := scaffold.Generate(p, g.options)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range r.Files {
		got[f.Path] = string(f.Content)
	}
	var notes strings.Builder
	for _, n := range r.Notes {
		notes.WriteString(n.String() + "\n")
	}
	got["notes"] = notes.String()
	return got
}

func TestGoldens(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			got := g.generate(t)
			if *update {
				g.write(t, got)
				return
			}
			if d := cmp.Diff(g.want, got); d != "" {
				t.Errorf("%s; -update writes it anew (-file +now):\n%s", g.file, d)
			}
		})
	}
}

// write keeps the project and replaces what is wanted of it.
func (g *golden) write(t *testing.T, got map[string]string) {
	t.Helper()
	a := &txtar.Archive{Comment: g.archive.Comment}
	for _, f := range g.archive.Files {
		if !strings.HasPrefix(f.Name, want) {
			a.Files = append(a.Files, f)
		}
	}
	for _, name := range []string{"notes", "phial.yaml", "Dockerfile", ".dockerignore", "rel/env.sh.eex", "rel/vm.args.eex", ".github/workflows/phial.yml", ".gitlab-ci.yml"} {
		if content, ok := got[name]; ok {
			a.Files = append(a.Files, txtar.File{Name: want + name, Data: []byte(content)})
		}
	}
	if err := os.WriteFile(g.file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// The same facts give the same bytes.
func TestSameEveryTime(t *testing.T) {
	for _, g := range goldens(t) {
		if d := cmp.Diff(g.generate(t), g.generate(t)); d != "" {
			t.Errorf("%s:\n%s", g.name, d)
		}
	}
}

// What cannot be worked with is said in one line, with the place.
func TestRefusals(t *testing.T) {
	mix := func(src string) fs.FS { return fstest.MapFS{"mix.exs": {Data: []byte(src)}} }
	plain := mix(`defmodule A do
  def project, do: [app: :a, version: "1.0.0"]
end`)
	for name, c := range map[string]struct {
		project fs.FS
		options scaffold.Options
		want    string
	}{
		"base":       {plain, scaffold.Options{Base: "fedora"}, `no base "fedora": there are debian and alpine`},
		"ci":         {plain, scaffold.Options{CI: "jenkins"}, `no CI service "jenkins": there are github, gitlab and none`},
		"type":       {plain, scaffold.Options{Type: "clusterd"}, `no type "clusterd": there are Clustered and Stateless`},
		"discovery":  {plain, scaffold.Options{Discovery: "DNS"}, `no discovery "DNS": there are Phial, LibclusterDNS, LibclusterDNSSRV, LibclusterKubernetes and DNSCluster`},
		"pair":       {plain, scaffold.Options{Type: "Stateless", Discovery: "Phial"}, `discovery Phial goes with type Clustered: replicas of a Stateless app look for nobody`},
		"name":       {plain, scaffold.Options{Name: "Shop_1"}, `"Shop_1" can't be an app's name: give 1 to 40 lower-case letters, digits and -, a letter first`},
		"no release": {mix(`def project, do: [app: :a, releases: [b: []]]`), scaffold.Options{Release: "c"}, `mix.exs:1:38: no release c: there is b`},
		"several": {mix(`def project, do: [app: :a, releases: [b: [], c: []]]`), scaffold.Options{},
			`mix.exs:1:38: several releases, pick one with --release: b, c`},
		"umbrella": {mix(`def project, do: [apps_path: "apps"]`), scaffold.Options{},
			`mix.exs:1:30: an umbrella project without releases: name one there (releases: [NAME: [applications: [APP: :permanent]]]) and run this again`},
		"umbrella, computed": {mix(`def project, do: [apps_path: "apps", releases: all(1)]`), scaffold.Options{},
			`mix.exs:1:48: the releases are computed, and an umbrella has none of its own name: give it with --release`},
		"no app":   {mix(`def project, do: config()`), scaffold.Options{}, `mix.exs:1:18: could not read the app's name, for it is computed: give the release's with --release`},
		"odd name": {mix(`def project, do: [app: :"Shop-1"]`), scaffold.Options{}, `release "Shop-1": the base of a node's name has 1 to 40 lower-case letters, digits and _, a letter first`},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := project.Read(c.project)
			if err != nil {
				t.Fatal(err)
			}
			if _, err = scaffold.Generate(p, c.options); err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}
