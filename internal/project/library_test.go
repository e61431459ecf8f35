package project

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModulesIn(t *testing.T) {
	for text, want := range map[string][]string{
		"defmodule A do\nend":                                      {"A"},
		"defmodule(A.B2_c, do: nil)":                               {"A.B2_c"},
		"defmodule Elixir.A do\n  defmodule B do; end # of B\nend": {"A", "B"},
		"defmodule\n  Änderung.Ü do":                               nil, // Elixir's aliases begin with A to Z
		"defmodule Wörter do":                                      {"Wörter"},
		"defmodule __MODULE__.A do":                                nil,
		"defmodule unquote(name) do":                               nil,
		"@doc \"defmodule Quoted do\"\ndefmodule":                  {"Quoted"},
		"defmodule":               nil,
		"defmoduledefmodule A do": {"A"},
		"# no module":             nil,
		"defimpl X, for: Y do\nend\ndefmodule  A.B,do: nil": {"A.B"},
	} {
		if diff := cmp.Diff(want, modulesIn(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
}

// Wherever a module stands, before or behind who refers to it, and whoever walks which file: what is said is the same.
func TestModulesAcrossFiles(t *testing.T) {
	const matter = "# Phoenix. is a word for which files are read\n"
	//nolint:dupword // Elixir ends one thing after the other
	parts := []string{
		"mix.exs", "defmodule M.MixProject do\n use Mix.Project\n def project, do: [app: :m, version: \"1.0.0\"]\nend\n",
		// Two have a module of one name: that of the first file counts.
		"lib/a_first.ex", matter + "defmodule M.Twice do\n def query, do: \"first\"\n def in_it, do: M.Outer.Inner.query()\nend\n",
		"lib/z_last.ex", "defmodule M.Twice do\n def query, do: \"last\"\n use Supervisor\n def start(_, _), do: {DNSCluster, query: M.Twice.query()}\nend\n",
		"lib/outer.ex", matter + "defmodule M.Outer do\n @moduledoc \"defmodule M.Named do\"\n defmodule Inner do\n  def query, do: \"inner\"\n end\nend\n",
		"lib/named.ex", matter + "defmodule M.Named do\n def query, do: \"named\"\nend\n",
	}
	asks := []string{"M.Twice.query()", "M.Twice.in_it()", "M.Outer.Inner.query()", "M.Named.query()", "M.Nowhere.query()"}
	for i := range 40 {
		parts = append(parts, fmt.Sprintf("lib/%c%d.ex", 'b'+rune(i%20), i),
			fmt.Sprintf("defmodule M.Ask%d do\n use Supervisor\n def init(_), do: Supervisor.init([{DNSCluster, query: %s}], strategy: :one_for_one)\nend\n", i, asks[i%len(asks)]))
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	want := facts_(read(t, parts...))
	for _, text := range []string{`"first"`, `"inner"`, `"named"`} {
		if n := strings.Count(want, text); n == 0 {
			t.Errorf("nothing says %s:\n%s", text, want)
		}
	}
	if n := strings.Count(want, `"last"`); n != 0 {
		t.Errorf("the second module of a name is taken:\n%s", want)
	}
	for _, n := range []int{2, 3, 7} {
		runtime.GOMAXPROCS(n)
		if diff := cmp.Diff(want, facts_(read(t, parts...))); diff != "" {
			t.Errorf("%d side by side (-alone +so):\n%s", n, diff)
		}
	}
}
