package check

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/intent"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

const meshManifest = `apiVersion: apps/v1
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
        image: shop:1.0.0
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
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shop, namespace: prod}
rules: [{apiGroups: [""], resources: [endpoints, pods], verbs: [list]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shop, namespace: prod}
subjects: [{kind: ServiceAccount, name: default, namespace: prod}]
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: shop}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: shop, namespace: prod}
spec:
  podSelector: {matchLabels: {app: shop}}
  ingress:
  - ports: [{port: 4000}, {port: 4369}, {port: 1, endPort: 65535}]
`

// predictedInput is a project with a topology beside manifests, with the mesh that they give.
func predictedInput(t *testing.T, manifests, runtime, script string) *Input {
	t.Helper()
	in := withProject(t, &Input{Now: today}, map[string]string{
		"mix.exs": "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"1.0.0\", deps: [{:libcluster, \"~> 3.5\"}]]\n  def application, do: [mod: {Shop.Application, []}]\nend\n",
		"lib/shop/application.ex": `defmodule Shop.Application do
  use Application
  def start(_, _), do: Supervisor.start_link(children(), strategy: :one_for_one)
  defp children, do: [{Cluster.Supervisor, [Application.get_env(:libcluster, :topologies, [])]}, {DNSCluster, query: System.get_env("DNS_CLUSTER_QUERY")}]
end
`,
		"config/runtime.exs": "import Config\n" + runtime,
		"rel/env.sh.eex":     script,
	})
	in.Objects = manifest.ReadObjects([]manifest.Source{{Name: "shop.yaml", Text: []byte(manifests)}})
	if err := in.Objects.Problems.Err(); err != nil {
		t.Fatal(err)
	}
	var runs []intent.Runs
	for _, b := range in.Serving() {
		runs = append(runs, intent.Runs{Workload: b.Workload, Container: b.Container, Scaled: in.Scaled(b.Workload), Beside: in.Beside(b), App: intent.AppOf(in.Project, project.Pos.String)})
	}
	i := intent.Of(t.Context(), in.Objects, runs, "")
	in.Intent = &i
	return in
}

// second is the sound deployment with another beside it, in the same mesh.
func second(variable string) string {
	first, rest, _ := strings.Cut(meshManifest, "---\n")
	worker := strings.Replace(first, "{name: shop, namespace: prod}", "{name: shop-worker, namespace: prod}", 1)
	worker = strings.Replace(worker, "        env:\n", "        env:\n        - "+variable+"\n", 1)
	return first + "---\n" + worker + "---\n" + rest
}

// Every rule of the prediction fires on a mistake that is made in one place of a sound
// deployment, and on the sound one none does.
func TestPredicted(t *testing.T) {
	topology := func(config string) string {
		return "config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy." + config + "]]\n"
	}
	dns := topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`)
	srv := topology(`Kubernetes.DNSSRV, config: [service: "shop-headless", namespace: "prod", application_name: "shop"]`)
	api := func(more string) string {
		return topology(`Kubernetes, config: [kubernetes_node_basename: "shop", kubernetes_selector: "app=shop"` + more + "]")
	}
	const fromSecret = "valueFrom: {secretKeyRef: {name: shop, key: cookie}}"
	const listens = "        - {name: ERL_AFLAGS, value: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107}\n"
	env := func(s, line string) string { return strings.Replace(s, "        env:\n", "        env:\n"+line, 1) }
	swap := func(s string, pairs ...string) string {
		for i := 0; i < len(pairs); i += 2 {
			if !strings.Contains(s, pairs[i]) {
				t.Fatalf("the manifests have no %s", pairs[i])
			}
			s = strings.Replace(s, pairs[i], pairs[i+1], 1)
		}
		return s
	}
	noQuery := swap(meshManifest, "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n", "")
	for _, c := range []struct {
		code                       finding.Code
		manifests, runtime, script string
		silent                     [3]string // manifests, runtime, script of its twin
	}{
		{"NAM-01", meshManifest, dns, "export RELEASE_DISTRIBUTION=sname RELEASE_NODE=shop\n", [3]string{meshManifest, dns, ""}},
		{"NAM-02", swap(noQuery, "shop@$(POD_IP)", "shop@a.$(POD_IP).example"), dns, "", [3]string{noQuery, dns, ""}},
		{"NAM-02", noQuery, srv, "", [3]string{noQuery, dns, ""}},
		{"NAM-03", noQuery, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "web"]`), "", [3]string{noQuery, dns, ""}},
		{"NAM-10", noQuery, topology(`DNSPoll, config: [query: "shop-headless.prod.svc.k8s.example", node_basename: "shop"]`), "",
			[3]string{meshManifest, topology(`DNSPoll, config: [query: "shop-headless.prod.svc.cluster.local", node_basename: "shop"]`), ""}},
		{"NAM-16", meshManifest, dns, "export RELEASE_NODE=\"sh/op@$POD_IP\"\n", [3]string{meshManifest, dns, ""}},
		{"DSC-04", swap(noQuery, "  ports: [{name: epmd, port: 4369}]\n", ""), srv, "", [3]string{swap(noQuery, "  ports: [{name: epmd, port: 4369}]\n", ""), dns, ""}},
		{"DSC-08", swap(noQuery, ", labels: {app: shop}}", "}"), api(""), "", [3]string{swap(noQuery, ", labels: {app: shop}}", "}"), api(", kubernetes_ip_lookup_mode: :pods"), ""}},
		{"DSC-09", swap(noQuery, "resources: [endpoints, pods]", "resources: [secrets]"), api(""), "", [3]string{noQuery, api(""), ""}},
		{"DSC-10", noQuery, api(", mode: :hostname"), "", [3]string{noQuery, api(", mode: :ip"), ""}},
		{"DSC-13", noQuery, "", "", [3]string{meshManifest, "", ""}},
		{"NET-01", swap(meshManifest, ", {port: 1, endPort: 65535}", ", {port: 9100, endPort: 9107}"), dns, "",
			[3]string{env(swap(meshManifest, ", {port: 1, endPort: 65535}", ", {port: 9100, endPort: 9107}"), listens), dns, ""}},
		// Codes that rules look for in manifests: what these miss, because it hangs on the source, is foretold.
		{"NAM-12", meshManifest, dns, "export RELEASE_DISTRIBUTION=sname\n", [3]string{meshManifest, dns, ""}},
		{"DSC-01", swap(noQuery, "  clusterIP: None\n", ""), dns, "", [3]string{noQuery, dns, ""}},
		{"DSC-02", swap(noQuery, "  selector: {app: shop}\n  ports", "  selector: {app: shoop}\n  ports"), dns, "", [3]string{noQuery, dns, ""}},
		{"DSC-03", noQuery, topology(`Kubernetes.DNSSRV, config: [service: "shop-headless", namespace: "default", application_name: "shop"]`), "",
			[3]string{noQuery, dns, ""}},
		{"COO-01", swap(second("{name: LOG, value: info}"), fromSecret, "value: "+strings.Repeat("a", 32), fromSecret, "value: "+strings.Repeat("b", 32)), "", "",
			[3]string{second("{name: LOG, value: info}"), "", ""}},
		{"NET-08", second("{name: ERL_AFLAGS, value: -start_epmd false -erl_epmd_port 9100}"), "", "", [3]string{second("{name: LOG, value: info}"), "", ""}},
	} {
		t.Run(string(c.code), func(t *testing.T) {
			r := Run(predictedInput(t, c.manifests, c.runtime, c.script), Options{})
			var found *Finding
			for i, f := range r.Findings {
				if f.Code == c.code {
					found = &r.Findings[i]
				}
			}
			switch {
			case found == nil:
				t.Errorf("it is silent; found: %s", codes(r))
			case found.At.Line == 0 || found.Cause == "" || found.Fix == "" || len(found.Evidence) == 0:
				t.Errorf("%+v", found)
			}
			if t.Failed() {
				for _, p := range r.Meshes[0].Replicas {
					t.Logf("%+v", p)
				}
			}
			twin := Run(predictedInput(t, c.silent[0], c.silent[1], c.silent[2]), Options{})
			if strings.Contains(codes(twin), string(c.code)) {
				t.Errorf("its twin has it too: %s", codes(twin))
			}
		})
	}
}

// Replicas that are meant to meet and would not are never passed over in silence, and those
// that are not meant to are no islands.
func TestMeantToMeet(t *testing.T) {
	alone := strings.Replace(meshManifest, "{name: RELEASE_DISTRIBUTION, value: name}", "{name: RELEASE_DISTRIBUTION, value: none}", 1)
	alone = strings.Replace(alone, "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n", "", 1)
	for name, tt := range map[string]struct {
		manifests, script string
		meant             bool
		islands           int
	}{
		"sound":                {meshManifest, "", true, 1},
		"no distribution":      {alone, "", false, 3},
		"the name of a branch": {meshManifest, "export RELEASE_NODE=x@$POD_IP\n", true, 1},
		"by an autoscaler": {strings.Replace(meshManifest, "  replicas: 3\n", "", 1) + `---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: shop, namespace: prod}
spec: {minReplicas: 1, maxReplicas: 6, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: shop}}
`, "export RELEASE_NODE=x@127.0.0.1\n", true, 2},
		"none in the script": {alone, "export RELEASE_DISTRIBUTION=none\n", false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := Run(predictedInput(t, tt.manifests, "", tt.script), Options{})
			if len(r.Meshes[0].Groups) != 1 || (r.Meshes[0].Groups[0].Meant != "") != tt.meant || len(r.Meshes[0].Groups[0].Islands) != tt.islands {
				t.Errorf("%+v", r.Meshes[0].Groups)
			}
			if tt.meant && tt.islands > 1 && r.Count(finding.Error) == 0 {
				t.Error("islands, and no error")
			}
		})
	}
}

func codes(r Report) string {
	var all []string
	for _, f := range r.Findings {
		all = append(all, string(f.Code)+" ("+f.Cause+")")
	}
	return strings.Join(all, "; ")
}
