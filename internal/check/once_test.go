package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/finding"
)

// oneMesh makes the sound project a mesh, by dns_cluster.
var oneMesh = []change{
	{"k8s.yaml", "        - name: PHX_HOST\n", "        - name: POD_IP\n          valueFrom: {fieldRef: {fieldPath: status.podIP}}\n        - name: RELEASE_COOKIE\n          valueFrom: {secretKeyRef: {name: shop, key: cookie}}\n        - name: DNS_CLUSTER_QUERY\n          value: shop-headless.prod.svc.cluster.local\n        - name: PHX_HOST\n"},
	{"rel/env.sh.eex", "", "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=\"<%= @release.name %>@${POD_IP}\"\n"},
	{"headless.yaml", "", "apiVersion: v1\nkind: Service\nmetadata: {name: shop-headless, namespace: prod, labels: {app: shop}}\nspec:\n  clusterIP: None\n  publishNotReadyAddresses: true\n  selector: {app: shop}\n  ports: [{name: epmd, port: 4369}]\n"},
}

// byLibcluster connects it by libcluster in place of dns_cluster.
func byLibcluster(topology string) []change {
	return append(slices.Clone(oneMesh),
		change{"k8s.yaml", "        - name: DNS_CLUSTER_QUERY\n          value: shop-headless.prod.svc.cluster.local\n", ""},
		change{"mix.exs", "{:dns_cluster, \"~> 0.1.3\"}", "{:libcluster, \"~> 3.5\"}"},
		change{"lib/shop/application.ex", "      {DNSCluster, query: Application.get_env(:shop, :dns_cluster_query) || :ignore},\n", ""},
		change{"mix.lock", "%{\n", "%{\n  \"libcluster\": {:hex, :libcluster, \"3.5.0\", \"00\", [:mix], [], \"hexpm\", \"00\"},\n"},
		change{"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {Cluster.Supervisor, [Application.get_env(:libcluster, :topologies, []), [name: Shop.Cluster]]},\n      ShopWeb.Endpoint\n"},
		change{"config/runtime.exs", "import Config\n", "import Config\n\nconfig :libcluster,\n  " + topology + "\n"},
	)
}

// One mistake is one finding, where it was made; what follows from it goes beneath.
func TestOneMistakeIsToldOnce(t *testing.T) {
	const api = `topologies: [
    k8s: [
      strategy: Cluster.Strategy.Kubernetes,
      config: [
        kubernetes_selector: "app=shop",
        kubernetes_node_basename: "shop",
        kubernetes_ip_lookup_mode: :pods
      ]
    ]
  ]`
	const allowed = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: shop, namespace: prod}\nrules: [{apiGroups: [\"\"], resources: [pods], verbs: [list]}]\n---\n" +
		"apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: shop, namespace: prod}\nsubjects: [{kind: ServiceAccount, name: default, namespace: prod}]\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: shop}\n"
	policy := func(ports string) change {
		return change{"policy.yaml", "", "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: shop, namespace: prod}\nspec:\n  podSelector: {matchLabels: {app: shop}}\n  policyTypes: [Ingress, Egress]\n  ingress:\n  - ports: " + ports + "\n  egress:\n  - ports: " + ports + "\n"}
	}
	with := func(all []change, more ...change) []change { return append(slices.Clone(all), more...) }
	for name, c := range map[string]struct {
		changes []change
		want    []string // errors and warnings: what is told, with its place and the codes beneath it
	}{
		"sound":               {oneMesh, nil},
		"sound by libcluster": {with(byLibcluster(api), change{"rbac.yaml", "", allowed}), nil},
		"rel is not copied": {with(oneMesh, change{"Dockerfile", "COPY rel ", "# COPY rel "}),
			[]string{"error NAM-11 Dockerfile: RUN mix release < NAM-01"}},
		// Two mistakes are two findings.
		"rel is not copied, and names nothing": {with(oneMesh, change{"Dockerfile", "COPY rel ", "# COPY rel "}, change{"rel/env.sh.eex", "", "export LANG=C.UTF-8\n"}),
			[]string{"warning NAM-11 Dockerfile: RUN mix release", "error NAM-01 k8s.yaml: name: shop"}},
		"neither EPMD nor a port that may be any": {with(oneMesh, policy("[{port: 4000}, {port: 53, protocol: UDP}]")), []string{"error NET-02 policy.yaml: ingress:", "warning NET-02 policy.yaml: ingress:", "error NET-02 policy.yaml: egress:"}},
		"an option of nobody's": {with(byLibcluster(strings.Replace(api, "kubernetes_node_basename: \"shop\",", "kubernetes_node_basename: \"shop\",\n        wobble: 1,", 1)), change{"rbac.yaml", "", allowed}),
			[]string{"warning DSC-20 config/runtime.exs: wobble: 1,"}},
		"the key of another strategy": {with(byLibcluster(strings.Replace(api, "kubernetes_node_basename", "node_basename", 1)), change{"rbac.yaml", "", allowed}),
			[]string{"error DSC-20 config/runtime.exs: node_basename: \"shop\", < DSC-15"}},
		"a key that is misspelt": {with(byLibcluster(strings.Replace(api, "kubernetes_node_basename", "kubernetes_node_basname", 1)), change{"rbac.yaml", "", allowed}),
			[]string{"error DSC-20 config/runtime.exs: kubernetes_node_basname: \"shop\", < DSC-15"}},
		"a key that is called otherwise": {byLibcluster(`topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [
        service: "shop-headless",
        app_name: "shop"
      ]]]`), []string{"error DSC-20 config/runtime.exs: app_name: \"shop\" < DSC-15"}},
		"a key that is not that one": {byLibcluster(`topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [
        service: "shop-headless",
        wobble: 1
      ]]]`), []string{"error DSC-15 config/runtime.exs: topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [", "warning DSC-20 config/runtime.exs: wobble: 1"}},
		"a key that is missing": {with(byLibcluster(strings.Replace(api, "        kubernetes_node_basename: \"shop\",\n", "", 1)), change{"rbac.yaml", "", allowed}),
			[]string{"error DSC-15 config/runtime.exs: k8s: ["}},
		"a topology in the wrong place": {byLibcluster(`k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]]`),
			[]string{`warning DSC-15 config/runtime.exs: k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]]`}},
		"a random port behind a policy": {with(oneMesh, policy("[{port: 4369}, {port: 4000}, {port: 53, protocol: UDP}]")),
			[]string{"error NET-01 policy.yaml: ingress:"}},
		"a Service that is not there, and another": {with(byLibcluster(`topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNSSRV, config: [service: "shop-headless", namespace: "prod", application_name: "shop"]]]`),
			change{"k8s.yaml", "kind: Deployment\n", "kind: StatefulSet\n"}, change{"k8s.yaml", "  replicas: 2\n", "  replicas: 2\n  serviceName: shop-nodes\n"},
			change{"rel/env.sh.eex", "${POD_IP}", "$(hostname -f)"}),
			[]string{"error DSC-06 k8s.yaml: serviceName: shop-nodes < NAM-02"}},
		"a Service that is not there, and names of the other": {with(byLibcluster(`topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNSSRV, config: [service: "shop-headless", namespace: "prod", application_name: "shop"]]]`),
			change{"k8s.yaml", "kind: Deployment\n", "kind: StatefulSet\n"}, change{"k8s.yaml", "  replicas: 2\n", "  replicas: 2\n  serviceName: shop-nodes\n"},
			change{"rel/env.sh.eex", "${POD_IP}", "$(hostname).shop-headless.prod.svc.cluster.local"}),
			[]string{"error DSC-06 k8s.yaml: serviceName: shop-nodes < NAM-02"}},
	} {
		t.Run(name, func(t *testing.T) {
			in := foreseen(t, shop(t, c.changes))
			var got []string
			for _, f := range Run(in, Options{Severity: finding.Warning}).Findings {
				text := fmt.Sprintf("%s %s %s: %s", f.Severity, f.Code, f.At.File, strings.TrimSpace(line(in, f.At)))
				for _, b := range f.Beneath {
					text += " < " + string(b.Code)
				}
				got = append(got, text)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("-want +got:\n%s", d)
			}
		})
	}
}
