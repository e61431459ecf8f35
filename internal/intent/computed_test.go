package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// What is not known says what is computed, and where.
func TestComputedHasAPlace(t *testing.T) {
	topology := func(strategy, options string) map[string]string {
		return map[string]string{"config/runtime.exs": "import Config\nconfig :libcluster, topologies: [k8s: [strategy: " + strategy + ", config: [" + options + "]]]\n"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		doubt []string
	}{
		"a Service":   {topology("Cluster.Strategy.Kubernetes.DNS", `service: service(), application_name: "shop"`), []string{"which name libcluster's Kubernetes.DNS looks up is not known", "service is computed (config/runtime.exs:2:"}},
		"a base name": {topology("Cluster.Strategy.Kubernetes.DNS", `service: "shop-headless", application_name: app()`), []string{"which name libcluster's Kubernetes.DNS dials is not known", "app is computed (config/runtime.exs:2:"}},
		"a strategy":  {topology("strategy()", `service: "shop-headless"`), []string{"the strategy of topology k8s is computed (config/runtime.exs:2:"}},
		"a host":      {topology("Cluster.Strategy.Epmd", `hosts: [host()]`), []string{"one of its hosts is computed (config/runtime.exs:2:"}},
		"a name": {map[string]string{"rel/env.sh.eex": "export RELEASE_DISTRIBUTION=name\nexport RELEASE_NODE=shop@$(curl -s x)\n"},
			[]string{"what `curl -s x` prints is not known (rel/env.sh.eex:2:8)"}},
	} {
		t.Run(name, func(t *testing.T) {
			set := read(t, podWith(hand, ""))
			p := mesh.Predict(Of(t.Context(), set, of(appOf(t, c.files), runsOf(set)), ""))
			doubts := strings.Join(p.Doubts, "; ")
			for _, part := range c.doubt {
				if !strings.Contains(doubts, part) {
					t.Errorf("%q; want one with %q", doubts, part)
				}
			}
		})
	}
}
