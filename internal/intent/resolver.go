package intent

import (
	"net/netip"
	"strings"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// resolver is whom the lookups of a pod ask. On the machine's network ClusterFirst, which is
// the default, gives the machine's DNS.
func resolver(w Runs) mesh.Resolver {
	policy, host := w.Pod.Key("dnsPolicy"), w.Pod.Key("hostNetwork")
	kind := policy.String()
	if kind == "ClusterFirstWithHostNet" || !host.True() && (kind == "" || kind == "ClusterFirst") {
		return mesh.Resolver{}
	}
	servers := w.Pod.At("dnsConfig.nameservers")
	r := mesh.Resolver{At: policy.Position().String()}
	switch {
	case kind == "None" && outside(servers):
		r.Machine = "dnsPolicy: None gives the pod resolvers of the internet, which do not know it"
	case kind == "None":
		r.Unclear = "dnsPolicy: None leaves that to dnsConfig"
	case kind == "Default":
		r.Machine = "dnsPolicy: Default gives the pod the machine's DNS, which does not know it"
	case host.True() && (kind == "" || kind == "ClusterFirst"):
		r.At = host.Position().String()
		r.Machine = "with hostNetwork the pod asks the machine's DNS, which does not know it, unless dnsPolicy is ClusterFirstWithHostNet"
	default:
		return mesh.Resolver{}
	}
	if servers.Len() > 0 && kind != "None" { // which are asked beside the machine's
		r.Machine, r.Unclear = "", "dnsConfig names other resolvers beside the machine's"
	}
	return r
}

// cut says why a pod reaches no DNS, and where that stands: policies for what goes out select it, and none has DNS' port in it.
func (b *builder) cut(w Runs) (why, at string) {
	if w.Pod.Key("hostNetwork").True() {
		return "", ""
	}
	labels := texts(w.Template.At("metadata.labels"))
	for i, o := range b.policyObjects() {
		p := &b.in.Policies[i]
		switch {
		case p.Egress == nil || p.Namespace != b.namespace(w.Object) || !p.Pods.Selects(labels):
		case admitsDNS(o.At("spec.egress")):
			return "", ""
		case why == "":
			why, at = o.String()+" lets nothing out to port 53", o.At("spec.egress").Position().String()
		}
	}
	return why, at
}

// policyObjects are the objects of the intent's policies, in its order.
func (b *builder) policyObjects() (all []*manifest.Object) {
	for _, o := range b.set.OfKind("NetworkPolicy") {
		if o.Group() == "networking.k8s.io" {
			all = append(all, o)
		}
	}
	return all
}

// admitsDNS says whether one of a policy's rules may let a lookup out, to whomever.
func admitsDNS(egress manifest.Field) bool {
	for rule := range egress.Items() {
		ports := rule.Key("ports")
		if ports.Len() == 0 {
			return true
		}
		for p := range ports.Items() {
			first, number := p.Key("port").Int()
			last, ranged := p.Key("endPort").Int()
			switch {
			case !p.Key("port").Exists(), !number && strings.Contains(p.Key("port").String(), "dns"), !number && strings.ContainsAny(p.Key("port").String(), "53${"):
				return true
			case number && (first == 53 || first == 5353 || ranged && first < 53 && last >= 53):
				return true
			}
		}
	}
	return false
}

// outside says whether all of the resolvers are addresses of the internet, where no cluster's DNS is.
func outside(servers manifest.Field) bool {
	for s := range servers.Items() {
		a, err := netip.ParseAddr(s.String())
		if err != nil || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || netip.MustParsePrefix("100.64.0.0/10").Contains(a) {
			return false
		}
	}
	return servers.Len() > 0
}
