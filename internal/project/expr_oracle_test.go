package project

import (
	"encoding/hex"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// canon has Elixir write a value so that ours can be compared with it.
//
//nolint:dupword // Elixir ends what it ends
const canon = `
defmodule Canon do
  def of(x) when is_binary(x), do: "s" <> Base.encode16(x, case: :lower)
  def of(x) when is_atom(x), do: "a" <> Atom.to_string(x)
  def of(x) when is_integer(x), do: Integer.to_string(x)
  def of(x) when is_list(x), do: "[" <> Enum.map_join(x, ",", &of/1) <> "]"
  def of(x) when is_tuple(x), do: "{" <> Enum.map_join(Tuple.to_list(x), ",", &of/1) <> "}"
  def of(_), do: "other"

  def set(env) do
    for name <- ["A", "B", "C"], do: System.delete_env(name)
    for pair <- String.split(env, ",", trim: true), [name, value] = String.split(pair, "="), do: System.put_env(name, value)
  end
end
`

// canonOf is the same of ours; ok is false where not all of it is known.
func canonOf(e Expr) (text string, ok bool) {
	switch e.Kind {
	case ExprAbsent:
		return "anil", true
	case ExprText:
		return "s" + hex.EncodeToString([]byte(e.Text)), true
	case ExprCharlist:
		var codes []string
		for _, r := range e.Text {
			codes = append(codes, strconv.Itoa(int(r)))
		}
		return "[" + strings.Join(codes, ",") + "]", true
	case ExprAtom:
		return "a" + e.Text, true
	case ExprModule:
		return "aElixir." + e.Text, true
	case ExprInteger:
		return e.Text, true
	case ExprRaise:
		return "raises", true
	case ExprList, ExprTuple:
		var parts []string
		for _, i := range e.Items {
			v, ok := canonOf(i.Value)
			if !ok {
				return "", false
			}
			if i.Keyed() {
				key := "a" + i.Key
				if strings.ToUpper(i.Key[:1]) == i.Key[:1] {
					key = "aElixir." + i.Key
				}
				v = "{" + key + "," + v + "}"
			}
			parts = append(parts, v)
		}
		if e.Kind == ExprTuple {
			return "{" + strings.Join(parts, ",") + "}", true
		}
		return "[" + strings.Join(parts, ",") + "]", true
	}
	return "", false
}

// environments in which everything is worked out.
var environments = []string{"", "A=1", "A=yes,B=b:c", "A=,B= x ,C=12"}

func environment(text string) Env {
	set := map[string]string{}
	for pair := range strings.SplitSeq(text, ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			set[name] = value
		}
	}
	return func(name string) EnvValue {
		v, ok := set[name]
		return EnvValue{Value: v, Set: ok}
	}
}

// expressions that have to be known.
var expressions = []string{
	`System.get_env("A")`, `System.get_env("A", "d")`, `System.fetch_env!("A")`, `System.get_env("A") || "d"`, `System.get_env("A") || System.get_env("B") || :none`,
	`System.get_env("A") || raise "no A"`, `"x-#{System.get_env("A")}-y"`, `"x-" <> System.fetch_env!("A") <> ".svc"`, `String.to_integer(System.get_env("C") || "4000")`,
	`String.to_atom(System.get_env("A", "d"))`, `:"app"`, `"a" <> "b"`, `System.get_env("A") in ~w(yes true 1)`, `System.get_env("A") == "1"`, `!System.get_env("A")`,
	`if System.get_env("A"), do: [:inet6], else: []`, `if System.get_env("A"), do: 1`, `unless System.get_env("A"), do: 1, else: 2`, `System.get_env("A") && 7`,
	`String.split(System.get_env("B", "a:b"), ":")`, `System.get_env("B", "a,b") |> String.split(",", trim: true)`, `String.trim(System.get_env("B") || "")`,
	`case System.get_env("A") do
	  nil -> :none
	  "1" -> :one
	  other -> String.upcase(other)
	end`,
	`cond do
	  System.get_env("B") -> :b
	  System.get_env("A") == "1" -> :a
	  true -> :neither
	end`,
	`[a: 1, b: [c: System.get_env("A")]][:b][:c]`, `Keyword.get([a: 1], :b, System.get_env("A"))`, `Keyword.merge([a: 1, b: 2], b: 3)`, `[1, 2] ++ if(System.get_env("A"), do: [3], else: [])`,
	`Enum.filter([1, System.get_env("A"), nil], & &1)`, `Enum.reject([nil, System.get_env("A")], &is_nil/1)`, `{:a, "b", [c: ~c"d"]}`, `to_string(System.get_env("C"))`, `to_charlist(System.get_env("A") || "x")`,
	`~w(a b)a`, `~s(a "b")`, `~S(a\b)`, `0x1F`, `1_000`, `-5`, `?a`, `is_nil(System.get_env("A"))`, `not is_nil(System.get_env("A"))`, `String.replace(System.get_env("B") || "b:c", ":", "-")`,
	`(x = System.get_env("A", "q"); x <> x)`, `String.trim_trailing("a..", ".")`, `List.flatten([1, [2, [3]]])`, `[1 | [2, 3]]`, `"#{:a}#{1}#{nil}"`, `Foo.Bar`, `"#{Foo}"`, `System.get_env("A") != nil and System.get_env("B") != nil`,
	`config_env()`, `if config_env() == :prod, do: 1, else: 2`,
}

// random makes an expression that may or may not be one that is known, or works.
func random(r *rand.Rand, depth int) string {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	if depth == 0 {
		return pick(`System.get_env("A")`, `System.get_env("B")`, `System.get_env("C", "7")`, `System.fetch_env!("C")`, `"x"`, `"1"`, `:a`, `nil`, `true`, `3`, `[]`, `["x", nil]`, `""`, `~c"1"`, `false`)
	}
	x := func() string { return "(" + random(r, depth-1) + ")" }
	switch r.IntN(14) {
	case 0:
		return x() + " || " + x()
	case 1:
		return x() + " && " + x()
	case 2:
		return x() + " <> " + x()
	case 3:
		return x() + pick(" == ", " != ") + x()
	case 4:
		return "if " + x() + ", do: " + x() + ", else: " + x()
	case 5:
		return pick("String.to_integer", "String.to_atom", "String.trim", "String.downcase", "to_string", "is_nil", "!", "not ") + x()
	case 6:
		return `"p#{` + x() + `}s"`
	case 7:
		return x() + " ++ " + x()
	case 8:
		return x() + " in [" + x() + ", " + x() + "]"
	case 9:
		return "case " + x() + " do\n nil -> " + x() + "\n \"1\" -> " + x() + "\n v -> v\nend"
	case 10:
		return "[k: " + x() + ", l: " + x() + "]" + pick("", "[:k]", "[:m]")
	case 11:
		return "String.split(" + x() + ", " + pick(`","`, `":"`, `" "`) + pick("", ", trim: true") + ")"
	case 12:
		return "{" + x() + ", " + x() + pick("", ", "+x()) + "}"
	}
	return "Enum.filter([" + x() + ", " + x() + "], & &1)"
}

// What an expression is worked out to be is what Elixir makes of it in the same environment.
func TestEvalIsElixirs(t *testing.T) {
	t.Parallel()
	host := beamtest.Host(t)
	r := rand.New(rand.NewPCG(1, 2))
	all := slices.Clone(expressions)
	for range 1500 {
		all = append(all, random(r, 1+r.IntN(3)))
	}
	dir := t.TempDir()
	var args []string
	for i, e := range all {
		all[i] = strings.ReplaceAll(e, "\n\t", "\n")
	}
	source := filepath.Join(dir, "expressions")
	if err := os.WriteFile(source, []byte(strings.Join(all, "\x00")), 0o644); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(dir, "ask.exs")
	args = append(args, script, source)
	if err := os.WriteFile(script, []byte(canon+strings.Replace(askExpressions, "ENVS", "["+quoted(environments)+"]", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(host.Run(t, "elixir", args...), "\n"), "\n")
	if len(lines) != len(all)*len(environments) {
		t.Fatalf("Elixir gave %d lines of %d", len(lines), len(all)*len(environments))
	}
	known := 0
	for i, e := range all {
		p := read(t, "mix.exs", "", "config/runtime.exs", "import Config\nconfig :app, value: ("+e+")\n")
		value := p.Setting("app", "value")
		for n, env := range environments {
			got, ok := canonOf(value.Eval(environment(env)))
			want := lines[n*len(all)+i]
			switch {
			case ok:
				known++
				if want == "raises" && i >= len(expressions) {
					continue // a part that does not matter to the value
				}
				if got != want {
					t.Errorf("%s with %q:\ngot  %s (of %s)\nwant %s", e, env, got, value, want)
				}
			case i < len(expressions):
				t.Errorf("%s with %q is not known: %s, which is %s", e, env, value, value.Eval(environment(env)))
			}
		}
	}
	t.Logf("%d of %d known", known, len(lines))
}

// askExpressions has Elixir work out each expression in each environment.
//
//nolint:dupword // Elixir ends what it ends
const askExpressions = `
[file] = System.argv()
all = file |> File.read!() |> String.split(<<0>>)
for env <- ENVS do
  Canon.set(env)
  for e <- all do
    out = try do
      # config_env() wants a configuration to be read.
      {v, _} = e |> String.replace("config_env()", ":prod") |> Code.eval_string([], __ENV__)
      Canon.of(v)
    rescue
      _ -> "raises"
    end
    IO.puts(out)
  end
end
`

func quoted(all []string) string {
	var parts []string
	for _, s := range all {
		parts = append(parts, strconv.Quote(s))
	}
	return strings.Join(parts, ", ")
}
