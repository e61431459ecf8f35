package intent

import (
	"net/netip"

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
