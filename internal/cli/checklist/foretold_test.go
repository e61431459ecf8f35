package checklist

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/mesh"
)

// shop is a project of which every replica finds the others, but for what is replaced in it.
//
//nolint:dupword // Elixir ends one block after the other
const shop = `-- mix.exs --
defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "0.1.0", deps: [{:libcluster, "~> 3.4"}]]
  def application, do: [mod: {Shop.Application, []}]
end
-- mix.lock --
%{}
-- lib/shop/application.ex --
defmodule Shop.Application do
  use Application
  def start(_, _) do
    topologies = Application.get_env(:libcluster, :topologies)
    Supervisor.start_link([{Cluster.Supervisor, [topologies, [name: Shop.ClusterSupervisor]]}], strategy: :one_for_one)
  end
end
-- config/runtime.exs --
import Config
config :libcluster,
  topologies: [
    k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]]
  ]
-- k8s/app.yaml --
apiVersion: v1
kind: Service
metadata: {name: shop-headless}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: shop}
  ports: [{name: epmd, port: 4369}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: shop
        image: registry.example.com/shop:1.0.0
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: RELEASE_DISTRIBUTION, value: name}
        - {name: RELEASE_NODE, value: shop@$(POD_IP)}
        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: shop, key: cookie}}}
`

// lay writes a project into a directory of its own, and goes there.
func lay(t *testing.T, archive string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := txtar.Write(txtar.Parse([]byte(archive)), "."); err != nil {
		t.Fatal(err)
	}
}

// lineOf is a line of what is said of the project in the current directory, as a text.
func lineOf(t *testing.T, id string) (state checklist.State, text string) {
	t.Helper()
	in, _, err := look(t.Context(), options{dir: "."})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range checklist.New(in).Lines {
		if l.ID != id {
			continue
		}
		var b strings.Builder
		for _, i := range l.Items {
			b.WriteString(string(i.State) + ": " + evidence(Report{Dir: "."}, i) + "\n")
		}
		return l.State, b.String()
	}
	t.Fatalf("no line %s", id)
	return "", ""
}

// What manifests and project come to together decides the lines about the mesh.
func TestForetold(t *testing.T) {
	const noDistribution = "RELEASE_DISTRIBUTION, value: none"
	for _, c := range []struct {
		name     string
		replaced []string
		line     string
		state    checklist.State
		want     string
		not      string
	}{
		{"sound", nil, "discovery", checklist.Passed, "config/runtime.exs:4:72: shop-0: libcluster's Kubernetes.DNS will look up shop-headless (A); DNS answers", "accepted"},
		{"sound, the islands", nil, "discovery", checklist.Passed, "worked out: one mesh of shop-0, shop-1", "NET-02"},
		{"another base name", []string{`application_name: "shop"`, `application_name: "shoppe"`}, "discovery", checklist.Failed, "failed: k8s/app.yaml:25:39: NAM-03 ", ""},
		{"a name that does not resolve", []string{"metadata: {name: shop-headless}", "metadata: {name: shop-headless, namespace: other}"}, "discovery", checklist.Failed, "failed: config/runtime.exs:4:72: DSC-03 ", ""},
		{"a selector that is wrong", []string{"  selector: {app: shop}\n  ports", "  selector: {app: shopp}\n  ports"}, "discovery", checklist.Failed, "DSC-02 ", "is called so"},
		{"decided otherwise", []string{"-- mix.lock --", "-- phial-check.yaml --\nignore:\n- {rule: NAM-03, reason: it is meant so}\n-- mix.lock --", `application_name: "shop"`, `application_name: "shoppe"`}, "discovery", checklist.Failed, "failed: k8s/app.yaml:25:39: NAM-03 shop-0: will dial shoppe@", "NAM-03 another base name"},
		{"no distribution", []string{"RELEASE_DISTRIBUTION, value: name", noDistribution, `[{:libcluster, "~> 3.4"}]`, "[]"}, "cookie", checklist.Passed, "from Secret shop/cookie", ""},
		{"no distribution, no cookie", []string{"RELEASE_DISTRIBUTION, value: name", noDistribution, "RELEASE_COOKIE", "OTHER"}, "cookie", checklist.Passed, "Deployment shop: not needed: RELEASE_DISTRIBUTION is none", ""},
		{"no distribution, so no discovery", []string{"RELEASE_DISTRIBUTION, value: name", noDistribution}, "discovery", checklist.Passed, "k8s/app.yaml:24:47: Deployment shop: not needed: RELEASE_DISTRIBUTION is none", ""},
		{"a mesh without a cookie", []string{"RELEASE_COOKIE", "OTHER"}, "cookie", checklist.Failed, "no RELEASE_COOKIE from a Secret", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			lay(t, strings.NewReplacer(c.replaced...).Replace(shop))
			state, text := lineOf(t, c.line)
			if state != c.state || !strings.Contains(text, c.want) || c.not != "" && strings.Contains(text, c.not) {
				t.Errorf("want %s with %q and without %q, got %s:\n%s", c.state, c.want, c.not, state, text)
			}
		})
	}
}

// A Service that lists somebody else's pods is no mistake of the app's, nor is one that is listed by hand.
func TestIdle(t *testing.T) {
	lay(t, shop+`-- k8s/db.yaml --
apiVersion: v1
kind: Service
metadata: {name: db}
spec: {clusterIP: None, selector: {app: db}}
---
apiVersion: v1
kind: Service
metadata: {name: by-hand}
spec: {clusterIP: None}
---
apiVersion: v1
kind: Service
metadata: {name: lost}
spec: {clusterIP: None, selector: {app: nobody}}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template: {metadata: {labels: {app: db}}, spec: {containers: [{name: db, image: "postgres:17"}]}}
`)
	in, _, err := look(t.Context(), options{dir: "."})
	if err != nil {
		t.Fatal(err)
	}
	if len(in.Idle) != 1 || in.Idle[0].Label != "Service lost" || in.Idle[0].At.File != "k8s/db.yaml" || len(in.Headless) != 1 {
		t.Errorf("idle %+v, headless %+v", in.Idle, in.Headless)
	}
}

// Decisions that can't be read are an error: else what they decide about would be said again.
func TestDecisionsThatAreBroken(t *testing.T) {
	lay(t, shop+"-- phial-check.yaml --\nignore: 1\n")
	if _, _, err := look(t.Context(), options{dir: "."}); err == nil || !strings.Contains(err.Error(), "phial-check.yaml:1:9") {
		t.Errorf("%v", err)
	}
}

// A place is shown as all others are, and what is told of it without it.
func TestStands(t *testing.T) {
	d := deployment{dir: "apps/shop"}
	for _, c := range []struct{ text, from, at, left string }{
		{"will be named a@b (apps/shop/rel/env.sh.eex:3:8)", "apps/shop/rel/env.sh.eex:3:8", "rel/env.sh.eex:3:8", "will be named a@b"},
		{"asks (apps/shop/a.exs:1:2), which answers", "apps/shop/a.exs:1:2", "a.exs:1:2", "asks, which answers"},
		{"looks up b (A) (apps/shop/phial.yaml, rendered:278:18); DNS answers", "apps/shop/phial.yaml, rendered:278:18", "phial.yaml", "looks up b (A); DNS answers"},
		{"two (k8s/a.yaml:1:2) places (b:3:4)", "k8s/a.yaml:1:2", "../../k8s/a.yaml:1:2", "two places (b:3:4)"},
		{"will dial a@b: refused", "k8s/a.yaml:1:2", "../../k8s/a.yaml:1:2", "will dial a@b: refused"},
		{"will be named a@b (bin/APP)", "", "", "will be named a@b (bin/APP)"},
	} {
		n := mesh.Narration{State: mesh.Unseen, Text: c.text}
		n.At, _ = mesh.ParsePlace(c.from)
		told := d.steps("shop-0", []mesh.Narration{n})[0]
		doubt := d.doubt(c.text, []*mesh.Replica{{ID: "shop-1"}, {ID: "shop-0"}}, map[string][]mesh.Narration{"shop-0": {n}})
		for what, i := range map[string]checklist.Item{"step": told, "doubt": doubt} {
			got := ""
			if i.At != nil {
				got = i.At.String()
			}
			if left := strings.TrimPrefix(i.Text, "shop-0: "); got != c.at || left != c.left || i.State != checklist.NotKnown {
				t.Errorf("%s: %q stands at %q, and leaves %q; want %q and %q", what, c.text, got, left, c.at, c.left)
			}
		}
	}
}

// The list is called as the app is; an umbrella's mix.exs has none.
func TestCalled(t *testing.T) {
	const umbrella = "defmodule All.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", version: \"0.1.0\"%s]\nend\n"
	for name, c := range map[string]struct{ mix, want string }{
		"an app":                   {"defmodule A.MixProject do\n  use Mix.Project\n  def project, do: [app: :a]\nend\n", "a"},
		"an umbrella":              {strings.Replace(umbrella, "%s", "", 1), "shops"},
		"an umbrella's release":    {strings.Replace(umbrella, "%s", ", releases: [web: []]", 1), "web"},
		"an umbrella's phial.yaml": {strings.Replace(umbrella, "%s", "", 1) + "-- shops/phial.yaml --\napiVersion: phial.dev/v1alpha1\nkind: BeamApp\nmetadata: {name: front}\nspec: {image: \"registry.example.com/front:1\"}\n", "front"},
	} {
		t.Run(name, func(t *testing.T) {
			lay(t, "-- shops/mix.exs --\n"+c.mix)
			t.Chdir("shops")
			for _, dir := range []string{".", "../shops"} {
				if _, got, err := look(t.Context(), options{dir: dir}); err != nil || got != c.want {
					t.Errorf("%s is called %q (%v), want %q", dir, got, err, c.want)
				}
			}
		})
	}
}
