package plan

import (
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
)

// settings is what every builder reads: the BeamApp with its defaults, and what
// follows from it that has to be the same in several objects.
type settings struct {
	app  *v1alpha1.BeamApp
	spec *v1alpha1.BeamAppSpec

	clustered bool
	cluster   v1alpha1.ClusteredSpec // the defaults' zero values where the type is Stateless
	stable    bool                   // Clustered by host name: a StatefulSet
	base      string                 // of node names, the release's name
	first     int32                  // distribution ports
	last      int32
	epmd      bool // false: every node listens on first
	tls       bool // of the distribution
	ipv6      bool // nodes talk over IPv6

	agent      bool // there is one in each pod
	agentImage string

	nodes workload // the serving replicas
}

// A workload is one set of like pods.
type workload struct {
	name      string // of its Deployment, StatefulSet or Job
	component string
	path      string // of what the BeamApp says about it
	pipeline  *v1alpha1.PipelineSpec

	// distributed pods are members of the mesh: others reach EPMD and distribution.
	// What else is a node listens on loopback alone.
	distributed bool
	node        bool // it runs bin/APP start; otherwise a command
	http        bool // it serves HTTP
	agent       bool // it has an agent beside it
	drain       int32
	resources   corev1.ResourceRequirements
	env         []corev1.EnvVar
}

func newSettings(app *v1alpha1.BeamApp, o Options) *settings {
	app = app.DeepCopy()
	v1alpha1.SetDefaults(app)
	spec := &app.Spec
	s := &settings{
		app: app, spec: spec, base: spec.ReleaseName,
		clustered:  spec.Type == v1alpha1.Clustered,
		epmd:       true,
		first:      beam.DistPortMin,
		last:       beam.DistPortMax,
		ipv6:       len(spec.Network.IPFamilies) > 0 && spec.Network.IPFamilies[0] == corev1.IPv6Protocol,
		agent:      spec.Agent == v1alpha1.Enabled && o.AgentImage != "",
		agentImage: o.AgentImage,
	}
	if s.clustered && spec.Clustered != nil {
		s.cluster = *spec.Clustered
		s.stable = s.cluster.Identity == v1alpha1.Stable
		s.epmd = s.cluster.Distribution.EPMD != v1alpha1.Disabled
		s.tls = s.cluster.Distribution.TLS.Mode == v1alpha1.Enabled
		if first, last, ok := ports(s.cluster.Distribution.PortRange); ok {
			s.first, s.last = first, last
		}
	}
	s.nodes = workload{
		name: app.Name, component: ComponentNode, path: "spec",
		distributed: s.clustered, node: true, http: spec.HTTP != nil, agent: s.agent,
		drain: value(spec.Shutdown.DrainTimeoutSeconds), resources: spec.Resources, env: spec.Env,
	}
	return s
}

// pipelineWorkload is that of spec.pipelines[i]. A pipeline reads from its brokers and
// serves nobody: it is told of no HTTP port, and its node is not in the mesh.
func (s *settings) pipelineWorkload(i int) workload {
	p := &s.spec.Pipelines[i]
	w := workload{
		name: PipelineName(s.app.Name, p.Name), component: ComponentPipeline,
		path: "spec.pipelines[" + strconv.Itoa(i) + "]", pipeline: p,
		node: true, agent: s.agent,
		drain: value(s.spec.Shutdown.DrainTimeoutSeconds), resources: s.spec.Resources,
		env: mergeEnv(s.spec.Env, p.Env),
	}
	if p.DrainTimeoutSeconds != nil {
		w.drain = *p.DrainTimeoutSeconds
	}
	if p.Resources != nil {
		w.resources = *p.Resources
	}
	return w
}

// migrationWorkload is that of spec.migration: no node, a command.
func (s *settings) migrationWorkload() workload {
	return workload{
		name:      s.app.Name + "-migrate", // and what names this very one
		component: ComponentMigration, path: "spec.migration",
		resources: s.spec.Resources, env: s.spec.Env,
	}
}

// meta is the metadata of an object of the app; component is empty for what belongs to
// none.
func (s *settings) meta(name, component string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: s.app.Namespace, Labels: s.labels(s.app.Name, component)}
}

// labels are those of an object. A pipeline's instance is the name of its workload, any
// other is the app's. The version is not among them: a new one changes the workloads,
// and nothing else.
func (s *settings) labels(instance, component string) map[string]string {
	l := map[string]string{LabelName: s.app.Name, LabelInstance: instance, LabelManagedBy: ManagedBy}
	if component != "" {
		l[LabelComponent] = component
	}
	return l
}

// workloadMeta is the metadata of a workload.
func (s *settings) workloadMeta(w workload) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: w.name, Namespace: s.app.Namespace, Labels: s.podLabels(w)}
}

// besideMeta is the metadata of what there is one of for each workload.
func (s *settings) besideMeta(w workload) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: w.name, Namespace: s.app.Namespace, Labels: s.labels(s.instance(w), w.component)}
}

// podLabels are those of the workload and its pods: its selector and more.
func (s *settings) podLabels(w workload) map[string]string {
	l := s.labels(s.instance(w), w.component)
	if v := imageVersion(s.spec.Image); v != "" {
		l[LabelVersion] = v
	}
	return l
}

// selector is the labels that select the workload's pods and no others. It can't be
// changed once the workload is there, so it holds nothing that may.
func (s *settings) selector(w workload) map[string]string {
	l := map[string]string{LabelName: s.app.Name, LabelComponent: w.component}
	if w.pipeline != nil {
		l[LabelInstance] = w.name
	}
	return l
}

func (s *settings) instance(w workload) string {
	if w.pipeline != nil {
		return w.name
	}
	return s.app.Name
}

// cookie is where the pods take it from.
func (s *settings) cookie() CookieSource {
	c := CookieSource{SecretName: CookieSecretName(s.app.Name), Required: s.clustered, AgentKey: s.clustered && s.agent}
	if ref := s.cluster.Cookie.SecretRef; ref != nil {
		c.SecretName = ref.Name
	}
	return c
}

// serviceAccountName is the account of the pods, the user's own or ours.
func (s *settings) serviceAccountName() string {
	if s.spec.ServiceAccountName != "" {
		return s.spec.ServiceAccountName
	}
	return s.app.Name
}

// asksAPI reports whether the app itself asks the API server for its peers, and so
// needs a token and the right to.
func (s *settings) asksAPI() bool {
	return s.clustered && s.cluster.Discovery == v1alpha1.DiscoveryLibclusterKubernetes
}

// headless is the headless Service's name, and empty where there is none.
func (s *settings) headless() string {
	if !s.clustered {
		return ""
	}
	return HeadlessServiceName(s.app.Name)
}

// headlessDomain is the Service's full DNS name, to be expanded by the kubelet: the
// namespace is the pod's own, whichever that will be.
func (s *settings) headlessDomain() string {
	return s.headless() + "." + expand(beam.EnvPodNamespace) + ".svc." + s.spec.Network.ClusterDomain
}

// nodeName is RELEASE_NODE of a workload's pods, to be expanded by the kubelet.
func (s *settings) nodeName(w workload) string {
	switch {
	case !w.distributed:
		return s.base + "@" + s.loopback().String()
	case s.stable:
		return s.base + "@" + expand(beam.EnvPodName) + "." + s.headlessDomain()
	default:
		return s.base + "@" + expand(beam.EnvPodIP)
	}
}

func (s *settings) loopback() netip.Addr {
	if s.ipv6 {
		return netip.IPv6Loopback()
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// distPorts are the ports of distribution that others may have to reach. Without EPMD
// nobody listens elsewhere than on the first.
func (s *settings) distPorts() (first, last int32) {
	if !s.epmd {
		return s.first, s.first
	}
	return s.first, s.last
}

// graceSeconds is how long a pod may take to leave: the sum of what it does then.
func (s *settings) graceSeconds(w workload) int64 {
	sh := s.spec.Shutdown
	return int64(value(sh.EndpointDelaySeconds)) + int64(w.drain) + int64(value(sh.StopTimeoutSeconds))
}

// scaled reports whether something else than spec.replicas says how many pods a
// workload has.
func (s *settings) scaled(w workload) bool {
	if w.pipeline != nil {
		return w.pipeline.LagPerReplica != nil && w.pipeline.Kafka != nil
	}
	return s.spec.Autoscaling != nil
}

// host is the first name that the app answers to from outside, if there is one. A
// wildcard is no name to build URLs from.
func (s *settings) host() string {
	var hosts []string
	switch h := s.spec.HTTP; {
	case h == nil:
	case h.Ingress != nil:
		hosts = h.Ingress.Hosts
	case h.Gateway != nil:
		hosts = h.Gateway.Hosts
	}
	for _, h := range hosts {
		if !strings.HasPrefix(h, "*") {
			return h
		}
	}
	return ""
}

// expand refers to an environment variable that stands earlier in the list.
func expand(name string) string { return "$(" + name + ")" }

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// ports takes FIRST-LAST apart.
func ports(portRange string) (first, last int32, ok bool) {
	a, b, _ := strings.Cut(portRange, "-")
	x, err1 := strconv.ParseUint(a, 10, 16)
	y, err2 := strconv.ParseUint(b, 10, 16)
	if err1 != nil || err2 != nil || x == 0 || x > y {
		return 0, 0, false
	}
	return int32(x), int32(y), true
}

// mergeEnv is both lists; of two with one name that of more counts, in the place of the
// first.
func mergeEnv(env, more []corev1.EnvVar) []corev1.EnvVar {
	at := map[string]int{}
	var all []corev1.EnvVar
	for _, list := range [][]corev1.EnvVar{env, more} {
		for _, e := range list {
			if i, ok := at[e.Name]; ok {
				all[i] = e
				continue
			}
			at[e.Name] = len(all)
			all = append(all, e)
		}
	}
	return all
}

// imageVersion is the tag of an image where that can be the value of a label.
func imageVersion(image string) string {
	name, _, _ := strings.Cut(image, "@")
	_, tag, ok := strings.Cut(name[strings.LastIndexByte(name, '/')+1:], ":")
	if !ok || len(tag) > 63 || tag == "" {
		return ""
	}
	for i, r := range tag {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		case (r == '-' || r == '_' || r == '.') && i > 0 && i < len(tag)-1:
		default:
			return ""
		}
	}
	return tag
}

// value is what p points to, or zero.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
