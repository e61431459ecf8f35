package check

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A Service is made headless only where that takes it from nobody; where a headless one is there, that one was meant.
func TestMendsNotHeadless(t *testing.T) {
	const query = "        - {name: DNS_CLUSTER_QUERY, value: shop.prod.svc.cluster.local} # finds\n"
	app := strings.Replace(workload("shop", "shop:1.0.0", "        env:\n        - {name: RELEASE_DISTRIBUTION, value: name}\n"+query), "kind: Deployment\nmetadata: {name: shop}", "kind: Deployment\nmetadata: {name: shop, namespace: prod}", 1)
	service := func(name, spec string) string {
		return "---\napiVersion: v1\nkind: Service\nmetadata: {name: " + name + "}\nspec:\n  selector: {app: shop}\n" + spec
	}
	const ports, other = "  ports: [{name: epmd, port: 4369}]\n", "  ports: [{name: http, port: 80, targetPort: 4000}]\n"
	ingress := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec:\n  rules: [{host: a, http: {paths: [{path: /, backend: {service: {name: shop, port: {number: 4369}}}}]}}]\n"
	route := "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: shop}\nspec:\n  rules: [{backendRefs: [{name: shop, port: 4369}]}]\n"
	for name, c := range map[string]struct{ rest, fix, old, now string }{
		"nobody else's":               {service("shop", ports) + service("web", other), "", "spec:\n  selector: {app: shop}\n  ports: [{name: epmd", "spec:\n  clusterIP: None\n  selector: {app: shop}\n  ports: [{name: epmd"},
		"the only one":                {service("shop", ports), "", "", ""},
		"of another port":             {service("shop", other) + service("web", other), "its port 80 leads to 4000", "", ""},
		"of an Ingress":               {service("shop", ports) + service("web", other) + ingress, "Ingress shop leads to it", "", ""},
		"of a gateway's route":        {service("shop", ports) + service("web", other) + route, "HTTPRoute shop leads to it", "", ""},
		"a load balancer":             {service("shop", "  type: LoadBalancer\n"+ports) + service("web", other), "its type is LoadBalancer", "", ""},
		"beside one that is headless": {service("shop", ports) + service("shop-headless", "  clusterIP: None\n"+ports), "did you mean shop-headless?", "shop.prod.svc", "shop-headless.prod.svc"},
		"beside somebody's headless":  {service("shop", ports) + service("web", other) + strings.Replace(service("db", "  clusterIP: None\n"), "app: shop", "app: db", 1), "", "spec:\n  selector: {app: shop}\n  ports: [{name: epmd", "spec:\n  clusterIP: None\n  selector: {app: shop}\n  ports: [{name: epmd"},
		"the Ingress's, beside one":   {service("shop", other) + service("shop-headless", "  clusterIP: None\n"+ports) + ingress, "did you mean shop-headless?", "shop.prod.svc", "shop-headless.prod.svc"},
	} {
		t.Run(name, func(t *testing.T) {
			before := app + c.rest
			in := filesOf(map[string]string{"a.yaml": before})
			report := Run(in, Options{Rules: rules(t, "DSC-01")})
			if len(report.Findings) != 1 || !strings.Contains(report.Findings[0].Fix, c.fix) {
				t.Fatalf("%+v", report.Findings)
			}
			want := map[string]string{}
			if c.old != "" {
				want["a.yaml"] = strings.Replace(before, c.old, c.now, 1)
			}
			if d := cmp.Diff(want, mendedFiles(t, in, "DSC-01")); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// Pods that are not ready are published only where no client is sent to them.
func TestMendsNotReady(t *testing.T) {
	app := strings.Replace(workload("shop", "shop:1.0.0", "        env:\n        - {name: RELEASE_DISTRIBUTION, value: name}\n        - {name: DNS_CLUSTER_QUERY, value: shop.prod.svc.cluster.local}\n"), "spec:\n", "spec:\n  replicas: 2\n", 1)
	service := "---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  clusterIP: None\n  selector: {app: shop}\n  ports: [{name: http, port: 4000}]\n"
	ingress := "---\napiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec: {defaultBackend: {service: {name: shop, port: {number: 4000}}}}\n"
	for name, c := range map[string]struct {
		text   string
		mended bool
	}{"discovery's alone": {app + service, true}, "an Ingress's too": {app + service + ingress, false}} {
		in := filesOf(map[string]string{"a.yaml": c.text})
		if r := Run(in, Options{Rules: rules(t, "DSC-07")}); len(r.Findings) != 1 {
			t.Fatalf("%s: %+v", name, r.Findings)
		}
		if got := mendedFiles(t, in, "DSC-07"); len(got) > 0 != c.mended || c.mended && !strings.Contains(got["a.yaml"], "publishNotReadyAddresses: true") {
			t.Errorf("%s: %v", name, got)
		}
	}
}
