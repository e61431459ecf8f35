package project

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/phialdev/phial/internal/beamtest"
)

// configurations are put together as Config does it.
const configurations = `
-- merged/config.exs --
import Config
config :a, x: 1, y: [p: 1, q: 2], z: [1, 2]
config :a, Some.Mod, k: "v", deep: [one: [two: 2]]
config :a, y: [q: 3, r: System.get_env("A")], z: [3]
config :a, Some.Mod, deep: [one: [three: 3]]
config :a, [:list_key] |> hd(), 1
import_config "#{config_env()}.exs"
-- merged/prod.exs --
import Config
config :a, Some.Mod, k: "prod"
config :b, from: __MODULE__
-- merged/runtime.exs --
import Config
if System.get_env("A") do
  config :a, Some.Mod, server: true, deep: [one: [two: "two"]]
else
  config :a, x: System.get_env("B", "none")
end
if config_env() == :prod do
  host = System.get_env("B") || "host"
  config :a, url: [host: host, port: String.to_integer(System.get_env("C", "80"))], y: [p: "p-#{host}"]
  config :a, Some.Mod, url: [host: host]
end
case System.get_env("A") do
  "1" -> config :c, one: true
  _ -> config :c, one: false
end
case config_env() do
  :prod -> config :c, env: :prod
  _ -> config :c, env: :other
end
unless System.get_env("C"), do: config(:c, no_c: true)
config :c, y: [1]
config :c, y: if(System.get_env("A"), do: [a: 1], else: [b: 2])
config :c, y: [c: 3]
-- imports/config.exs --
import Config
for file <- ["one.exs"], do: import_config(file)
config :a, plain: 1
-- imports/one.exs --
import Config
config :a, hidden: 1
`

//nolint:dupword // Elixir ends what it ends
const askConfig = `
defmodule Flat do
  def of(path, v) do
    if Keyword.keyword?(v) and v != [] do
      for {k, x} <- v, do: of(path ++ [k], x)
    else
      IO.puts(Enum.map_join(path, "/", &String.replace_prefix(Atom.to_string(&1), "Elixir.", "")) <> " " <> Canon.of(v))
    end
  end
end
for dir <- System.argv(), env <- ENVS do
  Canon.set("A=built")
  built = Config.Reader.read!(Path.join(dir, "config.exs"), env: :prod)
  Canon.set(env)
  IO.puts("in " <> dir <> " " <> inspect(env))
  try do
    runtime = Path.join(dir, "runtime.exs")
    booted = if File.exists?(runtime), do: Config.Reader.read!(runtime, env: :prod), else: []
    Flat.of([], Config.Reader.merge(built, booted))
  rescue
    _ -> IO.puts("raises")
  end
end
`

// What the configuration is known to say is what Elixir reads in it.
func TestConfigIsElixirs(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	dir := t.TempDir()
	projects := map[string][]string{}
	add := func(name, file string, data []byte) {
		projects[name] = append(projects[name], "config/"+filepath.Base(file), string(data))
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, filepath.Base(file)), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range txtar.Parse([]byte(configurations)).Files {
		add(filepath.Dir(f.Name), f.Name, f.Data)
	}
	r := rand.New(rand.NewPCG(3, 4))
	for n := range 100 {
		name := fmt.Sprint("random", n)
		add(name, "config.exs", []byte(randomConfig(r)+"import_config \"prod.exs\"\n"))
		add(name, "prod.exs", []byte(randomConfig(r)))
		add(name, "runtime.exs", []byte(randomConfig(r)))
	}
	goldens, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range goldens {
		a, err := txtar.ParseFile(g)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range a.Files {
			name := strings.TrimSuffix(filepath.Base(g), ".txtar")
			if strings.HasPrefix(f.Name, "config/") && name != "umbrella" && name != "broadway" { // those can't be read whole
				add(name, f.Name, f.Data)
			}
		}
	}
	script := filepath.Join(dir, "ask.exs")
	if err := os.WriteFile(script, []byte(canon+strings.Replace(askConfig, "ENVS", "["+quoted(environments)+"]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{script}
	for name := range projects {
		args = append(args, filepath.Join(dir, name))
	}
	known, unread := 0, 0
	var ours map[string]string
	where := ""
	for line := range strings.Lines(host.Run(t, "elixir", args...)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "in "); ok {
			where = strings.TrimPrefix(rest, dir+"/")
			name, env, _ := strings.Cut(where, " ")
			env, err := strconv.Unquote(env)
			if err != nil {
				t.Fatal(err)
			}
			ours = flattened(read(t, append([]string{"mix.exs", ""}, projects[name]...)...), environment(env))
			continue
		}
		path, want, _ := strings.Cut(line, " ")
		got, ok := ours[path]
		if !ok {
			unread++
			continue // not known, or said to be so
		}
		known++
		if want == "other" {
			continue
		}
		if got != want {
			t.Errorf("%s: %s: got %s, want %s", where, path, got, want)
		}
	}
	t.Logf("%d values are known, %d are not", known, unread)
	if known < 1000 {
		t.Errorf("only %d values are known", known)
	}
}

// randomConfig is a file of calls of config that get into one another's way.
func randomConfig(r *rand.Rand) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var value func(depth int) string
	value = func(depth int) string {
		if depth > 0 && r.IntN(2) == 0 {
			var parts []string
			for _, k := range []string{"p", "q", "r"} {
				if r.IntN(2) == 0 {
					parts = append(parts, k+": "+value(depth-1))
				}
			}
			return "[" + strings.Join(parts, ", ") + "]"
		}
		if depth > 0 && r.IntN(3) == 0 {
			return "if(System.get_env(\"A\"), do: " + value(depth-1) + ", else: " + value(depth-1) + ")"
		}
		return pick("1", "2", "nil", `"x"`, "[1]", "[]", `System.get_env("B")`, `System.get_env("A", "d")`, "v")
	}
	var calls func(depth int) string
	calls = func(depth int) string {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			switch n := r.IntN(8); {
			case n == 0 && depth > 0:
				b.WriteString("if " + pick(`System.get_env("A")`, "config_env() == :prod", `System.get_env("B") == "b:c"`) + " do\n" + calls(depth-1) + "else\n" + calls(depth-1) + "end\n")
			case n == 1:
				b.WriteString("v = " + value(0) + "\n")
			case n < 5:
				b.WriteString("config :app, " + pick("Mod", ":key") + ", " + value(2) + "\n")
			default:
				b.WriteString("config :app, " + pick("key", "x") + ": " + value(2) + "\n")
			}
		}
		return b.String()
	}
	return "import Config\nv = 0\n" + calls(2)
}

// flattened are the values that are known, by their paths.
func flattened(p *Project, env Env) map[string]string {
	all := map[string]string{}
	var walk func(path string, e Expr)
	walk = func(path string, e Expr) {
		if e.Kind == ExprList && len(e.Items) > 0 && e.Keyword() {
			for _, i := range e.Items {
				walk(path+"/"+i.Key, i.Value)
			}
			return
		}
		if c, ok := canonOf(e); ok && !e.Absent() {
			all[strings.TrimPrefix(path, "/")] = c
		}
	}
	for app, e := range p.settings.apps {
		walk("/"+app, e.Eval(env))
	}
	return all
}
