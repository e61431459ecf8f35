package scaffold_test

import (
	"strings"
	"testing"
	"testing/fstest"

	k8syaml "sigs.k8s.io/yaml"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/scaffold"
)

// made generates the files of a project of name and content in turn, and gives them and the notes.
func made(t *testing.T, o scaffold.Options, files ...string) (map[string]string, string) {
	t.Helper()
	tree := fstest.MapFS{}
	for i := 0; i+1 < len(files); i += 2 {
		tree[files[i]] = &fstest.MapFile{Data: []byte(files[i+1])}
	}
	p, err := project.Read(tree)
	if err != nil {
		t.Fatal(err)
	}
	r, err := scaffold.Generate(p, o)
	if err != nil {
		t.Fatal(err)
	}
	got, notes := map[string]string{}, ""
	for _, f := range r.Files {
		got[f.Path] = string(f.Content)
	}
	for _, n := range r.Notes {
		notes += n.String() + "\n"
	}
	return got, notes
}

func app(t *testing.T, files map[string]string) v1alpha1.BeamAppSpec {
	t.Helper()
	var a v1alpha1.BeamApp
	if err := k8syaml.UnmarshalStrict([]byte(files["phial.yaml"]), &a); err != nil {
		t.Fatalf("%v\n%s", err, files["phial.yaml"])
	}
	return a.Spec
}

func TestDiscovery(t *testing.T) {
	topology := func(strategies ...string) string {
		s := "config :libcluster, topologies: ["
		for _, name := range strategies {
			s += "x: [strategy: " + name + "],"
		}
		return s + "]"
	}
	const lib = `{:libcluster, "~> 3.3"}`
	for name, c := range map[string]struct {
		deps, config, code string
		options            scaffold.Options
		want               string // type discovery identity
		note               string // part of it
	}{
		"nothing":            {want: "Clustered Phial", note: "nothing says whether replicas need one another"},
		"pg":                 {code: ":pg.start_link()", want: "Clustered Phial"},
		"dns_cluster":        {deps: `{:dns_cluster, "~> 0.1"}`, want: "Clustered DNSCluster", note: "does not read DNS_CLUSTER_QUERY"},
		"dns_cluster, read":  {deps: `{:dns_cluster, "~> 0.1"}`, config: `System.get_env("DNS_CLUSTER_QUERY")`, want: "Clustered DNSCluster"},
		"DNS":                {deps: lib, config: topology("Cluster.Strategy.Kubernetes.DNS"), want: "Clustered LibclusterDNS", note: `service "a-headless" and application_name "a"`},
		"DNSSRV":             {deps: lib, config: topology("Cluster.Strategy.Kubernetes.DNSSRV"), want: "Clustered LibclusterDNSSRV Stable", note: `service "a-headless"`},
		"API":                {deps: lib, config: topology("Cluster.Strategy.Kubernetes"), want: "Clustered LibclusterKubernetes", note: "mode :ip"},
		"API, Mnesia":        {deps: lib, config: topology("Cluster.Strategy.Kubernetes"), code: ":mnesia.start()", want: "Clustered LibclusterKubernetes Stable", note: "mode :hostname"},
		"DNSPoll":            {deps: lib, config: topology("Cluster.Strategy.DNSPoll"), want: "Clustered LibclusterDNS", note: `query "a-headless"`},
		"gossip":             {deps: lib, config: topology("Cluster.Strategy.Gossip"), want: "Clustered Phial", note: "finds nobody on Kubernetes"},
		"gossip and DNS":     {deps: lib, config: topology("Cluster.Strategy.Gossip", "Cluster.Strategy.Kubernetes.DNS"), want: "Clustered LibclusterDNS"},
		"two":                {deps: lib, config: topology("Cluster.Strategy.Kubernetes", "Cluster.Strategy.Kubernetes.DNS"), want: "Clustered Phial", note: "could not tell which"},
		"computed":           {deps: lib, config: topology("strategy()"), want: "Clustered Phial", note: "could not tell libcluster's strategy"},
		"no strategy":        {deps: lib, want: "Clustered Phial", note: "could not tell libcluster's strategy"},
		"decided":            {deps: lib, options: scaffold.Options{Decided: "Stateless"}, want: "Stateless"},
		"advised otherwise":  {deps: `{:dns_cluster, "~> 0.1"}`, options: scaffold.Options{Advised: "Stateless"}, want: "Clustered DNSCluster", note: "phial advise says why Stateless may do: --type Stateless"},
		"advised, and given": {deps: lib, options: scaffold.Options{Type: "stateless", Advised: "Clustered"}, want: "Stateless"},
		"named by the user":  {deps: lib, options: scaffold.Options{Discovery: "libclusterdnssrv"}, want: "Clustered LibclusterDNSSRV Stable"},
		"stateless":          {deps: lib, options: scaffold.Options{Type: "stateless"}, want: "Stateless"},
		"Mnesia":             {code: ":mnesia.start()", want: "Clustered Phial Stable"},
		"ra":                 {deps: `{:ra, "~> 2.0"}`, want: "Clustered Phial Stable"},
		"Mnesia by address":  {deps: `{:dns_cluster, "~> 0.1"}`, code: ":mnesia.start()", want: "Clustered DNSCluster", note: "wants identity Stable (NAM-14), and cannot have it"},
		"Partisan":           {deps: `{:partisan, "~> 5.0"}`, want: "Clustered Phial", note: "Partisan makes links of its own"},
		"libcluster and dns": {deps: lib + `, {:dns_cluster, "~> 0.1"}`, config: topology("Cluster.Strategy.Kubernetes.DNS"), want: "Clustered LibclusterDNS"},
	} {
		t.Run(name, func(t *testing.T) {
			files, notes := made(t, c.options, "mix.exs", `def project, do: [app: :a, version: "1.0.0", deps: [`+c.deps+`]]`, "config/runtime.exs", c.config, "lib/a.ex", c.code)
			s := app(t, files)
			got := string(s.Type)
			if s.Clustered != nil {
				got = strings.TrimSpace(got + " " + string(s.Clustered.Discovery) + " " + string(s.Clustered.Identity))
				identity := beam.IdentityAddress
				if s.Clustered.Identity != "" {
					identity = beam.Identity(s.Clustered.Identity)
				}
				if ok, why := beam.Pair(beam.Discovery(s.Clustered.Discovery), identity); !ok {
					t.Error(why)
				}
			}
			if got != c.want {
				t.Errorf("got %s, want %s:\n%s", got, c.want, files["phial.yaml"])
			}
			if !strings.Contains(notes, c.note) {
				t.Errorf("no note %q among\n%s", c.note, notes)
			}
		})
	}
}

// Of names that stand there and are right nothing is said.
func TestLibclusterAgrees(t *testing.T) {
	const labels = "app.kubernetes.io/name=my-shop,app.kubernetes.io/component=node"
	for name, c := range map[string]struct {
		strategy, config, code string
		silent                 bool
	}{
		"right":                {"Kubernetes.DNS", `service: "my-shop-headless", application_name: "my_shop"`, "", true},
		"right, SRV":           {"Kubernetes.DNSSRV", `service: "my-shop-headless", namespace: ns, application_name: "my_shop"`, "", true},
		"another service":      {"Kubernetes.DNS", `service: "my-shop", application_name: "my_shop"`, "", false},
		"another app":          {"Kubernetes.DNS", `service: "my-shop-headless", application_name: "shop"`, "", false},
		"computed":             {"Kubernetes.DNS", `service: System.get_env("S"), application_name: "my_shop"`, "", false},
		"interpolated":         {"Kubernetes.DNS", `service: "my-shop-headless", application_name: "#{x}my_shop"`, "", false},
		"nothing":              {"Kubernetes.DNS", ``, "", false},
		"query":                {"DNSPoll", `query: "my-shop-headless.default.svc.cluster.local", node_basename: "my_shop"`, "", true},
		"query, no namespace":  {"DNSPoll", `query: "my-shop-headless", node_basename: "my_shop"`, "", false},
		"API":                  {"Kubernetes", `kubernetes_selector: "` + labels + `", kubernetes_node_basename: "my_shop", kubernetes_ip_lookup_mode: :pods`, "", true},
		"API, mode":            {"Kubernetes", `mode: :ip, kubernetes_selector: "` + labels + `", kubernetes_node_basename: "my_shop", kubernetes_ip_lookup_mode: :pods`, "", true},
		"API, endpoints":       {"Kubernetes", `kubernetes_selector: "` + labels + `", kubernetes_node_basename: "my_shop"`, "", false},
		"API, mode computed":   {"Kubernetes", `mode: m, kubernetes_selector: "` + labels + `", kubernetes_node_basename: "my_shop", kubernetes_ip_lookup_mode: :pods`, "", false},
		"API by address, kept": {"Kubernetes", `kubernetes_selector: "` + labels + `", kubernetes_node_basename: "my_shop", kubernetes_ip_lookup_mode: :pods`, ":mnesia.start()", false},
		"API by host name, kept": {"Kubernetes", `mode: :hostname, kubernetes_service_name: "my-shop-headless", kubernetes_selector: "` + labels +
			`", kubernetes_node_basename: "my_shop", kubernetes_ip_lookup_mode: :pods`, ":mnesia.start()", true},
	} {
		t.Run(name, func(t *testing.T) {
			_, notes := made(t, scaffold.Options{}, "mix.exs", `def project, do: [app: :my_shop, version: "1.0.0", deps: [libcluster: "~> 3.3"]]`, "lib/a.ex", c.code,
				"config/runtime.exs", "config :libcluster, topologies: [k: [strategy: Cluster.Strategy."+c.strategy+", config: ["+c.config+"]]]")
			if strings.Contains(notes, "libcluster has to be told") == c.silent {
				t.Errorf("silent should be %v:\n%s", c.silent, notes)
			}
		})
	}
}

// The migration that may come is named after the application that has the database.
func TestMigratorToBe(t *testing.T) {
	const ecto = `deps: [ecto_sql: "~> 3.10"]`
	for name, c := range map[string]struct {
		files      []string
		file, want string
	}{
		"by the app":     {[]string{"mix.exs", `def project, do: [app: :my_shop, ` + ecto + `]`}, "lib/my_shop/release.ex", "MyShop.Release.migrate()"},
		"by the module":  {[]string{"mix.exs", "defmodule MyAPI.MixProject do\ndef project, do: [app: :my_api, " + ecto + "]\nend"}, "lib/my_api/release.ex", "MyAPI.Release.migrate()"},
		"of an umbrella": {[]string{"mix.exs", "defmodule All.MixProject do\ndef project, do: [apps_path: \"apps\", releases: [all: []]]\nend", "apps/db/mix.exs", "defmodule DB.MixProject do\ndef project, do: [app: :db, " + ecto + "]\nend"}, "apps/db/lib/db/release.ex", "DB.Release.migrate()"},
	} {
		t.Run(name, func(t *testing.T) {
			files, notes := made(t, scaffold.Options{}, c.files...)
			if text := files["phial.yaml"]; !strings.Contains(text, "# Once "+c.file+" has migrate/0") || !strings.Contains(text, `"`+c.want+`"`) || !strings.Contains(notes, "no "+c.file+" with") {
				t.Errorf("not %s in %s:\n%s\n%s", c.want, c.file, text, notes)
			}
		})
	}
}

func TestPorts(t *testing.T) {
	for name, c := range map[string]struct {
		deps, config string
		want         int32 // 0: no HTTP
		note         string
	}{
		"none":             {},
		"told":             {config: `System.get_env("PORT") || "8080"`, want: 8080},
		"told, no default": {config: `System.fetch_env!("PORT")`, want: 4000},
		"fixed":            {config: `config :a, Web, http: [port: 5000]`, want: 5000, note: "the port is fixed"},
		"assumed":          {deps: `{:bandit, "~> 1.0"}`, want: 4000, note: "bandit is there, and nothing says on which port"},
		"another's":        {config: `System.get_env("PORT", "9100")`, want: 9100, note: "config/runtime.exs:1:24: port 9100 is one that nodes or Phial's agent need"},
		"the agent's":      {config: `System.get_env("PORT", "9110")`, want: 9110, note: "port 9110 is one that"},
		"privileged":       {config: `System.get_env("PORT", "80")`, want: 4000},
	} {
		t.Run(name, func(t *testing.T) {
			files, notes := made(t, scaffold.Options{}, "mix.exs", `def project, do: [app: :a, version: "1.0.0", deps: [`+c.deps+`]]`, "config/runtime.exs", c.config)
			var got int32
			if http := app(t, files).HTTP; http != nil {
				got = http.Port
			}
			if got != c.want || !strings.Contains(notes, c.note) {
				t.Errorf("port %d, want %d, and a note %q of\n%s", got, c.want, c.note, notes)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for name, c := range map[string]struct {
		tools, requirement, base string
		want                     string // elixir otp system
		note                     string // part of it; "-" for none
	}{
		"nothing":               {want: "1.18.4 27.3.4.2 bookworm-20250811-slim", note: "assumed Elixir 1.18.4 on OTP 27.3.4.2"},
		"pinned":                {tools: "elixir 1.18.4-otp-27\nerlang 27.3.4.2", want: "1.18.4 27.3.4.2 bookworm-20250811-slim", note: "-"},
		"pinned, Alpine":        {tools: "elixir 1.19.4\nerlang 28.2", base: "alpine", want: "1.19.4 28.2 3.22.2", note: "-"},
		"pinned, not published": {tools: "elixir 1.18.3\nerlang 27.2", want: "1.18.3 27.2 bookworm-20250811-slim", note: "could not tell whether hexpm/elixir:1.18.3-erlang-27.2-debian-bookworm-20250811-slim was published"},
		"only OTP's generation": {tools: "erlang 28", want: "1.19.4 28.2 trixie-20251208-slim", note: "assumed"},
		"only Elixir":           {tools: "elixir 1.17", want: "1.17.3 27.1.2 bookworm-20241016-slim", note: "assumed"},
		"a branch":              {tools: "elixir main-otp-27\nerlang ref:master", want: "1.18.4 27.3.4.2 bookworm-20250811-slim", note: "assumed"},
		"required, older":       {requirement: "~> 1.15.0", want: "1.15.7 26.1.2 bookworm-20231009-slim", note: "assumed"},
		"required, newer":       {requirement: "~> 1.19", want: "1.19.4 28.2 trixie-20251208-slim", note: "assumed"},
		"required, newest":      {requirement: ">= 1.20.0", want: "1.20.3 29.0.5 trixie-20260803-slim", note: "assumed"},
		"required, either":      {requirement: "~> 1.17.0 or ~> 1.16.0", want: "1.17.3 27.1.2 bookworm-20241016-slim", note: "assumed"},
		"required, range":       {requirement: ">= 1.14.0 and < 1.17.0", want: "1.16.3 26.2.5 bookworm-20240513-slim", note: "assumed"},
		"required, not known":   {requirement: "~> 1.99", want: "1.18.4 27.3.4.2 bookworm-20250811-slim", note: `no image known for elixir: "~> 1.99"`},
		"requirement is odd":    {requirement: "whatever", want: "1.18.4 27.3.4.2 bookworm-20250811-slim", note: "assumed"},
	} {
		t.Run(name, func(t *testing.T) {
			files, notes := made(t, scaffold.Options{Base: c.base}, "mix.exs", `def project, do: [app: :a, version: "1.0.0", elixir: "`+c.requirement+`"]`, ".tool-versions", c.tools)
			var got []string
			for line := range strings.Lines(files["Dockerfile"]) {
				if v, ok := strings.CutPrefix(line, "ARG "); ok {
					_, v, _ = strings.Cut(strings.TrimSpace(v), "=")
					got = append(got, v)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("got %v, want %s", got, c.want)
			}
			if c.note == "-" && strings.Contains(notes, "Elixir") || c.note != "-" && !strings.Contains(notes, c.note) {
				t.Errorf("want a note %q of\n%s", c.note, notes)
			}
		})
	}
}

// An image's name that something there gives already is taken over, without its tag.
func TestImageThatIsThere(t *testing.T) {
	const workflow = "jobs:\n  image:\n    steps:\n    - run: |\n        docker build -t %s .\n        docker push %s\n"
	ci := func(image string) string { return strings.ReplaceAll(workflow, "%s", image) }
	for name, c := range map[string]struct {
		options   scaffold.Options
		ci        string
		want, why string
	}{
		"none":                    {want: "a:1.0.0"},
		"of manifests":            {options: scaffold.Options{Found: "registry.example.com/acme/a", FoundAt: project.Pos{File: "k8s/a.yaml", Line: 3}}, want: "registry.example.com/acme/a:1.0.0", why: "# The name is from k8s/a.yaml"},
		"of the pipeline":         {ci: ci("registry.example.com:5000/acme/a:$CI_COMMIT_SHA"), want: "registry.example.com:5000/acme/a:1.0.0", why: "# The name is from .github/workflows/ci.yml"},
		"that is computed":        {ci: ci("$REGISTRY/a:1"), want: "a:1.0.0"},
		"of manifests, in braces": {options: scaffold.Options{Found: "{{ .Values.image }}"}, want: "a:1.0.0"},
		"that is given":           {options: scaffold.Options{Image: "b", Found: "registry.example.com/acme/a"}, want: "b:1.0.0"},
		"without a registry":      {options: scaffold.Options{Found: "shop"}, want: "a:1.0.0"},
	} {
		t.Run(name, func(t *testing.T) {
			files, _ := made(t, c.options, "mix.exs", `def project, do: [app: :a, version: "1.0.0"]`, ".github/workflows/ci.yml", c.ci)
			if got := app(t, files).Image; got != c.want || !strings.Contains(files["phial.yaml"], c.why) || c.why == "" && strings.Contains(files["phial.yaml"], "The name is from") {
				t.Errorf("%s, want %s, and %q in\n%s", got, c.want, c.why, files["phial.yaml"])
			}
		})
	}
}
