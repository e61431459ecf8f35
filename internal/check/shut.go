package check

import (
	"slices"

	"github.com/phialdev/phial/internal/manifest"
)

// shutOut finds ports of a release that a Service leads to and no NetworkPolicy lets anybody reach.
func shutOut(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		var apply []*manifest.Object
		for _, p := range in.Selecting("NetworkPolicy", b.Workload) {
			if applies(p, ways[0]) {
				apply = append(apply, p)
			}
		}
		if len(apply) == 0 {
			continue
		}
		told := map[int64]bool{}
		for _, s := range in.Selecting("Service", b.Workload) {
			for p := range servicePorts(s, b.Workload) {
				if p.target == 0 || told[p.target] || distribution(b, p.target, p.name, p.Key("targetPort").String()) != "" {
					continue
				}
				open, toOthers := in.letsIn(apply, b, p.target)
				by := in.outsideOf(s)
				if toOthers || open && by == "" {
					continue
				}
				told[p.target] = true
				n := f.At(b.Object, apply[0].At("spec.ingress"), "no policy lets anybody reach port %d of %s, to which the Service %s leads", p.target, b.Name, s.Name)
				if open {
					n.Cause = "the policies let nobody but its own pods reach " + n.Cause[len("no policy lets anybody reach "):]
					n.Saw("%s", by)
				}
				n.Also(p.Field, "the Service's port").Mend("add a rule to ingress that allows TCP %d from those who ask: the namespace of the ingress controller, or the clients' pods", p.target)
			}
		}
	}
}

// letsIn says whether policies let anybody reach a port, and whether somebody else than the workload's own pods.
func (in *Input) letsIn(apply []*manifest.Object, b Beam, port int64) (anybody, others bool) {
	for _, p := range apply {
		for rule := range p.At("spec.ingress").Items() {
			if !portsCover(rule.Key("ports"), b, port, port, "TCP") {
				continue
			}
			anybody = true
			from := slices.Collect(rule.Key("from").Items())
			others = others || len(from) == 0 || slices.ContainsFunc(from, func(peer manifest.Field) bool { return !in.ownPods(p, peer, b) })
		}
	}
	return anybody, others
}

// ownPods says whether a peer of a policy is no other's pods than those of a workload, as far as the manifests show others.
func (in *Input) ownPods(policy *manifest.Object, peer manifest.Field, b Beam) bool {
	pods := peer.Key("podSelector")
	if peer.Key("ipBlock").Exists() || peer.Key("namespaceSelector").Exists() || !pods.IsMap() || pods.Len() == 0 {
		return false
	}
	all := in.Selected(policy, pods)
	return len(all) == 1 && all[0].Object == b.Object
}
