package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// discovery are rules about how nodes find one another.
var discovery = []Rule{
	{
		Code: finding.ServiceNotHeadless, Title: "discovery through a Service that is not headless",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "The Service that DNS_CLUSTER_QUERY names, and the one that a StatefulSet of a release names as serviceName.",
		Why:   "A Service with an address of its own answers with that one address, which belongs to no node, and gives pods no names.",
		Fix:   "set clusterIP: None on the Service; clients keep a Service of their own",
		Hides: []finding.Code{"DSC-06", "DSC-07"},
		Check: notHeadless,
	},
	{
		Code: finding.ServiceEmpty, Title: "a Service that selects nobody",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Selectors of Services against the labels of pods: of those that discovery asks, and of those that are called as a release's workload is.",
		Why:   "A Service without endpoints answers nothing: nodes find nobody, clients get no answer.",
		Fix:   "make spec.selector match spec.template.metadata.labels",
		Hides: []finding.Code{"DSC-06", "DSC-07", "HLT-05", "K8S-05"},
		Check: selectsNobody,
	},
	{
		Code: finding.ServiceUnknown, Title: "discovery asks for a Service that is not there",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "The name in DNS_CLUSTER_QUERY, against the Services among the manifests.",
		Why:   "DNS knows no such name, and dns_cluster says nothing of it: each node stays alone.",
		Fix:   "name the headless Service that selects these pods",
		Check: queryUnknown,
	},
	{
		Code: finding.PodNameUnknown, Title: "a StatefulSet without its Service",
		Severity: finding.Warning, Confidence: Certain, Needs: Manifests,
		Looks: "spec.serviceName of a release's StatefulSets, against the Services among the manifests.",
		Why:   "Pods have DNS names only below a headless Service that exists and selects them.",
		Fix:   "add a headless Service of that name, or name the one that there is",
		Hides: []finding.Code{"DSC-07"},
		Check: governingService,
	},
	{
		Code: "DSC-07", Title: "ready only when joined, found only when ready",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Headless Services of releases without publishNotReadyAddresses: true, and whether readiness waits for the cluster.",
		Why:   "DNS lists only pods that are ready. If they become ready by joining, nobody is ever listed: after a cold start the cluster never forms.",
		Fix:   "set publishNotReadyAddresses: true on the headless Service",
		Check: publishNotReady,
	},
}

// query is a Service that DNS_CLUSTER_QUERY asks for.
type query struct {
	at              manifest.EnvVar
	name, namespace string // of the Service; the namespace is empty where it is not known
}

// queries takes DNS_CLUSTER_QUERY apart: NAME, or NAME.NAMESPACE.svc…; several with commas between them.
func queries(b Beam) []query {
	e, ok := b.Container.EnvVar(beam.EnvDNSClusterQuery)
	if !ok {
		return nil
	}
	text, ok := e.Value().Text()
	if !ok {
		return nil
	}
	var all []query
	for q := range strings.SplitSeq(text, ",") {
		q = strings.TrimSuffix(strings.TrimSpace(q), ".")
		parts := strings.Split(q, ".")
		if parts[0] == "" || strings.Contains(parts[0], "$(") || len(parts) > 2 && parts[2] != "svc" {
			continue // not one of the cluster's own, or not known
		}
		found := query{e, parts[0], b.Namespace}
		if len(parts) > 1 {
			found.namespace = parts[1]
			if strings.Contains(parts[1], "$(") {
				found.namespace = ""
				if parts[1] == "$(POD_NAMESPACE)" {
					found.namespace = b.Namespace
				}
			}
		}
		all = append(all, found)
	}
	return all
}

// asked is the Service of a query, as far as it is among the manifests.
func (in *Input) asked(b Beam, q query) *manifest.Object {
	s := in.Objects.Find(b.Object, "Service", q.name)
	if s != nil && s.Namespace != "" && q.namespace != "" && s.Namespace != q.namespace {
		return nil
	}
	return s
}

// finder is a Service by which a release's nodes are found, and the place that names it.
type finder struct {
	*manifest.Object
	named manifest.Field
}

// discoveryServices are those of DNS_CLUSTER_QUERY, and a StatefulSet's own.
func (in *Input) discoveryServices(b Beam) []finder {
	var all []finder
	add := func(s *manifest.Object, named manifest.Field) {
		if s != nil && !slices.ContainsFunc(all, func(f finder) bool { return f.Object == s }) {
			all = append(all, finder{s, named})
		}
	}
	for _, q := range queries(b) {
		add(in.asked(b, q), q.at.Value())
	}
	if b.Kind == "StatefulSet" {
		named := b.At("spec.serviceName")
		add(in.Objects.Find(b.Object, "Service", named.String()), named)
	}
	return all
}

// what is the name of the place that names it.
func (f finder) what() string {
	if f.named.Name() == "value" {
		return beam.EnvDNSClusterQuery
	}
	return f.named.Name()
}

func notHeadless(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for _, s := range in.discoveryServices(b) {
			ip := s.At("spec.clusterIP")
			if headless(s.Object) || s.At("spec.type").String() == "ExternalName" {
				continue
			}
			at := ip
			if ip.Null() {
				at = s.At("metadata.name")
			}
			n := f.At(b.Object, at, "the Service %s has an address of its own, and the nodes of %s are to be found by it", s.Name, b.Name).
				Also(s.named, "asked for here")
			if s.named.Name() == "serviceName" && len(queries(b)) == 0 && !strings.Contains(nodeHost(b), b.Name) && clustered(b) == "" {
				n.As(finding.Warning, Likely) // pods have no names, which nothing here is known to use
			}
			// Another Service for clients: without one, nothing would be left to reach the app by.
			if clients := in.Selecting("Service", b.Workload); len(clients) > 1 && s.At("spec.type").Null() && ip.Null() {
				n.Edited(in.Objects.Insert(s.At("spec"), "clusterIP", "None"))
			}
		}
	}
}

// nodeHost is what stands behind the @ of RELEASE_NODE.
func nodeHost(b Beam) string {
	e, _ := b.Container.EnvVar(beam.EnvReleaseNode)
	_, host, _ := strings.Cut(e.Value().String(), "@")
	return host
}

func selectsNobody(in *Input, f *Finder) {
	seen := map[*manifest.Object]bool{}
	report := func(b Beam, s *manifest.Object, why string) *Finding {
		if seen[s] || s.At("spec.selector").Len() == 0 {
			return nil
		}
		for _, w := range in.Selected(s, s.At("spec.selector")) {
			if w.Object == b.Object {
				return nil
			}
		}
		seen[s] = true
		at := s.At("spec.selector")
		labels := b.Labels()
		for name, value := range at.Fields() {
			got, ok := labels[name]
			if ok && got == value.String() {
				continue
			}
			has := "its pods have no label " + name
			if ok {
				has = "its pods have " + name + ": " + got
			}
			n := f.At(b.Object, value, "the Service %s, %s, does not select the pods of %s: it wants %s: %s, and %s", s.Name, why, b.Name, name, value.String(), has).
				Also(b.Template.At("metadata.labels"), "the labels of the pods")
			return n
		}
		return nil
	}
	for _, b := range in.Serving() {
		for _, s := range in.discoveryServices(b) {
			report(b, s.Object, "which "+s.what()+" names")
		}
	}
	// A Service of the same name is meant for it, most likely.
	for _, b := range in.Serving() {
		s := in.Objects.Find(b.Object, "Service", b.Name)
		if s == nil || len(in.Selected(s, s.At("spec.selector"))) > 0 {
			continue
		}
		if n := report(b, s, "which is called as it is"); n != nil {
			n.As(finding.Warning, Likely)
		}
	}
}

func queryUnknown(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for _, q := range queries(b) {
			if in.asked(b, q) != nil {
				continue
			}
			if s := in.Objects.Find(b.Object, "Service", q.name); s != nil {
				f.At(b.Object, q.at.Value(), "DNS_CLUSTER_QUERY asks in the namespace %s, and the Service %s is in %s", q.namespace, q.name, s.Namespace).
					Also(s.At("metadata.namespace"), "the Service")
				continue
			}
			var names []string
			for _, s := range in.Objects.OfKind("Service") {
				if manifest.SameNamespace(b.Object, s) {
					names = append(names, s.Name)
				}
			}
			n := f.At(b.Object, q.at.Value(), "no Service %s is among the manifests%s", q.name, spell.Hint(q.name, names))
			if len(names) == 0 {
				n.As(finding.Info, Hint) // those that there are may be elsewhere
			}
		}
	}
}

func governingService(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		if b.Kind != "StatefulSet" {
			continue
		}
		named := b.At("spec.serviceName")
		name, ok := named.Text()
		if !ok || name == "" {
			f.At(b.Object, b.At("spec.serviceName"), "the StatefulSet names no Service, so its pods have no names in DNS")
			continue
		}
		if in.Objects.Find(b.Object, "Service", name) != nil {
			continue
		}
		var names []string
		for _, s := range in.Objects.OfKind("Service") {
			if manifest.SameNamespace(b.Object, s) {
				names = append(names, s.Name)
			}
		}
		n := f.At(b.Object, named, "no Service %s is among the manifests%s", name, spell.Hint(name, names)).As(finding.Warning, Likely)
		if len(names) == 0 {
			n.As(finding.Info, Hint)
		}
	}
}

// waitsForCluster are words in the path of a readiness probe that depends on the others.
var waitsForCluster = regexp.MustCompile(`(?i)\b(cluster(ed)?|quorum|joined|peers|mesh)\b`)

// readinessWaits is the place that says that a release becomes ready by joining.
func readinessWaits(b Beam) (manifest.Field, bool) {
	for c := range b.Containers() {
		p := c.Key("readinessProbe")
		at := p.At("httpGet.path")
		if waitsForCluster.MatchString(at.String()) {
			return at, true
		}
		for w := range p.At("exec.command").Items() {
			if waitsForCluster.MatchString(w.String()) {
				return w, true
			}
		}
	}
	return manifest.Field{}, false
}

func publishNotReady(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		waits, certain := readinessWaits(b)
		for _, s := range in.discoveryServices(b) {
			at := s.At("spec.publishNotReadyAddresses")
			if at.True() || !headless(s.Object) {
				continue
			}
			if !at.Exists() {
				at = s.At("metadata.name")
			}
			var n *Finding
			if certain {
				n = f.At(b.Object, at, "%s becomes ready when it has joined, and the Service %s lists only what is ready: from a cold start nobody finds anybody", b.Name, s.Name).
					Also(waits, "readiness waits for the others").Also(s.named, "found by this Service").As(finding.Warning, Likely)
			} else if in.several(b.Workload) {
				n = f.At(b.Object, at, "the Service %s lists only pods that are ready: nodes join after they take traffic, and not at all while nobody is ready", s.Name).
					Also(s.named, "found by this Service").As(finding.Info, Hint)
			}
			if n != nil && !s.At("spec.publishNotReadyAddresses").Exists() {
				n.Edited(in.Objects.Insert(s.At("spec"), "publishNotReadyAddresses", "true"))
			} else if n != nil {
				n.Edited(in.Objects.Replace(at, "true"))
			}
		}
	}
}
