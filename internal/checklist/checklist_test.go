package checklist

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
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

// What the files of a project say.
func TestFiles(t *testing.T) {
	for _, c := range []struct {
		name, line string
		files      map[string]string
		state      State
		want       string // in the text of the line
	}{
		{"release by default", "release", with(), Passed, "mix's default release"},
		{"releases that are computed", "release", with("mix.exs", computedMix), NotKnown, "mix.exs:3:61: the releases are computed"},
		{"an umbrella without", "release", with("mix.exs", umbrellaMix), Failed, "an umbrella without releases"},
		{"a library", "release", with("mix.exs", libraryMix), Failed, "nothing starts"},
		{"nobody starts the endpoint", "release", with("mix.exs", phoenixMix, "config/runtime.exs", "import Config\n"), Failed, "mix.exs:3:58: nothing starts Phoenix's endpoint"},
		{"PHX_SERVER", "release", with("mix.exs", phoenixMix, "config/runtime.exs", runtime4000), Passed, "config/runtime.exs:2:4: the endpoint is started"},
		{"no runtime.exs", "release", with("mix.exs", phoenixMix), Failed, "config/runtime.exs: not there"},
		{"read when it is built", "release", with("config/prod.exs", "import Config\nconfig :shop, url: System.get_env(\"DATABASE_URL\")\n", "config/config.exs", "import Config\nimport_config \"prod.exs\"\n"), Failed, "DATABASE_URL is read when the release is built"},

		{"no Dockerfile", "image", with(), NotKnown, "phial build makes the image"},
		{"a good Dockerfile", "image", with("Dockerfile", docker, ".dockerignore", "_build\n"), NotKnown, "passed: Dockerfile:3:1: 2 stages\npassed: Dockerfile:1:1: bases are pinned\npassed: .dockerignore"},
		{"one stage", "image", with("Dockerfile", "FROM elixir:1.18.4\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: one stage"},
		{"a base that moves", "image", with("Dockerfile", "FROM elixir:1.18 AS b\nFROM debian:latest\n", ".dockerignore", ""), Failed, "Dockerfile:2:1: base debian:latest is another one tomorrow"},
		{"a base without a tag", "image", with("Dockerfile", "FROM elixir AS b\nFROM alpine:3.20\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: base elixir is another"},
		{"a base from an argument", "image", with("Dockerfile", "ARG V=1.18.4\nFROM elixir:${V} AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "bases are pinned"},
		{"an argument with a default of its own", "image", with("Dockerfile", "FROM elixir:${V:-1.18.4} AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "bases are pinned"},
		{"an argument without a default", "image", with("Dockerfile", "ARG V\nFROM elixir:$V AS b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "base elixir:$V is only known"},
		{"an argument that is empty", "image", with("Dockerfile", "ARG A=\nfrom $A as b\nFROM alpine:3.20\n", ".dockerignore", ""), NotKnown, "Dockerfile:2:1: base $A is only known"},
		{"a stage that begins with another", "image", with("Dockerfile", "FROM elixir:1.18.4 AS deps\n  FROM DEPS\n", ".dockerignore", ""), NotKnown, "passed: Dockerfile:2:3: 2 stages\npassed: Dockerfile:1:1: bases are pinned"},
		{"a line that goes on", "image", with("Dockerfile", "FROM \\\n  elixir AS b\nFROM alpine:3.20\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: base elixir is another"},
		{"a FROM in a heredoc", "image", with("Dockerfile", "FROM elixir:1.18.4\nRUN <<E\nFROM debian\nE\n", ".dockerignore", ""), Failed, "Dockerfile:1:1: one stage"},
		{"a Dockerfile that is broken", "image", with("Dockerfile", "FROM a:1\nRUN <<E\nnever\n"), NotKnown, "not known: Dockerfile:2: could not be read: "},
		{"a Dockerfile that is empty", "image", with("Dockerfile", ""), NotKnown, "could not be read: "},
		{"a Dockerfile of another name", "image", with("Dockerfile.dev", "FROM elixir\n"), NotKnown, "no Dockerfile: phial build"},
		{"no .dockerignore", "image", with("Dockerfile", docker), Failed, ".dockerignore: not there"},
		{"no lock", "image", with("mix.exs", phoenixMix), Failed, "mix.lock: not there"},
		{"a lock", "image", with("mix.exs", phoenixMix, "mix.lock", "%{}\n"), NotKnown, "was not tried"},

		{"nothing is decided", "clustering", with(), NotKnown, "nothing says whether"},
		{"nothing connects Horde", "clustering", with("mix.exs", hordeMix), NotKnown, "horde among the dependencies, and nothing seen connects nodes"},

		{"no CI, no repository", "ci", with(), NotKnown, "no .git here"},
		{"no CI", "ci", with(".git/HEAD", "ref: refs/heads/main\n", ".git/config", ""), Failed, "no workflow"},
		{"CI of another kind", "ci", with("Jenkinsfile", "pipeline {}"), NotKnown, "Jenkinsfile: there, and not read here"},
		{"tests alone", "ci", with(workflows, "jobs:\n  test:\n    steps:\n    - run: mix test\n"), Failed, "builds a release or an image"},
		{"builds and pushes a commit", "ci", with(workflows, "    - run: docker build -t r/shop:${{ github.sha }} .\n    - run: docker push r/shop:${{ github.sha }}\n"), Passed, "ci.yml:1:12: builds: docker build"},
		{"pushes latest", "ci", with(workflows, "    - run: docker build -t r/shop:latest .\n    - run: docker push r/shop:latest\n"), Failed, "ci.yml:1:28: the tag is latest"},
		{"a tag that can't be told", "ci", with(workflows, "    - run: docker build -t r/shop .\n    - run: docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"an action that pushes", "ci", with(workflows, "    - uses: docker/metadata-action@v5\n    - uses: docker/build-push-action@v6\n      with:\n        push: true\n"), Passed, "ci.yml:4:9: pushes: push: true"},
		{"an action that pushes latest", "ci", with(workflows, "    - uses: docker/build-push-action@v6\n      with:\n        push: true\n        tags: r/shop:latest\n"), Failed, "ci.yml:4:9: the tag is latest"},
		{"a script of several lines", "ci", with(workflows, "    - run: |\n        # docker push r/shop:latest\n        docker build -t r/shop:$SHA .\n        docker push r/shop:$SHA # not latest\n"), Passed, "ci.yml:3:9: builds: docker build\npassed: .github/workflows/ci.yml:4:9: pushes: docker push\npassed: .github/workflows/ci.yml:3:31: tags by version or commit: :$SHA"},
		{"latest in a comment", "ci", with(workflows, "    - run: |\n        #docker tag r/shop r/shop:latest\n        docker build . # -t r/shop:latest\n        docker push r/shop\n"), NotKnown, "ci.yml:4:9: could not tell whether the tag"},
		{"an image that a variable names", "ci", with(workflows, "    - env: {IMAGE: \"r/shop:${{ github.sha }}\"}\n      run: docker build -t $IMAGE . && docker push $IMAGE\n"), NotKnown, "could not tell whether the tag"},
		{"a line that goes on", "ci", with(workflows, "    - run: |\n        docker buildx build \\\n          --push \\\n          -t r/shop:latest .\n"), Failed, "ci.yml:3:11: pushes: --push\nfailed: .github/workflows/ci.yml:2:9: the tag is latest"},
		{"a folded script", "ci", with(workflows, "    - run: >\n        docker push\n        r/shop:latest\n"), Failed, "ci.yml:2:1: pushes: docker push"},
		{"a step that is only called so", "ci", with(workflows, "    - name: docker build and docker push\n      run: mix test\n"), Failed, "builds a release or an image"},
		{"what is run is no name of the image", "ci", with(workflows, "    - run: docker run postgres:latest\n    - run: docker build -t r/shop . && docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"a workflow that is broken", "ci", with(workflows, "jobs: [\n"), NotKnown, "ci.yml: there, and not read here"},
		{"a workflow that includes others", "ci", with(".gitlab-ci.yml", "include: [build.yml]\n"), NotKnown, ".gitlab-ci.yml: there, and not read here"},
		{"what is commented out", "ci", with(workflows, "    # - run: docker build .\n    - run: mix test # docker push\n"), Failed, "builds a release or an image"},
		{"gitlab", "ci", with(".gitlab-ci.yml", "image:\n  script:\n  - docker build -t $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA .\n  - docker push $CI_REGISTRY_IMAGE:$CI_COMMIT_SHA\n"), Passed, ".gitlab-ci.yml:3:41: tags by version or commit: CI_COMMIT_SHA"},
		{"phial build", "ci", with(workflows, "    - run: phial build . --push registry.example.com/shop\n"), Passed, "builds: phial build"},

		{"a cookie in mix.exs", "cookie", with("mix.exs", cookieMix), Failed, "mix.exs:3:77: the release's cookie stands in mix.exs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := line(t, input(t, c.files), c.line)
			if got := say(l); l.State != c.state || !strings.Contains(got, c.want) {
				t.Errorf("want %s with %q, got:\n%s", c.state, c.want, got)
			}
			for _, s := range []string{"for-all-to-read"} {
				if strings.Contains(say(l), s) {
					t.Errorf("the cookie is shown: %s", say(l))
				}
			}
		})
	}
}

// clusterFiles are of an app whose libcluster looks up a Service.
func clusterFiles(service string) map[string]string {
	return with("mix.exs", strings.ReplaceAll(hordeMix, "horde", "libcluster"),
		"config/runtime.exs", "import Config\nconfig :libcluster,\n  topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [application_name: \"shop\", service: \""+service+"\"]]]\n")
}

func app(kind string) *App {
	return &App{Name: "shop", Clustered: kind == "Clustered", Declared: true, Identity: beam.IdentityAddress, Discovery: beam.DiscoveryPhial, Agent: true,
		Type: advise.Place{File: "phial.yaml", Line: 6, Column: 9}}
}

var somewhere = &advise.Place{File: "k8s/app.yaml", Line: 9, Column: 5}

func good(label string) Workload {
	return Workload{Label: label, At: advise.Place{File: "k8s/app.yaml", Line: 1, Column: 1}, Served: true, Meshed: true, Readiness: somewhere, Liveness: somewhere, Startup: somewhere,
		Grace: &Number{60, *somewhere}, Cookie: Cookie{Secret: "shop/cookie", At: *somewhere}}
}

// What is deployed, checked and run.
func TestDeployed(t *testing.T) {
	type change func(*Input)
	workload := func(f func(*Workload)) change {
		return func(in *Input) {
			w := good("Deployment shop")
			f(&w)
			in.Workloads = []Workload{w}
		}
	}
	both := func(all ...change) change {
		return func(in *Input) {
			for _, c := range all {
				c(in)
			}
		}
	}
	found := func(code string, counts bool) change {
		return func(in *Input) {
			in.Workloads = []Workload{good("Deployment shop")}
			in.Headless = []Service{{"Service shop", "shop", *somewhere}}
			in.Checked = &Checked{[]Found{
				{Code: "XXX-01", Counts: true, Text: "of another family", At: *somewhere},
				{Code: finding.Code(code), Counts: counts, Text: "found", At: *somewhere},
			}}
		}
	}
	for _, c := range []struct {
		name, line string
		files      map[string]string
		change     change
		state      State
		want       string
	}{
		{"stateless", "clustering", nil, func(in *Input) { in.App = app("Stateless") }, Passed, "phial.yaml:6:9: type Stateless, and nothing seen"},
		{"stateless, and Horde", "clustering", with("mix.exs", hordeMix), func(in *Input) { in.App = app("Stateless") }, Failed, "mix.exs:3:58: horde among the dependencies"},
		{"clustered", "clustering", nil, func(in *Input) { in.App = app("Clustered") }, Passed, "type Clustered, identity Address, discovery Phial"},
		{"a pair that never meets", "clustering", nil, func(in *Input) {
			in.App = app("Clustered")
			in.App.Identity, in.App.Discovery = beam.IdentityStable, beam.DiscoveryLibclusterDNS
		}, Failed, "they never meet"},
		{"no type", "clustering", nil, func(in *Input) { in.App = app("Clustered"); in.App.Declared = false }, NotKnown, "no type"},
		{"refused", "clustering", nil, func(in *Input) {
			in.App = app("Clustered")
			in.App.Refused = []Found{{Text: "spec.imgae: there is no such field", At: *somewhere}}
		}, Failed, "spec.imgae"},

		{"stateless needs no discovery", "discovery", nil, func(in *Input) { in.App = app("Stateless") }, Passed, "no discovery is wanted"},
		{"no headless Service", "discovery", nil, func(in *Input) { in.App = app("Clustered") }, Failed, "no headless Service"},
		{"agents", "discovery", nil, func(in *Input) {
			in.App = app("Clustered")
			in.Headless = []Service{{"Service shop-headless", "shop-headless", *somewhere}}
		}, Passed, "agents connect the nodes"},
		{"no agents", "discovery", nil, func(in *Input) {
			in.App = app("Clustered")
			in.App.Agent = false
			in.Headless = []Service{{"Service shop-headless", "shop-headless", *somewhere}}
		}, Failed, "nobody connects the nodes"},
		{"libcluster that is not there", "discovery", nil, func(in *Input) {
			in.App = app("Clustered")
			in.App.Discovery = beam.DiscoveryLibclusterDNS
			in.Headless = []Service{{"Service shop-headless", "shop-headless", *somewhere}}
		}, Failed, "wants libcluster among the dependencies"},
		{"nothing is deployed", "discovery", nil, func(*Input) {}, NotKnown, "no manifest"},
		{"Horde, and nobody looks", "discovery", with("mix.exs", hordeMix), found("K8S-01", true), Failed, "nothing in the project looks for peers"},
		{"what libcluster looks up", "discovery", clusterFiles("shop"), found("K8S-01", true), Passed, "config/runtime.exs:3:109: looks up shop"},
		{"what nobody is called", "discovery", clusterFiles("shopp"), found("K8S-01", true), Failed, "looks up shopp, and no headless Service"},
		{"what dns_cluster looks up", "discovery", with("mix.exs", dnsMix), both(found("K8S-01", true), func(in *Input) { in.Workloads[0].Query = "shop.prod.svc" }), Passed, "looks up shop"},
		{"what dns_cluster looks up is not seen", "discovery", with("mix.exs", dnsMix), found("K8S-01", true), NotKnown, "could not tell what it looks up"},
		{"found by check", "discovery", nil, both(func(in *Input) { in.App = app("Clustered") }, found("NAM-02", true)), Failed, "NAM-02 found"},
		{"found, and only a hint", "discovery", nil, both(func(in *Input) { in.App = app("Clustered") }, found("NAM-02", false)), Passed, "agents"},

		{"not run", "replicas", nil, func(*Input) {}, NotKnown, "not run"},
		{"one mesh", "replicas", nil, func(in *Input) {
			in.Trial = &Trial{Command: "phial checklist --run", Replicas: 3, Mesh: true, MeshText: "one full mesh"}
		}, Passed, "3 replicas, one full mesh"},
		{"islands", "replicas", nil, func(in *Input) { in.Trial = &Trial{Command: "x", Replicas: 3, MeshText: "islands"} }, Failed, "islands"},
		{"one replica is no trial", "replicas", nil, func(in *Input) { in.Trial = &Trial{Command: "x", Replicas: 1, Mesh: true} }, NotKnown, "1 replica"},
		{"could not run", "replicas", nil, func(in *Input) { in.Trial = &Trial{Command: "x", Error: "no mix"} }, NotKnown, "could not run: no mix"},

		{"nothing deployed", "probes", nil, func(*Input) {}, NotKnown, "no manifest"},
		{"all probes", "probes", nil, workload(func(*Workload) {}), Passed, "readiness"},
		{"no readiness", "probes", nil, workload(func(w *Workload) { w.Readiness = nil }), Failed, "no readiness probe"},
		{"no readiness, no Service", "probes", nil, workload(func(w *Workload) { w.Readiness, w.Served, w.Meshed = nil, false, false }), Passed, "needs no readiness"},
		{"no liveness", "probes", nil, workload(func(w *Workload) { w.Liveness = nil }), Failed, "no liveness probe"},
		{"no startup", "probes", nil, workload(func(w *Workload) { w.Startup = nil }), NotKnown, "no startup probe"},
		{"a probe that does harm", "probes", nil, found("HLT-02", true), Failed, "HLT-02 found"},

		{"nothing broken", "failures", nil, func(*Input) {}, NotKnown, "no replica was broken"},
		{"noticed", "failures", nil, func(in *Input) {
			in.Trial = &Trial{Faults: []Fault{{"phial break shop-2 kill", true, true, "started anew"}}}
		}, Passed, "started anew"},
		{"not noticed", "failures", nil, func(in *Input) {
			in.Trial = &Trial{Faults: []Fault{{"kill", true, true, "fine"}, {"freeze", false, true, "stayed in traffic"}}}
		}, Failed, "stayed in traffic"},
		{"not back", "failures", nil, func(in *Input) { in.Trial = &Trial{Faults: []Fault{{"kill", true, false, "gone"}}} }, Failed, "gone"},
		{"was broken before", "failures", nil, func(in *Input) { in.Trial = &Trial{} }, NotKnown, "not all were ready"},

		{"grace", "grace", nil, workload(func(*Workload) {}), Passed, "60 s"},
		{"no grace", "grace", nil, workload(func(w *Workload) { w.Grace = nil }), Failed, "no terminationGracePeriodSeconds"},
		{"grace of 0", "grace", nil, workload(func(w *Workload) { w.Grace = &Number{0, *somewhere} }), Failed, "killed at once"},
		{"grace found too short", "grace", nil, found("DRN-02", true), Failed, "DRN-02 found"},
		{"load", "load", nil, workload(func(*Workload) {}), NotKnown, "no load"},

		{"a Secret", "cookie", nil, workload(func(*Workload) {}), Passed, "from Secret shop/cookie"},
		{"in the manifest", "cookie", nil, workload(func(w *Workload) { w.Cookie = Cookie{Literal: true, At: *somewhere} }), Failed, "stands in the manifest"},
		{"none", "cookie", nil, workload(func(w *Workload) { w.Cookie = Cookie{} }), Failed, "no RELEASE_COOKIE"},
		{"maybe", "cookie", nil, workload(func(w *Workload) { w.Cookie = Cookie{Unseen: true} }), NotKnown, "envFrom or a file"},
		{"two Secrets", "cookie", nil, func(in *Input) {
			a, b := good("Deployment a"), good("Deployment b")
			b.Cookie.Secret = "other/cookie"
			in.Workloads = []Workload{a, b}
		}, Failed, "from shop/cookie and other/cookie"},
		{"a pipeline's own", "cookie", nil, func(in *Input) {
			a, b := good("Deployment a"), good("Deployment b")
			b.Cookie, b.Meshed = Cookie{}, false
			in.Workloads = []Workload{a, b}
		}, Passed, "Deployment a"},
		{"stateless", "cookie", nil, func(in *Input) { in.App = app("Stateless") }, Passed, "loopback"},

		{"twice the same", "image", nil, func(in *Input) { in.Builds = &Builds{Digests: []string{"sha256:a", "sha256:a"}} }, Passed, "both times"},
		{"twice, and not the same", "image", nil, func(in *Input) { in.Builds = &Builds{Digests: []string{"sha256:a", "sha256:b"}} }, Failed, "sha256:a and sha256:b"},
		{"could not be built", "image", nil, func(in *Input) { in.Builds = &Builds{Error: "no mix", Digests: []string{"sha256:a"}} }, NotKnown, "no mix"},
	} {
		t.Run(c.line+" "+c.name, func(t *testing.T) {
			files := c.files
			if files == nil {
				files = with()
			}
			in := input(t, files)
			c.change(&in)
			l := line(t, in, c.line)
			if got := say(l); l.State != c.state || !strings.Contains(got, c.want) {
				t.Errorf("want %s with %q, got:\n%s", c.state, c.want, got)
			}
		})
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

// What is said of CI stands where it is said to.
func FuzzCI(f *testing.F) {
	f.Add("- run: docker build -t a:latest . && docker push a:latest\n")
	f.Add("- run: |\n    # docker push\n    docker build \\\n      --push -t a:latest . # phial build\n")
	f.Add("a:\n  script: >\n    mix release\n    docker push a:${{ github.sha }}\n")
	f.Add("- uses: docker/build-push-action@v6\n  with: {push: true, tags: \"a:latest\\nb:$SHA\"}\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := project.Read(fstest.MapFS{"mix.exs": &fstest.MapFile{Data: []byte(plainMix)}, workflows: &fstest.MapFile{Data: []byte(text)}})
		if err != nil {
			t.Fatal(err)
		}
		w := pipelinesOf(p)
		lines := strings.Split(text, "\n")
		for _, s := range slices.Concat(w.builds, w.pushes, w.versioned, w.latest) {
			if s.at.File != workflows || s.at.Line < 1 || s.at.Col < 1 || s.at.Line > len(lines) || s.at.Col > len(lines[s.at.Line-1])+1 {
				t.Errorf("%+v of %q", s, text)
			}
		}
	})
}
