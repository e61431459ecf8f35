package intent

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// The cluster's domain is the one that manifests name; of two one is wrong.
func TestDomain(t *testing.T) {
	const (
		whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
		query        = "shop-headless.prod.svc.cluster.local"
		doubt        = "names two domains"
	)
	env := func(name, value string) string { return "        - {name: " + name + ", value: \"" + value + "\"}\n" }
	redis := func(domain string) string { return env("REDIS_HOST", "redis.prod.svc."+domain) }
	const ofMap = "        - {name: QUERY, valueFrom: {configMapKeyRef: {name: shop, key: query}}}\n"
	for _, c := range []struct {
		name, query, more, objects string
		domain                     string // empty: it is not known
		islands                    string
	}{
		{"the default", query, "", "", "cluster.local", whole},
		{"none is named", "shop-headless", "", "", "cluster.local", whole},
		{"another", "shop-headless.prod.svc.k8s.example", "", "", "k8s.example", whole},
		{"another, everywhere", "shop-headless.prod.svc.k8s.example", redis("k8s.example"), "", "k8s.example", whole},
		{"with a variable in the name", "shop-headless.$(NS).svc.k8s.example", "", "", "k8s.example", apart}, // which nothing sets
		{"elsewhere alone", "shop-headless", redis("k8s.example"), "", "k8s.example", whole},
		{"two", "shop-headless.prod.svc.k8s.example", redis("cluster.local"), "", "", apart},
		{"two, and a short query", "shop-headless", redis("cluster.local") + env("DB_HOST", "db.prod.svc.k8s.example"), "", "", whole},
		{"of two clusters", "shop-headless.prod.svc.cluster1.local", redis("cluster2.local"), "", "", apart},
		{"one misspelt in the query", "shop-headless.prod.svc.cluster.locl", redis("cluster.local"), "", "cluster.local", apart},
		{"one misspelt elsewhere", query, redis("clutser.local"), "", "cluster.local", whole},
		{"the default misspelt, and nothing else", "shop-headless.prod.svc.cluster.locall", "", "", "", apart},
		{"one that is like the default", "shop-headless.prod.svc.cluster1.local", "", "", "cluster1.local", whole},
		{"Services of all clusters", query, env("OTHER", "redis.prod.svc.clusterset.local"), "", "cluster.local", whole},
		{"a place that only looks like one", query, env("OTHER", "https://svc.example.com/a.svc.b.c"), "", "cluster.local", whole},
		{"in a connection string", query, env("DATABASE_URL", "ecto://u:p@db.prod.svc.cluster.local:5432/shop"), "", "cluster.local", whole},
		{"by libcluster's variable", "shop-headless", env("CLUSTER_DOMAIN", "k8s.example"), "", "k8s.example", whole},
		{"in a ConfigMap", "shop-headless", ofMap, "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: shop, namespace: prod}\ndata: {query: a.prod.svc.k8s.example}\n", "k8s.example", whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(hand, query, c.query, 1)
			text = strings.Replace(text, "        env:\n", "        env:\n"+c.more, 1) + c.objects
			set := read(t, text)
			in := Of(t.Context(), set, of(App{Known: true, Name: "shop", Finds: dnsCluster()}, runsOf(set)), "")
			p := mesh.Predict(in)
			if in.Domain.Value != c.domain || in.Domain.Known() != (c.domain != "") || islands(p) != c.islands {
				t.Errorf("domain %+v, islands %s; want %q, %s", in.Domain, islands(p), c.domain, c.islands)
				tell(t, p)
			}
		})
	}
}

func TestMisspelt(t *testing.T) {
	for name, want := range map[string]bool{
		"cluster.locl": true, "clster.local": true, "cluster.locall": true, "ccluster.local": true, "cluuster.local": true, "cluster.lcoal": true, "clusterlocal": true,
		"cluster.local": false, "cluster1.local": false, "clusters.local": false, "cluster.lokal": false, "cluster.loca": true, "luster.local": true,
		"": false, "k8s.example": false, "cluster": false, "cluster.localll": false,
	} {
		if got := misspelt(name, defaultDomain); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// No name is itself misspelt, and one is another misspelt by a letter at most.
func FuzzMisspelt(f *testing.F) {
	f.Add("cluster.locl", "cluster.local")
	f.Add("", "é")
	f.Add("aa", "a")
	f.Fuzz(func(t *testing.T, a, b string) {
		more := len([]rune(a)) - len([]rune(b))
		if misspelt(a, a) || misspelt(a, b) && (a == b || more < -1 || more > 1) {
			t.Errorf("%q is %q misspelt", a, b)
		}
	})
}
