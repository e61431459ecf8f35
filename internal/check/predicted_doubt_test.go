package check

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// What a prediction does not know and can name is a hint; where something else was meant,
// most likely, a warning that says what.
func TestForetoldDoubts(t *testing.T) {
	topology := func(service string) string {
		return "config :libcluster, topologies: [k8s: [strategy: Cluster.Strategy.Kubernetes.DNS, config: [service: \"" + service + "\", application_name: \"shop\"]]]\n"
	}
	noQuery := strings.Replace(meshManifest, "        - {name: DNS_CLUSTER_QUERY, value: shop-headless.prod.svc.cluster.local}\n", "", 1)
	other := strings.Replace(noQuery, "  clusterIP: None\n", "", 1)
	for _, c := range []struct {
		name, manifests, runtime, script string
		code                             finding.Code
		severity                         finding.Severity
		text                             string
	}{
		{"a misspelt Service", noQuery, topology("shop-headles"), "", finding.ServiceUnknown, finding.Warning, "did you mean shop-headless?"},
		{"another Service", noQuery, topology("nodes"), "", finding.ServiceUnknown, finding.Warning, "did you mean shop-headless, which is headless"},
		{"of another namespace", strings.Replace(noQuery, "name: shop-headless, namespace: prod", "name: shop-headless, namespace: stage", 1), topology("shop-headless"), "",
			finding.ServiceUnknown, finding.Warning, "there is one in namespace stage"},
		{"another, and none that would do", other, topology("nodes"), "", finding.ServiceUnknown, finding.Info, "in what was read"},
		{"a script for another shell", meshManifest, topology("shop-headless"), "export RELEASE_NODE=shop@${POD_IP//x/}\n", codeEndsStart, finding.Warning, "sh does not have this"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := Run(predictedInput(t, c.manifests, c.runtime, c.script), Options{})
			n := 0
			for _, f := range r.Findings {
				if f.Code != c.code {
					continue
				}
				if n++; f.Severity != c.severity || f.Confidence == Certain || !strings.Contains(f.Cause, c.text) || f.At.Line == 0 {
					t.Errorf("%+v", f)
				}
			}
			if n != 1 || len(r.Meshes[0].Doubts) == 0 {
				t.Errorf("%d of %s; doubts %q; found %s", n, c.code, r.Meshes[0].Doubts, codes(r))
			}
		})
	}
}

// A finding tells of the islands of its own mesh alone, however many others there are.
func TestIslandsOfOneMesh(t *testing.T) {
	apart := strings.Replace(meshManifest, "shop@$(POD_IP)", "shop@a.$(POD_IP).example", 1)
	manifests := apart + "---\n" + strings.NewReplacer("prod", "stage", "name: shop,", "name: cart,", "app: shop", "app: cart").Replace(apart)
	r := Run(predictedInput(t, manifests, "", ""), Options{})
	told := 0
	for _, f := range r.Findings {
		for _, e := range f.Evidence {
			islands, ok := strings.CutPrefix(e, "islands: ")
			if !ok {
				continue
			}
			told++
			if strings.Contains(islands, "shop") == strings.Contains(islands, "cart") || strings.Count(islands, "|") != 2 {
				t.Errorf("%s of %s: %s", f.Code, f.Subject, islands)
			}
		}
	}
	if told != 2 {
		t.Errorf("%d findings tell of islands: %s", told, codes(r))
	}
}

// What a code stands for beside its rule's own mistake is mended as it has to be.
func TestMendedOtherwise(t *testing.T) {
	twice := strings.Replace(meshManifest, "        env:\n", "        env:\n        - {name: ERL_FLAGS, value: -setcookie "+strings.Repeat("a", 20)+"}\n", 1)
	for _, c := range []struct {
		name, manifests, script string
		code                    finding.Code
		fix                     string
	}{
		{"a long name without a host", meshManifest, "export RELEASE_NODE=shop\n", finding.InvalidName, "give RELEASE_NODE a host"},
		{"a script for another shell", meshManifest, "export RELEASE_NODE=shop@${POD_IP//x/}\n", codeEndsStart, "tr . -"},
		{"a second cookie", twice, "", finding.CookieDiffers, "take -setcookie out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, f := range Run(predictedInput(t, c.manifests, "", c.script), Options{}).Findings {
				if f.Code == c.code && strings.Contains(f.Fix, c.fix) {
					return
				}
			}
			t.Errorf("no %s that is mended by %q", c.code, c.fix)
		})
	}
}

// What is not known of one mesh says nothing of another: whose islands are certain stay so.
func TestDoubtsOfOneMesh(t *testing.T) {
	noQuery := strings.Replace(meshManifest, "shop-headless.prod.svc.cluster.local", "elsewhere.prod.svc.cluster.local", 1)
	apart := strings.NewReplacer("prod", "stage", "name: shop,", "name: cart,", "app: shop", "app: cart").
		Replace(strings.Replace(meshManifest, "shop@$(POD_IP)", "shop@a.$(POD_IP).example", 1))
	r := Run(predictedInput(t, noQuery+"---\n"+apart, "", ""), Options{})
	if len(r.Meshes[0].Groups) != 2 {
		t.Fatalf("%+v", r.Meshes[0].Groups)
	}
	for _, g := range r.Meshes[0].Groups {
		doubtful := strings.Contains(g.Workloads[0], "prod")
		if (len(g.Doubts) > 0) != doubtful || len(g.Islands) != 3 {
			t.Errorf("%+v", g)
		}
	}
}

// What is predicted of a project that was not read whole is no error, also where the rule
// of its code lacks an input of its own and is not asked.
func TestForetoldOfBrokenProject(t *testing.T) {
	for _, broken := range []bool{false, true} {
		in := predictedInput(t, meshManifest, "", "export RELEASE_NODE=shop@\n")
		want := finding.Error
		if broken {
			in.Project.Broken = []project.Use{{What: "no Elixir", At: project.Pos{File: "mix.exs", Line: 1, Col: 1}}}
			want = finding.Warning
		}
		rule := &Rule{Code: codeEndsStart, Severity: finding.Error, Confidence: Certain, Needs: CI, Check: func(*Input, *Finder) { t.Error("asked without a pipeline") }}
		r := Run(in, Options{Rules: []*Rule{rule}})
		if len(r.Findings) != 1 || r.Findings[0].Severity != want || len(r.NotChecked) != 1 || r.Looked.Rules != 0 {
			t.Errorf("broken %t: %+v", broken, r)
		}
	}
}
