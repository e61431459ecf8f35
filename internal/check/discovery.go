package check

import (
	"regexp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// discovery are rules about how nodes find one another.
var discovery = []Rule{
	{
		Code: finding.ServiceNotHeadless, Title: "discovery through a Service that is not headless",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "The Service that DNS_CLUSTER_QUERY names, and the one that a StatefulSet of a release names as serviceName.",
		Why:   "A Service with an address of its own answers with that one address, which belongs to no node, and gives pods no names.",
		Fix:   "set clusterIP: None on the Service; clients keep a Service of their own",
		Mends: true,
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
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "spec.serviceName of a release's StatefulSets, against the Services among the manifests. It is an error where the prediction of the mesh has discovery dial other names than the nodes have for it.",
		Why:   "Pods have DNS names only below a headless Service that exists and selects them.",
		Fix:   "add a headless Service of that name, or name the one that there is",
		Hides: []finding.Code{"DSC-07", finding.HostMismatch},
		Check: governingService,
	},
	{
		Code: "DSC-07", Title: "ready only when joined, found only when ready",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests,
		Looks: "Headless Services of releases without publishNotReadyAddresses: true, and whether readiness waits for the cluster.",
		Why:   "DNS lists only pods that are ready. If they become ready by joining, nobody is ever listed: after a cold start the cluster never forms.",
		Fix:   "set publishNotReadyAddresses: true on the headless Service",
		Mends: true,
		Check: publishNotReady,
	},
	{
		Code: "DSC-11", Title: "a failed lookup takes the mesh apart",
		Severity: finding.Info, Confidence: Hint, Needs: Project,
		Looks: "Topologies with libcluster's Kubernetes.DNS, Kubernetes.DNSSRV or DNSPoll and its own resolver.",
		Why:   "These strategies take any error of DNS for an empty list, and disconnect every node until the next lookup: all singletons restart.",
		Fix:   "use dns_cluster, which never disconnects, or give resolver: a function that keeps the last answer; NodeLocal DNS makes errors rare",
		Check: forgetful,
	},
	{
		Code: "DSC-12", Title: "a resolver that names some of the nodes",
		Severity: finding.Info, Confidence: Hint, Needs: Project,
		Looks: "libcluster's DNSPoll with its own resolver and a query in Consul's domain. Of other resolvers no file says how many of the records they give.",
		Why:   "Consul gives three addresses in an answer by UDP unless it is told otherwise (udp_answer_limit), others at each question. DNSPoll takes them for all that there are and disconnects the rest: links come and go, and never all of them.",
		Fix:   "raise udp_answer_limit above the number of nodes, have Consul mark answers that are cut (enable_truncate), or ask a headless Service in the cluster's own DNS",
		Check: partOfTheNodes,
	},
	{
		Code: "DSC-14", Title: "a short name, and dns_cluster before 0.1.2",
		Severity: finding.Error, Confidence: Certain, Needs: Manifests | Project,
		Looks: "dns_cluster's version in mix.lock, and short names in DNS_CLUSTER_QUERY.",
		Why:   "Before 0.1.2 dns_cluster did not go through the search list of resolv.conf: a Service's short name is not found, and nothing says so.",
		Fix:   "update dns_cluster (mix deps.update dns_cluster), or write the full name: service.namespace.svc.cluster.local",
		Hides: []finding.Code{finding.ServiceUnknown},
		Check: oldLookup,
	},
	{
		Code: finding.NobodyDials, Title: "libcluster is set up and does nothing",
		Severity: finding.Warning, Confidence: Certain, Needs: Project,
		Looks: "Topologies and the children {Cluster.Supervisor, [topologies, options]}: their shape, and whether one is given the other.",
		Why:   "A topology in the wrong place, or that nobody starts, is no error to libcluster: it logs nothing, and every node stays alone.",
		Fix:   "write config :libcluster, topologies: [NAME: [strategy: ..., config: [...]]], and start {Cluster.Supervisor, [topologies, [name: MyApp.ClusterSupervisor]]}",
		Hides: []finding.Code{"STA-08"},
		Check: notStarted,
	},
	{
		Code: "DSC-16", Title: "read when the release is built",
		Severity: finding.Warning, Confidence: Certain, Needs: Project,
		Looks: "System.get_env and its sisters in config/config.exs, config/prod.exs and in modules outside of functions: variables that a topology or dns_cluster's query hangs on, that a manifest sets in vain, and that the build fails without.",
		Why:   "That is the environment of the machine that builds: in the release it is a constant.",
		Fix:   "move it to config/runtime.exs",
		Check: func(in *Input, f *Finder) {
			atBuild(in, f)
			otherAtBuild(in, f)
		},
	},
	{
		Code: "DSC-17", Title: "at work before it has joined",
		Severity: finding.Warning, Confidence: Likely, Needs: Project,
		Looks: "Cluster.Supervisor and DNSCluster among the children of a supervisor, after the endpoint, Horde's supervisors or a scheduler of Quantum before 3.",
		Why:   "Children start in their order: what stands above runs on a node that is alone, so what is to run once runs on each.",
		Fix:   "put discovery above them",
		Check: discoveryLast,
	},
	{
		Code: finding.ForeignListed, Title: "a Service that lists other apps too",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "Selectors of the Services that discovery asks, against all workloads.",
		Why:   "Nodes dial whoever is listed: others' pods answer nothing, or refuse the cookie, at every look.",
		Fix:   "select a label that this app alone has",
		Check: foreign,
	},
	{
		Code: "DSC-19", Title: "multicast on Kubernetes",
		Severity: finding.Info, Confidence: Hint, Needs: Kubernetes | Project,
		Looks: "Topologies with libcluster's Gossip.",
		Why:   "Gossip sends UDP multicast, which most network plugins do not carry between machines.",
		Fix:   "use DNS: dns_cluster, or Kubernetes.DNS with a headless Service",
		Check: gossip,
	},
	{
		Code: "DSC-20", Title: "an option that nobody looks at",
		Severity: finding.Error, Confidence: Certain, Needs: Project,
		Looks: "Keys under config: of a topology, against those that its strategy knows. It is an error where the strategy demands the key that was meant: the app does not boot without it.",
		Why:   "libcluster passes over keys that it does not know: the strategy runs with its default, or not at all.",
		Fix:   "write the key that the strategy looks at, or take it out",
		Mends: true,
		Hides: []finding.Code{finding.NobodyDials},
		Check: ignoredOptions,
	},
	{
		Code: "DSC-21", Title: "IPv4 addresses of a Service that has none",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Kubernetes.DNS with its own resolver, beside a headless Service whose only family is IPv6.",
		Why:   "Its resolver asks for A records alone; such a Service has AAAA records.",
		Fix:   "set resolver: &:inet_res.getbyname(&1, :aaaa), and run the nodes with -proto_dist inet6_tcp",
		Check: addressesOfOneFamily,
	},
	{
		Code: "DSC-22", Title: "discovery on one machine",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests | Project,
		Looks: "Topologies with LocalEpmd, ErlangHosts, or Epmd with nodes of 127.0.0.1, that a release with several replicas starts.",
		Why:   "They find nodes of their own machine, and each pod is one of its own.",
		Fix:   "use DNS in production: dns_cluster, or Kubernetes.DNS with a headless Service",
		Check: oneMachineAlone,
	},
	{
		Code: "DSC-23", Title: "a libcluster that does not dial again",
		Severity: finding.Warning, Confidence: Certain, Needs: Project,
		Looks: "libcluster's version in mix.lock, where one of its polling strategies is used.",
		Why:   "Before 3.3.0 it dialled only what was new since its last look: after a lost link two nodes stay apart until one of them is replaced.",
		Fix:   "update libcluster to 3.3 or later",
		Check: oldLibcluster,
	},
	{
		Code: "DSC-24", Title: "short names on Alpine",
		Severity: finding.Info, Confidence: Hint, Needs: Manifests | Dockerfile,
		Looks: "Images on Alpine whose nodes have short names after the @.",
		Why:   "musl's resolver asks for all search domains at once and gives up sooner: names are now and then not found.",
		Fix:   "write the full name, service.namespace.svc.cluster.local, or take a Debian runner",
		Check: shortNamesOnMusl,
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
			n := f.At(b.Object, q.at.Value(), "no Service %s is among the manifests%s", q.name, in.serviceHint(b.Object, q.name))
			if !in.anyService(b.Object) {
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
			f.At(b.Object, b.At("spec.serviceName"), "the StatefulSet names no Service, so its pods have no names in DNS").As(finding.Warning, Certain)
			continue
		}
		if in.Objects.Find(b.Object, "Service", name) != nil {
			continue
		}
		n := f.At(b.Object, named, "no Service %s is among the manifests%s", name, in.serviceHint(b.Object, name)).As(finding.Warning, Likely)
		if !in.anyService(b.Object) {
			n.As(finding.Info, Hint)
		}
		asked, otherwise := in.dialledOtherwise(b, name)
		if otherwise {
			n.As(finding.Error, Certain).Cause += ", and discovery dials the pods by other names than they have by it"
		}
		if asked != "" {
			n.As(finding.Error, Certain).Mend("serviceName: %s, by which discovery finds the pods and their nodes are called", asked).Cause +=
				", so the Service " + asked + " gives pods no names of theirs"
		}
	}
}

// dialledOtherwise says whether the prediction has nodes of a StatefulSet refuse whoever dials them: as they are called by a
// Service that discovery does not ask, or by the Service that it asks, which is another than the StatefulSet's and does not
// know pods by their names.
func (in *Input) dialledOtherwise(b Beam, service string) (asked string, otherwise bool) {
	if in.Predicted() == nil {
		return "", false
	}
	x := in.predicted()
	for _, o := range x.obstacles[finding.HostMismatch] {
		to := x.replicas[o.To]
		if x.workload[o.From] != b.Label() || x.workload[o.To] != b.Label() || to == nil || o.Dialled == "" {
			continue
		}
		_, node, _ := strings.Cut(to.Node, "@")
		_, dialled, _ := strings.Cut(o.Dialled, "@")
		_, of, _ := strings.Cut(node, ".")
		_, by, _ := strings.Cut(dialled, ".")
		switch named := strings.HasPrefix(of, service+"."); {
		case named && !strings.HasPrefix(by, service+"."):
			otherwise = true
		case !named && of != "" && of == by:
			asked, _, _ = strings.Cut(of, ".")
		}
	}
	return asked, otherwise
}

// waitsForCluster are words in the path of a readiness probe that depends on the others.
var waitsForCluster = regexp.MustCompile(`(?i)\b(cluster(ed)?|quorum|joined|peers|mesh)\b`)

func publishNotReady(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		if in.withoutNode(b) {
			continue // nobody is to be found
		}
		waits, certain := in.readinessWaits(b)
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
			if n != nil && in.clientsOf(s.Object) != "" {
				// Clients would be sent to pods that are not ready.
				n.Mend("give discovery a headless Service of its own, with publishNotReadyAddresses: true; clients use %s: %s", s.Name, in.clientsOf(s.Object))
			} else if n != nil && !s.At("spec.publishNotReadyAddresses").Exists() {
				n.Edited(in.Objects.Insert(s.At("spec"), "publishNotReadyAddresses", "true"))
			} else if n != nil {
				n.Edited(in.Objects.Replace(at, "true"))
			}
		}
	}
}
