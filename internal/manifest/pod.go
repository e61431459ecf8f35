package manifest

import (
	"iter"
	"slices"
)

// Workload is an object that makes pods, or is one, as Kubernetes itself knows them; and a Rollout of Argo's, which is a
// Deployment but for how its pods are replaced.
type Workload struct {
	*Object
	Template Field // has metadata and spec; of a Pod it is the object itself
	Pod      Field // its spec
}

var templates = map[string]string{
	"Deployment": "spec.template", "StatefulSet": "spec.template", "DaemonSet": "spec.template",
	"ReplicaSet": "spec.template", "ReplicationController": "spec.template", "Job": "spec.template",
	"CronJob": "spec.jobTemplate.spec.template", "Pod": "", Rollout: "spec.template",
}

// Rollout is Argo's kind, of the group argoproj.io. One with a workloadRef has no pods of its own, but those of a Deployment.
const (
	Rollout      = "Rollout"
	rolloutGroup = "argoproj.io"
)

// Workload gives the object as one that makes pods. Others' kinds of the same names are none.
func (o *Object) Workload() (Workload, bool) {
	path, ok := templates[o.Kind]
	if !ok || (o.Kind == Rollout) != (o.Group() == rolloutGroup) || o.Kind != Rollout && !slices.Contains([]string{"", "apps", "batch", "extensions"}, o.Group()) {
		return Workload{}, false
	}
	t := o.Root()
	if path != "" {
		t = o.At(path)
	}
	w := Workload{o, t, t.Key("spec")}
	return w, w.Pod.IsMap()
}

// Workloads gives all of a set that make pods.
func (s *Set) Workloads() iter.Seq[Workload] {
	return func(yield func(Workload) bool) {
		for _, o := range s.Objects {
			if w, ok := o.Workload(); ok && !yield(w) {
				return
			}
		}
	}
}

// Serves says whether its pods are meant to run on: not those of a Job or a CronJob.
func (w Workload) Serves() bool { return w.Kind != "Job" && w.Kind != "CronJob" }

// Replicas is how many pods there are to be, and ok where the number is known: a DaemonSet's, and one that an autoscaler
// sets, are not.
func (w Workload) Replicas() (n int64, at Field, ok bool) {
	at = w.At("spec.replicas")
	switch w.Kind {
	case "Pod":
		return 1, at, true
	case "DaemonSet", "Job", "CronJob":
		return 0, at, false
	}
	n, ok = at.IntOr(1)
	return n, at, ok
}

// Labels are those of its pods.
func (w Workload) Labels() Labels { return LabelsOf(w.Template.At("metadata.labels")) }

// Container is one of a pod's containers.
type Container struct {
	Field
	Called string // its name
	Init   bool   // it has to end, or to have started, before the others start
	Beside bool   // an init container that runs on (restartPolicy: Always)
}

// Containers gives the init containers and then the others.
func (w Workload) Containers() iter.Seq[Container] {
	return func(yield func(Container) bool) {
		for f := range w.Pod.Key("initContainers").Items() {
			if !yield(Container{f, f.Key("name").String(), true, f.Key("restartPolicy").String() == "Always"}) {
				return
			}
		}
		for f := range w.Pod.Key("containers").Items() {
			if !yield(Container{f, f.Key("name").String(), false, false}) {
				return
			}
		}
	}
}

// EnvVar is an entry of a container's environment.
type EnvVar struct {
	Field         // the entry
	Called string // its name
}

// Value is what is set literally; it is absent where the value comes from elsewhere.
func (e EnvVar) Value() Field { return e.Key("value") }

// From is where the value comes from: secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef.
func (e EnvVar) From() Field { return e.Key("valueFrom") }

// Env gives a container's environment in its order.
func (c Container) Env() iter.Seq[EnvVar] {
	return func(yield func(EnvVar) bool) {
		for f := range c.Key("env").Items() {
			if !yield(EnvVar{f, f.Key("name").String()}) {
				return
			}
		}
	}
}

// EnvVar finds a variable by name; the last of that name counts.
func (c Container) EnvVar(name string) (found EnvVar, ok bool) {
	for e := range c.Env() {
		if e.Called == name {
			found, ok = e, true
		}
	}
	return found, ok
}

// EnvFrom says whether there may be more in the environment than what stands in it.
func (c Container) EnvFrom() bool { return c.Key("envFrom").Len() > 0 }

// Words are the entries of command and args, in that order.
func (c Container) Words() []Field {
	var all []Field
	for _, list := range []string{"command", "args"} {
		all = slices.AppendSeq(all, c.Key(list).Items())
	}
	return all
}

// Ports gives the entries of the container's ports.
func (c Container) Ports() iter.Seq[Field] { return c.Key("ports").Items() }
