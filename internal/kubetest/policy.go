package kubetest

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// world is what NetworkPolicies are about.
type world struct {
	policies   []networkingv1.NetworkPolicy
	namespaces []corev1.Namespace
	pods       []corev1.Pod
}

// guard is what policies let a pod do. Each line of in and out is the condition of a rule of nft's: what meets none is
// dropped. Nil means that no policy is about that direction, and empty that nothing may pass.
type guard struct {
	ip      netip.Addr
	in, out []string
}

// guards gives a guard for each pod that a policy selects, by address. Pods on the node's own network are nobody's
// subject, and no peers: what they do is the node's doing.
func (w world) guards() ([]guard, error) {
	var all []guard
	for _, pod := range w.pods {
		ip, ok := address(pod)
		if !ok {
			continue
		}
		g := guard{ip: ip}
		for _, p := range w.policies {
			if p.Namespace != pod.Namespace {
				continue
			}
			selected, err := selects(&p.Spec.PodSelector, pod.Labels)
			if err == nil && selected {
				err = w.apply(&g, pod, p)
			}
			if err != nil {
				return nil, fmt.Errorf("NetworkPolicy %s/%s: %w", p.Namespace, p.Name, err)
			}
		}
		if g.in == nil && g.out == nil {
			continue
		}
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b guard) int { return a.ip.Compare(b.ip) })
	return all, nil
}

// address is that of a pod on the network of pods. One that has ended has none: somebody else may have it already.
func address(pod corev1.Pod) (netip.Addr, bool) {
	if pod.Spec.HostNetwork || pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return netip.Addr{}, false
	}
	ip, err := netip.ParseAddr(pod.Status.PodIP)
	return ip, err == nil && ip.Is4()
}

func selects(s *metav1.LabelSelector, set map[string]string) (bool, error) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(set)), err
}

// apply adds what one policy says of a pod that it selects.
func (w world) apply(g *guard, pod corev1.Pod, p networkingv1.NetworkPolicy) error {
	in, out := directions(p)
	if in {
		g.in = nonNil(g.in)
		for _, rule := range p.Spec.Ingress {
			from, err := w.peers(p.Namespace, rule.From)
			if err != nil {
				return err
			}
			for _, f := range from {
				for _, ports := range portMatches(rule.Ports, &pod) {
					g.in = add(g.in, line(f.match("saddr"), ports))
				}
			}
		}
	}
	if out {
		g.out = nonNil(g.out)
		for _, rule := range p.Spec.Egress {
			to, err := w.peers(p.Namespace, rule.To)
			if err != nil {
				return err
			}
			if named(rule.Ports) {
				to = w.apart(to)
			}
			for _, t := range to {
				for _, ports := range portMatches(rule.Ports, t.pod) {
					g.out = add(g.out, line(t.match("daddr"), ports))
				}
			}
		}
	}
	return nil
}

// directions tells which a policy is about. The API server says so in all that it keeps.
func directions(p networkingv1.NetworkPolicy) (in, out bool) {
	if len(p.Spec.PolicyTypes) == 0 {
		return true, len(p.Spec.Egress) > 0
	}
	return slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeIngress), slices.Contains(p.Spec.PolicyTypes, networkingv1.PolicyTypeEgress)
}

// peer is one other side: a network without parts of it, pods, or with neither everybody.
type peer struct {
	block  string
	except []string
	pods   []netip.Addr
	pod    *corev1.Pod // the one, where the names of its ports matter
}

func (p peer) match(side string) string {
	switch {
	case len(p.pods) > 0:
		var ips []string
		for _, ip := range p.pods {
			ips = append(ips, ip.String())
		}
		return "ip " + side + " " + set(ips)
	case p.block != "":
		condition := "ip " + side + " " + p.block
		for _, e := range p.except {
			condition += " ip " + side + " != " + e
		}
		return condition
	}
	return ""
}

// peers gives the other sides that a rule lists. One that lists none means everybody; one whose selectors find nobody
// means nobody.
func (w world) peers(namespace string, list []networkingv1.NetworkPolicyPeer) ([]peer, error) {
	if len(list) == 0 {
		return []peer{{}}, nil
	}
	var all []peer
	for _, l := range list {
		if l.IPBlock != nil {
			if prefix, err := netip.ParsePrefix(l.IPBlock.CIDR); err != nil {
				return nil, err
			} else if prefix.Addr().Is4() { // there is no other on this network
				all = append(all, peer{block: l.IPBlock.CIDR, except: l.IPBlock.Except})
			}
			continue
		}
		pods, err := w.selected(namespace, l)
		if err != nil {
			return nil, err
		}
		if len(pods) > 0 {
			all = append(all, peer{pods: pods})
		}
	}
	return all, nil
}

// selected gives the addresses of the pods that a peer's selectors mean.
func (w world) selected(namespace string, p networkingv1.NetworkPolicyPeer) ([]netip.Addr, error) {
	in := map[string]bool{namespace: true}
	if p.NamespaceSelector != nil {
		in = map[string]bool{}
		for _, n := range w.namespaces {
			selected, err := selects(p.NamespaceSelector, n.Labels)
			if err != nil {
				return nil, err
			}
			in[n.Name] = selected
		}
	}
	var ips []netip.Addr
	for _, pod := range w.pods {
		ip, ok := address(pod)
		if !ok || !in[pod.Namespace] {
			continue
		}
		selected := true
		if p.PodSelector != nil {
			var err error
			if selected, err = selects(p.PodSelector, pod.Labels); err != nil {
				return nil, err
			}
		}
		if selected {
			ips = append(ips, ip)
		}
	}
	slices.SortFunc(ips, netip.Addr.Compare)
	return ips, nil
}

// apart gives the peers with a row for each pod, which may know a port by a name of its own. Only pods name ports, so
// everybody is every pod here, and a network is the pods in it.
func (w world) apart(list []peer) []peer {
	var all []peer
	for _, p := range list {
		for i, pod := range w.pods {
			if ip, ok := address(pod); ok && p.holds(ip) {
				all = append(all, peer{pods: []netip.Addr{ip}, pod: &w.pods[i]})
			}
		}
		p.pod = nil
		all = append(all, p) // for the ports of the rule that are numbers
	}
	return all
}

func (p peer) holds(ip netip.Addr) bool {
	within := func(block string) bool {
		prefix, err := netip.ParsePrefix(block)
		return err == nil && prefix.Contains(ip)
	}
	switch {
	case len(p.pods) > 0:
		return slices.Contains(p.pods, ip)
	case p.block != "":
		return within(p.block) && !slices.ContainsFunc(p.except, within)
	}
	return true
}

func nonNil(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func add(list []string, one string) []string {
	if slices.Contains(list, one) {
		return list
	}
	return append(list, one)
}

func line(conditions ...string) string {
	return strings.Join(slices.DeleteFunc(conditions, func(c string) bool { return c == "" }), " ")
}

func set(items []string) string {
	if len(items) == 1 {
		return items[0]
	}
	return "{ " + strings.Join(items, ", ") + " }"
}
