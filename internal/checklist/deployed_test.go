package checklist

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

func app(kind string) *App {
	return &App{Name: "shop", Clustered: kind == "Clustered", Declared: true, Identity: beam.IdentityAddress, Discovery: beam.DiscoveryPhial, Agent: true,
		Type: advise.Place{File: "phial.yaml", Line: 6, Column: 9}}
}

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
			for _, d := range doubts {
				g.Doubts = append(g.Doubts, Item{State: NotKnown, Text: d, At: somewhere})
			}
			in.Mesh = &Mesh{Groups: []Group{g}}
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
