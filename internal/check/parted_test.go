package check

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

// What keeps nodes apart that would be found is told under its code, with what mends it, and
// not where nobody looks for others.
func TestParted(t *testing.T) {
	const topology = "config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"shop-headless\", application_name: \"shop\"]]]\n"
	env := func(name, value string) string {
		return strings.Replace(meshManifest, "        env:\n", "        env:\n        - {name: "+name+", value: '"+value+"'}\n", 1)
	}
	pod := func(line string) string {
		return strings.Replace(meshManifest, "      containers:\n", "      "+line+"\n      containers:\n", 1)
	}
	// Of one that looks for nobody: a console has the node's name.
	alone := func(manifests string) string {
		return strings.Replace(manifests, "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n", "", 1)
	}
	agent := func(manifests string) string {
		return strings.Replace(manifests, "      containers:\n", "      initContainers:\n      - name: phial-agent\n        image: phial-agent:1.0.0\n        restartPolicy: Always\n        env: [{name: PHIAL_DOMAIN, value: shop-headless.prod.svc.cluster.local}]\n      containers:\n", 1)
	}
	for _, c := range []struct {
		name, manifests, runtime string
		code                     finding.Code // none: there is no error and no warning
		severity                 finding.Severity
		title, cause, fix        string
	}{
		{"sound", meshManifest, topology, "", 0, "", "", ""},
		{"no EPMD", env("ERL_FLAGS", "-start_epmd false"), topology, "NET-08", finding.Error, "needs it", "does not boot", "-erl_epmd_port"},
		{"no EPMD, and nobody to find", alone(env("ERL_FLAGS", "-start_epmd false")), "", "NET-08", finding.Error, "needs it", "does not boot", "-erl_epmd_port"},
		{"TLS without a certificate", env("ERL_AFLAGS", "-proto_dist inet_tls"), topology, "NET-30", finding.Error, "", "no certificate", "-ssl_dist_optfile"},
		{"on loopback", env("ERL_AFLAGS", "-kernel inet_dist_use_interface {127,0,0,1}"), topology, "NET-01", finding.Error, "loopback", "on loopback alone", "inet_dist_use_interface"},
		{"on loopback, and nobody to find", alone(env("ERL_AFLAGS", "-kernel inet_dist_use_interface {127,0,0,1}")), "", "", 0, "", "", ""},
		{"no EPMD, of one", strings.Replace(alone(env("ERL_FLAGS", "-start_epmd false")), "replicas: 3", "replicas: 1", 1), "", "NET-08", finding.Error, "needs it", "does not boot", "-erl_epmd_port"},
		{"hidden", env("ERL_FLAGS", "-hidden"), topology, "NET-31", finding.Warning, "", "hidden node", "take the flag out"},
		{"hidden, and nobody to find", alone(env("ERL_FLAGS", "-hidden")), "", "", 0, "", "", ""},
		{"none listens", env("ERL_FLAGS", "-dist_listen false"), topology, "NET-31", finding.Warning, "", "does not listen", "take the flag out"},
		{"connect_all false, and all dial all", env("ERL_FLAGS", "-connect_all false"), topology, "", 0, "", "", ""},
		{"connect_all false, as a setting, and all dial all", env("ERL_FLAGS", "-kernel connect_all false"), topology, "", 0, "", "", ""},
		{"connect_all false, where agents are to join", agent(alone(env("ERL_FLAGS", "-connect_all false"))), "", "NET-31", finding.Warning, "", "connect_all false", "take the flag out"},
		{"the machine's DNS", pod("hostNetwork: true"), topology, "DSC-28", finding.Error, "", "machine's DNS", "ClusterFirstWithHostNet"},
		{"the machine's DNS, and a computed topology", pod("dnsPolicy: Default"), "config :libcluster, topologies: Shop.topologies()\n", "DSC-28", finding.Warning, "", "machine's DNS", "ClusterFirstWithHostNet"},
		{"named by the machine", strings.Replace(meshManifest, "status.podIP", "status.hostIP", 1), topology, "NAM-02", finding.Error, "its machine", "status.hostIP", "status.podIP"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Run(predictedInput(t, c.manifests, c.runtime, ""), Options{})
			var found *Finding
			for i, f := range r.Findings {
				switch {
				case f.Code == c.code:
					found = &r.Findings[i]
				case f.Severity == finding.Error, c.code == "" && f.Severity == finding.Warning && strings.HasPrefix(string(f.Code), "N"):
					t.Errorf("%s is found as well: %s", f.Code, f.Cause)
				}
			}
			switch {
			case c.code == "":
			case found == nil:
				t.Errorf("it is silent; found: %s", codes(r))
			case found.Severity != c.severity || !strings.Contains(found.Title, c.title) || !strings.Contains(found.Cause, c.cause) || !strings.Contains(found.Fix, c.fix) || found.At.Line == 0:
				t.Errorf("%+v", found)
			}
		})
	}
}
