package project

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// FuzzRead reads anything as every file that is read. What it finds has to be at a place that is there.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"def project, do: [app: :a, version: \"1\", deps: [{:x, \"~> 1.0\"}], releases: [a: []]]",
		"@a [@b, @b]\n@b [@c, @c]\n@c [@a, @a]\ndef project, do: [deps: @a]",
		"def project, do: [a: \"#{\"#{\"#{1}\"}\"}\", b: ~s/#{\"/\"}/, c: ?\\\\, d: '''\n#{x}\n''']",
		"def project do [version: v()] end defp v, do: project()",
		"%{\"a\": {:hex, :a}}", "scope \"/a\" do get \"/health\" end; end", "producer: [module: {BroadwayKafka.Producer, [",
	} {
		f.Add(seed)
	}
	if b, err := os.ReadFile("../../examples/tally/mix.exs"); err == nil {
		f.Add(string(b))
	}
	f.Fuzz(func(t *testing.T, src string) { check(t, src) })
}

type failer interface {
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

func check(t failer, src string) {
	p, err := Read(tree("mix.exs", src, "mix.lock", src, ".tool-versions", src, "config/config.exs", src, "config/runtime.exs", src, "lib/a.ex", src, "lib/release.ex", src,
		"rel/env.sh.eex", src, "rel/vm.args.eex", src, ".git/config", src, "apps/a/mix.exs", src, "apps/a/lib/b.ex", src, "priv/repo/migrations/1.exs", src,
		"Dockerfile", src, ".github/workflows/a.yml", src, ".gitlab-ci.yml", src, "Jenkinsfile", src))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(src, "\n")
	at := func(what string, pos Pos) {
		if pos.Line > len(lines) || pos.Line > 0 && pos.Col > len(lines[pos.Line-1])+1 || pos.File == "" {
			t.Errorf("%s at %s, which is not there, of %q", what, pos, src)
		}
	}
	for _, m := range p.Mixes() {
		for what, f := range map[string]Fact[string]{"app": m.App, "version": m.Version, "elixir": m.Elixir, "default": m.DefaultRelease} {
			if f.State != Absent {
				at(what, f.At)
			}
		}
		for _, d := range m.Deps.Value {
			at("dependency", d.At)
		}
		for _, r := range m.Releases.Value {
			at("release", r.At)
		}
	}
	for _, v := range p.Runtime {
		at("variable", v.At)
	}
	for _, h := range p.Health {
		at("route", h.At)
	}
	for _, l := range p.Pipelines {
		at("pipeline", l.At)
	}
	for _, tool := range p.Tools {
		at("tool", tool.At)
	}
	everything(p, at)
}

// everything shows all other facts, and works out each expression.
func everything(p *Project, at func(what string, pos Pos)) {
	expr := func(what string, e Expr) {
		e.each(func(x Expr) {
			if !x.Absent() {
				at(what, x.At)
			}
		})
		out := e.Eval(func(name string) EnvValue { return EnvValue{Value: name, Set: len(name)%2 == 0} })
		_ = out.String() + e.String()
	}
	for _, c := range p.Configs {
		at("config", c.At)
		expr("setting", c.Value)
		expr("condition", c.When)
	}
	for app := range p.settings.apps {
		expr("setting", p.Setting(app))
	}
	for _, r := range p.Reads {
		at("reading", r.At)
		expr("condition", r.When)
	}
	for _, t := range p.Topologies {
		at("topology", t.At)
		expr("strategy", t.Strategy)
		expr("options", t.Config)
		expr("condition", t.When)
	}
	for _, s := range p.Supervisors {
		at("supervisor", s.At)
		for _, c := range s.Children {
			at("child", c.At)
			expr("options", c.Options)
			expr("condition", c.When)
		}
	}
	for _, d := range p.DNSClusters {
		expr("query", d.Query)
	}
	for _, s := range p.ClusterStarts {
		at("start", s.At)
		expr("topologies", s.Topologies)
	}
	for _, e := range p.Endpoints {
		at("endpoint", e.At)
		expr("endpoint", e.Config)
	}
	for _, all := range [][]Use{p.Libraries, p.Uses, p.Uploads, p.ClusterMistakes, p.Migrations.Concurrent} {
		for _, u := range all {
			at("use", u.At)
		}
	}
	for _, c := range p.Calls {
		at("call", c.At)
	}
	for _, d := range p.Dockerfiles {
		for n, s := range d.Stages {
			at("stage", Pos{s.At.File, s.At.Line, 0})
			d.Env(n)
			d.Last(n, "CMD")
			d.Copied("rel", n, len(s.Instructions))
		}
		d.Release()
	}
	for _, s := range p.CI {
		s.ImageTags()
	}
	for _, v := range p.VMArgs {
		for _, f := range v.Flags {
			at("flag", f.At)
		}
	}
}

// Pieces of Elixir in any order, and a whole file with pieces cut out, do no harm either.
func TestReadAnything(t *testing.T) {
	whole, err := os.ReadFile("../../examples/tally/mix.exs")
	if err != nil {
		t.Fatal(err)
	}
	pieces := []string{"def project", ", do: ", " do\n", "end\n", "[", "]", "{", "}", "(", ")", "<<", ">>", "\"", "\"\"\"", "#{", "'", "~s(", "~r/", "@a ", ":a", "a: ", "\"b\": ",
		"1.0", "A.B", ".", ",", "++", "fn -> ", "|>", "?", "?\\", "\\", "# c\n", "\n", "defp a", "a()", "é", "\xff", "deps: ", "releases: ", "version: ", "producer: ", "x = ", "x", "if x, do: ", "config :a, ", "System.get_env(\"A\")", " || ", "case x do\n", "FROM a\n", "RUN mix release\n", "script: ", "Supervisor.init(x, [])", "scope \"/a\"", "get \"/health\""}
	rapid.Check(t, func(t *rapid.T) {
		if rapid.Bool().Draw(t, "cut") {
			from := rapid.IntRange(0, len(whole)).Draw(t, "from")
			to := rapid.IntRange(from, len(whole)).Draw(t, "to")
			check(t, string(whole[:from])+string(whole[to:]))
			return
		}
		check(t, strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "pieces"), ""))
	})
}

func distinct(format string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// doubled gives names that each hold the one before twice.
func doubled(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d = [a%d, a%d]\n", i+1, i, i)
	}
	return b.String()
}

// calling gives functions that each call the next twice, with what they are given twice.
func calling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "defp f%d(:a), do: 1\ndefp f%d(x), do: [f%d([x, x]), f%d([x, x])]\n", i, i, i+1, i+1)
	}
	return b.String()
}

// No small file may make it read for ever: brackets and attributes that multiply stop at a bound.
func TestReadIsBounded(t *testing.T) {
	var attributes strings.Builder
	for c := 'a'; c < 'z'; c++ {
		attributes.WriteString("@" + string(c) + " [" + strings.Repeat("@"+string(c+1)+", ", 20) + "1]\n")
	}
	for name, src := range map[string]string{
		"attributes":     attributes.String() + "@z 1\ndef project, do: [deps: @a]",
		"brackets":       "def project, do: " + strings.Repeat("[", 200_000),
		"interpolations": "def project, do: [a: " + strings.Repeat(`"#{`, 100_000),
		"names":          "def project, do: [" + strings.Repeat("a, ", 300_000) + "]",
		"paths":          strings.Repeat("\"GET\", [x ", 80_000),
		"repeated reads": "@a " + strings.Repeat("[", 29) + strings.Repeat("@b @a, ", 50_000),
		"settings":       "import Config\n" + strings.Repeat("config :a, k: [a: 1]\n", 20_000) + distinct("config :a, k%d: 1\n", 30_000),
		"conditions":     "import Config\n" + distinct("if System.get_env(\"A%d\"), do: config(:a, k: [a: 1])\n", 10_000),
		"branches":       "import Config\n" + distinct("config :a, k: if(System.get_env(\"A%d\"), do: [a: 1], else: [b: 1])\n", 10_000),
		"doubled":        "import Config\na0 = [1, 2]\n" + doubled(2000) + "config :a, k: a2000\n",
		"calls":          "defmodule A do\ndef f, do: " + strings.Repeat("Oban.pause_all_queues(", 2000) + strings.Repeat(")", 2000) + "\nend",
		"functions":      "defmodule A do\ndef start, do: Supervisor.init(f0(System.get_env(\"A\")), x)\n" + calling(40) + "end",
		"clauses":        "defmodule A do\ndef start, do: Supervisor.init(f(System.get_env(\"A\")), x)\n" + distinct("defp f(%d), do: [f(1)]\n", 20_000) + "end",
		"children":       "defmodule A do\ndef f, do: " + strings.Repeat("Supervisor.init([", 1000) + strings.Repeat("], x)", 1000) + "\nend",
		"keys":           "def project, do: [" + strings.Repeat("a: [b: {1, 2}], ", 20_000) + "]",
	} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			check(t, src)
		}()
		select {
		case <-done:
		case <-time.After(2 * time.Minute):
			t.Fatalf("%s: still reading", name)
		}
	}
}
