package project

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// application is a module that starts some children, after some steps.
//
//nolint:dupword // Elixir ends what it ends
func application(steps, children string) string {
	return "defmodule A.Application do\n  use Application\n\n  def start(_type, _args) do\n    " + steps + "\n    children = " + children +
		"\n    Supervisor.start_link(children, strategy: :one_for_one)\n  end end\n"
}

// topologies writes down what is known of libcluster.
func topologies(p *Project) string {
	var all []string
	for _, t := range p.Topologies {
		s := t.Name + "=" + t.StrategyName()
		if t.Started {
			s += " started"
		}
		if !t.When.Absent() {
			s += " when " + t.When.String()
		}
		for _, o := range t.Ignored {
			s += " ignores " + o.Name
		}
		for _, o := range t.Extra {
			s += " beside " + o.Name
		}
		all = append(all, s)
	}
	for _, m := range p.ClusterMistakes {
		all = append(all, "mistake: "+m.What)
	}
	for _, s := range p.ClusterStarts {
		if s.Misshapen != "" {
			all = append(all, "misshapen: "+s.Misshapen)
		} else if s.Topologies.Kind == ExprList && len(s.Topologies.Items) == 0 {
			all = append(all, "empty")
		}
	}
	if !p.TopologiesUnread.Absent() {
		all = append(all, "unread: "+p.TopologiesUnread.Text)
	}
	return strings.Join(all, "; ")
}

func TestTopologies(t *testing.T) {
	const gossip = "[a: [strategy: Cluster.Strategy.Gossip]]"
	const starts = "[{Cluster.Supervisor, [topologies, [name: A.S]]}]"
	for name, c := range map[string]struct{ config, steps, children, want string }{
		"configured, and started":       {"topologies: " + gossip, "topologies = Application.get_env(:libcluster, :topologies)", starts, "a=Gossip started"},
		"configured, with a default":    {"topologies: " + gossip, "topologies = Application.get_env(:libcluster, :topologies, [])", starts, "a=Gossip started"},
		"configured, fetched":           {"topologies: " + gossip, "topologies = Application.fetch_env!(:libcluster, :topologies)", starts, "a=Gossip started"},
		"configured, and not started":   {"topologies: " + gossip, "", "[]", "a=Gossip"},
		"of the code":                   {"", "topologies = " + gossip, starts, "a=Gossip started"},
		"none, and a default":           {"", "topologies = Application.get_env(:libcluster, :topologies) || []", starts, "empty"},
		"by a condition of its own":     {"", "topologies = if System.get_env(\"K8S\"), do: " + gossip + ", else: []", starts, `a=Gossip started when $K8S`},
		"the child by a condition":      {"topologies: " + gossip, "topologies = Application.get_env(:libcluster, :topologies)", "if(System.get_env(\"K8S\"), do: " + starts + ", else: [])", "a=Gossip started"},
		"computed":                      {"", "topologies = A.Missing.topologies()", starts, "unread: the topologies are computed"},
		"one of them computed":          {"", "topologies = [topology() | " + gossip + "]\n    _ = 1", starts, "a=Gossip started; unread: a topology is computed"},
		"given without the list":        {"", "topologies = " + gossip, "[{Cluster.Supervisor, topologies}]", "misshapen: Cluster.Supervisor is given the topologies themselves: it wants them in a list, [topologies, [name: ...]]"},
		"given nothing":                 {"", "", "[Cluster.Supervisor]", "misshapen: Cluster.Supervisor is given nothing: it wants [topologies, [name: ...]]"},
		"without a name":                {"topologies: [strategy: Cluster.Strategy.Gossip, config: [port: 1]]", "", "[]", "=Gossip; mistake: a topology without a name: topologies: is a list of names, each with its strategy:"},
		"beside topologies":             {"a: [strategy: Cluster.Strategy.Gossip]", "", "[]", "mistake: the topology a stands beside topologies:, not in it"},
		"without a strategy":            {"topologies: [a: [config: [port: 1]]]", "", "[]", "a=; mistake: the topology a has no strategy:"},
		"options beside the strategy":   {"topologies: [a: [strategy: Cluster.Strategy.Gossip, port: 1]]", "", "[]", "a=Gossip beside port; mistake: port: stands beside strategy:, and is looked for under config:"},
		"other keys beside it":          {"topologies: [a: [strategy: Cluster.Strategy.Gossip, connect: {A, :b, []}, list_nodes: {A, :c, []}]]", "", "[]", "a=Gossip"},
		"a strategy of the team's":      {"topologies: [a: [strategy: A.Strategy, config: [anything: 1]]]", "", "[]", "a=A.Strategy"},
		"other things of libcluster's":  {"debug: true, topologies: []", "", "[]", ""},
		"namespace of Kubernetes":       {"topologies: [a: [strategy: Cluster.Strategy.Kubernetes, config: [namespace: \"x\", kubernetes_namespace: \"x\", mode: :ip]]]", "", "[]", "a=Kubernetes ignores namespace"},
		"kubernetes_namespace of DNS":   {"topologies: [a: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [kubernetes_namespace: \"x\", service: \"s\", application_name: \"a\"]]]", "", "[]", "a=Kubernetes.DNS ignores kubernetes_namespace"},
		"namespace of DNSSRV":           {"topologies: [a: [strategy: Cluster.Strategy.Kubernetes.DNSSRV, config: [namespace: \"x\"]]]", "", "[]", "a=Kubernetes.DNSSRV"},
		"node_basename of DNSPoll":      {"topologies: [a: [strategy: Cluster.Strategy.DNSPoll, config: [query: \"q\", node_basename: \"a\", basename: \"a\"]]]", "", "[]", "a=DNSPoll ignores basename"},
		"hosts of LocalEpmd":            {"topologies: [a: [strategy: Cluster.Strategy.LocalEpmd, config: [hosts: []]]]", "", "[]", "a=LocalEpmd ignores hosts"},
		"a strategy by an alias":        {"", "topologies = [a: [strategy: DNS]]", starts, "a=DNS started"},
		"for development":               {"topologies: if(config_env() == :prod, do: " + gossip + ", else: [b: []])", "", "[]", "a=Gossip"},
		"two of one name, in each case": {"topologies: [a: if(System.get_env(\"X\"), do: [strategy: Cluster.Strategy.Gossip], else: [strategy: Cluster.Strategy.Epmd])]", "", "[]", "a=Gossip when $X; a=Epmd when !($X)"},
	} {
		t.Run(name, func(t *testing.T) {
			config := "import Config\n"
			if c.config != "" {
				config += "config :libcluster, " + c.config + "\n"
			}
			p := read(t, "mix.exs", "", "config/runtime.exs", config, "lib/a/application.ex", application(c.steps, c.children))
			if d := cmp.Diff(c.want, topologies(p)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// What is configured in branches is never there at once.
func TestTopologiesInBranches(t *testing.T) {
	const (
		dns  = `config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: "s", application_name: "a"]]]`
		api  = `config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes, config: [mode: :ip, kubernetes_selector: "x"]]]`
		none = `config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Gossip, config: [port: 1]]]`
	)
	for name, c := range map[string]struct{ config, want string }{
		"if":                       {"if System.get_env(\"X\") do\n" + dns + "\nelse\n" + api + "\nend", "k8s=Kubernetes when !($X); k8s=Kubernetes.DNS when $X"},
		"unless":                   {"unless System.get_env(\"X\") do\n" + dns + "\nelse\n" + api + "\nend", "k8s=Kubernetes when $X; k8s=Kubernetes.DNS when !($X)"},
		"one if after another":     {"if System.get_env(\"X\"), do: " + dns + "\nif !System.get_env(\"X\"), do: " + api, "k8s=Kubernetes when !($X); k8s=Kubernetes.DNS when $X"},
		"of what is not known":     {"if Some.thing() do\n" + dns + "\nelse\n" + api + "\nend", "k8s=Kubernetes when !(?); k8s=Kubernetes.DNS when ?"},
		"case":                     {"case System.get_env(\"X\") do\n\"a\" -> " + dns + "\n\"b\" -> " + api + "\n_ -> " + none + "\nend", `k8s=Gossip when &&(!(==($X, "a")), !(==($X, "b"))); k8s=Kubernetes when ==($X, "b"); k8s=Kubernetes.DNS when ==($X, "a")`},
		"case, over what is empty": {"config :libcluster, topologies: []\ncase System.get_env(\"X\") do\n\"a\" -> " + dns + "\n\"b\" -> " + api + "\nend", `k8s=Kubernetes when ==($X, "b"); k8s=Kubernetes.DNS when ==($X, "a")`},
		"put over one another":     {dns + "\nif System.get_env(\"X\") do\n" + `config :libcluster, topologies: [k8s: [config: [namespace: "n"]]]` + "\nend", "k8s=Kubernetes.DNS ignores namespace"},
	} {
		t.Run(name, func(t *testing.T) {
			p := read(t, "mix.exs", "", "config/runtime.exs", "import Config\n"+c.config+"\n")
			all := strings.Split(topologies(p), "; ")
			slices.Sort(all)
			if d := cmp.Diff(c.want, strings.Join(all, "; ")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A condition follows from another only where it does in every environment.
func TestUnder(t *testing.T) {
	const at = "x.exs"
	pos := Pos{File: at}
	env := func(name string) Expr { return Expr{Kind: ExprEnv, At: pos, Text: name} }
	is := func(e Expr, text string) Expr { return op(pos, "==", e, textExpr(pos, text)) }
	isNot := func(e Expr, text string) Expr { return op(pos, "!=", e, textExpr(pos, text)) }
	x, y, secret := env("X"), env("Y"), unknownExpr(pos, "computed")
	for _, c := range []struct {
		e, when Expr
		want    string
	}{
		{x, x, "true"},
		{x, negation(x), "false"},
		{negation(x), x, "false"},
		{x, y, "?"},
		{x, Expr{}, "?"},
		{is(x, "a"), is(x, "a"), "true"},
		{is(x, "a"), is(x, "b"), "false"},
		{is(x, "a"), isNot(x, "a"), "false"},
		{is(x, "a"), isNot(x, "b"), "?"},
		{isNot(x, "a"), is(x, "b"), "true"},
		{isNot(x, "a"), is(x, "a"), "false"},
		{is(x, "a"), negation(is(x, "b")), "?"},
		{is(x, "a"), is(y, "b"), "?"},
		{is(x, "a"), both(y, is(x, "b")), "false"},
		{both(x, y), both(y, x), "true"},
		{op(pos, "||", x, y), y, "true"},
		{op(pos, "||", x, y), negation(op(pos, "||", x, y)), "false"},
		{x, negation(op(pos, "||", x, y)), "false"},
		{x, op(pos, "||", x, y), "?"},
		{secret, secret, "true"},
		{secret, unknownExpr(pos, "computed"), "?"},
	} {
		got := "?"
		if truthy, known := c.e.under(c.when); known {
			got = strconv.FormatBool(truthy)
		}
		if got != c.want {
			t.Errorf("%s where %s is %s, want %s", c.e, c.when, got, c.want)
		}
	}
}

//
//nolint:dupword // Elixir ends what it ends
func TestSupervision(t *testing.T) {
	for src, want := range map[string]string{
		`[A.Repo, {B, x: 1}, C]`: "A.Repo, B [x: 1], C",
		`[A, {B, []}] ++ [C]`:    "A, B [], C",
		`[A | [B]]`:              "A, B",
		`[A] ++ if(System.get_env("X"), do: [B], else: [C])`:                                                                          "A, B when $X, C when !($X)",
		`if(System.get_env("X") == "1", do: [A, B], else: [A])`:                                                                       `A when ==($X, "1"), B when ==($X, "1"), A when !(==($X, "1"))`,
		`Enum.reject([A, if(System.get_env("X"), do: B), nil], &is_nil/1)`:                                                            "A, B when $X",
		`[A, System.get_env("X") && B] |> Enum.filter(& &1)`:                                                                          "A, B when $X",
		`List.flatten([A, [B, [C]]])`:                                                                                                 "A, B, C",
		`[Supervisor.child_spec({Task, 1}, id: :a), B.child_spec([])]`:                                                                "Task 1, B []",
		`[%{id: A, start: {A, :start_link, [[x: 1]]}}, %{id: 1, start: {:pg, :start_link, []}}]`:                                      "A [x: 1], :pg",
		`[Supervisor.child_spec({A, x: 1}, shutdown: 60_000), %{start: {B, :start_link, []}, shutdown: :infinity}, {C, shutdown: 1}]`: "A [x: 1] stops in 60000, B stops in :infinity, C [shutdown: 1] stops in 1",
		`[if(System.get_env("X"), do: Supervisor.child_spec(A, id: :a)), pick()]`:                                                     "A when $X, ",
		`[worker(A, [1]), supervisor(B, [])]`:                                                                                         "A [1], B []",
		`[A] ++ Other.children()`:                                                                                                     "A; unclear",
		`[A, Other.child()]`:                                                                                                          "A, ",
		`Other.children()`:                                                                                                            "; unclear",
		`if(Mix.env() == :test, do: [A], else: [B])`:                                                                                  "B",
		`for x <- [1], do: {A, x}`:                                                                                                    "; unclear",
		`extra()`:                                                                                                                     "Extra",
		`taking([A, 1], {B, 2})`:                                                                                                      "B 2, A, ",
		`by(:a)`:                                                                                                                      "OfA",
		`by(:b) ++ [C]`:                                                                                                               "OfOthers, C",
		`by(Mix.env())`:                                                                                                               "OfOthers",
		`System.get_env("X") |> by()`:                                                                                                 `OfA when ==($X, :a), OfOthers when !(==($X, :a))`,
		`guarded(1)`:                                                                                                                  "Guarded when ?, Free when !(?)",
		`same(1, 2)`:                                                                                                                  "Same when ?, Other when !(?)",
		`defaults(1)`:                                                                                                                 "; unclear",
		`defaults(1, [D])`:                                                                                                            "D",
		`round([A])`:                                                                                                                  "; unclear",
		`saved([A])`:                                                                                                                  "; unclear",
		`A.Application.by(:a)`:                                                                                                        "OfA",
		`missing(1)`:                                                                                                                  "; unclear",
	} {
		text := strings.TrimSuffix(application("", src), "end\n") + `
  defp extra, do: [Extra]
  defp taking(some, one), do: [one | some]
  def by(:a), do: [OfA]
  def by(_other), do: [OfOthers]
  defp guarded(x) when x > 0, do: [Guarded]
  defp guarded(_), do: [Free]
  defp same(x, x), do: [Same]
  defp same(_, _), do: [Other]
  defp defaults(a, b \\ [C])
  defp defaults(_a, b), do: b
  defp round(x), do: round(x) ++ round(x)
  defp saved(x) do
    x
  rescue
    _ -> []
  end
end
`
		p := read(t, "mix.exs", "", "lib/a/application.ex", text)
		if len(p.Supervisors) != 1 || !p.Supervisors[0].Application {
			t.Errorf("%s: %+v", src, p.Supervisors)
			continue
		}
		var all []string
		for _, c := range p.Supervisors[0].Children {
			s := c.Module
			if !c.Options.Absent() {
				s += " " + c.Options.String()
			}
			if !c.Stops.Absent() {
				s += " stops in " + c.Stops.String()
			}
			if c.Conditional() {
				s += " when " + c.When.String()
			}
			all = append(all, s)
		}
		got := strings.Join(all, ", ")
		if p.Supervisors[0].Unclear != "" {
			got += "; unclear"
		}
		if got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", src, got, want)
		}
	}
}

func TestDNSCluster(t *testing.T) {
	for children, want := range map[string]string{
		`[{DNSCluster, query: "a.internal"}]`:                                            `"a.internal" -`,
		`[{DNSCluster, query: Application.get_env(:a, :dns_cluster_query) || :ignore}]`:  `||($DNS_CLUSTER_QUERY, :ignore) -`,
		`[{DNSCluster, query: System.get_env("Q"), resource_types: [:srv], log: :info}]`: `$Q [:srv]`,
		`[{DNSCluster, query: Application.get_env(:a, :other) || :ignore}]`:              `:ignore -`,
		`[{DNSCluster, query: ["a", {"b", "c"}]}]`:                                       `["a", {"b", "c"}] -`,
		`[{DNSCluster, options()}]`:                                                      `? ?`,
		`[A]`:                                                                            ``,
	} {
		p := read(t, "mix.exs", "", "config/runtime.exs", "import Config\nconfig :a, dns_cluster_query: System.get_env(\"DNS_CLUSTER_QUERY\")\n", "lib/a/application.ex", application("", children))
		got := ""
		for _, d := range p.DNSClusters {
			got = d.Query.String() + " " + d.ResourceTypes.String()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", children, got, want)
		}
	}
}

// What may stand in a file that was not read is not known, rather than absent.
func TestSettingsThatAreNotRead(t *testing.T) {
	for name, c := range map[string]struct{ config, want string }{
		"read whole":                  {"config :a, x: 1", "1 -"},
		"a file that is missing":      {"config :a, x: 1\nimport_config \"secret.exs\"", "1 ?"},
		"a file by a computed name":   {"config :a, x: 1\nimport_config System.get_env(\"FILE\")", "1 ?"},
		"an app that is computed":     {"config :a, x: 1\nconfig app(), y: 1", "1 ?"},
		"what is computed":            {"config :a, x: 1\nconfig :a, settings()", "1 ?"},
		"by a function":               {"config :a, x: 1\nA.configure()", "1 ?"},
		"by a function in passing":    {"config :a, x: 1, z: A.value()\nLogger.info(\"x\")", "1 -"},
		"by a function, if":           {"config :a, x: 1\nif config_env() == :prod, do: A.configure()", "1 ?"},
		"of another app, computed":    {"config :a, x: 1\nconfig :b, settings()", "1 -"},
		"for each":                    {"for k <- [:x, :y], do: config(:a, k, 2)", "2 2"},
		"for each of a computed list": {"for k <- keys(), do: config(:a, k, 2)", "? ?"},
		"for development":             {"config :a, x: 1\nif config_env() == :dev, do: import_config(\"secret.exs\")", "1 -"},
		"of another application":      {"config :b, x: 1", "- -"},
		"not Elixir":                  {"config :a, x: 1\nconfig :a, y: [1", "? ?"},
	} {
		p := read(t, "mix.exs", "", "config/config.exs", "import Config\n"+c.config+"\n")
		if got := p.Setting("a", "x").String() + " " + p.Setting("a", "y").String(); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

// The environment of the build is not that of the node.
func TestReadsByPhase(t *testing.T) {
	p := read(t, "mix.exs", "", "config/config.exs", `import Config
config :a, built: System.get_env("B", "b")`, "config/runtime.exs", `import Config
config :a, booted: System.get_env("B", "b")`, "lib/a.ex", `defmodule A do
  @built System.get_env("C")
  def run, do: System.fetch_env!("D")
end`)
	var got []string
	for _, r := range p.Reads {
		got = append(got, r.Name+" "+r.Phase.String()+" "+r.At.File)
	}
	if d := cmp.Diff([]string{"B at boot config/runtime.exs", "B when it is built config/config.exs", "C when it is built lib/a.ex", "D while it runs lib/a.ex"}, got); d != "" {
		t.Error(d)
	}
	env := func(string) EnvValue { return EnvValue{Value: "set", Set: true} }
	if v := p.Setting("a", "built").Eval(env); v.Kind != ExprUnknown || !strings.Contains(v.Text, "built") {
		t.Errorf("built: %s %q", v, v.Text)
	}
	if v, ok := p.Setting("a", "booted").Eval(env).AsText(); !ok || v != "set" {
		t.Errorf("booted: %q", v)
	}
	unclear := func(string) EnvValue { return EnvValue{Unknown: "a Secret sets it"} }
	if v := p.Setting("a", "booted").Eval(unclear); v.Kind != ExprUnknown || v.Text != "a Secret sets it" {
		t.Errorf("unclear: %s %q", v, v.Text)
	}
}
