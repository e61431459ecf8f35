package intent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// runsOf are the workloads that run the release as bin/NAME start, or have a container called app.
func runsOf(set *manifest.Set) []Runs {
	var all []Runs
	for w := range set.Workloads() {
		if !w.Serves() {
			continue
		}
		for c := range w.Containers() {
			if c.Called == "app" {
				all = append(all, Runs{Workload: w, Container: c})
			}
		}
	}
	return all
}

// of says which app they run.
func of(app App, runs []Runs) []Runs {
	for i := range runs {
		runs[i].App = app
	}
	return runs
}

func read(t *testing.T, text string) *manifest.Set {
	t.Helper()
	set := manifest.ReadObjects([]manifest.Source{{Name: "app.yaml", Text: []byte(text)}})
	if err := set.Problems.Err(); err != nil {
		t.Fatal(err)
	}
	return set
}

func islands(p mesh.Prediction) string {
	var all []string
	for _, i := range p.Islands {
		all = append(all, strings.Join(i, " "))
	}
	return strings.Join(all, " | ")
}

func tell(t *testing.T, p mesh.Prediction) {
	t.Helper()
	for _, r := range p.Replicas {
		for _, s := range r.Steps {
			t.Logf("%s %s: %s", r.ID, s.State, s.Text)
		}
	}
	for _, d := range p.Doubts {
		t.Logf("doubt: %s", d)
	}
}

// What the plan gives is one mesh, for certain, wherever the agent joins.
func TestPlansMesh(t *testing.T) {
	files, err := filepath.Glob("../plan/testdata/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d goldens: %v", len(files), err)
	}
	judged := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, golden, _ := strings.Cut(string(text), "\n----\n") // the spec, the objects, the warnings
		golden, _, _ = strings.Cut(golden, "\n----\n")
		if !strings.Contains(golden, "name: phial-agent") || strings.Contains(golden, "value: Never") || !strings.Contains(golden, "-headless") {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			set := read(t, golden)
			var nodes []Runs
			for _, r := range runsOf(set) {
				if r.Template.At("metadata.labels").Key("app.kubernetes.io/component").String() == "node" {
					nodes = append(nodes, r)
				}
			}
			p := mesh.Predict(Of(t.Context(), set, of(App{Known: true}, nodes), "default"))
			if len(p.Islands) != 1 || len(p.Doubts) > 0 {
				t.Errorf("islands %s", islands(p))
				tell(t, p)
			}
			judged++
		})
	}
	if judged < 10 {
		t.Errorf("only %d goldens were judged", judged)
	}
}

// Apps that are read together are told apart: by the names and addresses of their replicas,
// and by the cookies that stand in their manifests.
func TestSeveralApps(t *testing.T) {
	one := strings.Replace(hand, "valueFrom: {secretKeyRef: {name: shop, key: cookie}}", "value: the-one", 1)
	other := strings.ReplaceAll(strings.Replace(one, "value: the-one", "value: the-other", 1), "prod", "staging")
	set := read(t, one+"---\n"+other)
	runs := of(App{Known: true, Name: "shop", Finds: dnsCluster()}, runsOf(set))
	runs[1].App = App{Known: true, Name: "shop", Finds: dnsCluster()}
	in := Of(t.Context(), set, runs, "")
	ids, addrs, cookies, pods := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]int{}
	for _, r := range in.Replicas {
		ids[r.ID], addrs[r.IP], cookies[r.Cookie.ID] = true, true, true
		if pods[r.Pod]++; !strings.HasPrefix(r.Pod, "shop-") {
			t.Errorf("the pod of %s is %s", r.ID, r.Pod)
		}
	}
	if len(ids) != 6 || len(addrs) != 6 || len(cookies) != 2 || len(pods) != 3 {
		t.Errorf("%d names, %d addresses, %d pods and %d cookies of 6 replicas of 2 apps in 2 namespaces", len(ids), len(addrs), len(pods), len(cookies))
	}
	if p := mesh.Predict(in); len(p.Islands) != 2 || len(p.Islands[0]) != 3 {
		t.Errorf("islands %s", islands(p))
		tell(t, p)
	}
}

const hand = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: shop, namespace: prod}
spec:
  replicas: 3
  selector: {matchLabels: {app: shop}}
  template:
    metadata: {labels: {app: shop}}
    spec:
      containers:
      - name: app
        image: shop:1
        env:
        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}
        - {name: RELEASE_DISTRIBUTION, value: name}
        - {name: RELEASE_NODE, value: shop@$(POD_IP)}
        - {name: RELEASE_COOKIE, valueFrom: {secretKeyRef: {name: shop, key: cookie}}}
        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}
---
apiVersion: v1
kind: Service
metadata: {name: shop-headless, namespace: prod, labels: {app: shop}}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: shop}
  ports: [{name: epmd, port: 4369}]
`

// literal is an option that stands in the configuration.
func literal(v string) Option {
	return func(func(string) (mesh.Setting, bool)) mesh.Setting {
		return mesh.Setting{Value: v, From: "config/runtime.exs:3:1"}
	}
}

// variable is one that is read from the environment.
func variable(name string) Option {
	return func(env func(string) (mesh.Setting, bool)) mesh.Setting {
		v, _ := env(name)
		return v
	}
}

func dnsCluster() []Discovery {
	return []Discovery{{Strategy: DNSCluster, Options: map[string]Option{"query": variable("DNS_CLUSTER_QUERY")}}}
}

func TestHandWritten(t *testing.T) {
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	replace := func(old, with string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				t.Errorf("the manifest has no %s", old)
			}
			return strings.Replace(s, old, with, 1)
		}
	}
	script := func(text string) App {
		return App{Known: true, Name: "shop", Finds: dnsCluster(), EnvSh: envsh.Source{Name: "rel/env.sh.eex", Text: []byte(text)}}
	}
	app := App{Known: true, Name: "shop", Finds: dnsCluster()}
	libcluster := func(strategy string, options ...string) App {
		d := Discovery{Strategy: strategy, Options: map[string]Option{}}
		for i := 0; i < len(options); i += 2 {
			d.Options[options[i]] = literal(options[i+1])
		}
		return App{Known: true, Name: "shop", Finds: []Discovery{d}}
	}
	for _, c := range []struct {
		name    string
		app     App
		change  func(string) string
		islands string
		code    string
		doubt   string
	}{
		{"sound", app, nil, whole, "", ""},
		{"no source", App{}, nil, apart, "", "source"},
		{"the name's variable stands below", app, replace("        - {name: POD_IP, valueFrom: {fieldRef: {fieldPath: status.podIP}}}\n", ""), apart, "NAM-07", ""},
		{"a shell's words", app, replace("shop@$(POD_IP)", "shop@$(hostname -f)"), apart, "NAM-05", ""},
		{"short names", app, replace("value: name}", "value: sname}"), apart, "NAM-12", ""},
		{"no query", app, replace("DNS_CLUSTER_QUERY", "OTHER"), apart, "DSC-13", ""},
		{"another base", app, replace("value: shop@$(POD_IP)", "value: web@$(POD_IP)"), whole, "", ""}, // dns_cluster takes the node's own
		{"not headless", app, replace("clusterIP: None", "type: ClusterIP"), apart, "DSC-01", ""},
		{"selects others", app, replace("  selector: {app: shop}\n", "  selector: {app: web}\n"), apart, "DSC-02", ""},
		{"env.sh makes the name", script("export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@${POD_IP}\n"), replace("        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n", ""), whole, "", ""},
		{"env.sh wins", script("export RELEASE_NODE=shop@127.0.0.1\n"), nil, apart, "NAM-02", ""},
		{"env.sh gives a full name", script("export RELEASE_NODE=shop@$(hostname -f)\n"), nil, apart, "NAM-01", ""},
		{"env.sh runs what is not known", script("export RELEASE_NODE=shop@$(curl http://metadata)\n"), nil, apart, "", "curl"},
		{"env.sh ends", script(": \"${POD_ADDRESS:?}\"\n"), nil, apart, "NAM-04", ""},
		{"no cookie: the build's", app, replace("RELEASE_COOKIE", "OTHER"), whole, "", ""},
		{"DNS", libcluster("Kubernetes.DNS", "service", "shop-headless", "application_name", "shop"), nil, whole, "", ""},
		{"DNS, another base", libcluster("Kubernetes.DNS", "service", "shop-headless", "application_name", "web"), nil, apart, "NAM-03", ""},
		{"DNS, not told a base", libcluster("Kubernetes.DNS", "service", "shop-headless"), nil, apart, "DSC-15", ""},
		{"DNSSRV of a Deployment", libcluster("Kubernetes.DNSSRV", "service", "shop-headless", "namespace", "prod", "application_name", "shop"), nil, apart, "NAM-02", ""},
		{"API without rights that are known", libcluster("Kubernetes", "kubernetes_node_basename", "shop", "kubernetes_selector", "app=shop"), nil, apart, "", "service account"},
		{"API without a token", libcluster("Kubernetes", "kubernetes_node_basename", "shop", "kubernetes_selector", "app=shop"), replace("      containers:", "      automountServiceAccountToken: false\n      containers:"), apart, "DSC-09", ""},
		{"gossip", libcluster("Gossip"), nil, apart, "", "multicast"},
		{"of one machine", libcluster("LocalEpmd"), nil, apart, "DSC-22", ""},
		{"an entrypoint of its own", app, replace("        image: shop:1\n", "        image: shop:1\n        command: [/entry.sh]\n"), apart, "", "bin/shop"},
		{"started by a shell", app, replace("        image: shop:1\n", "        image: shop:1\n        command: [sh, -c, exec /app/bin/shop start]\n"), whole, "", ""},
		{"a ConfigMap that was not read", App{Known: true, Name: "shop", Finds: dnsCluster()},
			func(s string) string {
				return replace("        env:\n", "        envFrom: [{configMapRef: {name: shop}}]\n        env:\n")(replace("        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n", "")(s))
			}, apart, "", "ConfigMap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := hand
			if c.change != nil {
				text = c.change(text)
			}
			set := read(t, text)
			p := mesh.Predict(Of(t.Context(), set, of(c.app, runsOf(set)), ""))
			code := ""
			for _, l := range p.Links {
				for _, o := range l.Why {
					if code == "" {
						code = string(o.Code)
					}
				}
			}
			doubts := strings.Join(p.Doubts, "; ")
			if islands(p) != c.islands || code != c.code || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, code %q, doubts %q; want %s, %q, %q", islands(p), code, doubts, c.islands, c.code, c.doubt)
				tell(t, p)
			}
		})
	}
}
