package plan_test

import (
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/plan"
)

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
