package plan

import (
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
)

// WorkerPolicyName is the NetworkPolicy of an app's pods that are not replicas of it.
func WorkerPolicyName(app string) string { return app + "-workers" }

// dnsPort is where names are asked for, UDP and TCP.
const dnsPort = 53

// networkPolicy is that of the serving replicas. Who reaches EPMD, distribution or an
// agent's peer port needs only the cookie, or a guess of it, to run code (NET-05): those
// are open to the replicas themselves alone. HTTP and the agent's probe port are open to
// all.
func networkPolicy(s *settings) *networkingv1.NetworkPolicy {
	var in []networkingv1.NetworkPolicyIngressRule
	if s.nodes.distributed {
		in = append(in, networkingv1.NetworkPolicyIngressRule{
			From: []networkingv1.NetworkPolicyPeer{{
				PodSelector: &metav1.LabelSelector{MatchLabels: s.selector(s.nodes)},
			}},
			Ports: s.peerPorts(),
		})
	}
	var open []networkingv1.NetworkPolicyPort
	if h := s.spec.HTTP; h != nil {
		open = append(open, tcp(h.Port))
	}
	if s.agent {
		open = append(open, tcp(beam.AgentProbePort))
	}
	return s.policy(s.app.Name, ComponentNode,
		metav1.LabelSelector{MatchLabels: s.selector(s.nodes)}, openTo(in, open))
}

// workerPolicy is that of the app's other pods, the pipelines and the migration, nil
// where there are none. They serve nobody: their nodes listen on loopback alone, and
// only an agent's probe port is there to be reached.
func workerPolicy(s *settings) *networkingv1.NetworkPolicy {
	if len(s.spec.Pipelines) == 0 && s.spec.Migration == nil {
		return nil
	}
	var open []networkingv1.NetworkPolicyPort
	if s.agent && len(s.spec.Pipelines) > 0 {
		open = append(open, tcp(beam.AgentProbePort))
	}
	return s.policy(WorkerPolicyName(s.app.Name), "", metav1.LabelSelector{
		MatchLabels: map[string]string{LabelName: s.app.Name},
		MatchExpressions: []metav1.LabelSelectorRequirement{{
			Key: LabelComponent, Operator: metav1.LabelSelectorOpNotIn, Values: []string{ComponentNode},
		}},
	}, openTo(nil, open))
}

// policy is nil where neither direction is managed.
func (s *settings) policy(name, component string, pods metav1.LabelSelector, in []networkingv1.NetworkPolicyIngressRule) *networkingv1.NetworkPolicy {
	want := s.spec.NetworkPolicy
	o := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: s.meta(name, component),
		Spec:       networkingv1.NetworkPolicySpec{PodSelector: pods},
	}
	if want.Ingress == v1alpha1.IsManaged {
		o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, networkingv1.PolicyTypeIngress)
		o.Spec.Ingress = append(in, want.IngressRules...)
	}
	if want.Egress == v1alpha1.IsManaged {
		o.Spec.PolicyTypes = append(o.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
		o.Spec.Egress = append(s.egress(), want.EgressRules...)
	}
	if len(o.Spec.PolicyTypes) == 0 {
		return nil
	}
	return o
}

// peerPorts are what one replica reaches of another.
func (s *settings) peerPorts() []networkingv1.NetworkPolicyPort {
	first, last := s.distPorts()
	dist := tcp(first)
	if last > first {
		dist.EndPort = new(last)
	}
	all := []networkingv1.NetworkPolicyPort{dist}
	if s.epmd {
		all = append([]networkingv1.NetworkPolicyPort{tcp(beam.EPMDPort)}, all...)
	}
	if s.agent {
		all = append(all, tcp(beam.AgentPeerPort))
	}
	return all
}

// egress is what every pod of the app may reach: names, wherever the cluster's DNS is
// (a cache on each machine has an address that no selector knows), and the app's own
// pods, whose own rules say on which ports.
func (s *settings) egress() []networkingv1.NetworkPolicyEgressRule {
	udp := tcp(dnsPort)
	udp.Protocol = new(corev1.ProtocolUDP)
	return []networkingv1.NetworkPolicyEgressRule{
		{Ports: []networkingv1.NetworkPolicyPort{udp, tcp(dnsPort)}},
		{To: []networkingv1.NetworkPolicyPeer{{
			PodSelector: &metav1.LabelSelector{MatchLabels: map[string]string{LabelName: s.app.Name}},
		}}},
	}
}

// openTo adds a rule that lets everybody reach ports. No ports are no rule: a rule
// without ports would open all of them.
func openTo(in []networkingv1.NetworkPolicyIngressRule, ports []networkingv1.NetworkPolicyPort) []networkingv1.NetworkPolicyIngressRule {
	if len(ports) == 0 {
		return in
	}
	return append(in, networkingv1.NetworkPolicyIngressRule{Ports: ports})
}

func tcp(port int32) networkingv1.NetworkPolicyPort {
	return networkingv1.NetworkPolicyPort{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromInt32(port))}
}
