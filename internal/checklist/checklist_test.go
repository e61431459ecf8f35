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
		{"an action, as it is written", "ci", with(workflows, "    - uses: docker/build-push-action@263435318d21b8e681c14492fe198d362a7d2c83\n"), Failed, "builds: docker/build-push-action@263435318d21b8e681c14492fe198d362a7d2c83\n"},
		{"an action of a version", "ci", with(workflows, "    - uses: docker/bake-action@v6.1\n"), Failed, "builds: docker/bake-action@v6.1\n"},
		{"an action that pushes latest", "ci", with(workflows, "    - uses: docker/build-push-action@v6\n      with:\n        push: true\n        tags: r/shop:latest\n"), Failed, "ci.yml:4:9: the tag is latest"},
		{"a script of several lines", "ci", with(workflows, "    - run: |\n        # docker push r/shop:latest\n        docker build -t r/shop:$SHA .\n        docker push r/shop:$SHA # not latest\n"), Passed, "ci.yml:3:9: builds: docker build\npassed: .github/workflows/ci.yml:4:9: pushes: docker push\npassed: .github/workflows/ci.yml:3:31: tags by version or commit: :$SHA"},
		{"latest in a comment", "ci", with(workflows, "    - run: |\n        #docker tag r/shop r/shop:latest\n        docker build . # -t r/shop:latest\n        docker push r/shop\n"), NotKnown, "ci.yml:4:9: could not tell whether the tag"},
		{"an image that a variable names", "ci", with(workflows, "    - env: {IMAGE: \"r/shop:${{ github.sha }}\"}\n      run: docker build -t $IMAGE . && docker push $IMAGE\n"), Passed, "ci.yml:2:28: tags by version or commit: r/shop:${{ github.sha }}"},
		{"an image that the workflow names", "ci", with(workflows, "env: {IMAGE: \"r/shop:latest\"}\njobs: {a: {steps: [{run: docker build -t $IMAGE . && docker push $IMAGE}]}}\n"), Failed, "the tag is latest"},
		{"a commit that names no image", "ci", with(workflows, "    - run: echo ${{ github.sha }}\n    - run: docker build -t r/shop . && docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"a commit that is given to a target", "ci", with(workflows, "    - run: docker build . && make push TAG=${{ github.sha }}\n    - run: docker push r/shop\n"), Passed, "tags by version or commit: github.sha"},
		{"a commit that git tells", "ci", with(workflows, "    - run: docker build -t r/shop:$(git rev-parse HEAD) . && docker push r/shop:$(git rev-parse HEAD)\n"), Passed, "tags by version or commit"},
		{"buildah and skopeo", "ci", with(workflows, "    - run: buildah bud -t shop .\n    - run: skopeo copy containers-storage:shop docker://r/shop:$GITHUB_SHA\n"), Passed, "ci.yml:2:12: pushes: skopeo copy"},
		{"buildah, latest", "ci", with(workflows, "    - run: buildah bud -t shop .\n    - run: buildah push shop docker://r/shop:latest\n"), Failed, "the tag is latest"},
		{"one that is broken beside a good one", "ci", with(workflows, "    - run: docker build -t r/shop:$SHA . && docker push r/shop:$SHA\n", ".github/workflows/other.yml", "jobs: [\n"), NotKnown, "other.yml:1: could not be read: it is no YAML"},
		{"one that is broken beside tests", "ci", with(workflows, "    - run: mix test\n", ".github/workflows/other.yml", "jobs: [\n"), NotKnown, "other.yml:1: could not be read: it is no YAML"},
		{"a line that goes on", "ci", with(workflows, "    - run: |\n        docker buildx build \\\n          --push \\\n          -t r/shop:latest .\n"), Failed, "ci.yml:3:11: pushes: --push\nfailed: .github/workflows/ci.yml:2:9: the tag is latest"},
		{"a folded script", "ci", with(workflows, "    - run: >\n        docker push\n        r/shop:latest\n"), Failed, "ci.yml:2:1: pushes: docker push"},
		{"a step that is only called so", "ci", with(workflows, "    - name: docker build and docker push\n      run: mix test\n"), Failed, "builds a release or an image"},
		{"what is run is no name of the image", "ci", with(workflows, "    - run: docker run postgres:latest\n    - run: docker build -t r/shop . && docker push r/shop\n"), NotKnown, "could not tell whether the tag"},
		{"a workflow that is broken", "ci", with(workflows, "jobs: [\n"), NotKnown, "ci.yml:1: could not be read: it is no YAML: did not find expected node content"},
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

// branched are of an app whose libcluster looks up one Service or another.
func branched(yes, no string) map[string]string {
	files := clusterFiles(yes)
	const file = "config/runtime.exs"
	_, topology, _ := strings.Cut(files[file], "\n")
	files[file] = "import Config\nif System.get_env(\"X\") do\n" + topology + "else\n" + strings.Replace(topology, yes+"\"]", no+"\"]", 1) + "end\n"
	return files
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
	// predicted is what was worked out of one workload, its Secret left out where it is not said to have one.
	predicted := func(g Group, doubts ...string) change {
		return func(in *Input) {
			w := good("Deployment shop")
			w.Cookie = Cookie{}
			in.Workloads = []Workload{w}
			in.Headless = []Service{{"Service shop", "shop", *somewhere}}
			g.Workloads = []string{w.Label}
			in.Mesh = &Mesh{Groups: []Group{g}}
			for _, d := range doubts {
				in.Mesh.Doubts = append(in.Mesh.Doubts, Item{State: NotKnown, Text: d, At: somewhere})
			}
		}
	}
	meets := Group{Meant: "RELEASE_NODE is set", Dials: true, Islands: [][]string{{"shop-0", "shop-1"}}, Steps: []Item{{State: Passed, Text: "shop-0: looks up shop", At: somewhere}}}
	parts := Group{Meant: "RELEASE_NODE is set", Dials: true, Islands: [][]string{{"shop-0"}, {"shop-1"}}, Steps: []Item{{State: Failed, Text: "shop-0: dials shoppe", Code: "NAM-03"}}}
	idle := Group{Meant: "RELEASE_NODE is set", Islands: [][]string{{"shop-0"}, {"shop-1"}}}
	apart := Group{Islands: [][]string{{"shop-0"}, {"shop-1"}}}
	noNodes := Group{Islands: apart.Islands, NoNodes: &Item{Text: "RELEASE_DISTRIBUTION is none", At: somewhere}}
	apiOnly := meets
	apiOnly.Asks = true
	without := func(in *Input) { in.Headless = nil }
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
		{"what one of two branches looks up", "discovery", branched("shop", "local"), found("K8S-01", true), NotKnown, "looks up local where "},
		{"what both branches look up", "discovery", branched("shop", "shop"), found("K8S-01", true), Passed, "looks up shop"},
		{"what dns_cluster looks up", "discovery", with("mix.exs", dnsMix), both(found("K8S-01", true), func(in *Input) { in.Workloads[0].Query = "shop.prod.svc" }), Passed, "looks up shop"},
		{"what dns_cluster looks up is not seen", "discovery", with("mix.exs", dnsMix), found("K8S-01", true), NotKnown, "could not tell what it looks up"},
		{"found by check", "discovery", nil, both(func(in *Input) { in.App = app("Clustered") }, found("NAM-02", true)), Failed, "NAM-02 found"},
		{"found, and only a hint", "discovery", nil, both(func(in *Input) { in.App = app("Clustered") }, found("NAM-02", false)), Passed, "agents"},

		{"worked out, one mesh", "discovery", clusterFiles("shop"), predicted(meets), Passed, "k8s/app.yaml:9:5: shop-0: looks up shop\npassed: worked out: one mesh of shop-0, shop-1"},
		{"worked out, whatever can't be read", "discovery", with("mix.exs", dnsMix), predicted(meets), Passed, "worked out: one mesh"},
		{"worked out, islands", "discovery", clusterFiles("shop"), predicted(parts), Failed, "failed: NAM-03 shop-0: dials shoppe\nfailed: worked out: islands that never meet: shop-0 | shop-1"},
		{"worked out and found", "discovery", clusterFiles("shop"), both(predicted(parts), func(in *Input) {
			in.Checked = &Checked{[]Found{{Code: "NAM-03", Counts: true, Text: "found", At: *somewhere}}}
		}), Failed, "passed: k8s/app.yaml:9:5: headless Service shop\nfailed: worked out: islands that never meet: shop-0 | shop-1\nfailed: k8s/app.yaml:9:5: NAM-03 found"},
		{"worked out, with doubts", "discovery", clusterFiles("shop"), predicted(parts, "the domain"), Failed, "not known: k8s/app.yaml:9:5: whether the replicas are one mesh is not known: the domain"},
		{"worked out, and a step not known", "discovery", clusterFiles("shop"), predicted(Group{Meant: "x", Dials: true, Islands: apart.Islands, Steps: []Item{{State: NotKnown, Text: "shop-0: it depends"}}}, "it"), NotKnown, "not known: shop-0: it depends\nnot known: whether the replicas are one mesh hangs on that"},
		{"nothing that was read dials", "discovery", with("mix.exs", hordeMix), predicted(idle), NotKnown, "nothing that was read connects shop-0 | shop-1"},
		{"one replica", "discovery", nil, predicted(Group{Meant: "x", Dials: true, Islands: [][]string{{"shop-0"}}}), Passed, "one replica, shop-0"},
		{"no distribution", "discovery", nil, both(predicted(noNodes), without), Passed, "k8s/app.yaml:9:5: Deployment shop: not needed: RELEASE_DISTRIBUTION is none"},
		{"nobody says that they meet", "discovery", with("mix.exs", dnsMix, "lib/a.ex", "defmodule Shop.Application do\n  def start(_, _), do: Supervisor.start_link([{DNSCluster, query: \"shop\"}], [])\nend\n"), predicted(apart), NotKnown, "nothing says that replicas are one mesh"},
		{"the API is asked", "discovery", clusterFiles("shop"), both(predicted(apiOnly), without), Passed, "no headless Service is needed"},
		{"a Service that is needed", "discovery", clusterFiles("shop"), both(predicted(parts), without), Failed, "no headless Service lists"},
		{"a selector that is wrong", "discovery", clusterFiles("shop"), both(predicted(parts), without, func(in *Input) { in.Idle = []Service{{"Service shop", "shop", *somewhere}} }), Failed, "failed: k8s/app.yaml:9:5: headless Service shop: its selector matches no workload"},
		{"a Service that was not read", "discovery", clusterFiles("shop"), both(predicted(parts, "the Service"), without, func(in *Input) { in.Mesh.Groups[0].Steps = nil }), NotKnown, "not known: no headless Service lists the replicas"},
		{"a file that can't be read", "release", nil, found("CHK-08", true), Failed, "CHK-08 found"},
		{"what starts the endpoint can't be read", "release", with("mix.exs", phoenixMix, "config/runtime.exs", "import Config\n"), found("CHK-08", true), Failed, "not known: mix.exs:3:58: could not tell whether anything starts Phoenix's endpoint"},
		{"a variable that is missing", "release", nil, found("PHX-09", true), Failed, "PHX-09 found"},
		{"an endpoint that is not started", "release", nil, found("HLT-04", true), Failed, "HLT-04 found"},
		{"a selector that is wrong, and nothing worked out", "discovery", clusterFiles("shop"), both(found("K8S-01", true), without, func(in *Input) { in.Idle = []Service{{"Service shop", "shop", *somewhere}} }), Failed, "looks up shop, a headless Service whose selector matches no workload"},
		{"rendered without agents", "discovery", nil, both(predicted(idle), func(in *Input) { in.App = app("Clustered") }), Failed, "no agent stands beside the nodes"},
		{"rendered with agents", "discovery", nil, both(predicted(meets), func(in *Input) { in.App = app("Clustered") }), Passed, "agents connect the nodes"},

		{"no distribution", "clustering", nil, predicted(noNodes), Passed, "RELEASE_DISTRIBUTION is none: each replica is for itself"},
		{"no distribution, and Horde", "clustering", with("mix.exs", hordeMix), predicted(noNodes), Failed, "the app ties its nodes together"},
		{"set up, and nothing comes of it", "clustering", clusterFiles("shop"), predicted(apart), NotKnown, "libcluster's Kubernetes.DNS, and with these manifests it connects nobody"},
		{"set up", "clustering", clusterFiles("shop"), predicted(meets), Passed, "libcluster's Kubernetes.DNS"},

		{"not run", "replicas", nil, func(*Input) {}, NotKnown, "not run"},
		{"one mesh", "replicas", nil, func(in *Input) {
			in.Trial = &Trial{Command: "phial checklist --run", Replicas: 3, Mesh: true, MeshText: "3 of 3 ready, one full mesh"}
		}, Passed, "3 of 3 ready, one full mesh"},
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
		{"a budget is not the grace period", "grace", nil, found("DRN-04", true), Passed, "60 s"},
		{"SIGTERM that reaches nobody", "grace", nil, found("IMG-07", true), Failed, "IMG-07 found"},
		{"load", "load", nil, workload(func(*Workload) {}), NotKnown, "no load"},

		{"a Secret", "cookie", nil, workload(func(*Workload) {}), Passed, "from Secret shop/cookie"},
		{"in the manifest", "cookie", nil, workload(func(w *Workload) { w.Cookie = Cookie{Literal: true, At: *somewhere} }), Failed, "stands in the manifest"},
		{"none", "cookie", nil, workload(func(w *Workload) { w.Cookie = Cookie{} }), Failed, "no RELEASE_COOKIE"},
		{"a Secret, and in mix.exs", "cookie", with("mix.exs", cookieMix), workload(func(*Workload) {}), Passed, "mix.exs:3:77: the cookie that stands here is not used"},
		{"in mix.exs, and none", "cookie", with("mix.exs", cookieMix), workload(func(w *Workload) { w.Cookie = Cookie{} }), Failed, "mix.exs:3:77: the release's cookie stands in mix.exs"},
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
		{"no distribution", "cookie", nil, predicted(noNodes), Passed, "k8s/app.yaml:9:5: Deployment shop: not needed: RELEASE_DISTRIBUTION is none"},
		{"nothing connects", "cookie", nil, predicted(apart), Passed, "Deployment shop: not needed: nothing connects its replicas"},
		{"nothing connects, and Horde", "cookie", with("mix.exs", hordeMix), predicted(apart), Failed, "no RELEASE_COOKIE"},
		{"a mesh without", "cookie", nil, predicted(meets), Failed, "no RELEASE_COOKIE"},
		{"two Secrets of one mesh", "cookie", nil, func(in *Input) {
			a, b := good("Deployment a"), good("Deployment b")
			b.Cookie.Secret = "other/cookie"
			in.Workloads, in.Mesh = []Workload{a, b}, &Mesh{Groups: []Group{{Workloads: []string{a.Label, b.Label}, Meant: "x"}}}
		}, Failed, "from shop/cookie and other/cookie"},
		{"two Secrets of two meshes", "cookie", nil, func(in *Input) {
			a, b := good("Deployment a"), good("Deployment b")
			b.Cookie.Secret = "other/cookie"
			in.Workloads, in.Mesh = []Workload{a, b}, &Mesh{Groups: []Group{{Workloads: []string{a.Label}, Meant: "x"}, {Workloads: []string{b.Label}, Meant: "x"}}}
		}, Passed, "from Secret other/cookie"},
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

// around is a repository with a workflow at its root.
func around(t *testing.T, workflow string, names bool) *Around {
	t.Helper()
	a := &Around{Up: "../..", Down: "apps/shop", Root: input(t, with()).Project}
	if workflow != "" {
		a.Root = input(t, with(workflows, workflow)).Project
	}
	if names {
		a.Names = []string{"../../" + workflows}
	}
	return a
}

// A project below the root of its repository has its CI there.
func TestAround(t *testing.T) {
	const builds = "    - run: docker build -t r/shop:$SHA apps/shop && docker push r/shop:$SHA\n"
	for _, c := range []struct {
		name     string
		files    map[string]string
		workflow string
		names    bool
		state    State
		want     string
	}{
		{"a workflow at the root", with(), builds, true, Passed, "../../.github/workflows/ci.yml:1:12: builds: docker build"},
		{"one of others", with(), builds, false, NotKnown, "ci.yml:1:12: builds: docker build; nothing there names apps/shop"},
		{"one that pushes latest", with(), "    - run: docker build -t r/shop:latest apps/shop && docker push r/shop:latest\n", true, Failed, "../../.github/workflows/ci.yml:1:28: the tag is latest"},
		{"one that is broken", with(), "jobs: [\n", true, NotKnown, "../../.github/workflows/ci.yml:1: could not be read"},
		{"one that only tests", with(), "    - run: mix test\n", true, Failed, "no line of ../../.github/workflows/ci.yml builds"},
		{"none", with(), "", false, Failed, "no workflow of a CI service seen at the repository's root, ../.."},
		{"none but where nobody looks", with(workflows, builds), "", false, Failed, ".github/workflows/ci.yml: the repository's root is ../.., and CI services look there alone"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := input(t, c.files)
			in.Around = around(t, c.workflow, c.names)
			l := line(t, in, "ci")
			if got := say(l); l.State != c.state || !strings.Contains(got, c.want) {
				t.Errorf("want %s with %q, got:\n%s", c.state, c.want, got)
			}
			if l.State != Passed && len(l.Commands) == 0 {
				t.Error("nothing says what would settle it")
			}
		})
	}
}

// What no line is about is counted, and a command is named once.
func TestElsewhere(t *testing.T) {
	in := input(t, with())
	in.Workloads = []Workload{{Label: "Deployment shop", At: *somewhere, Served: true}}
	in.Checked = &Checked{}
	for _, code := range []finding.Code{"DRN-04", "HLT-06", "PHX-01"} {
		in.Checked.Found = append(in.Checked.Found, Found{Code: code, Counts: true, Text: "found", At: *somewhere}, Found{Code: code, Text: "a hint", At: *somewhere})
	}
	r := New(in)
	if r.Elsewhere != 2 { // DRN-04 and PHX-01
		t.Errorf("%d findings that no line is about, want 2", r.Elsewhere)
	}
	for _, l := range r.Lines {
		seen := map[string]bool{}
		for _, c := range l.Commands {
			if seen[c.Command] {
				t.Errorf("%s names %s twice", l.ID, c.Command)
			}
			seen[c.Command] = true
		}
	}
}

// An app without HTTP is run as one, unless phial.yaml says what it has.
func TestCommandsWithoutHTTP(t *testing.T) {
	for _, c := range []struct {
		noHTTP, yaml, want bool
	}{{true, false, true}, {true, true, false}, {false, false, false}} {
		in := input(t, with())
		in.Dir, in.NoHTTP = "apps/shop", c.noHTTP
		if c.yaml {
			in.App = app("Stateless")
		}
		for _, l := range New(in).Lines {
			for _, s := range l.Commands {
				if strings.HasPrefix(s.Command, "phial try") && strings.HasPrefix(s.Command, "phial try apps/shop --no-http") != c.want {
					t.Errorf("%+v: %s", c, s.Command)
				}
			}
		}
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
		w := pipelinesOf(p, "")
		lines := strings.Split(text, "\n")
		for _, s := range slices.Concat(w.builds, w.pushes, w.versioned, w.latest) {
			if s.at.File != workflows || s.at.Line < 1 || s.at.Col < 1 || s.at.Line > len(lines) || s.at.Col > len(lines[s.at.Line-1])+1 {
				t.Errorf("%+v of %q", s, text)
			}
		}
	})
}
