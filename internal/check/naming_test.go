package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// One mistake is one error: what the prediction makes of a name that every machine has stands beneath it.
func TestLoopbackNamePredicted(t *testing.T) {
	const (
		topology = "config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]]\n"
		own      = "        - {name: RELEASE_NODE, value: shop@$(POD_IP)}\n"
		query    = "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n"
	)
	unnamed := strings.NewReplacer(own, "", query, "").Replace(meshManifest)
	for name, c := range map[string]struct {
		manifests, script string
		want              []string
	}{
		"in env.sh":     {unnamed, "export RELEASE_NODE=shop@127.0.0.1\n", []string{"error NAM-08 >NAM-02"}},
		"as a fallback": {unnamed, "export RELEASE_NODE=shop@${HOST_IP:-127.0.0.1}\n", []string{"error NAM-08 >NAM-02"}},
		"not so":        {unnamed, "export RELEASE_NODE=shop@$POD_IP\n", nil},
		"another host":  {unnamed, "export RELEASE_NODE=shop@a.$POD_IP.example\n", []string{"error NAM-02"}},
	} {
		in := predictedInput(t, c.manifests, topology, c.script)
		r := Run(in, Options{Rules: rules(t, "NAM-02", "NAM-08")})
		var got []string
		for _, f := range found(r) {
			_, what, _ := strings.Cut(f, " ")
			got = append(got, what)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
