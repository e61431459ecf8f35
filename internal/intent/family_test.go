package intent

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/mesh"
)

// Where discovery asks a Service that has addresses of one family, that counts.
func TestFamilies(t *testing.T) {
	const (
		whole, apart = "shop-0 shop-1 shop-2", "shop-0 | shop-1 | shop-2"
		six          = "        - {name: ERL_AFLAGS, value: -proto_dist inet6_tcp}\n"
		dualElse     = "---\napiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: prod}\nspec: {ipFamilyPolicy: PreferDualStack, selector: {app: shop}, ports: [{port: 80}]}\n"
	)
	app := func(onlyA bool) App {
		finds := dnsCluster()
		finds[0].OnlyA = onlyA
		return App{Known: true, Name: "shop", Finds: finds}
	}
	dns := func(resolver bool) App {
		d := Discovery{Strategy: "Kubernetes.DNS", Options: map[string]Option{"service": literal("shop-headless"), "application_name": literal("shop")}}
		if resolver {
			d.Options["resolver"] = literal("own")
		}
		return App{Known: true, Name: "shop", Finds: []Discovery{d}}
	}
	for _, c := range []struct {
		name, service, env, more string
		app                      App
		islands, doubt           string
		is6                      bool // the pods' addresses are of IPv6
	}{
		{"not said", "", "", "", app(false), whole, "", false},
		{"IPv6, over IPv4", "ipFamilies: [IPv6]", "", "", app(false), apart, "", true},
		{"IPv6, over IPv6", "ipFamilies: [IPv6]", six, "", app(false), whole, "", true},
		{"IPv6 by its policy, over IPv6", "ipFamilies: [IPv6]\n  ipFamilyPolicy: SingleStack", six, "", app(false), whole, "", true},
		{"both, over IPv4", "ipFamilies: [IPv4, IPv6]", "", "", app(false), whole, "", false},
		{"IPv6 first of two", "ipFamilies: [IPv6]\n  ipFamilyPolicy: PreferDualStack", "", "", app(false), whole, "", false},
		{"IPv6, where another has both", "ipFamilies: [IPv6]", six, dualElse, app(false), apart, "IPv4 addresses as well", false},
		{"IPv6, where another has both, over IPv4", "ipFamilies: [IPv6]", "", dualElse, app(false), apart, "", false},
		{"IPv4, over IPv6", "ipFamilies: [IPv4]", six, "", app(false), apart, "", false},
		{"not said, over IPv6", "", six, "", app(false), apart, "IPv6 addresses is not known", false},
		{"A records of IPv6", "ipFamilies: [IPv6]", six, "", app(true), apart, "", true},
		{"libcluster, A records of IPv6", "ipFamilies: [IPv6]", six, "", dns(false), apart, "", true},
		{"libcluster, a resolver of its own", "ipFamilies: [IPv6]", six, "", dns(true), apart, "resolver", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := strings.Replace(hand, "        env:\n", "        env:\n"+c.env, 1)
			if c.service != "" {
				text = strings.Replace(text, "  clusterIP: None\n", "  clusterIP: None\n  "+c.service+"\n", 1)
			}
			set := read(t, text+c.more)
			in := Of(t.Context(), set, of(c.app, runsOf(set)), "")
			p := mesh.Predict(in)
			doubts := strings.Join(p.Doubts, "; ")
			if islands(p) != c.islands || (doubts == "") != (c.doubt == "") || !strings.Contains(doubts, c.doubt) {
				t.Errorf("islands %s, doubts %q; want %s, %q", islands(p), doubts, c.islands, c.doubt)
				tell(t, p)
			}
			seen := map[string]bool{}
			for _, r := range in.Replicas {
				a, err := netip.ParseAddr(r.IP)
				if err != nil || a.Is6() != c.is6 || seen[r.IP] {
					t.Errorf("the address of %s is %s", r.ID, r.IP)
				}
				seen[r.IP] = true
			}
		})
	}
}
