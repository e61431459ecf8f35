package check

import (
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
)

// links are which objects select which pods. They are looked up by a label, since a fleet has thousands of each.
type links struct {
	workloads []manifest.Workload
	labels    []manifest.Labels
	byLabel   map[[2]string][]int
	of        map[*manifest.Object]map[string][]*manifest.Object // workload → kind → what selects its pods
}

// selectors are where the kinds that select pods say which.
var selectors = map[string]string{"Service": "spec.selector", "PodDisruptionBudget": "spec.selector", "NetworkPolicy": "spec.podSelector"}

func (in *Input) links() *links {
	if in.linked != nil {
		return in.linked
	}
	l := &links{byLabel: map[[2]string][]int{}, of: map[*manifest.Object]map[string][]*manifest.Object{}}
	in.linked = l
	if in.Objects == nil {
		return l
	}
	for w := range in.Objects.Workloads() {
		n := len(l.workloads)
		labels := w.Labels()
		l.workloads, l.labels = append(l.workloads, w), append(l.labels, labels)
		for k, v := range labels {
			l.byLabel[[2]string{k, v}] = append(l.byLabel[[2]string{k, v}], n)
		}
	}
	for kind, path := range selectors {
		for _, o := range in.Objects.OfKind(kind) {
			for _, w := range in.Selected(o, o.At(path)) {
				if l.of[w.Object] == nil {
					l.of[w.Object] = map[string][]*manifest.Object{}
				}
				l.of[w.Object][kind] = append(l.of[w.Object][kind], o)
			}
		}
	}
	return l
}

// Selected gives the workloads whose pods a selector of an object takes, in their order.
func (in *Input) Selected(o *manifest.Object, selector manifest.Field) []manifest.Workload {
	l := in.links()
	match := func(labels manifest.Labels) bool { return labels.Selected(selector) }
	want := selector.Key("matchLabels")
	if o.Kind == "Service" {
		if selector.Len() == 0 {
			return nil // its endpoints are made by hand
		}
		want = selector
		match = func(labels manifest.Labels) bool { return labels.Match(selector) }
	}
	var candidates []int
	narrowed := false
	for name, value := range want.Fields() {
		have := l.byLabel[[2]string{name, value.String()}]
		if !narrowed || len(have) < len(candidates) {
			candidates, narrowed = have, true
		}
	}
	if !narrowed {
		candidates = make([]int, len(l.workloads))
		for i := range candidates {
			candidates[i] = i
		}
	}
	var all []manifest.Workload
	for _, i := range candidates {
		w := l.workloads[i]
		if manifest.SameNamespace(o, w.Object) && match(l.labels[i]) && in.Objects.Near(w.Object, o) && in.Objects.Near(o, w.Object) {
			all = append(all, w)
		}
	}
	return all
}

// Selecting gives the objects of a kind (Service, PodDisruptionBudget, NetworkPolicy) that select a workload's pods.
func (in *Input) Selecting(kind string, w manifest.Workload) []*manifest.Object {
	return in.links().of[w.Object][kind]
}

// headless says whether a Service has no address of its own: DNS answers with its pods'.
func headless(service *manifest.Object) bool { return service.At("spec.clusterIP").String() == "None" }

// port is a port of a Service and the number that it leads to in a container, as far as that is known.
type port struct {
	manifest.Field
	number, target int64 // 0 = not known
	name           string
}

// servicePorts gives a Service's ports, named targets looked up among the workload's containers.
func servicePorts(service *manifest.Object, w manifest.Workload) iter.Seq[port] {
	return func(yield func(port) bool) {
		for f := range service.At("spec.ports").Items() {
			p := port{Field: f, name: f.Key("name").String()}
			p.number, _ = f.Key("port").Int()
			t := f.Key("targetPort")
			switch n, ok := t.Int(); {
			case ok:
				p.target = n
			case t.Null():
				p.target = p.number
			default:
				p.target, _ = containerPort(w, t.String())
			}
			if !yield(p) {
				return
			}
		}
	}
}

// containerPort looks a port's name up among a pod's containers; a number in quotes is taken for a number.
func containerPort(w manifest.Workload, name string) (int64, bool) {
	for c := range w.Containers() {
		for p := range c.Ports() {
			if p.Key("name").String() == name {
				n, ok := p.Key("containerPort").Int()
				return n, ok
			}
		}
	}
	return 0, false
}

// portNumber is a port that is given by its number, or by the name that a container gives it.
func portNumber(w manifest.Workload, f manifest.Field) (int64, bool) {
	if n, ok := f.Int(); ok {
		return n, true
	}
	return containerPort(w, f.String())
}

// quantity reads a Kubernetes quantity, such as 250m, 1.5 or 512Mi.
func quantity(f manifest.Field) (float64, bool) {
	text, ok := f.Text()
	if !ok {
		return 0, false
	}
	number := strings.TrimRight(text, "numkKMGTPEi")
	scale, known := map[string]float64{
		"": 1, "n": 1e-9, "u": 1e-6, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
		"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
	}[text[len(number):]]
	n, err := strconv.ParseFloat(number, 64)
	return n * scale, known && err == nil
}

// flagVariables are those that hold flags of the VM, in the order in which erl takes them. ELIXIR_ERL_OPTIONS is what the
// command line begins with: what the command says stands behind it.
var flagVariables = []string{beam.EnvErlAFlags, beam.EnvElixirErlOptions, beam.EnvErlFlags, beam.EnvErlZFlags}

// flags are the VM's flags of a container, from its variables and its command, in the order in which erl takes them: of
// several the first counts or the last.
func flags(c manifest.Container) string {
	var all []string
	for _, name := range flagVariables {
		if e, ok := c.EnvVar(name); ok {
			all = append(all, e.Value().String())
		}
		if name == beam.EnvElixirErlOptions {
			all = append(all, joined(c))
		}
	}
	return strings.Join(all, " ")
}

// several says whether there is to be more than one pod, by replicas or by an autoscaler.
func (in *Input) several(w manifest.Workload) bool {
	if n, _, ok := w.Replicas(); ok && n > 1 {
		return true
	}
	return in.autoscaler(w) != nil
}

// autoscaler is what sets the number of a workload's pods, where something may make it more than one.
func (in *Input) autoscaler(w manifest.Workload) *manifest.Object {
	if in.scalers == nil {
		in.scalers = map[string][]*manifest.Object{}
		for _, kind := range []string{"HorizontalPodAutoscaler", "ScaledObject"} {
			for _, o := range in.Objects.OfKind(kind) {
				name := o.At("spec.scaleTargetRef.name").String()
				in.scalers[name] = append(in.scalers[name], o)
			}
		}
	}
	for _, o := range in.scalers[w.Name] {
		ref := o.At("spec.scaleTargetRef")
		kind := ref.Key("kind").String()
		if (kind == w.Kind || kind == "" && w.Kind == "Deployment") && manifest.SameNamespace(o, w.Object) && in.Objects.Near(w.Object, o) {
			most := o.At("spec.maxReplicas")
			if o.Kind == "ScaledObject" {
				most = o.At("spec.maxReplicaCount")
			}
			if n, ok := most.IntOr(2); !ok || n > 1 {
				return o
			}
		}
	}
	return nil
}

// Scaled is the number of a workload's pods where an autoscaler sets it: the least that it
// keeps, and two where it keeps one, so that what they do to each other is seen. 0: nothing does.
func (in *Input) Scaled(w manifest.Workload) int64 {
	o := in.autoscaler(w)
	if o == nil {
		return 0
	}
	least := o.At("spec.minReplicas")
	if o.Kind == "ScaledObject" {
		least = o.At("spec.minReplicaCount")
	}
	n, _ := least.IntOr(1)
	return max(n, 2)
}

// OfProject are the workloads that run the project's release: those that are called or started as it is, and where none is,
// all that there are if they are one workload in several environments.
func (in *Input) OfProject() []Beam {
	if in.Project == nil {
		return nil
	}
	serving := in.Serving()
	var sure []Beam
	for _, b := range serving {
		if in.runsProject(b) {
			sure = append(sure, b)
		}
	}
	if len(sure) > 0 {
		return sure
	}
	for _, b := range serving {
		if b.Name != serving[0].Name || startsOther(b) {
			return nil
		}
	}
	return serving
}

// runsProject says whether a workload's image, command or name is called as the project or one of its releases.
func (in *Input) runsProject(b Beam) bool {
	if in.projectImage(b.Container) != "" {
		return true
	}
	return slices.ContainsFunc(in.names(), func(name string) bool {
		return startsNamed(b.Container, name) || !startsOther(b) && asApp(b.Name) == name
	})
}

// startsOther says whether a container names the release that it starts: where that is the project's, it is seen by its name.
func startsOther(b Beam) bool { return startsRelease.MatchString(joined(b.Container)) }
