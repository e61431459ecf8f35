package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// way is one direction of a policy.
type way struct {
	kind, rules, peers, verb string // Ingress, ingress, from
}

var ways = []way{{"Ingress", "ingress", "from", "lets in"}, {"Egress", "egress", "to", "lets out"}}

// policies holds the NetworkPolicies of each mesh against what its nodes need of each other.
func policies(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		selecting := in.Selecting("NetworkPolicy", b.Workload)
		if len(selecting) == 0 || in.clustered(b) == "" || !in.several(b.Workload) {
			continue
		}
		var random *Finding
		for _, w := range ways {
			var apply []*manifest.Object
			for _, p := range selecting {
				if applies(p, w) {
					apply = append(apply, p)
				}
			}
			if len(apply) == 0 {
				continue
			}
			random = needed(in, f, b, w, apply, random)
		}
	}
}

// need is a port, or a range of which any may be the one, that nodes need of each other.
type need struct {
	first, last int64
	what        string
}

// needs are those of a release: as the prediction has them, which has followed vm.args and
// rel/env.sh, or else as the container's own environment says. Of a port that may be any for
// all that was read nothing is asked: it may also be a sound one.
func (in *Input) needs(b Beam) []need {
	epmd, dist, known := portsByEnv(b)
	n := -1
	if in.Intent != nil {
		label := b.Label()
		n = slices.IndexFunc(in.Intent.Replicas, func(r mesh.Replica) bool { return r.Workload == label })
	}
	if n < 0 {
		known = known && (dist != 0 || !in.ofProject(b)) // the project's vm.args may have one
	} else {
		switch {
		case in.Intent.Replicas[n].ListenMin != 0: // whatever its name is
			epmd, dist, known = int64(in.Intent.Replicas[n].EPMD), int64(in.Intent.Replicas[n].ListenMin), true
		case in.Intent.Replicas[n].ListenWhy != "":
			known = false
		}
	}
	all := needsOf(epmd, dist)
	if !known {
		all = all[:len(all)-1]
	}
	return all
}

// portsByEnv are those that the container's environment gives: 0 where there is no EPMD, or
// where the distribution's port may be any. Known says whether the latter is.
func portsByEnv(b Beam) (epmd, dist int64, known bool) {
	epmd = int64(beam.EPMDPort)
	if e, ok := b.Container.EnvVar(beam.EnvErlEPMDPort); ok {
		epmd, _ = parsePort(e.Value().String())
	}
	without := epmdless(b)
	if without {
		epmd = 0
	}
	dist, _, ok := distRange(b.Container)
	return epmd, dist, ok || !without
}

// needsOf are EPMD's port and that of the distribution: of a range the release takes the
// first, and those after it are for tools. 0: there is no EPMD, or it is not known where;
// the distribution's may be any.
func needsOf(epmd, dist int64) (all []need) {
	if epmd != 0 {
		all = append(all, need{epmd, epmd, fmt.Sprintf("EPMD (TCP %d)", epmd)})
	}
	if dist == 0 {
		return append(all, need{1024, 65535, "the distribution port, which may be any"})
	}
	return append(all, need{dist, dist, fmt.Sprintf("the distribution port %d", dist)})
}

// needed finds what nodes need of each other and no policy allows in one direction. Of a port that may be any is told once, for
// both directions; random is that finding.
func needed(in *Input, f *Finder, b Beam, w way, apply []*manifest.Object, random *Finding) *Finding {
	for _, n := range in.needs(b) {
		switch {
		case slices.ContainsFunc(apply, func(p *manifest.Object) bool { return allows(p, w, b, n.first, n.last) }):
		case n.first != n.last && in.partsBy(finding.PortClosed, b): // the prediction tells of it
		case random != nil && n.first != n.last:
			random.Also(apply[0].At("spec."+w.rules), "and none %s it", w.verb)
		case n.first != n.last:
			random = f.At(b.Object, apply[0].At("spec."+w.rules), "no policy %s %s, between the nodes of %s", w.verb, n.what, b.Name).As(warningLikely()).
				Mend("give the distribution a small range (ELIXIR_ERL_OPTIONS: -kernel inet_dist_listen_min 9100 inet_dist_listen_max 9107) and allow it; vm.args may have one already")
		default:
			f.At(b.Object, apply[0].At("spec."+w.rules), "no policy %s %s between the nodes of %s", w.verb, n.what, b.Name).
				Mend("add to %s of the NetworkPolicy %s: %s", w.rules, apply[0].Name, ruleFor(b, w, n))
		}
	}
	if w.kind == "Egress" && !slices.ContainsFunc(apply, allowsDNS) {
		f.At(b.Object, apply[0].At("spec.egress"), "no policy lets the pods of %s ask DNS (port 53), by which they find each other", b.Name).
			Mend("add to egress of the NetworkPolicy %s: {ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]}", apply[0].Name)
	}
	return random
}

// partsBy says whether the prediction has replicas of a workload apart for a reason.
func (in *Input) partsBy(code finding.Code, b Beam) bool {
	if in.Predicted() == nil {
		return false
	}
	x := in.predicted()
	return slices.ContainsFunc(x.obstacles[code], func(o mesh.Obstacle) bool { return x.workload[o.From] == b.Label() })
}

// ruleFor is a rule of a policy that allows a port among the pods of a workload, as it is written; of the distribution's range all.
func ruleFor(b Beam, w way, n need) string {
	port := fmt.Sprintf("{port: %d}", n.first)
	if first, last, ok := distRange(b.Container); ok && first == n.first && last > first {
		port = fmt.Sprintf("{port: %d, endPort: %d}", first, last)
	}
	selector := b.At("spec.selector.matchLabels")
	if selector.Len() == 0 {
		selector = b.Template.At("metadata.labels")
	}
	var labels []string
	for name, v := range selector.Fields() {
		labels = append(labels, name+": "+v.String())
	}
	return fmt.Sprintf("{%s: [{podSelector: {matchLabels: {%s}}}], ports: [%s]}", w.peers, strings.Join(labels, ", "), port)
}

// epmdless says whether a release runs without EPMD by its flags.
func epmdless(b Beam) bool {
	f := readFlags(flags(b.Container))
	return f.NoEPMD || f.ERLEPMDPort.Given || f.EPMDModule
}

// applies says whether a policy is about a direction.
func applies(p *manifest.Object, w way) bool {
	types := p.At("spec.policyTypes")
	if types.Len() == 0 {
		return w.kind == "Ingress" || p.At("spec.egress").Exists()
	}
	for t := range types.Items() {
		if t.String() == w.kind {
			return true
		}
	}
	return false
}

// allows says whether a policy lets pods of a release reach each other on one of the ports, all of first to last.
func allows(p *manifest.Object, w way, b Beam, first, last int64) bool {
	for rule := range p.At("spec." + w.rules).Items() {
		if portsCover(rule.Key("ports"), b, first, last, "TCP") && peersCover(rule.Key(w.peers), b) {
			return true
		}
	}
	return false
}

func portsCover(ports manifest.Field, b Beam, first, last int64, protocol string) bool {
	if ports.Len() == 0 {
		return true
	}
	for port := range ports.Items() {
		if got := port.Key("protocol").String(); got != protocol && (got != "" || protocol != "TCP") {
			continue
		}
		at := port.Key("port")
		if at.Null() {
			return true
		}
		low, ok := portNumber(b.Workload, at)
		if !ok {
			continue
		}
		high := low
		if end, ok := port.Key("endPort").Int(); ok {
			high = end
		}
		if low <= first && last <= high {
			return true
		}
	}
	return false
}

// namespaceName is the label that every namespace has.
const namespaceName = "kubernetes.io/metadata.name"

// peersCover says whether a rule is about a release's own pods. What depends on other labels of namespaces than their name
// counts as yes.
func peersCover(peers manifest.Field, b Beam) bool {
	if peers.Len() == 0 {
		return true
	}
	labels := b.Labels()
	for peer := range peers.Items() {
		pods, namespaces := peer.Key("podSelector"), peer.Key("namespaceSelector")
		if peer.Key("ipBlock").Exists() {
			return true // the pods' addresses are not known
		}
		if name := namespaces.Key("matchLabels").Key(namespaceName).String(); name != "" && b.Namespace != "" && name != b.Namespace {
			continue
		}
		if (pods.Exists() || namespaces.Exists()) && (!pods.Exists() || labels.Selected(pods)) {
			return true
		}
	}
	return false
}

func allowsDNS(p *manifest.Object) bool {
	for rule := range p.At("spec.egress").Items() {
		if portsCover(rule.Key("ports"), Beam{}, 53, 53, "UDP") || namedDNS(rule.Key("ports")) {
			return true
		}
	}
	return false
}

// namedDNS says whether a rule names DNS' port as CoreDNS does.
func namedDNS(ports manifest.Field) bool {
	for port := range ports.Items() {
		if at := port.Key("port").String(); at == "dns" || at == "53" || at == "5353" {
			return true
		}
	}
	return false
}
