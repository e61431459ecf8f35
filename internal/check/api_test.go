package check

import (
	"strings"
	"testing"
)

// What is missing for libcluster's Kubernetes strategy is said by its name, with the place where it belongs.
func TestThroughAPI(t *testing.T) {
	const query = "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n"
	sound := strings.Replace(meshManifest, query, "", 1)
	api := func(more string) string {
		return `config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes, config: [kubernetes_node_basename: "shop", kubernetes_selector: "app=shop"` + more + "]]]\n"
	}
	const pods = ", kubernetes_ip_lookup_mode: :pods"
	const allowed = "resources: [endpoints, pods]"
	for name, c := range map[string]struct{ old, new, more, cause, at, fix string }{
		"no label":          {", labels: {app: shop}}", "}", "", "the label app=shop, which Endpoints take from their Service: shop-headless selects these pods, without that label", "shop.yaml:21:18", "put the label app: shop on the Service shop-headless itself"},
		"another label":     {", labels: {app: shop}}", ", labels: {app: web}}", "", "shop-headless has app: web", "shop.yaml:21:64", "put the label app: shop on the Service shop-headless itself"},
		"no right":          {allowed, "resources: [pods]", "", "nothing gives the service account default the verb list on endpoints", "shop.yaml:31:1", "resources: [endpoints]"},
		"no right, of pods": {allowed, "resources: [endpoints]", pods, "nothing gives the service account default the verb list on pods", "shop.yaml:31:1", "resources: [pods]"},
		"another's right":   {"name: default, namespace: prod}", "name: shop, namespace: prod}", "", "RoleBinding prod/shop gives it to shop", "shop.yaml:36:41", "resources: [endpoints]"},
		"no token":          {"    spec:\n      containers", "    spec:\n      automountServiceAccountToken: false\n      containers", "", "the pods get no token to ask with", "shop.yaml:10:37", "leave automountServiceAccountToken out"},
	} {
		t.Run(name, func(t *testing.T) {
			if !strings.Contains(sound, c.old) {
				t.Fatalf("the manifests have no %q", c.old)
			}
			r := Run(predictedInput(t, strings.Replace(sound, c.old, c.new, 1), api(c.more), ""), Options{Rules: rules(t, "DSC-08", "DSC-09")})
			if len(r.Findings) != 1 {
				t.Fatalf("found %s", codes(r))
			}
			f := r.Findings[0]
			if !strings.Contains(f.Cause, c.cause) || f.At.String() != c.at || !strings.Contains(f.Fix, c.fix) {
				t.Errorf("%s\nat: %s\nfix: %s", f.Cause, f.At, f.Fix)
			}
		})
	}
}
