package plan_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// randomPlan is the plan of a random BeamApp, with or without an agent's image.
func randomPlan(t *rapid.T) *plan.Plan {
	app := plantest.Apps().Draw(t, "app")
	image := rapid.SampledFrom([]string{"", "registry.example.com/phial-agent:0.4.0"}).Draw(t, "agent image")
	p, err := plan.New(app, plan.Options{AgentImage: image})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// The same BeamApp is the same bytes, and is not changed by being planned.
func TestSameAppSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		app := plantest.Apps().Draw(t, "app")
		before := app.DeepCopy()
		var streams [2]string
		for i := range streams {
			p, err := plan.New(app, plan.Options{AgentImage: "agent:1"})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			if err := plan.Encode(&b, p.Objects()); err != nil {
				t.Fatal(err)
			}
			streams[i] = b.String()
		}
		if d := cmp.Diff(streams[0], streams[1]); d != "" {
			t.Errorf("two plans of one BeamApp differ:\n%s", d)
		}
		if !reflect.DeepEqual(before, app) {
			t.Errorf("planning changed the BeamApp:\n%s", cmp.Diff(before, app))
		}
		if s := streams[0]; strings.Contains(s, "creationTimestamp") || strings.Contains(s, "\nstatus:") {
			t.Errorf("the stream holds what only a server knows:\n%s", s)
		}
	})
}

// Every object says what it is and whose, by a name of its own.
func TestObjectsAreLabelledAndNamed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		seen := map[string]bool{}
		for _, o := range p.Objects() {
			kind := o.GetObjectKind().GroupVersionKind()
			id := kind.Kind + " " + o.GetName()
			if kind.Version == "" || kind.Kind == "" || seen[id] {
				t.Errorf("%s (%s) has no kind, or is there twice", id, kind)
			}
			seen[id] = true
			if bad := validation.IsDNS1123Label(o.GetName()); len(bad) > 0 {
				t.Errorf("%s: %v", id, bad)
			}
			if o.GetNamespace() != p.App.Namespace {
				t.Errorf("%s is in namespace %q", id, o.GetNamespace())
			}
			l := o.GetLabels()
			if l[plan.LabelName] != p.App.Name || l[plan.LabelManagedBy] != plan.ManagedBy || l[plan.LabelInstance] == "" {
				t.Errorf("%s has labels %v", id, l)
			}
			for k, v := range l {
				if bad := validation.IsValidLabelValue(v); len(bad) > 0 {
					t.Errorf("%s: label %s: %v", id, k, bad)
				}
			}
		}
	})
}

// Nothing that the plan wants is left out of its objects, and each comes after what it
// needs.
func TestObjectsAreAllThereAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		at := map[plan.Object]int{}
		for i, o := range p.Objects() {
			at[o] = i + 1
		}
		want := 0
		v := reflect.ValueOf(p).Elem()
		for i := range v.NumField() {
			if o, ok := v.Field(i).Interface().(plan.Object); ok && !v.Field(i).IsNil() && v.Type().Field(i).Name != "App" {
				if want++; at[o] == 0 {
					t.Errorf("%s is not among the objects", v.Type().Field(i).Name)
				}
			}
		}
		for _, l := range p.Pipelines {
			want++
			if at[l.Deployment] == 0 || l.Budget != nil && at[l.Budget] < at[l.Deployment] || l.ScaledObject != nil && at[l.ScaledObject] < at[l.Deployment] {
				t.Errorf("pipeline %s is not in order", l.Name)
			}
			if l.Budget != nil {
				want++
			}
			if l.ScaledObject != nil {
				want++
			}
		}
		if len(at) != want {
			t.Errorf("%d objects, want %d", len(at), want)
		}
		workload := at[p.Deployment] + at[p.StatefulSet]
		for name, before := range map[string]int{
			"ServiceAccount": at[p.ServiceAccount], "RoleBinding": at[p.RoleBinding], "ConfigMap": at[p.ConfigMap], "NetworkPolicy": at[p.NetworkPolicy],
			"headless Service": at[p.HeadlessService], "Migration": at[p.Migration],
		} {
			if before > workload {
				t.Errorf("%s comes after the pods that need it", name)
			}
		}
	})
}

// pods are the templates of all pods of a plan.
func pods(p *plan.Plan) map[string]corev1.PodTemplateSpec {
	all := map[string]corev1.PodTemplateSpec{plan.ComponentNode: *p.PodTemplate()}
	for _, l := range p.Pipelines {
		all[l.Name] = l.Deployment.Spec.Template
	}
	if p.Migration != nil {
		all[plan.ComponentMigration] = p.Migration.Spec.Template
	}
	return all
}

// What scales a workload names it, and then nothing else says how many pods it has.
func TestScalersHaveTheirTargets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		kind, name := "StatefulSet", p.App.Name
		var replicas *int32
		if p.StatefulSet != nil {
			replicas = p.StatefulSet.Spec.Replicas
		} else {
			kind, replicas = "Deployment", p.Deployment.Spec.Replicas
		}
		if (p.Autoscaler == nil) != (replicas != nil) {
			t.Errorf("autoscaler %v, replicas %v", p.Autoscaler != nil, replicas)
		}
		if a := p.Autoscaler; a != nil {
			if ref := a.Spec.ScaleTargetRef; ref.Kind != kind || ref.Name != name || ref.APIVersion != "apps/v1" {
				t.Errorf("the autoscaler's target is %+v, the workload %s %s", ref, kind, name)
			}
			if len(a.Spec.Metrics) == 0 {
				t.Error("the autoscaler has no metric")
			}
		}
		for i, l := range p.Pipelines {
			pipelineFits(t, p.App.Spec.Pipelines[i], l)
		}
	})
}

func pipelineFits(t *rapid.T, want v1alpha1.PipelineSpec, l plan.Pipeline) {
	keda := want.LagPerReplica != nil
	if (l.ScaledObject != nil) != keda || (l.Deployment.Spec.Replicas == nil) != keda {
		t.Errorf("%s: lagPerReplica %v, ScaledObject %v, replicas %v", want.Name, keda, l.ScaledObject != nil, l.Deployment.Spec.Replicas)
	}
	if r := l.Deployment.Spec.Strategy.RollingUpdate; r.MaxSurge.IntVal != 0 || r.MaxUnavailable.IntVal != 1 {
		t.Errorf("%s surges: %+v", want.Name, r)
	}
	busy := int32(0) // how many pods have a partition each for every consumer
	if want.Kafka != nil && want.Kafka.Partitions != nil {
		busy = max(*want.Kafka.Partitions/max(want.Kafka.Concurrency, 1), 1)
	}
	var most int64
	if keda {
		target, _, _ := unstructured.NestedString(l.ScaledObject.Object, "spec", "scaleTargetRef", "name")
		triggers, _, _ := unstructured.NestedSlice(l.ScaledObject.Object, "spec", "triggers")
		if target != l.Deployment.Name || len(triggers) != len(want.Kafka.Topics) {
			t.Errorf("%s: scales %s by %d triggers for %v", want.Name, target, len(triggers), want.Kafka.Topics)
		}
		least, _, _ := unstructured.NestedInt64(l.ScaledObject.Object, "spec", "minReplicaCount")
		most, _, _ = unstructured.NestedInt64(l.ScaledObject.Object, "spec", "maxReplicaCount")
		if most > 0 && least > most {
			t.Errorf("%s: from %d to %d", want.Name, least, most)
		}
	} else {
		most = int64(*l.Deployment.Spec.Replicas)
	}
	if busy > 0 && most > int64(busy) {
		t.Errorf("%s: %d replicas, and partitions for %d", want.Name, most, busy)
	}
}

// What leads traffic in, leads to a port that the Service has.
func TestRoutesLeadToTheService(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		if p.Ingress != nil {
			for _, rule := range p.Ingress.Spec.Rules {
				b := rule.HTTP.Paths[0].Backend.Service
				if b.Name != p.Service.Name || b.Port.Name != p.Service.Spec.Ports[0].Name {
					t.Errorf("the Ingress leads to %+v", b)
				}
			}
		}
		if p.HTTPRoute == nil {
			return
		}
		rules, _, _ := unstructured.NestedSlice(p.HTTPRoute.Object, "spec", "rules")
		refs := rules[0].(map[string]any)["backendRefs"].([]any)
		if ref := refs[0].(map[string]any); ref["name"] != p.Service.Name || ref["port"] != int64(p.Service.Spec.Ports[0].Port) {
			t.Errorf("the HTTPRoute leads to %v", ref)
		}
	})
}

// A token is in pods that may ask for something with it, and in no others.
func TestTokensAndRightsGoTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		for name, pod := range pods(p) {
			if token, want := *pod.Spec.AutomountServiceAccountToken, p.Role != nil && name == plan.ComponentNode; token != want {
				t.Errorf("%s: token %v, want %v", name, token, want)
			}
		}
		if (p.Role == nil) != (p.RoleBinding == nil) {
			t.Error("a Role without a binding, or a binding without a Role")
		}
		if b := p.RoleBinding; b != nil && (b.RoleRef.Name != p.Role.Name || b.Subjects[0].Name != p.PodTemplate().Spec.ServiceAccountName) {
			t.Errorf("the binding is of %s to %s", b.RoleRef.Name, b.Subjects[0].Name)
		}
		if a := p.ServiceAccount; (a == nil) != (p.App.Spec.ServiceAccountName != "") || a != nil && a.Name != p.PodTemplate().Spec.ServiceAccountName {
			t.Errorf("account %v, pods run as %s", a, p.PodTemplate().Spec.ServiceAccountName)
		}
	})
}
