package check

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// What is predicted stands where its mistake is written, whatever it comes to light by.
func TestPlaced(t *testing.T) {
	const (
		query = "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n"
		dist  = "        - {name: RELEASE_DISTRIBUTION, value: name}\n"
		dns   = `config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]]]` + "\n"
	)
	for name, c := range map[string]struct {
		code     finding.Code
		old, new string // of the manifests, without a query
		runtime  string
		script   string
		at       string
		line     string // what stands there
		related  string
	}{
		"short names in env.sh":            {"NAM-12", "", "", dns, "\nexport RELEASE_DISTRIBUTION=sname\nexport RELEASE_NODE=shop@$POD_IP\n", "app/rel/env.sh.eex:2:8", "RELEASE_DISTRIBUTION=sname", ""},
		"short names in env.sh, and found": {"NAM-01", "", "", dns, "export RELEASE_NODE=shop\nexport RELEASE_DISTRIBUTION=sname\n", "app/rel/env.sh.eex:2:8", "RELEASE_DISTRIBUTION=sname", ""},
		"short names in the manifest":      {"NAM-12", dist, strings.Replace(dist, "value: name", "value: sname", 1), dns, "export RELEASE_NODE=shop@$POD_IP\n", "shop.yaml:15:47", "value: sname", ""},
		"not headless":                     {"DSC-01", "  clusterIP: None\n", "", dns, "", "shop.yaml:21:18", "name: shop-headless", "config/runtime.exs:2:101"},
		"an address":                       {"DSC-01", "  clusterIP: None\n", "  clusterIP: 10.0.0.9\n", dns, "", "shop.yaml:23:14", "10.0.0.9", "config/runtime.exs:2:101"},
		"selects nobody":                   {"DSC-02", "  selector: {app: shop}\n  ports", "  selector: {app: shoop}\n  ports", dns, "", "shop.yaml:25:3", "shoop", "config/runtime.exs:2:101"},
		"host names of a Deployment's": {"DSC-10", "", "", `config :libcluster, topologies: [
  k8s: [strategy: Cluster.Strategy.Kubernetes, config: [kubernetes_node_basename: "shop", kubernetes_selector: "app=shop", mode: :hostname]]]
`, "", "app/config/runtime.exs:3:130", "mode: :hostname", "shop.yaml:2:7"},
		"a port that may be any": {"NET-01", ", {port: 1, endPort: 65535}", "", dns, "", "shop.yaml:44:3", "ingress:", ""},
		"an option is missing": {"DSC-15", "", "", `config :libcluster, topologies: [
  k8s: [strategy: Cluster.Strategy.Kubernetes, config: [kubernetes_selector: "app=shop"]]]
`, "", "app/config/runtime.exs:3:3", "k8s:", ""},
	} {
		t.Run(name, func(t *testing.T) {
			in := predictedInput(t, strings.Replace(strings.Replace(meshManifest, query, "", 1), c.old, c.new, 1), c.runtime, c.script)
			r := Run(in, Options{Rules: rules(t, string(c.code))})
			if len(r.Findings) != 1 {
				t.Fatalf("found %s", codes(r))
			}
			f := r.Findings[0]
			related := ""
			for _, also := range f.Related {
				related += also.String() + " "
			}
			if f.At.String() != c.at || !strings.Contains(line(in, f.At), c.line) || !strings.Contains(related, c.related) {
				t.Errorf("at %s: %s\nwant %s\nrelated: %s\n%s", f.At, line(in, f.At), c.at, related, f.Cause)
			}
		})
	}
}

// Replicas that nothing connects are told of where that would be set up: not at the manifest's first lines.
func TestPlacedWhereDiscoveryWouldBe(t *testing.T) {
	query := "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n"
	in := withProject(t, &Input{Now: today}, map[string]string{
		"mix.exs":                 "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"1.0.0\", deps: []]\n  def application, do: [mod: {Shop.Application, []}]\nend\n",
		"lib/shop/application.ex": "defmodule Shop.Application do\n  use Application\n\n  def start(_, _) do\n    Supervisor.start_link([Shop.Worker], strategy: :one_for_one)\n  end # of start\nend\n",
	})
	in.Objects = manifest.ReadObjects([]manifest.Source{{Name: "shop.yaml", Text: []byte(strings.Replace(meshManifest, query, "", 1))}})
	r := Run(foreseen(t, in), Options{Rules: rules(t, "DSC-15")})
	if len(r.Findings) != 1 {
		t.Fatalf("found %s", codes(r))
	}
	f := r.Findings[0]
	if f.At.File != "app/lib/shop/application.ex" || !strings.Contains(line(in, f.At), "Supervisor.start_link") || !strings.Contains(f.Fix, "bring dns_cluster") || len(f.Related) != 1 {
		t.Errorf("%s: %s\n%s\nrelated: %v", f.At, f.Cause, f.Fix, f.Related)
	}
}
