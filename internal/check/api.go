package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// Codes of what keeps libcluster's Kubernetes strategy from an answer; the prediction finds them.
const (
	codeUnlabelled finding.Code = "DSC-08"
	codeNoRight    finding.Code = "DSC-09"
)

// throughAPI says more of what was predicted of libcluster's Kubernetes strategy: which label no Service carries, and which
// right is missing; and where to put them.
func (in *Input) throughAPI(found []*Finding) {
	for _, n := range found {
		if n.Code != codeUnlabelled && n.Code != codeNoRight || n.object == nil || in.Project == nil || n.Severity < finding.Warning {
			continue
		}
		i := slices.IndexFunc(in.Serving(), func(b Beam) bool { return b.Object == n.object })
		if i < 0 {
			continue
		}
		b := in.Serving()[i]
		t, ok := in.kubernetesStrategy(b)
		switch {
		case !ok:
		case n.Code == codeUnlabelled:
			in.unlabelled(n, b, t)
		default:
			in.withoutRight(n, b, t)
		}
	}
}

// kubernetesStrategy is the only topology by the API that a workload starts.
func (in *Input) kubernetesStrategy(b Beam) (found project.Topology, ok bool) {
	for _, t := range in.projectOf(b).Topologies {
		if t.StrategyName() != "Kubernetes" || !t.Started {
			continue
		}
		if ok {
			return project.Topology{}, false
		}
		found, ok = t, true
	}
	return found, ok
}

func (in *Input) unlabelled(n *Finding, b Beam, t project.Topology) {
	selector, known := t.Option("kubernetes_selector").AsText()
	name, value, plain := strings.Cut(selector, "=")
	if !known || !plain || strings.ContainsAny(selector, ",!() ") {
		return
	}
	n.place(in, t.Option("kubernetes_selector").At, "it asks for "+selector)
	services := in.Selecting("Service", b.Workload)
	if len(services) == 0 {
		n.Cause = "libcluster asks for Endpoints with the label " + selector + ", which Endpoints take from their Service, and no Service selects these pods"
		return
	}
	s := services[max(0, slices.IndexFunc(services, headless))]
	labels := s.At("metadata.labels")
	why := spell.List(names(services), "and", 3) + " selects these pods, without that label"
	if len(services) > 1 {
		why = spell.List(names(services), "and", 3) + " select these pods, without that label"
	}
	if v := labels.Key(name); v.Exists() {
		why = s.Name + " has " + name + ": " + v.String()
		labels = v
	} else if !labels.Exists() {
		labels = s.At("metadata.name")
	}
	n.Cause = "libcluster asks for Endpoints with the label " + selector + ", which Endpoints take from their Service: " + why
	n.At = SpanOf(labels)
	n.Mend("put the label %s: %s on the Service %s itself (metadata.labels), or set kubernetes_ip_lookup_mode: :pods", name, strings.TrimPrefix(value, "="), s.Name)
}

func names(all []*manifest.Object) (names []string) {
	for _, o := range all {
		names = append(names, o.Name)
	}
	return names
}

func (in *Input) withoutRight(n *Finding, b Beam, t project.Topology) {
	resource := "endpoints"
	if t.Option("kubernetes_ip_lookup_mode").Is("pods") {
		resource = "pods"
	} else if mode := t.Option("kubernetes_ip_lookup_mode"); !mode.Absent() && !mode.Is("endpoints") {
		return
	}
	if at := b.Pod.Key("automountServiceAccountToken"); at.False() {
		n.Cause = "libcluster lists " + resource + ", and the pods get no token to ask with (automountServiceAccountToken: false)"
		n.At = SpanOf(at)
		n.Mend("leave automountServiceAccountToken out, and bind a Role with the verb list on %s", resource)
		return
	}
	account := b.Pod.Key("serviceAccountName").String()
	if account == "" {
		account = "default"
	}
	n.Cause = "libcluster lists " + resource + ", and nothing gives the service account " + account + " the verb list on " + resource
	n.Mend("bind a Role with verbs: [list] and resources: [%s] to the service account %s, or use DNS, which needs no rights", resource, account)
	if at := b.Pod.Key("serviceAccountName"); at.Exists() {
		n.At = SpanOf(at)
	}
	in.atBinding(n, b, account, resource)
}

// atBinding puts a missing right at the role that an account has without it; or at the binding that leads to no role, or that
// gives the right to another account.
func (in *Input) atBinding(n *Finding, b Beam, account, resource string) {
	bound := false
	var other manifest.Field
	var others []string
	for _, kind := range []string{"RoleBinding", "ClusterRoleBinding"} {
		for _, o := range in.Objects.OfKind(kind) {
			if !manifest.SameNamespace(o, b.Object) && kind == "RoleBinding" {
				continue
			}
			ref := o.At("roleRef")
			role := in.Objects.Find(o, ref.Key("kind").String(), ref.Key("name").String())
			for s := range o.At("subjects").Items() {
				switch {
				case s.Key("kind").String() != "ServiceAccount":
				case s.Key("name").String() != account:
					if role != nil && role.Allows("list", resource) {
						other, others = s.Key("name"), append(others, o.Label()+" gives it to "+s.Key("name").String())
					}
				case role == nil:
					if !bound {
						n.At = SpanOf(ref)
					}
					bound = true
					n.Saw("%s binds it to %s, which is not among the manifests", o.Label(), ref.Key("name"))
				default:
					if !bound {
						n.At = SpanOf(role.At("rules"))
					} else {
						n.Also(role.At("rules"), "what %s allows it", role.Label())
					}
					bound = true
				}
			}
		}
	}
	if !bound && len(others) == 1 { // of several nobody knows which is meant
		n.At = SpanOf(other)
		n.Cause += ": " + others[0]
	}
}
