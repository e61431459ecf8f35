package project

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/beamtest"
)

// ask has Mix itself say what is in the mix.exs files that it is given: a line for each fact, under the file's name.
const ask = `
Mix.start()
Mix.env(:prod)
for file <- System.argv() do
  IO.puts("file " <> file)
  File.cd!(Path.dirname(file), fn ->
    [{module, _} | _] = Code.compile_file("mix.exs")
    c = module.project()
    for k <- [:app, :version, :elixir, :apps_path, :default_release], c[k], do: IO.puts("#{k} #{c[k]}")
    for d <- c[:deps] || [], do: IO.puts("dep #{elem(d, 0)}")
    for {r, _} <- c[:releases] || [], do: IO.puts("release #{r}")
    for {a, _} <- c[:aliases] || [], do: IO.puts("alias #{a}")
    # The next file may define a module of the same name.
    Mix.Project.pop()
    :code.purge(module)
    :code.delete(module)
  end)
end
`

// What is known is what Mix says, of every mix.exs of the cases; what is not known is not said.
func TestMixSaysTheSame(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	dir := t.TempDir()
	cases, err := filepath.Glob("../scaffold/testdata/*.txtar")
	if err != nil || len(cases) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, c := range cases {
		a, err := txtar.ParseFile(c)
		if err != nil {
			t.Fatal(err)
		}
		a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name, "want/") })
		if err := txtar.Write(a, filepath.Join(dir, strings.TrimSuffix(filepath.Base(c), ".txtar"))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "tally"), os.DirFS("../../examples/tally")); err != nil {
		t.Fatal(err)
	}
	roots, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	ours := map[string]Mix{}
	var files []string
	for _, root := range roots {
		p, err := Read(os.DirFS(root))
		if err != nil {
			t.Fatalf("%s: %v", root, err)
		}
		for _, m := range p.Mixes() {
			file := filepath.Join(root, m.Dir, "mix.exs")
			files = append(files, file)
			ours[file] = m
		}
	}
	script := filepath.Join(dir, "ask.exs")
	if err := os.WriteFile(script, []byte(ask), 0o644); err != nil {
		t.Fatal(err)
	}
	seen, file := map[string]map[string][]string{}, ""
	for line := range strings.Lines(host.Run(t, "elixir", slices.Concat([]string{script}, files)...)) {
		what, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if what == "file" {
			file = value
			seen[file] = map[string][]string{}
			continue
		}
		seen[file][what] = append(seen[file][what], value)
	}
	for _, file := range files {
		m, mix := ours[file], seen[file]
		if mix == nil {
			t.Errorf("Mix says nothing of %s", file)
			continue
		}
		same := func(what string, state State, got []string) {
			t.Helper()
			if state == Unknown {
				return
			}
			if d := cmp.Diff(mix[what], got); d != "" {
				t.Errorf("%s: %s (-mix +ours):\n%s", file, what, d)
			}
		}
		for what, f := range map[string]Fact[string]{"app": m.App, "version": m.Version, "elixir": m.Elixir, "apps_path": m.AppsPath, "default_release": m.DefaultRelease} {
			var got []string
			if f.Known() {
				got = []string{f.Value}
			}
			same(what, f.State, got)
		}
		var deps []string
		for _, d := range m.Deps.Value {
			deps = append(deps, d.Name)
		}
		same("dep", m.Deps.State, deps)
		same("release", m.Releases.State, namesOf(m.Releases.Value))
		same("alias", m.Aliases.State, namesOf(m.Aliases.Value))
	}
}

func namesOf(all []Named) (names []string) {
	for _, n := range all {
		names = append(names, n.Name)
	}
	return names
}
