package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// Who may not ask DNS finds nobody by it.
func TestNoDNS(t *testing.T) {
	const (
		whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
		among        = "{to: [{podSelector: {matchLabels: {app: shop}}}]}"
		ports        = "{to: [{podSelector: {matchLabels: {app: shop}}}], ports: [{port: 4369}, {port: 9100, endPort: 9107}]}"
	)
	policy := func(pods, egress string) string {
		return "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: out, namespace: prod}\nspec:\n  podSelector: {matchLabels: {app: " + pods + "}}\n  policyTypes: [Egress]\n  egress: [" + egress + "]\n"
	}
	app := App{Known: true, Name: "shop", Finds: dnsCluster()}
	for _, c := range []struct{ name, policy, islands string }{
		{"none", "", whole},
		{"DNS", policy("shop", ports+", {ports: [{port: 53, protocol: UDP}]}"), whole},
		{"by its name", policy("shop", ports+", {ports: [{port: dns, protocol: UDP}]}"), whole},
		{"no ports", policy("shop", among), whole},
		{"no DNS", policy("shop", ports), apart},
		{"others", policy("other", "{ports: [{port: 443}]}"), whole},
		{"another lets it", policy("shop", ports) + strings.Replace(policy("shop", "{ports: [{port: 53, protocol: UDP}]}"), "name: out", "name: dns", 1), whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			set := read(t, strings.Replace(hand, "        env:\n", "        env:\n"+listens, 1)+c.policy)
			p := mesh.Predict(Of(t.Context(), set, of(app, runsOf(set)), ""))
			if islands(p) != c.islands || len(p.Doubts) > 0 {
				t.Errorf("islands %s, want %s", islands(p), c.islands)
				tell(t, p)
			}
		})
	}
}

// Before 0.1.2 dns_cluster asks for a name as it stands.
func TestWholeNames(t *testing.T) {
	for query, want := range map[string]string{"shop-headless": "shop-0 | shop-1 | shop-2", "shop-headless.prod.svc.cluster.local": "shop-0 shop-1 shop-2"} {
		set := read(t, strings.Replace(hand, "value: shop-headless.prod.svc.cluster.local", "value: "+query, 1))
		for _, whole := range []bool{true, false} {
			finds := dnsCluster()
			finds[0].Whole = whole
			p := mesh.Predict(Of(t.Context(), set, of(App{Known: true, Name: "shop", Finds: finds}, runsOf(set)), ""))
			if got := islands(p); whole && got != want || !whole && got != "shop-0 shop-1 shop-2" {
				t.Errorf("%s, whole %v: islands %s", query, whole, got)
			}
		}
	}
}
