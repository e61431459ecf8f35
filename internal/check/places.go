package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// codeShortWithLong is of short names beside a host that is a long one.
const codeShortWithLong finding.Code = "NAM-12"

// codeNoHostnames is of pods that are to be dialled by names that they do not have.
const codeNoHostnames finding.Code = "DSC-10"

// placed puts what was predicted where its mistake is written: the prediction itself knows where a name or a way comes from,
// which may be all right.
func (in *Input) placed(found []*Finding) {
	for _, n := range found {
		i := slices.IndexFunc(in.Serving(), func(b Beam) bool { return n.object != nil && b.Object == n.object })
		if i < 0 {
			continue
		}
		b := in.Serving()[i]
		switch n.Code {
		case codeShortWithLong, finding.ShortAgainstLong:
			in.atDistribution(n, b)
		case finding.NobodyDials:
			in.atDiscovery(n, b)
		case finding.PortClosed:
			in.atPolicy(n, b)
		case codeNoHostnames:
			if t, ok := in.kubernetesStrategy(b); ok && !t.Option("mode").Absent() && in.ofProject(b) {
				n.At = in.spanIn(t.Option("mode").At)
				n.Also(b.At("kind"), "whose pods have no names")
			}
		}
		in.withinObject(n, b)
	}
}

// atDistribution puts a finding about short names where somebody wants these.
func (in *Input) atDistribution(n *Finding, b Beam) {
	if r := in.predicted().of[b.Label()]; len(r) == 0 || r[0].Long != mesh.No {
		return
	}
	if r := in.started(b); r != nil {
		v, set := r.Vars[beam.EnvReleaseDistribution]
		if at, ok := mesh.ParsePlace(v.From); set && ok && v.Known() && v.Text == beam.DistributionSName && in.Project.Has(at.File) {
			n.At = Span{in.ProjectFile(at.File), at.Line, at.Column, at.Line, at.Column + 1}
			return
		}
	}
	if e, ok := b.Container.EnvVar(beam.EnvReleaseDistribution); ok && e.Value().String() == beam.DistributionSName {
		n.At = SpanOf(e.Value())
	}
}

// atDiscovery puts a finding about replicas that nobody connects where that would be set up.
func (in *Input) atDiscovery(n *Finding, b Beam) {
	if !in.ofProject(b) {
		return
	}
	p := in.projectOf(b)
	if _, option, ok := strings.Cut(n.Cause, " is not told "); ok {
		for _, t := range p.Topologies {
			if t.Started && strings.HasSuffix(n.Cause, notTold(t.StrategyName(), option)) {
				n.At = in.spanIn(t.At)
				n.Mend("write %s: below config: of %s", option, topologyName(t))
				return
			}
		}
	}
	if n.At != SpanOf(b.At("metadata.name")) {
		return
	}
	applications := slices.DeleteFunc(slices.Clone(p.Supervisors), func(s project.Supervisor) bool { return !s.Application })
	if len(applications) != 1 {
		return
	}
	_, replicas := in.most(b)
	n.At = in.spanIn(applications[0].At)
	n.Also(replicas, "whose replicas are to meet")
	if !hasDep(p, "libcluster", "dns_cluster") {
		n.Mend("bring dns_cluster, with {DNSCluster, query: System.get_env(\"DNS_CLUSTER_QUERY\") || :ignore} among these children and DNS_CLUSTER_QUERY in the container's env, or libcluster with a topology (phial init sets it up)")
	}
}

// atPolicy puts a finding about a port that may be any at the policy that does not admit it.
func (in *Input) atPolicy(n *Finding, b Beam) {
	if !strings.Contains(n.Cause, "NetworkPolicy") {
		return // the listener is what is wrong
	}
	for _, w := range ways {
		for _, p := range in.Selecting("NetworkPolicy", b.Workload) {
			if applies(p, w) && !allows(p, w, b, 1024, 65535) && strings.Contains(n.Cause, p.String()) {
				n.At = SpanOf(p.At("spec." + w.rules))
				return
			}
		}
	}
}

// spanIn is a place of the project as it is shown.
func (in *Input) spanIn(at project.Pos) Span {
	return Span{in.ProjectFile(at.File), at.Line, at.Col, at.Line, at.Col + 1}
}

// withinObject puts a finding that stands at the beginning of an object at the field that it is about, or else at its name.
func (in *Input) withinObject(n *Finding, b Beam) {
	o := in.ownerOf(n.At)
	if o == nil {
		return
	}
	if begin := o.Root().Position(); begin.Line != n.At.Line || begin.Column != n.At.Column {
		return
	}
	field := manifest.Field{}
	if o.Kind == "Service" {
		field = o.At(map[finding.Code]string{
			finding.ServiceNotHeadless: "spec.clusterIP", finding.ServiceEmpty: "spec.selector", finding.ServiceWithoutSRV: "spec.ports", "DSC-07": "spec.publishNotReadyAddresses",
		}[n.Code])
		if r := in.predicted().of[b.Label()]; len(r) > 0 && len(r[0].Ways) > 0 {
			i := slices.IndexFunc(r[0].Ways, func(w mesh.Way) bool { return firstLabel(w.Query.Value) == o.Name })
			if at, ok := firstPlace([]string{r[0].Ways[max(i, 0)].Query.From}); ok && i >= 0 {
				n.Related = append(n.Related, Related{at, "asked for here"})
			}
		}
	}
	if !field.Exists() {
		field = o.At("metadata.name")
	}
	if field.Exists() {
		n.At = SpanOf(field)
	}
}
