package plan_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
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

// Each pod stands below exactly one policy where there are any, and what lets code run in
// it is open to the replicas alone.
func TestPoliciesCoverEveryPod(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		want := p.App.Spec.NetworkPolicy
		managed := want.Ingress == v1alpha1.IsManaged || want.Egress == v1alpha1.IsManaged
		for name, pod := range pods(p) {
			var over []*networkingv1.NetworkPolicy
			for _, policy := range []*networkingv1.NetworkPolicy{p.NetworkPolicy, p.WorkerPolicy} {
				if policy != nil && selectsPod(t, &policy.Spec.PodSelector, pod.Labels) {
					over = append(over, policy)
				}
			}
			if !managed {
				if len(over) > 0 {
					t.Errorf("%s: a policy that nobody asked for", name)
				}
				continue
			}
			if len(over) != 1 {
				t.Fatalf("%s stands below %d policies", name, len(over))
			}
			policyFits(t, p, name, pod, over[0])
		}
	})
}

func policyFits(t *rapid.T, p *plan.Plan, name string, pod corev1.PodTemplateSpec, policy *networkingv1.NetworkPolicy) {
	want := p.App.Spec.NetworkPolicy
	if got := slices.Contains(policy.Spec.PolicyTypes, networkingv1.PolicyTypeEgress); got != (want.Egress == v1alpha1.IsManaged) {
		t.Errorf("%s: egress %s, and policy types %v", name, want.Egress, policy.Spec.PolicyTypes)
	}
	if want.Ingress != v1alpha1.IsManaged {
		return
	}
	for _, rule := range policy.Spec.Ingress {
		if len(rule.Ports) == 0 {
			t.Errorf("%s: a rule without ports opens all", name)
		}
	}
	for _, c := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
		for _, port := range c.Ports {
			everybody := allows(policy, port.ContainerPort, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From) == 0 })
			replicas := allows(policy, port.ContainerPort, func(r networkingv1.NetworkPolicyIngressRule) bool {
				return slices.ContainsFunc(r.From, func(peer networkingv1.NetworkPolicyPeer) bool {
					return peer.PodSelector != nil && selectsPod(t, peer.PodSelector, p.PodTemplate().Labels)
				})
			})
			public := port.Name == plan.PortHTTP || port.Name == plan.PortAgentProbe
			if everybody != public || replicas == public {
				t.Errorf("%s, port %s %d: open to everybody %v, to replicas %v", name, port.Name, port.ContainerPort, everybody, replicas)
			}
		}
	}
}

// allows tells whether a rule of the given kind lets TCP in on a port.
func allows(policy *networkingv1.NetworkPolicy, port int32, kind func(networkingv1.NetworkPolicyIngressRule) bool) bool {
	for _, rule := range policy.Spec.Ingress {
		if !kind(rule) {
			continue
		}
		for _, p := range rule.Ports {
			last := p.Port.IntVal
			if p.EndPort != nil {
				last = *p.EndPort
			}
			if *p.Protocol == corev1.ProtocolTCP && p.Port.IntVal <= port && port <= last {
				return true
			}
		}
	}
	return false
}

func selectsPod(t *rapid.T, selector *metav1.LabelSelector, l map[string]string) bool {
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(l))
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

// A migration is confined as the app is and has its environment; it is no node, holds no
// cookie, and needs nothing that is there only after it.
func TestMigrationIsTheAppWithoutANode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomPlan(t)
		if p.Migration == nil {
			return
		}
		pod, node := p.Migration.Spec.Template.Spec, p.PodTemplate().Spec
		c, app := pod.Containers[0], node.Containers[0]
		if !reflect.DeepEqual(pod.SecurityContext, node.SecurityContext) || !reflect.DeepEqual(c.SecurityContext, app.SecurityContext) {
			t.Error("it is confined in another way")
		}
		if !reflect.DeepEqual(c.EnvFrom, app.EnvFrom) || c.Image != app.Image || !slices.Equal(c.Command, p.App.Spec.Migration.Command) {
			t.Errorf("it runs %v of %s with %v", c.Command, c.Image, c.EnvFrom)
		}
		for _, e := range p.App.Spec.Env {
			if !slices.ContainsFunc(c.Env, func(x corev1.EnvVar) bool { return x.Name == e.Name }) {
				t.Errorf("%s is not in its environment", e.Name)
			}
		}
		if pod.ServiceAccountName != p.App.Spec.ServiceAccountName || len(pod.InitContainers) > 0 || pod.RestartPolicy != corev1.RestartPolicyNever {
			t.Errorf("account %q, %d init containers, restart policy %s", pod.ServiceAccountName, len(pod.InitContainers), pod.RestartPolicy)
		}
		b, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		for _, not := range []string{p.Cookie.SecretName, plan.ConfigMapName(p.App.Name)} {
			if strings.Contains(string(b), fmt.Sprintf("%q", not)) {
				t.Errorf("it needs %s", not)
			}
		}
	})
}

// Another template is another Job, since a Job's template can't be changed; the same one
// is the same.
func TestMigrationIsNamedByItsTemplate(t *testing.T) {
	app := func(change func(*v1alpha1.BeamAppSpec)) string {
		a := &v1alpha1.BeamApp{Spec: v1alpha1.BeamAppSpec{Image: "shop:1.4.2", Migration: &v1alpha1.MigrationSpec{Command: []string{"bin/migrate"}}}}
		a.Name = strings.Repeat("a", 40)
		change(&a.Spec)
		p, err := plan.New(a, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return p.Migration.Name
	}
	same := app(func(*v1alpha1.BeamAppSpec) {})
	if len(same) > validation.DNS1123LabelMaxLength {
		t.Errorf("%s has %d characters", same, len(same))
	}
	for name, tt := range map[string]struct {
		change func(*v1alpha1.BeamAppSpec)
		other  bool
	}{
		"image":       {func(s *v1alpha1.BeamAppSpec) { s.Image = "shop:1.4.3" }, true},
		"command":     {func(s *v1alpha1.BeamAppSpec) { s.Migration.Command = []string{"bin/other"} }, true},
		"environment": {func(s *v1alpha1.BeamAppSpec) { s.Env = []corev1.EnvVar{{Name: "A", Value: "b"}} }, true},
		"time":        {func(s *v1alpha1.BeamAppSpec) { s.Migration.TimeoutSeconds = 5 }, false},
		"replicas":    {func(s *v1alpha1.BeamAppSpec) { s.Replicas = new(int32(7)) }, false},
		"agent":       {func(s *v1alpha1.BeamAppSpec) { s.Agent = v1alpha1.Disabled }, false},
	} {
		if got := app(tt.change); (got != same) != tt.other {
			t.Errorf("another %s: %s, before %s", name, got, same)
		}
	}
}
