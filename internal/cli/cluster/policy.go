package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// policies lists the NetworkPolicies of the namespace.
func (c *Client) policies(ctx context.Context) ([]networkingv1.NetworkPolicy, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	answer := c.core.Get().AbsPath("/apis/networking.k8s.io/v1").Namespace(c.Namespace).Resource("networkpolicies").Do(ctx)
	if err := answer.Error(); err != nil {
		return nil, c.explain(err, "list the NetworkPolicies", permission{"list", "networkpolicies"})
	}
	text, err := answer.Raw()
	if err != nil {
		return nil, err
	}
	var list networkingv1.NetworkPolicyList
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("the NetworkPolicies cannot be read: %w", err)
	}
	return list.Items, nil
}

// admits is what policies say of packets to a port that one pod sends to another of the
// same namespace.
type admits struct {
	names []string // of the policies that select the pod, sorted
	let   mesh.Tri // Unknown where that hangs on more than the two pods
}

// rule is one of a policy, in one direction.
type rule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

// into says what the policies let into a pod from another one.
func into(all []networkingv1.NetworkPolicy, to, from *corev1.Pod, port int) (a admits) {
	var rules []rule
	for i := range all {
		if p := &all[i].Spec; slices.Contains(p.PolicyTypes, networkingv1.PolicyTypeIngress) && chosen(&p.PodSelector, to) {
			a.names = append(a.names, all[i].Name)
			for _, r := range p.Ingress {
				rules = append(rules, rule{r.From, r.Ports})
			}
		}
	}
	return a.judge(rules, from, to, port)
}

// outOf says what they let out of a pod to another one.
func outOf(all []networkingv1.NetworkPolicy, from, to *corev1.Pod, port int) (a admits) {
	var rules []rule
	for i := range all {
		if p := &all[i].Spec; slices.Contains(p.PolicyTypes, networkingv1.PolicyTypeEgress) && chosen(&p.PodSelector, from) {
			a.names = append(a.names, all[i].Name)
			for _, r := range p.Egress {
				rules = append(rules, rule{r.To, r.Ports})
			}
		}
	}
	return a.judge(rules, to, to, port)
}

// judge: policies add up, and where none selects a pod everything passes.
func (a admits) judge(rules []rule, peer, to *corev1.Pod, port int) admits {
	slices.Sort(a.names)
	a.let = mesh.TriOf(len(a.names) == 0)
	for _, r := range rules {
		switch reach := lets(r.peers, peer); {
		case !open(r.ports, to, port):
		case reach == mesh.Yes:
			a.let = mesh.Yes
			return a
		case reach == mesh.Unknown:
			a.let = mesh.Unknown
		}
	}
	return a
}

// lets: a rule without peers is for all. What blocks of addresses and the labels of
// namespaces come to is not known from here.
func lets(peers []networkingv1.NetworkPolicyPeer, pod *corev1.Pod) mesh.Tri {
	if len(peers) == 0 {
		return mesh.Yes
	}
	let := mesh.No
	for _, p := range peers {
		switch {
		case p.IPBlock != nil:
			let = mesh.Unknown
		case p.PodSelector != nil && !chosen(p.PodSelector, pod):
		case p.NamespaceSelector == nil, len(p.NamespaceSelector.MatchLabels)+len(p.NamespaceSelector.MatchExpressions) == 0:
			return mesh.Yes
		default:
			let = mesh.Unknown
		}
	}
	return let
}

// open: the port of a pod is among those of a rule. A rule without ports is for all.
func open(ports []networkingv1.NetworkPolicyPort, to *corev1.Pod, port int) bool {
	return len(ports) == 0 || slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		switch {
		case p.Protocol != nil && *p.Protocol != corev1.ProtocolTCP:
			return false
		case p.Port == nil:
			return true
		case p.Port.Type == intstr.Int:
			last := p.Port.IntValue()
			if p.EndPort != nil {
				last = int(*p.EndPort)
			}
			return p.Port.IntValue() <= port && port <= last
		}
		return slices.ContainsFunc(slices.Concat(to.Spec.InitContainers, to.Spec.Containers), func(c corev1.Container) bool {
			return slices.ContainsFunc(c.Ports, func(cp corev1.ContainerPort) bool {
				return cp.Name == p.Port.StrVal && int(cp.ContainerPort) == port
			})
		})
	})
}

// chosen: the selector chooses the pod; an empty one chooses every pod.
func chosen(s *metav1.LabelSelector, pod *corev1.Pod) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(pod.Labels))
}

// blame puts into a report who keeps the pod that looks out of those that gave it no
// answer: their NetworkPolicies, or its own. What a policy explains says nothing of the
// way between those pods, and is no finding about that.
func (c *Client) blame(ctx context.Context, r mesh.Report, looker *corev1.Pod, podOf func(node string) *corev1.Pod, epmdPort int) mesh.Report {
	place := "pod " + looker.Name
	if !slices.ContainsFunc(r.Nodes, func(n mesh.ReportNode) bool { return n.Failure.Filtered() }) {
		return r
	}
	all, err := c.policies(ctx)
	if err != nil {
		return r.KeptOut(place, nil, "whether a NetworkPolicy keeps "+place+" out is not known: "+err.Error())
	}
	var out []string
	by := map[string][]string{}
	for _, n := range r.Nodes {
		pod := podOf(n.Name)
		if pod == nil || !n.Failure.Filtered() {
			continue
		}
		port := cmp.Or(epmdPort, beam.EPMDPort)
		if n.Failure.Cause == mesh.CausePortFiltered {
			port = int(n.Failure.Port)
		}
		in, own := into(all, pod, looker, port), outOf(all, looker, pod, port)
		if in.let == mesh.No {
			why := policyText(in.names, "let "+place+" in")
			by[why] = append(by[why], pod.Name)
		}
		if own.let == mesh.No {
			by[policyText(own.names, "let it out")] = []string{place}
		}
		if in.let == mesh.No || own.let == mesh.No {
			out = append(out, n.Name)
		}
	}
	var evidence []string
	for _, why := range sorted(by) {
		evidence = append(evidence, strings.Replace(why, "%", some(by[why]), 1))
	}
	return r.KeptOut(place, out, evidence...)
}

// policyText has % in place of what the policies select.
func policyText(names []string, doNot string) string {
	if len(names) == 1 {
		return "NetworkPolicy " + names[0] + " selects % and does not " + doNot
	}
	return "the NetworkPolicies " + some(names) + " select % and do not " + doNot
}

func sorted(m map[string][]string) []string { return slices.Sorted(maps.Keys(m)) }
