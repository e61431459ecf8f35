package local

import (
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// What the engine leaves to Kubernetes is told from what it uses: every field that the
// plan sets and that is not in these lists, whatever it is. So a field that is new in
// the plan is named until the engine has learned it.
var (
	usedKinds = []string{"Deployment", "StatefulSet", "Service", "Job", "ConfigMap"}

	usedOfPod = []string{"containers", "initContainers", "volumes", "terminationGracePeriodSeconds",
		"restartPolicy", "hostname", "subdomain", "enableServiceLinks"}

	usedOfContainer = []string{"name", "env", "envFrom", "ports", "volumeMounts", "command", "args",
		"startupProbe", "readinessProbe", "livenessProbe", "lifecycle", "terminationMessagePolicy"}

	// usedOfSpec are the fields of a BeamApp whose warnings say something here, too.
	usedOfSpec = []string{"clustered", "http", "health", "agent", "shutdown"}
)

// ignored lists what the plan says and the engine leaves to Kubernetes: kinds of
// object first, then fields of pods, then volumes and single cases.
func (c *cast) ignored() []string {
	var kinds, fields, rest []string
	add := func(list *[]string, what string) {
		if !slices.Contains(*list, what) {
			*list = append(*list, what)
		}
	}
	for _, o := range c.plan.Objects() {
		if kind := o.GetObjectKind().GroupVersionKind().Kind; !slices.Contains(usedKinds, kind) {
			add(&kinds, kind)
		}
	}
	all := c.all()
	if c.migration != nil {
		all = append(all, c.migration)
	}
	for _, w := range all {
		for _, f := range setFields(&w.template.Spec) {
			if !slices.Contains(usedOfPod, f) {
				add(&fields, f)
			}
		}
		for _, f := range setFields(w.container) {
			if !slices.Contains(usedOfContainer, f) {
				add(&fields, f)
			}
		}
		if w != c.migration && len(w.container.Command)+len(w.container.Args) > 0 {
			add(&fields, "command") // a release is started by its own script
		}
		for _, other := range slices.Concat(w.template.Spec.InitContainers, w.template.Spec.Containers) {
			if other.Name != plan.ContainerApp && other.Name != plan.ContainerAgent {
				add(&rest, "container "+other.Name)
			}
		}
		for _, e := range w.container.EnvFrom {
			if name := envFromName(e); name != "" {
				add(&rest, name+" (your own environment stands for it)")
			}
		}
		used, unused := mountsOf(w, c.plan, "").pointedTo(w.texts(c.plan))
		for _, m := range used {
			if m.given && m.path != plan.PathTLS { // the engine makes certificates of its own
				add(&rest, "what is in volume "+m.volume+" at "+m.path)
			}
		}
		for _, m := range unused {
			if !strings.HasPrefix(m.path, "/phial/") && !ofAgent(w, m.volume) {
				add(&rest, "volume "+m.volume+" at "+m.path)
			}
		}
		for _, p := range []*corev1.Probe{w.container.StartupProbe, w.container.ReadinessProbe, w.container.LivenessProbe} {
			if p != nil && !w.agent && p.HTTPGet == nil && p.TCPSocket == nil {
				add(&rest, "a probe that is neither httpGet nor tcpSocket")
			}
		}
		for _, f := range lostFlags(w.env(beam.EnvElixirErlOptions) + " " + w.env(beam.EnvErlAFlags)) {
			add(&rest, f)
		}
	}
	slices.Sort(fields)
	return slices.Concat(kinds, fields, rest)
}

// warnings are those of the plan that are about what the engine runs.
func (c *cast) warnings() []plan.Warning {
	return slices.DeleteFunc(slices.Clone(c.plan.Warnings), func(w plan.Warning) bool {
		field, _, _ := strings.Cut(strings.TrimPrefix(w.Path, "spec."), ".")
		return w.ByHand || !slices.Contains(usedOfSpec, field)
	})
}

// ofAgent says whether a volume is there for the agent, which is the engine here.
func ofAgent(w *workload, volume string) bool {
	for _, c := range w.template.Spec.InitContainers {
		if c.Name == plan.ContainerAgent && slices.ContainsFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return m.Name == volume }) {
			return true
		}
	}
	return false
}

func envFromName(e corev1.EnvFromSource) string {
	switch {
	case e.SecretRef != nil:
		return "Secret " + e.SecretRef.Name
	case e.ConfigMapRef != nil:
		return "ConfigMap " + e.ConfigMapRef.Name
	}
	return ""
}

// texts is everything in which a replica can be told of a path.
func (w *workload) texts(p *plan.Plan) []string {
	var all []string
	for _, e := range w.container.Env {
		all = append(all, e.Value)
	}
	if p.ConfigMap != nil {
		for _, text := range p.ConfigMap.Data {
			all = append(all, text)
		}
	}
	return slices.Concat(all, w.container.Command, w.container.Args)
}

// setFields gives the names of the fields that a value sets, as YAML writes them.
func setFields(v any) []string {
	b, err := json.Marshal(v)
	var m map[string]json.RawMessage
	if err != nil || json.Unmarshal(b, &m) != nil {
		return nil
	}
	var names []string
	for _, name := range sortedKeys(m) {
		if s := string(m[name]); !slices.Contains([]string{"{}", "null", "[]", "false"}, s) {
			names = append(names, name)
		}
	}
	return names
}
