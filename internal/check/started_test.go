package check

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A name is told once, though an umbrella's release is called as one of its apps.
func TestReleaseNamesOnce(t *testing.T) {
	in := shop(t, []change{
		{"mix.exs", "", "defmodule Shops.MixProject do\n  use Mix.Project\n  def project, do: [apps_path: \"apps\", version: \"0.3.0\", releases: [shop: [applications: [shop: :permanent]]]]\nend\n"},
		{"apps/shop/mix.exs", "", "defmodule Shop.MixProject do\n  use Mix.Project\n  def project, do: [app: :shop, version: \"0.3.0\"]\nend\n"},
		{"apps/web/mix.exs", "", "defmodule Web.MixProject do\n  use Mix.Project\n  def project, do: [app: :web, version: \"0.3.0\"]\nend\n"},
	})
	names, known := in.Project.ReleaseNames()
	slices.Sort(names)
	if d := cmp.Diff([]string{"shop", "web"}, names); d != "" || !known {
		t.Errorf("known: %v (-want +got):\n%s", known, d)
	}
}

// The cause of an Ingress that leads nowhere says what its Service has.
func TestPortsOfAService(t *testing.T) {
	const ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: shop}\nspec:\n  defaultBackend: {service: {name: shop, port: {name: http}}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: shop}\nspec:\n  selector: {app: shop}\n"
	for ports, want := range map[string]string{
		"  ports: [{port: 80}]\n": "the Service shop has no port http; its ports have no names",
		"  ports: [{name: web, port: 80}, {name: metrics, port: 9568}]\n":  "the Service shop has no port http; it has web and metrics",
		"  ports: [{name: http, port: 80}, {name: metrics, port: 9568}]\n": "",
	} {
		got := ""
		for _, f := range Run(filesOf(map[string]string{"a.yaml": ingress + ports}), Options{Rules: rules(t, "K8S-05")}).Findings {
			got = f.Cause
		}
		if got != want {
			t.Errorf("%s: %q, want %q", ports, got, want)
		}
	}
}
