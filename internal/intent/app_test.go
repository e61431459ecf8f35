package intent

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

const mixExs = `defmodule Shop.MixProject do
  use Mix.Project
  def project, do: [app: :shop, version: "1.0.0", deps: deps()]
  def application, do: [mod: {Shop.Application, []}]
  defp deps, do: [{:libcluster, "~> 3.5"}, {:dns_cluster, "~> 0.2"}]
end
`

func application(children string) string {
	start := "    topologies = Application.get_env(:libcluster, :topologies, [])\n" +
		"    Supervisor.start_link([" + children + "], strategy: :one_for_one)\n"
	return "defmodule Shop.Application do\n  use Application\n  def start(_type, _args) do\n" + start + "  end\n" + "end\n"
}

// What a source tree and manifests say together.
func TestAppOf(t *testing.T) {
	const whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
	const cluster = "{Cluster.Supervisor, [topologies, [name: Shop.ClusterSupervisor]]}"
	const dns = `{DNSCluster, query: Application.get_env(:shop, :dns_cluster_query) || :ignore}`
	topology := func(config string) string {
		return "import Config\nconfig :libcluster, topologies: [k8s: [strategy: Cluster.Strategy." + config + "]]\n"
	}
	for _, c := range []struct {
		name, children, runtime, script string
		islands, code, doubt            string
	}{
		{"dns_cluster as Phoenix writes it", dns, "import Config\nconfig :shop, :dns_cluster_query, System.get_env(\"DNS_CLUSTER_QUERY\")\n", "", whole, "", ""},
		{"dns_cluster without its setting", dns, "import Config\n", "", apart, "DSC-13", ""},
		{"DNS", cluster, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`), "", whole, "", ""},
		{"DNS, of the environment", cluster, topology(`Kubernetes.DNS, config: [service: System.get_env("SVC") || "shop-headless", application_name: "shop"]`), "", whole, "", ""},
		{"DNS with another name", cluster, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "web"]`), "", apart, "NAM-03", ""},
		{"DNS, nobody starts it", "", topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`), "", apart, "DSC-15", ""},
		{"DNS with full names", cluster, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`),
			"export RELEASE_NODE=shop@a-$POD_IP.shop.example\n", apart, "NAM-02", ""},
		{"DNS, set up elsewhere alone", cluster, "import Config\nif System.get_env(\"K8S\"), do: config(:libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]])\n",
			"", apart, "DSC-15", ""},
		{"DNS, set up here", cluster, "import Config\nif System.get_env(\"POD_IP\"), do: config(:libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]])\n",
			"", whole, "", ""},
		{"DNS, raises", cluster, topology(`Kubernetes.DNS, config: [service: System.fetch_env!("SVC"), application_name: "shop"]`), "", apart, "DSC-15", ""},
		{"a topology without a strategy", cluster, "import Config\nconfig :libcluster, topologies: [k8s: [config: [service: \"shop-headless\"]]]\n", "", apart, "DSC-15", ""},
		{"a topology beside topologies:", cluster, "import Config\nconfig :libcluster, k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]\n", "", apart, "DSC-15", ""},
		{"options beside strategy:", cluster, "import Config\nconfig :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, service: \"shop-headless\", application_name: \"shop\"]]\n", "", apart, "DSC-15", ""},
		{"DNSPoll by a short name", cluster, topology(`DNSPoll, config: [query: "shop-headless", node_basename: "shop"]`), "", apart, "DSC-03", ""},
		{"DNSPoll by a full name", cluster, topology(`DNSPoll, config: [query: "shop-headless.prod.svc.cluster.local", node_basename: "shop"]`), "", whole, "", ""},
		{"Epmd by names that there are not", cluster, topology(`Epmd, config: [hosts: [:"shop@shop-0.shop-headless.prod.svc.cluster.local"]]`), "", apart, "DSC-06", ""},
		{"Epmd by names that are computed", cluster, topology(`Epmd, config: [hosts: [Shop.Names.first()]]`), "", apart, "", "computed"},
		{"EPMD of its own on one", cluster, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`),
			"case $POD_IP in *.12) export ERL_EPMD_PORT=4368 ;; esac\n", "shop-0 shop-1 | shop-2", "NET-08", ""},
		{"a space behind the cookie of one", cluster, topology(`Kubernetes.DNS, config: [service: "shop-headless", application_name: "shop"]`),
			"case $POD_IP in *.12) export RELEASE_COOKIE=\"$RELEASE_COOKIE \" ;; esac\n", "shop-0 shop-1 | shop-2", "COO-01", ""},
		{"computed", cluster, topology(`Kubernetes.DNS, config: [service: Shop.Names.service(), application_name: "shop"]`), "", apart, "", "o"},
		{"nobody looks", "", "import Config\n", "", apart, "DSC-15", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fstest.MapFS{}
			for name, text := range map[string]string{
				"mix.exs": mixExs, "config/config.exs": "import Config\n", "config/runtime.exs": c.runtime,
				"lib/shop/application.ex": application(c.children), "rel/env.sh.eex": c.script,
			} {
				files[name] = &fstest.MapFile{Data: []byte(text)}
			}
			p, err := project.Read(files)
			if err != nil {
				t.Fatal(err)
			}
			set := read(t, hand)
			got := mesh.Predict(Of(t.Context(), set, of(AppOf(p, project.Pos.String), runsOf(set)), ""))
			code := ""
			for _, l := range got.Links {
				for _, o := range l.Why {
					if code == "" {
						code = string(o.Code)
					}
				}
			}
			doubts := strings.Join(got.Doubts, "; ")
			if islands(got) != c.islands || code != c.code || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, code %q, doubts %q; want %s, %q, %q", islands(got), code, doubts, c.islands, c.code, c.doubt)
				tell(t, got)
				t.Logf("%+v", AppOf(p, project.Pos.String))
			}
		})
	}
}
