package check

import (
	"slices"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

// Codes of what only a prediction finds in the way.
const (
	codeMachineDNS    finding.Code = "DSC-28"
	codeNoEPMD        finding.Code = "NET-08"
	codeNoCertificate finding.Code = "NET-30"
	codeKeepsOut      finding.Code = "NET-31"
)

// parted are rules about nodes that would be found, and are not reached or take no part.
var parted = []Rule{
	checking(machineDNS, fromMesh(codeMachineDNS, finding.Error, "the machine's DNS in place of the cluster's",
		"dnsPolicy, dnsConfig and hostNetwork of pods that look up names of the cluster: a Service that discovery asks, a pod's name, or the API's.",
		"With dnsPolicy: Default, and with hostNetwork unless dnsPolicy says otherwise, a pod has the machine's resolv.conf: no search list of the cluster, and a DNS that does not know its names. Discovery finds nobody.",
		"set dnsPolicy: ClusterFirstWithHostNet beside hostNetwork, and leave dnsPolicy out elsewhere")),
	fromMesh(codeNoCertificate, finding.Error, "TLS without a certificate",
		"-proto_dist inet_tls among the flags of nodes, beside -ssl_dist_optfile and -ssl_dist_opt.",
		"A node starts without a certificate, and no handshake with it ends well: the link is refused each time.",
		"name the certificate in a file of options: -ssl_dist_optfile /etc/tls/ssl_dist.conf, or by -ssl_dist_opt server_certfile FILE"),
	fromMesh(codeKeepsOut, finding.Warning, "nodes that keep out of the mesh",
		"-hidden and -dist_listen false among the flags and settings of replicas that are meant to be one mesh; and connect_all false, where agents are to join them, or where neither of two dials the other: replicas that all dial one another are one mesh with it as well.",
		"A hidden node is connected and stands in nobody's list of nodes, so that pg, Phoenix.PubSub and Horde do not see it. With connect_all false there are only the links that something dials, global shares no names, and no agent joins the node.",
		"take the flag out of what replicas start with; a console or a tool may have it"),
}

// under are codes of what is in the way of a link that a rule tells under its own: what
// a running mesh may have by choice is in the way of replicas that are meant to meet.
var under = map[finding.Code][]finding.Code{codeKeepsOut: {finding.HiddenNode, finding.PartialByChoice}}

// checking is a rule of the prediction that looks at manifests as well.
func checking(check func(*Input, *Finder), r Rule) Rule {
	r.Check = check
	return r
}

// machineDNS finds workloads that are told what to ask DNS for, and ask the machine's, where the prediction can't tell: how
// they look is not known.
func machineDNS(in *Input, f *Finder) {
	x := in.predicted()
	for _, b := range in.Serving() {
		replicas, asks := x.of[b.Label()], queryInEnv(b)
		if len(replicas) == 0 || asks == "" || replicas[0].Resolver.Machine == "" ||
			slices.ContainsFunc(x.obstacles[codeMachineDNS], func(o mesh.Obstacle) bool { return x.workload[o.From] == b.Label() }) {
			continue
		}
		at := b.Pod.Key("dnsPolicy")
		if at.Null() {
			at = b.Pod.Key("hostNetwork")
		}
		f.At(b.Object, at, "%s, and the pods ask a DNS that is not the cluster's: %s", asks, replicas[0].Resolver.Machine).As(warningLikely())
	}
}
