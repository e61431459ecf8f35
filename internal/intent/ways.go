package intent

import (
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// DNSCluster is the Strategy of Phoenix's own discovery.
const DNSCluster = "DNSCluster"

// ways are all by which a replica finds others: its agent's and the app's own.
func (b *builder) ways(w Runs, r *mesh.Replica, env environment) []mesh.Way {
	var all, idle []mesh.Way
	for c := range w.Containers() {
		if c.Called != beam.AgentBinary {
			continue
		}
		if way := b.agent(w, c, r); way.Idle == "" {
			all = append(all, way)
		} else {
			idle = append(idle, way) // it is meant so: what the app lacks is told first
		}
	}
	b.fails = ""
	unread := b.app.Unread
	for _, d := range b.app.Finds {
		there, why := mesh.Yes, ""
		if d.When != nil {
			there, why = d.When(env.get)
		}
		switch there {
		case mesh.Yes:
			all = append(all, b.way(d, w, r, env))
		case mesh.Unknown:
			unread = "whether " + d.Strategy + " is set up is not known: " + why
		case mesh.No:
		}
	}
	all = append(all, idle...)
	if unread != "" || !b.app.Known && len(all) == 0 {
		why := unread
		if why == "" {
			why = "the app's source is not at hand"
		}
		all = append(all, mesh.Way{Name: "the app's own discovery", Unclear: why})
	}
	return all
}

// agent is what Phial's agent beside a node does.
func (b *builder) agent(w Runs, c manifest.Container, r *mesh.Replica) mesh.Way {
	env := b.containerEnv(w, c, r)
	way := mesh.Way{Name: "Phial's agent", From: c.Position().String(), Agent: true, Looks: beam.LookupAOrAAAA}
	if r.Hostname != "" {
		way.Looks, way.Dials = beam.LookupSRV, mesh.DialName
	}
	if join, ok := env.get(beam.EnvPhialJoin); ok && join.Value == "Never" {
		way.Idle = "clustered.join is Never"
	}
	way.Query, _ = env.get(beam.EnvPhialDomain)
	return way
}

// way is one of the app's own.
func (b *builder) way(d Discovery, w Runs, r *mesh.Replica, env environment) mesh.Way {
	way := mesh.Way{Name: "libcluster's " + d.Strategy, From: d.At, Idle: d.Idle}
	if b.fails == "" {
		b.fails = d.Fails
	}
	option := func(name string) (mesh.Setting, bool) {
		o, ok := d.Options[name]
		if !ok {
			return mesh.Setting{}, false
		}
		s := o(env.get)
		if why, raises := strings.CutPrefix(s.Why, raised); raises && b.fails == "" {
			b.fails = "the app does not boot: " + why
		}
		return s, true
	}
	text := func(name string) mesh.Setting {
		s, ok := option(name)
		if !ok && way.Idle == "" {
			way.Idle = "it is not told " + name
			if d.Strategy != "DNSPoll" && b.fails == "" { // the others demand it
				b.fails = "the app does not boot: " + way.Name + " is not told " + name
			}
		}
		return s
	}
	switch d.Strategy {
	case DNSCluster:
		way.Whole = d.Whole
		b.dnsCluster(&way, r, option)
		if d.OnlyA {
			way.Looks = beam.LookupA
		}
	case "Kubernetes.DNS":
		_, way.Own = d.Options["resolver"]
		way.Looks, way.Query, way.Base = beam.LookupA, text("service"), text("application_name")
	case "Kubernetes.DNSSRV":
		way.Looks, way.Dials, way.Base = beam.LookupSRV, mesh.DialName, text("application_name")
		way.Query = srvName(text("service"), text("namespace"), env)
	case "DNSPoll":
		way.Looks, way.Query, way.Base, way.Whole = beam.LookupAOrAAAA, text("query"), text("node_basename"), true
	case "Kubernetes":
		b.kubernetes(&way, w, r, option, text)
		_, way.Where = d.Options["kubernetes_master"]
	case "Epmd":
		switch way.Static, way.Unclear = d.Hosts, d.Unread; {
		case way.Unclear == "" && len(way.Static) == 0 && way.Idle == "":
			way.Idle = "its list of hosts is empty"
		}
	case "LocalEpmd", "ErlangHosts":
		way.Idle, way.Code = "it finds nodes of its own machine alone", "DSC-22"
	case "Gossip":
		way.Unclear = "whether the cluster's network carries its UDP multicast is not known"
	default:
		way.Unclear = "Phial does not know this strategy"
	}
	return way
}

// dnsCluster asks for the query that it is given, and dials its own base name.
func (b *builder) dnsCluster(way *mesh.Way, r *mesh.Replica, option func(string) (mesh.Setting, bool)) {
	way.Name, way.Looks = "dns_cluster", beam.LookupAOrAAAA
	way.Base = mesh.Setting{Value: beam.BaseOf(r.Node.Value), From: r.Node.From, Why: r.Node.Why}
	query, set := option("query")
	if !set || query.Known() && (query.Value == "" || query.Value == "ignore") {
		way.Idle, way.Code = "its query is not set", "DSC-13"
		return
	}
	way.Query = query
}

// srvName is the full name that DNSSRV makes of what it is told and of CLUSTER_DOMAIN.
func srvName(service, namespace mesh.Setting, env environment) mesh.Setting {
	domain, set := env.get(beam.EnvLibclusterDomain)
	if !set {
		domain.Value = "cluster.local"
	}
	for _, s := range []mesh.Setting{service, namespace, domain} {
		if !s.Known() {
			return s
		}
	}
	return mesh.Setting{Value: service.Value + "." + namespace.Value + ".svc." + domain.Value, From: service.From}
}

// kubernetes asks the API.
func (b *builder) kubernetes(way *mesh.Way, w Runs, r *mesh.Replica, option func(string) (mesh.Setting, bool), text func(string) mesh.Setting) {
	way.Looks, way.Base, way.Endpoints = beam.LookupAPI, text("kubernetes_node_basename"), true
	way.Namespace = mesh.Setting{Value: r.Namespace}
	if s, ok := option("kubernetes_namespace"); ok {
		way.Namespace = s
	}
	if s, ok := option("kubernetes_ip_lookup_mode"); ok {
		switch {
		case !s.Known():
			way.Unclear = s.Why
		case s.Value == "pods":
			way.Endpoints = false
		}
	}
	if s, ok := option("mode"); ok {
		switch {
		case !s.Known():
			way.Unclear = s.Why
		case s.Value == "hostname":
			way.Dials = mesh.DialName
		case s.Value == "dns":
			way.Dials = mesh.DialPodRecord
		}
	}
	if s, ok := option("kubernetes_service_name"); ok {
		way.Query = s
	}
	labels := text("kubernetes_selector")
	if !labels.Known() {
		way.Unclear = labels.Why
		return
	}
	for part := range strings.SplitSeq(labels.Value, ",") {
		k, v, ok := strings.Cut(strings.ReplaceAll(part, "==", "="), "=")
		if !ok || strings.HasSuffix(k, "!") {
			way.Unclear = "its selector " + labels.Value + " is one that Phial does not follow"
			return
		}
		if way.Selects.Labels == nil {
			way.Selects.Labels = map[string]string{}
		}
		way.Selects.Labels[strings.TrimSpace(k)] = strings.TrimSpace(v)
	}
	resource := "pods"
	if way.Endpoints {
		resource = "endpoints"
	}
	way.Allowed = b.mayList(w, way.Namespace.Value, resource)
}

// mayList says whether a workload's service account may list a resource.
func (b *builder) mayList(w Runs, namespace, resource string) mesh.Tri {
	if w.Pod.Key("automountServiceAccountToken").False() {
		return mesh.No
	}
	account := w.Pod.Key("serviceAccountName").String()
	if account == "" {
		account = "default"
	}
	bound, unclear := false, false
	for _, of := range b.bindings()[account] {
		o := of.binding
		if o.Kind == "RoleBinding" && b.namespace(o) != namespace || of.namespace != "" && of.namespace != b.namespace(w.Object) {
			continue
		}
		bound = true
		role := b.set.Find(o, o.At("roleRef.kind").String(), o.At("roleRef.name").String())
		if role == nil {
			unclear = true
		} else if role.Allows("list", resource) {
			return mesh.Yes
		}
	}
	if unclear || !bound && len(b.set.OfKind("RoleBinding"))+len(b.set.OfKind("ClusterRoleBinding")) == 0 {
		return mesh.Unknown // the rights may stand elsewhere
	}
	return mesh.No
}

// subject is one that a binding names.
type subject struct {
	namespace string // empty: it does not say
	binding   *manifest.Object
}

// bindings are all subjects of role bindings, by their names.
func (b *builder) bindings() map[string][]subject {
	if b.subjects != nil {
		return b.subjects
	}
	b.subjects = map[string][]subject{}
	for _, kind := range []string{"RoleBinding", "ClusterRoleBinding"} {
		for _, o := range b.set.OfKind(kind) {
			for s := range o.At("subjects").Items() {
				name := s.Key("name").String()
				b.subjects[name] = append(b.subjects[name], subject{s.Key("namespace").String(), o})
			}
		}
	}
	return b.subjects
}
