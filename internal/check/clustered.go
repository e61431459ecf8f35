package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// clustered says why the replicas of a workload are meant to be one mesh, as manifests,
// project and rel/env.sh say it together; nothing where nothing says so.
func (in *Input) clustered(b Beam) string {
	if e, ok := b.Container.EnvVar(beam.EnvReleaseNode); ok && loopback(e.Value().String()) {
		return "" // to each its own
	}
	if e, ok := b.Container.EnvVar(beam.EnvReleaseDistribution); ok && e.Value().String() == beam.DistributionNone {
		return ""
	}
	var replicas []*mesh.Replica
	if in.Intent != nil {
		replicas = in.predicted().of[b.Label()]
	}
	if withoutNodes(replicas) || keepOut(replicas) && queryInEnv(b) == "" {
		return ""
	}
	if why := clusteredByEnv(b); why != "" {
		return why
	}
	if why := clusteredBySource(replicas); why != "" {
		return why
	}
	if !in.ofProject(b) {
		return ""
	}
	return in.topology()
}

// withoutNode says whether a release runs without distribution by choice.
func (in *Input) withoutNode(b Beam) bool {
	if e, ok := b.Container.EnvVar(beam.EnvReleaseDistribution); ok && e.Value().String() == beam.DistributionNone {
		return true
	}
	return in.Intent != nil && withoutNodes(in.predicted().of[b.Label()])
}

// withoutNodes says whether replicas run without distribution, and that is no mistake.
func withoutNodes(replicas []*mesh.Replica) bool {
	return len(replicas) > 0 && !slices.ContainsFunc(replicas, func(r *mesh.Replica) bool { return r.NoNode == "" || r.Code != "" })
}

// clusteredBySource says so by what the start script and the project make of the replicas.
// A dns_cluster without its query is what every new Phoenix project has.
func clusteredBySource(replicas []*mesh.Replica) string {
	for _, r := range replicas {
		for i := range r.Ways {
			if w := &r.Ways[i]; w.Code != string(codeNoQuery) {
				return w.Name + " is set up"
			}
		}
		if n, err := beam.ParseName(r.Node.Value); r.NoNode == "" && r.Long == mesh.Yes && err == nil && !n.Loopback() {
			return "its node has a long name"
		}
	}
	return ""
}

// keepOut says whether replicas let no peer in by flags of their own, and look for nobody:
// such a node is for its own consoles.
func keepOut(replicas []*mesh.Replica) bool {
	return len(replicas) > 0 && !slices.ContainsFunc(replicas, func(r *mesh.Replica) bool {
		looks := slices.ContainsFunc(r.Ways, func(w mesh.Way) bool { return w.Idle == "" && w.Unclear == "" })
		return looks || !r.Hidden && (r.Deaf.Why == "" || r.Deaf.Unsure)
	})
}

// clusteredByEnv says so by the manifest alone, of a node that is not for itself.
func clusteredByEnv(b Beam) string {
	if why := queryInEnv(b); why != "" {
		return why
	}
	if _, ok := b.Container.EnvVar(beam.EnvReleaseDistribution); ok {
		return "RELEASE_DISTRIBUTION is set"
	}
	if e, ok := b.Container.EnvVar(beam.EnvReleaseNode); ok && strings.Contains(e.Value().String(), "@$(") {
		return "RELEASE_NODE has each pod's own address or name"
	}
	return ""
}

// queryInEnv says so by what discovery is given to ask for.
func queryInEnv(b Beam) string {
	for _, name := range []string{"DNS_CLUSTER_QUERY", "PHIAL_SERVICE", "PHIAL_DOMAIN"} {
		if e, ok := b.Container.EnvVar(name); ok && (!e.Value().Exists() || e.Value().String() != "") {
			return name + " is set"
		}
	}
	return ""
}

func loopback(node string) bool {
	_, host, _ := strings.Cut(node, "@")
	return host == "127.0.0.1" || host == "localhost" || host == "::1"
}
