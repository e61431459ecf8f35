package kubetest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// portMatches gives the conditions of which one has to hold for the ports that a rule lists. A rule without ports means all, and its
// one condition is empty. Names are those of the pod that is the destination; without one they mean nothing.
func portMatches(list []networkingv1.NetworkPolicyPort, destination *corev1.Pod) []string {
	if len(list) == 0 {
		return []string{""}
	}
	all := map[string]bool{} // protocols of which every port is meant
	ports, ranges := map[string][]string{}, map[string][]string{}
	for _, p := range list {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		name := strings.ToLower(string(protocol))
		switch {
		case p.Port == nil:
			all[name] = true
		case p.Port.Type == intstr.String:
			for _, number := range portsNamed(destination, p.Port.StrVal, protocol) {
				ports[name] = add(ports[name], number)
			}
		case p.EndPort != nil && *p.EndPort > p.Port.IntVal:
			ranges[name] = add(ranges[name], fmt.Sprintf("%d-%d", p.Port.IntVal, *p.EndPort))
		default:
			ports[name] = add(ports[name], strconv.Itoa(int(p.Port.IntVal)))
		}
	}
	var matches []string
	for _, name := range []string{"sctp", "tcp", "udp"} {
		if all[name] {
			matches = append(matches, "meta l4proto "+name)
			continue
		}
		if len(ports[name]) > 0 {
			matches = append(matches, name+" dport "+set(ports[name]))
		}
		for _, r := range ranges[name] { // which may overlap: one set would not hold them
			matches = append(matches, name+" dport "+r)
		}
	}
	return matches
}

func portsNamed(pod *corev1.Pod, name string, protocol corev1.Protocol) (numbers []string) {
	if pod == nil {
		return nil
	}
	// Sidecars are among the init containers.
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		for _, p := range c.Ports {
			if p.Name == name && (p.Protocol == protocol || p.Protocol == "" && protocol == corev1.ProtocolTCP) {
				numbers = append(numbers, strconv.Itoa(int(p.ContainerPort)))
			}
		}
	}
	return numbers
}

func named(ports []networkingv1.NetworkPolicyPort) bool {
	return slices.ContainsFunc(ports, func(p networkingv1.NetworkPolicyPort) bool {
		return p.Port != nil && p.Port.Type == intstr.String
	})
}

// policyTable is nft's name for the table of what policies say.
const policyTable = "inet phial-policies"

// ruleset writes the guards as one change of nft's rules.
//
// What goes from pod to pod is forwarded by the node, from one link to another, after Services have been translated to
// the pods behind them. What node and kubelet send themselves (probes) is not forwarded, so it passes; so does what the
// host sends. The answers to a packet that passed pass too, and no more is asked of the connection: a new policy cuts
// the connections that there are.
func ruleset(guards []guard) string {
	var chains, in, out strings.Builder
	for _, g := range guards {
		write := func(direction, own string, lines []string, jumps *strings.Builder) {
			if lines == nil {
				return
			}
			chain := direction + "_" + strings.ReplaceAll(g.ip.String(), ".", "_")
			fmt.Fprintf(jumps, "\t\tip %s %s jump %s\n", own, g.ip, chain)
			// No policy keeps a pod from itself.
			fmt.Fprintf(&chains, "\tchain %s {\n\t\tip saddr %[2]s ip daddr %[2]s return\n", chain, g.ip)
			for _, l := range lines {
				fmt.Fprintf(&chains, "\t\t%s\n", line(l, "return"))
			}
			fmt.Fprint(&chains, "\t\tdrop\n\t}\n")
		}
		write("out", "saddr", g.out, &out)
		write("in", "daddr", g.in, &in)
	}
	return replaceTable(policyTable, chains.String()+`	chain forward {
		type filter hook forward priority filter; policy accept;
		ct direction reply accept
`+out.String()+"\t\tiifname \"eth0\" accept\n"+in.String()+"\t}\n")
}

// replaceTable is the change that gives a table new content, whether there was such a table or not.
func replaceTable(table, content string) string {
	return fmt.Sprintf("table %[1]s\ndelete table %[1]s\ntable %[1]s {\n%[2]s}\n", table, content)
}
