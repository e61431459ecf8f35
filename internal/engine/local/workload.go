package local

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/agent/drain"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// A workload is one set of like replicas: what the plan says of it, as far as this
// engine takes it.
type workload struct {
	name     string // replicas are name-0 …
	pipeline string // that it runs; empty: these are the serving replicas
	path     string // of what the BeamApp says of it
	first    int    // place of its first replica
	replicas int    // to start with

	template  *corev1.PodTemplateSpec
	container *corev1.Container // of the release
	claims    []corev1.PersistentVolumeClaim

	member  bool // of the mesh: the headless Service lists it
	agent   bool // one stands beside each node: this engine's own
	join    bool // and it joins the node
	waits   bool // and the gate waits for that
	island  mesh.OnPartition
	httpWay string // path of the app's own readiness, which an agent asks; empty: none

	grace     time.Duration // from the beginning of the end to SIGKILL
	delay     time.Duration // from there until anything is stopped, for whoever sends requests to hear of it
	drain     time.Duration // after that, for work in flight to end; where an agent drains
	stop      time.Duration // from SIGTERM on
	hook      *drain.Hook   // of the app, which a drain calls; nil: none
	startTime time.Duration // that a replica may take to boot and answer
}

// cast is everything that the engine runs of a plan.
type cast struct {
	plan      *plan.Plan
	serving   *workload
	pipelines []*workload
	migration *workload // run once, before the others; nil: none
}

// newCast takes from a plan what there is to run.
func newCast(p *plan.Plan) (*cast, error) {
	c := &cast{plan: p}
	spec := &p.App.Spec
	w := &workload{name: p.App.Name, path: "spec", template: p.PodTemplate(), member: p.HeadlessService != nil}
	var replicas *int32
	if p.StatefulSet != nil {
		replicas, w.claims = p.StatefulSet.Spec.Replicas, p.StatefulSet.Spec.VolumeClaimTemplates
	} else {
		replicas = p.Deployment.Spec.Replicas
	}
	if replicas == nil && p.Autoscaler != nil {
		replicas = p.Autoscaler.Spec.MinReplicas // nothing here asks for more
	}
	w.replicas = DefaultReplicas
	if replicas != nil {
		w.replicas = int(*replicas)
	}
	if err := w.read(spec); err != nil {
		return nil, err
	}
	c.serving = w
	next := MaxReplicas
	for i, pipe := range p.Pipelines {
		w := &workload{name: pipe.Deployment.Name, pipeline: pipe.Name, path: "spec.pipelines[" + strconv.Itoa(i) + "]",
			template: &pipe.Deployment.Spec.Template, first: next, replicas: 1}
		if n := pipe.Deployment.Spec.Replicas; n != nil {
			w.replicas = int(*n)
		} else if n := spec.Pipelines[i].MinReplicas; n != nil {
			w.replicas = max(int(*n), 1) // KEDA would start one with the first message
		}
		if err := w.read(spec); err != nil {
			return nil, err
		}
		next += w.replicas
		if next > maxPlaces {
			return nil, fmt.Errorf("the pipelines have more than %d replicas in all, which is what the local engine runs", maxPlaces-MaxReplicas)
		}
		c.pipelines = append(c.pipelines, w)
	}
	if j := p.Migration; j != nil {
		c.migration = &workload{name: p.App.Name + "-migrate", path: "spec.migration", template: &j.Spec.Template, first: placeMigration, replicas: 1}
		if err := c.migration.read(spec); err != nil {
			return nil, err
		}
		if s := j.Spec.ActiveDeadlineSeconds; s != nil {
			c.migration.startTime = time.Duration(*s) * time.Second
		}
	}
	return c, c.check()
}

// read takes from the pod template what the engine needs in a form of its own.
func (w *workload) read(spec *v1alpha1.BeamAppSpec) error {
	pod := &w.template.Spec
	i := slices.IndexFunc(pod.Containers, func(c corev1.Container) bool { return c.Name == plan.ContainerApp })
	if i < 0 {
		return fmt.Errorf("%s: its pods have no container %s", w.name, plan.ContainerApp)
	}
	w.container = &pod.Containers[i]
	w.agent = slices.ContainsFunc(pod.InitContainers, func(c corev1.Container) bool { return c.Name == plan.ContainerAgent })
	if w.agent {
		w.join = w.member && spec.Clustered != nil && spec.Clustered.Join != v1alpha1.JoinNever
		w.waits = w.join && spec.Health.Gate != v1alpha1.GateBooted
		w.island = mesh.OnPartition(spec.Health.OnPartition)
		w.httpWay = spec.Health.Path
		w.readDrain()
	}
	if s := pod.TerminationGracePeriodSeconds; s != nil {
		w.grace = time.Duration(*s) * time.Second
	}
	w.delay = w.endpointDelay(spec)
	if s := spec.Shutdown.StopTimeoutSeconds; s != nil {
		w.stop = time.Duration(*s) * time.Second
	}
	w.startTime = time.Duration(spec.Health.StartTimeoutSeconds) * time.Second
	if p := w.container.StartupProbe; p != nil && p.FailureThreshold > 0 {
		w.startTime = time.Duration(p.InitialDelaySeconds+p.FailureThreshold*max(p.PeriodSeconds, 1)) * time.Second
	}
	return nil
}

// endpointDelay is a preStop sleep; where an agent drains, it is the agent that waits.
func (w *workload) endpointDelay(spec *v1alpha1.BeamAppSpec) time.Duration {
	if l := w.container.Lifecycle; l != nil && l.PreStop != nil && l.PreStop.Sleep != nil {
		return time.Duration(l.PreStop.Sleep.Seconds) * time.Second
	}
	if s := spec.Shutdown.EndpointDelaySeconds; w.agent && s != nil {
		return time.Duration(*s) * time.Second
	}
	return 0
}

// serves says whether the app listens for HTTP in these replicas.
func (w *workload) serves() bool {
	return slices.ContainsFunc(w.container.Env, func(e corev1.EnvVar) bool { return e.Name == beam.EnvPort })
}

// env gives what the container's environment says of a name, unexpanded.
func (w *workload) env(name string) string { return envOf(w.container, name) }

func envOf(c *corev1.Container, name string) string {
	for _, e := range slices.Backward(c.Env) {
		if e.Name == name {
			return e.Value
		}
	}
	return ""
}

// all is the workloads that go on running.
func (c *cast) all() []*workload { return append([]*workload{c.serving}, c.pipelines...) }

// check refuses what this engine does not run.
func (c *cast) check() error {
	if n := c.serving.replicas; n > MaxReplicas {
		return fmt.Errorf("%w; give fewer with --replicas", CheckReplicas(n))
	}
	if c.serving.replicas == 0 && len(c.pipelines) == 0 {
		return fmt.Errorf("%s has 0 replicas and no pipeline: there is nothing to run; give --replicas", c.serving.name)
	}
	return nil
}

// network gives the names that the plan has, for a slot.
func (c *cast) network(slot int) network {
	base, _, _ := strings.Cut(c.serving.env(beam.EnvReleaseNode), "@")
	w := network{slot: slot, app: c.plan.App.Name, base: base, namespace: c.plan.App.Namespace,
		domain: c.plan.App.Spec.Network.ClusterDomain, identity: IdentityAddress}
	if c.plan.StatefulSet != nil && c.plan.HeadlessService != nil {
		w.identity = IdentityStable
	}
	if s := c.plan.HeadlessService; s != nil {
		w.service = s.Name
		for _, p := range s.Spec.Ports {
			w.ports = append(w.ports, p.Name)
		}
	}
	for _, p := range c.pipelines {
		for i := range p.replicas {
			w.others = append(w.others, podName(p.name, i))
		}
	}
	return w
}

// complete refuses an app whose environment has values that are in the cluster alone
// and that nobody gives here.
func (c *cast) complete(o Options) error {
	env := o.Env
	all := c.all()
	if c.migration != nil {
		all = append(all, c.migration)
	}
	var lost []missing
	for _, w := range all {
		l := launch{net: c.network(0), n: w.first, plan: c.plan, work: w, state: openState("/", c.serving.name), env: env}
		_, gone := l.planned(noCookie)
		lost = append(lost, gone...)
	}
	return lostError(lost)
}
