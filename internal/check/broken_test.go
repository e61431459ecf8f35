package check

import (
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

// Of a project that is read in parts nothing is said for certain, and nothing that the rest of it would say otherwise.
func TestBrokenProjectIsInDoubt(t *testing.T) {
	broken := change{"config/runtime.exs", `if System.get_env("PHX_SERVER") do`, `if System.get_env("PHX_SERVER" do`}
	library := change{"lib/shop/application.ex", "      ShopWeb.Endpoint\n", "      {ShopWeb.Endpoint\n"}
	for name, c := range map[string]struct {
		changes []change
		also    []finding.Code // warnings that remain: what stands in the manifests, or was predicted
	}{
		"the configuration":                 {[]change{broken}, nil},
		"the configuration, clustered":      {[]change{broken, meshed}, []finding.Code{"COO-01", "DSC-03"}},
		"the configuration, unserved":       {[]change{broken, noServer}, nil},
		"another host":                      {[]change{broken, {"k8s.yaml", "value: shop.example.com", "value: www.example.com"}}, nil},
		"lib":                               {[]change{library}, nil},
		"lib, and Presence":                 {[]change{library, presence}, nil},
		"lib, unserved":                     {[]change{library, noServer}, []finding.Code{"HLT-04"}},
		"lib, and PORT is another":          {[]change{library, {"k8s.yaml", "        - name: PHX_HOST\n", "        - {name: PORT, value: \"8080\"}\n        - name: PHX_HOST\n"}}, []finding.Code{"HLT-05"}},
		"mix.exs":                           {[]change{{"mix.exs", "{:phoenix,", "{:phoenix"}}, nil},
		"a mistake in the manifests":        {[]change{broken, {"k8s.yaml", "{matchLabels: {app: shop}}\n  template", "{matchLabels: {app: shops}}\n  template"}}, []finding.Code{"CHK-07", "DSC-02"}},
		"development's, which is no matter": {[]change{{"config/dev.exs", "", "[[["}}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := shop(t, c.changes)
			want := map[finding.Code]bool{}
			for _, code := range c.also {
				want[code] = true
			}
			if len(in.Project.Broken) > 0 {
				want[SourceUnreadable] = true
			}
			said := map[finding.Code]bool{}
			for _, f := range Run(in, Options{Severity: finding.Warning}).Findings {
				said[f.Code] = true
				if !want[f.Code] {
					t.Errorf("%s: %s %s: %s", f.At, f.Severity, f.Code, f.Cause)
				}
				if f.Severity == finding.Error && f.Code != ObjectRefused {
					t.Errorf("%s is an error of a project that was not read whole: %s", f.Code, f.Cause)
				}
			}
			if want[SourceUnreadable] && !said[SourceUnreadable] {
				t.Error("nothing says that the project was not read whole")
			}
		})
	}
}
