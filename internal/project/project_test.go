package project

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// tree makes a project of name and content in turn.
func tree(files ...string) fstest.MapFS {
	t := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		t[files[i]] = &fstest.MapFile{Data: []byte(files[i+1]), Mode: 0o644}
	}
	return t
}

func read(t *testing.T, files ...string) *Project {
	t.Helper()
	p, err := Read(tree(files...))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// say writes a fact as a test compares it: value and place, "? place", or "-".
func say[T any](f Fact[T]) string {
	switch f.State {
	case Known:
		return fmt.Sprintf("%v %d:%d", f.Value, f.At.Line, f.At.Col)
	case Unknown:
		return fmt.Sprintf("? %d:%d", f.At.Line, f.At.Col)
	}
	return "-"
}

func TestVersion(t *testing.T) {
	for name, c := range map[string]struct{ src, want string }{
		"literal":             {`def project, do: [version: "1.2.3"]`, "1.2.3 1:28"},
		"do block":            {"def project do\n  [version: \"1.2.3\"]\nend", "1.2.3 2:13"},
		"with parentheses":    {`def project(), do: [version: "1.2.3"]`, "1.2.3 1:30"},
		"attribute":           {"@version \"1.2.3\"\ndef project, do: [version: @version]", "1.2.3 1:10"},
		"attribute, twice":    {"@v \"1\"\n@v \"2\"\ndef project, do: [version: @v]", "? 3:28"},
		"attribute, not set":  {`def project, do: [version: @version]`, "? 1:28"},
		"attribute, computed": {"@v \"1.\" <> \"2\"\ndef project, do: [version: @v]", "? 1:4"},
		"its own attribute":   {"@v @v\ndef project, do: [version: @v]", "? 1:4"},
		"function":            {"def project, do: [version: v()]\ndefp v, do: \"1.2.3\"", "1.2.3 2:13"},
		"function, no ()":     {"def project, do: [version: v]\ndefp v do\n  \"1.2.3\"\nend", "1.2.3 3:3"},
		"function, clauses":   {"def project, do: [version: v()]\ndefp v, do: \"1\"\ndefp v, do: \"2\"", "? 1:28"},
		"function, arguments": {"def project, do: [version: v(:prod)]\ndefp v(_), do: \"1\"", "1 2:16"},
		"function, steps":     {"def project, do: [version: v()]\ndefp v do\n  IO.puts(1)\n  \"1\"\nend", "? 3:3"},
		"calls itself":        {"def project, do: [version: v()]\ndefp v, do: v()", "? 2:13"},
		"read from a file":    {`def project, do: [version: File.read!("VERSION") |> String.trim()]`, "? 1:28"},
		"interpolated":        {`def project, do: [version: "1.#{minor()}"]`, "? 1:28"},
		"concatenated":        {`def project, do: [version: "1." <> "2"]`, "? 1:28"},
		"heredoc":             {"def project, do: [version: \"\"\"\n1\n\"\"\"]", "? 1:28"},
		"condition":           {`def project, do: [version: if(x, do: "1", else: "2"), app: :a]`, "? 1:28"},
		"missing":             {`def project, do: [app: :a]`, "-"},
		"computed project":    {`def project, do: Keyword.merge(base(), version: "1")`, "? 1:18"},
		"nil":                 {`def project, do: [version: nil]`, "? 1:28"},
		"after a comment":     {"# def project, do: [version: \"0\"]\ndef project, do: [version: \"1.2.3\"] # version: \"9\"", "1.2.3 2:28"},
		"quoted key":          {`def project, do: ["version": "1.2.3"]`, "1.2.3 1:30"},
		"after odd literals":  {`def project, do: [a: ?", b: ~s(x "y), c: 'z"', d: ~r/"#{"}"}/i, e: <<1, 2>>, f: &(&1), version: "1.2.3"]`, "1.2.3 1:97"},
		"after fn and do":     {"def project, do: [a: fn x, y -> x end, b: (if true do 1, 2 end), version: \"1.2.3\"]", "1.2.3 1:75"},
		"lower down":          {`def project, do: [docs: [version: "9"], version: "1.2.3"]`, "1.2.3 1:50"},
		"no project":          {`defmodule A do end`, "? 0:0"},
		"empty":               {``, "? 0:0"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := say(read(t, "mix.exs", c.src).Mix.Version); got != c.want {
				t.Errorf("got %s, want %s, of\n%s", got, c.want, c.src)
			}
		})
	}
}

func TestDeps(t *testing.T) {
	p := read(t, "mix.exs", `
def project, do: [app: :a, deps: deps() ++ more(1)]
defp deps do
  [
    {:phoenix, "~> 1.7"},
    {:common, path: "../common"},
    {:inner, [in_umbrella: true]},
    {:git, "~> 1.0", git: "https://example.com/x.git", only: [:dev, :test]},
    # {:commented, "~> 1.0"},
    {:wanted, requirement()},
    maybe()
  ]
end`, "mix.lock", `%{
  "syn": {:hex, :syn, "3.3.0", "a", [:mix], [{:not_this, "~> 1.0", [hex: "nor_this"]}], "hexpm", "b"},
}`)
	var got []string
	for _, d := range p.Mix.Deps.Value {
		got = append(got, fmt.Sprintf("%s %q %q %v %d:%d", d.Name, d.Requirement, d.Path, d.Umbrella, d.At.Line, d.At.Col))
	}
	want := []string{`phoenix "~> 1.7" "" false 5:5`, `common "" "../common" false 6:5`, `inner "" "" true 7:5`, `git "~> 1.0" "" false 8:5`, `wanted "" "" false 10:5`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if p.Mix.Deps.State != Unknown {
		t.Error("a list that is computed in part is taken for whole")
	}
	if d, ok := p.Dep("syn"); !ok || d.At.String() != "mix.lock:2:3" {
		t.Errorf("syn of the lock: %v %v", d, ok)
	}
	if _, ok := p.Dep("not_this"); ok {
		t.Error("what another package asks for is taken for a package of the lock")
	}
	if _, ok := read(t, "mix.exs", `def project, do: [deps: []]`, "mix.lock", `%{"syn": {:hex}}`).Dep("syn"); ok {
		t.Error("the lock counts although mix.exs says all")
	}
}

func TestReleases(t *testing.T) {
	for src, want := range map[string]string{
		`releases: [a: [], b: [include_executables_for: [:unix]]]`: "[{a mix.exs:1:30} {b mix.exs:1:37}] 1:29",
		`releases: []`:                "[] 1:29",
		`releases: [{:a, []}]`:        "[{a mix.exs:1:30}] 1:29",
		`releases: fn -> [a: []] end`: "? 1:29",
		`app: :a`:                     "-",
	} {
		if got := say(read(t, "mix.exs", `def project, do: [`+src+`]`).Mix.Releases); got != want {
			t.Errorf("%s: got %s, want %s", src, got, want)
		}
	}
}

func TestUmbrella(t *testing.T) {
	p := read(t, "mix.exs", `def project, do: [apps_path: "parts"]`, "parts/b/mix.exs", `def project, do: [app: :b]`, "parts/a/mix.exs", `def project, do: [app: :a, aliases: ["assets.deploy": []]]`,
		"parts/notes/README.md", "")
	if !p.Umbrella() || len(p.Apps) != 2 || p.Apps[0].App.Value != "a" || p.Apps[1].Dir != "parts/b" {
		t.Errorf("%+v", p.Apps)
	}
	if dir, ok := p.Alias("assets.deploy"); !ok || dir != "parts/a" {
		t.Errorf("alias in %q, %v", dir, ok)
	}
	if p.Mix.Version.State != Absent || read(t, "mix.exs", `def project, do: [apps_path: dir(1)]`).Mix.AppsPath.State != Unknown {
		t.Error("states")
	}
}

func TestToolVersions(t *testing.T) {
	p := read(t, "mix.exs", "", ".tool-versions", "# elixir 1.0\n  erlang   27.3 26.2 # now\nelixir 1.18.4-otp-27\nelixir 1.1\nnodejs\n")
	want := map[string]Tool{"erlang": {"27.3", Pos{".tool-versions", 2, 12}}, "elixir": {"1.18.4-otp-27", Pos{".tool-versions", 3, 8}}}
	if d := cmp.Diff(want, p.Tools); d != "" {
		t.Error(d)
	}
}

func TestConfig(t *testing.T) {
	p := read(t, "mix.exs", "", "config/config.exs", `
config :x, Web, http: [ip: {0, 0, 0, 0}, port: 4_001], other: [port: 9]
config :libcluster, topologies: [a: [strategy: Cluster.Strategy.Gossip]]`,
		"config/dev.exs", `config :libcluster, topologies: [a: [strategy: Cluster.Strategy.Epmd]]
config :x, Web, server: true`,
		"config/runtime.exs", `
if System.get_env("PHX_SERVER"), do: config(:x, Web, server: true)
a = System.get_env("A") || raise "no A"
b = System.fetch_env!("B")
c = System.get_env("C", "3")
d = System.get_env("D") || default()
e = System.get_env("A")
port = String.to_integer(System.get_env("PORT") || "4000")
f = System.get_env(name)
# System.fetch_env!("COMMENT")
config :libcluster, topologies: [b: [strategy: Elixir.Cluster.Strategy.Kubernetes.DNSSRV]], strategy: :one_for_one`)
	var got []string
	for _, v := range p.Runtime {
		got = append(got, fmt.Sprintf("%s %v %s", v.Name, v.Required, say(v.Default)))
	}
	want := []string{"PHX_SERVER false -", "A true -", "B true -", "C false 3 5:25", "D false ? 6:28", "PORT false 4000 8:52"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if p.Port.At.String() != "config/runtime.exs:8:26" || say(p.FixedPort) != "4001 2:48" || say(p.Server) != "true 2:21" && !p.Server.Known() {
		t.Errorf("port %v, fixed %s, server %s", p.Port, say(p.FixedPort), say(p.Server))
	}
	if d := cmp.Diff([]Strategy{
		{Use{"Kubernetes.DNSSRV", Pos{"config/runtime.exs", 11, 48}}, map[string]string{}},
		{Use{"Gossip", Pos{"config/config.exs", 3, 48}}, map[string]string{}},
	}, p.Strategies); d != "" {
		t.Error(d)
	}
}

func TestStrategyConfig(t *testing.T) {
	for src, want := range map[string]map[string]string{
		`[a: [strategy: Cluster.Strategy.DNSPoll, config: [query: "q", mode: :ip, base: base, of: "#{x}", n: 1]]]`: {"query": `"q"`, "mode": ":ip", "base": "", "of": "", "n": ""},
		`[b: [config: [query: "other"]], a: [config: [query: "q"], strategy: Cluster.Strategy.DNSPoll]]`:           {"query": `"q"`},
		`[a: [strategy: Cluster.Strategy.DNSPoll, config: f(1)]]`:                                                  {},
		`[a: [config: [query: "q"], strategy: Cluster.Strategy.DNSPoll`:                                            {},
		`[strategy: Cluster.Strategy.DNSPoll, config: [query: "q"]]`:                                               {"query": `"q"`},
	} {
		p := read(t, "mix.exs", "", "config/runtime.exs", "config :libcluster, topologies: "+src)
		if d := cmp.Diff([]map[string]string{want}, []map[string]string{p.Strategies[0].Config}); d != "" {
			t.Errorf("%s:\n%s", src, d)
		}
	}
}

func TestHealth(t *testing.T) {
	p := read(t, "mix.exs", "", "lib/a/router.ex", `
defmodule A.Router do
  scope "/", A do
    get "/", Page, :home
    get "/health", Health, :index
    post "/healthz", Health, :index
    scope "/api" do
      get "/ready", Health, :ready
      get "/users/:id/status", User, :status
      get "/orders/status", Order, :status
    end
    get "/up", Health, :up
  end
  forward "/livez", A.Live
  # get "/ping"
end`, "lib/a/plug.ex", `
def call(%{request_path: "/healthcheck"} = conn, _), do: conn
def call(%{method: "GET", path_info: ["internal", "health"]} = conn, _), do: conn
def call(%{path_info: ["readyz" | _]} = conn, _), do: conn
defp respond("GET", ["health", "live"], _), do: 1
defp respond("GET", ["health", which], _), do: 1
defp respond("POST", ["health", "ready"], _), do: 1`)
	var got []string
	for _, r := range p.Health {
		got = append(got, r.Path+" "+r.At.String())
	}
	want := []string{"/healthcheck lib/a/plug.ex:2:26", "/internal/health lib/a/plug.ex:3:38", "/health/live lib/a/plug.ex:5:21",
		"/health lib/a/router.ex:5:9", "/api/ready lib/a/router.ex:8:11", "/up lib/a/router.ex:12:9", "/livez lib/a/router.ex:14:11"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestKafka(t *testing.T) {
	for src, want := range map[string]string{
		`producer: [module: {BroadwayKafka.Producer, hosts: [kafka: 9092], group_id: "g", topics: ["a", "b"]}, concurrency: 3]`: "[kafka:9092] 1:54|g 1:79|[a b] 1:92|3 1:118",
		`producer: [module: {BroadwayKafka.Producer, [hosts: [{"k", 1}], group_id: g(), topics: []]}]`:                          "[k:1] 1:55|? 1:77|? 1:90|-",
		`producer: [module: {BroadwayKafka.Producer, hosts: [localhost: 9092], topics: [t]}]`:                                   "? 1:54|-|? 1:81|-",
		`producer: [module: {BroadwayKafka.Producer, hosts: "a:1, b:2"}, concurrency: n()]`:                                     "[a:1 b:2] 1:54|-|-|? 1:80",
		`producer: [module: {BroadwaySQS.Producer, []}]`:                                                                        "",
		`producer: config()`: "",
	} {
		p := read(t, "mix.exs", "", "lib/a.ex", "f("+src+")")
		got := ""
		for _, l := range p.Pipelines {
			got = strings.Join([]string{say(l.Brokers), say(l.Group), say(l.Topics), say(l.Concurrency)}, "|")
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, got, want)
		}
	}
}

func TestTheRest(t *testing.T) {
	p := read(t, "mix.exs", `def project, do: [version: File.read!("VERSION")]`, "VERSION", "1", "lib/a/release.ex", "defmodule A.Release do\n  def migrate(x), do: x\n  def migrate, do: 1\nend",
		"lib/a.ex", `:pg.join(:x); {:global, :name}; [:mnesia]; Node.list(); [name: :rpc]`,
		"rel/env.sh.eex", "#!/bin/sh\nexport RELEASE_DISTRIBUTION=\"none\"\ncat $PHIAL_COOKIE_FILE\n",
		".git/config", "[core]\n\turl = no\n[remote \"other\"]\n\turl = no\n[remote \"origin\"]\n\turl = git@example.com:a/b.git\n",
		"_build/prod/lib/x.ex", "", "deps/x/mix.exs", "")
	if p.Migrator.Module != "A.Release" || p.Migrator.At.Line != 3 {
		t.Errorf("migrator %+v", p.Migrator)
	}
	var uses []string
	for _, u := range p.Uses {
		uses = append(uses, u.What)
	}
	if d := cmp.Diff([]string{":pg", ":global", "Node.list"}, uses); d != "" {
		t.Error(d)
	}
	if say(p.EnvSh.Distribution) != "none 2:0" || !p.EnvSh.CookieFile {
		t.Errorf("%+v", p.EnvSh)
	}
	if say(p.Remote) != "git@example.com:a/b.git 6:0" {
		t.Error(say(p.Remote))
	}
	if d := cmp.Diff([]string{"VERSION"}, p.Mix.Reads); d != "" {
		t.Error(d)
	}
	if p.Has("_build") || p.Has("deps/x/mix.exs") || !p.Has("rel/env.sh.eex") || !p.Has("lib") {
		t.Error("what is there")
	}
	if d := cmp.Diff([]string{"a", "a.ex"}, p.Under("lib")); d != "" {
		t.Error(d)
	}
}

func TestNoProject(t *testing.T) {
	if _, err := Read(tree("README.md", "")); !errors.Is(err, ErrNoProject) {
		t.Error(err)
	}
}

// A tree that is larger than is looked at is read as far as that, and says so.
func TestTooManyFiles(t *testing.T) {
	fsys := tree("mix.exs", `def project, do: [app: :a]`)
	for i := range maxFiles + 1 {
		fsys[fmt.Sprintf("priv/%d", i)] = &fstest.MapFile{}
	}
	if p, err := Read(fsys); err != nil || !p.Cut || p.Mix.App.Value != "a" {
		t.Errorf("%v, cut %v", err, p.Cut)
	}
}
