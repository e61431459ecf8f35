package plan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

func anyOptions(t *rapid.T) plan.Options {
	return plan.Options{AgentImage: rapid.SampledFrom([]string{"", "phial-agent:1.0.0"}).Draw(t, "agentImage")}
}

// Whatever a team may write, the objects of one plan agree, and are the same each time.
func TestEveryPlanAgrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		app, o := plantest.Apps().Draw(t, "app"), anyOptions(t)
		before := app.DeepCopy()
		p, err := plan.New(app, o)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(before, app); d != "" {
			t.Fatalf("the BeamApp was changed:\n%s", d)
		}
		for _, bad := range disagreements(p) {
			t.Error(bad)
		}
		again, err := plan.New(app, o)
		if err != nil {
			t.Fatal(err)
		}
		var a, b bytes.Buffer
		if err := errors.Join(plan.Encode(&a, p.Objects()), plan.Encode(&b, again.Objects())); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Error("the second time it is different")
		}
	})
}

// fragments of patches, harmless and harmful. %s of a port, a name and so on is random
// by which of them come together.
var fragments = []string{
	`{"metadata":{"labels":{"team":"red","app.kubernetes.io/version":"x"},"annotations":{"a":"b"}}}`,
	`{"metadata":{"labels":{"app.kubernetes.io/name":"other"}}}`,
	`{"metadata":{"labels":null}}`,
	`{"metadata":{"annotations":{"traffic.sidecar.istio.io/excludeInboundPorts":"1"}}}`,
	`{"spec":{"hostNetwork":true}}`, `{"spec":{"hostname":"x"}}`, `{"spec":{"subdomain":"x"}}`, `{"spec":{"subdomain":null}}`,
	`{"spec":{"terminationGracePeriodSeconds":1}}`, `{"spec":{"terminationGracePeriodSeconds":1000000}}`,
	`{"spec":{"terminationGracePeriodSeconds":null}}`,
	`{"spec":{"serviceAccountName":"x"}}`, `{"spec":{"dnsPolicy":"Default"}}`, `{"spec":{"securityContext":{"runAsUser":0}}}`,
	`{"spec":{"securityContext":null}}`, `{"spec":{"securityContext":{"fsGroup":null,"supplementalGroups":[7]}}}`,
	`{"spec":{"volumes":[{"name":"scratch","emptyDir":{}}]}}`, `{"spec":{"volumes":null}}`,
	`{"spec":{"volumes":[{"name":"phial-cookie","emptyDir":{},"secret":null}]}}`,
	`{"spec":{"volumes":[{"name":"phial-tmp","emptyDir":{"medium":"Memory"}}]}}`,
	`{"spec":{"volumes":[{"$patch":"replace"},{"name":"x","emptyDir":{}}]}}`,
	`{"spec":{"volumes":[{"name":"phial-cookie","$patch":"delete"}]}}`,
	`{"spec":{"containers":[{"name":"proxy","image":"p","ports":[{"containerPort":4369}]}]}}`,
	`{"spec":{"containers":[{"name":"proxy","image":"p","ports":[{"containerPort":8081}],"readinessProbe":{"httpGet":{"port":8081}}}]}}`,
	`{"spec":{"containers":[{"name":"app","$patch":"delete"},{"name":"other","image":"o"}]}}`,
	`{"spec":{"containers":[{"$patch":"replace"},{"name":"app","image":"o"}]}}`,
	`{"spec":{"containers":[{"name":"app","image":"other"}]}}`, `{"spec":{"containers":[{"name":"app","command":["bin/shop","start"]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"RELEASE_NODE","value":"x@y"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"POD_IP","value":"10.0.0.1","valueFrom":null}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"EXTRA","value":"$(POD_IP)"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":null}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"ERL_AFLAGS","value":"-proto_dist inet_tcp"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"ERL_FLAGS","value":"+S 2"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"ERL_AFLAGS","value":"+S 2"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","env":[{"name":"ERL_AFLAGS","$patch":"delete"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","ports":[{"containerPort":9568,"name":"metrics"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","ports":[{"containerPort":9100,"name":"else"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","ports":[{"containerPort":4000,"hostPort":80}]}]}}`,
	`{"spec":{"containers":[{"name":"app","readinessProbe":null}]}}`,
	`{"spec":{"containers":[{"name":"app","livenessProbe":{"httpGet":{"path":"/","port":"nowhere"}}}]}}`,
	`{"spec":{"containers":[{"name":"app","livenessProbe":{"httpGet":{"path":"/","port":31}}}]}}`,
	`{"spec":{"containers":[{"name":"app","lifecycle":{"preStop":{"sleep":{"seconds":600}}}}]}}`,
	`{"spec":{"containers":[{"name":"app","lifecycle":null}]}}`,
	`{"spec":{"containers":[{"name":"app","volumeMounts":[{"mountPath":"/extra","name":"scratch"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","volumeMounts":[{"mountPath":"/tmp","name":"scratch"}]}]}}`,
	`{"spec":{"containers":[{"name":"app","securityContext":{"privileged":true}}]}}`,
	`{"spec":{"initContainers":[{"name":"wait","image":"busybox"}]}}`, `{"spec":{"initContainers":null}}`,
	`{"spec":{"affinity":{"nodeAffinity":{}}}}`, `{"spec":{"topologySpreadConstraints":null}}`,
	`{"spec":{"nodeSelector":{"disk":"ssd"}}}`, `{"spec":null}`, `{"metadata":null}`, `{}`, `null`,
	`{"spec":{"contaners":[]}}`, `{"spec":{"containers":{}}}`,
}

// After any patch the objects still agree, or the patch is refused, with the place.
func TestEveryPatchedPlanAgrees(t *testing.T) {
	var accepted, refused int
	rapid.Check(t, func(t *rapid.T) {
		app, o := plantest.Apps().Draw(t, "app"), anyOptions(t)
		whole := map[string]any{}
		for _, f := range rapid.SliceOfN(rapid.SampledFrom(fragments), 1, 3).Draw(t, "fragments") {
			var m map[string]any
			if err := json.Unmarshal([]byte(f), &m); err != nil {
				t.Fatal(err)
			}
			whole = joined(whole, m)
		}
		raw, err := json.Marshal(whole)
		if err != nil {
			t.Fatal(err)
		}
		app.Spec.PodTemplate = &runtime.RawExtension{Raw: raw}
		if agrees(t, app, o) {
			accepted++
		} else {
			refused++
		}
	})
	if accepted == 0 || refused == 0 {
		t.Errorf("%d patches were taken and %d refused: the fragments test one side alone", accepted, refused)
	}
}

// joined puts two objects into one, lists one behind the other.
func joined(a, b map[string]any) map[string]any {
	for k, v := range b {
		switch old := a[k].(type) {
		case map[string]any:
			if m, ok := v.(map[string]any); ok {
				v = joined(old, m)
			}
		case []any:
			if l, ok := v.([]any); ok {
				v = slices.Concat(old, l)
			}
		}
		a[k] = v
	}
	return a
}

// agrees plans a patched app, and reports whether the patch was taken.
func agrees(t interface {
	Errorf(string, ...any)
	Helper()
}, app *v1alpha1.BeamApp, o plan.Options) bool {
	t.Helper()
	p, err := plan.New(app, o)
	if err == nil {
		for _, bad := range disagreements(p) {
			t.Errorf("after %s: %s", app.Spec.PodTemplate.Raw, bad)
		}
		return true
	}
	var e *plan.PatchError
	if !errors.As(err, &e) || len(e.Problems) == 0 {
		t.Errorf("%s: %v is no PatchError", app.Spec.PodTemplate.Raw, err)
		return false
	}
	for _, problem := range e.Problems {
		if !strings.HasPrefix(problem.Path, "spec.podTemplate") || problem.Text == "" {
			t.Errorf("%s: %+v leads nowhere", app.Spec.PodTemplate.Raw, problem)
		}
	}
	return false
}

// Whatever stands in podTemplate, it is taken and harmless, or refused.
func FuzzPodTemplate(f *testing.F) {
	for _, s := range fragments {
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, stable bool) {
		app := tallyApp(func(s *v1alpha1.BeamAppSpec) {
			if stable {
				s.Clustered.Identity = v1alpha1.Stable
			}
		})
		app.Spec.PodTemplate = &runtime.RawExtension{Raw: raw}
		agrees(t, app, plan.Options{AgentImage: "phial-agent:1.0.0"})
	})
}
