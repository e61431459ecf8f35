package plan

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/phialdev/phial/internal/beam"
)

// An agreement holds what a patch made of a pod template against what it was: what
// other objects, the node's name or the grace period hang on has to be as before. What
// a patch adds beside it is the team's own business.
type agreement struct {
	s             *settings
	w             workload
	patch         map[string]any
	before, after corev1.PodTemplateSpec
	problems      []Problem
}

// agree lists where the two differ and must not, in the order of a pod template.
func (s *settings) agree(w workload, before, after corev1.PodTemplateSpec, patch map[string]any) []Problem {
	a := &agreement{s: s, w: w, patch: patch, before: before, after: after}
	a.metadata()
	a.identity()
	a.leaving()
	a.podSecurity()
	a.volumes()
	a.containers()
	return a.problems
}

// A step leads to a field of the patch, or to the item of a list of it.
type step struct{ field, key, value string }

func field(name string) step            { return step{field: name} }
func item(list, key, value string) step { return step{list, key, value} }

// add says that something is wrong where the steps lead. Items are given by the place
// that they have in the patch, so that a reader finds them.
func (a *agreement) add(text string, steps ...step) {
	path, at := patchPath, any(a.patch)
	for _, st := range steps {
		path += "." + st.field
		m, _ := at.(map[string]any)
		at = m[st.field]
		if st.key == "" {
			continue
		}
		list, _ := at.([]any)
		i := slices.IndexFunc(list, func(v any) bool {
			m, _ := v.(map[string]any)
			return fmt.Sprint(m[st.key]) == st.value
		})
		if i < 0 { // the patch replaces or clears the list
			break
		}
		path, at = fmt.Sprintf("%s[%d]", path, i), list[i]
	}
	a.problems = append(a.problems, Problem{path, text})
}

func (a *agreement) metadata() {
	for _, k := range sortedKeys(a.before.Labels) {
		if k != LabelVersion && a.after.Labels[k] != a.before.Labels[k] {
			a.add(fmt.Sprintf("label %s has to stay %q: Services, policies and budgets find the pods by it", k, a.before.Labels[k]),
				field("metadata"), field("labels"))
		}
	}
	for _, k := range sortedKeys(a.before.Annotations) {
		now := strings.Split(a.after.Annotations[k], ",")
		for port := range strings.SplitSeq(a.before.Annotations[k], ",") {
			if !slices.Contains(now, port) {
				a.add(fmt.Sprintf("annotation %s has to hold %s, and may hold more: the nodes talk past the service mesh's proxy there",
					k, a.before.Annotations[k]), field("metadata"), field("annotations"))
				break
			}
		}
	}
}

// identity is what the node's name and its peers' lookups hang on.
func (a *agreement) identity() {
	before, after := a.before.Spec, a.after.Spec
	names := "the node's name and the headless Service hang on it; remove it, and set spec.clustered.identity for the names that you want"
	if after.Hostname != before.Hostname {
		a.add(names, field("spec"), field("hostname"))
	}
	if after.Subdomain != before.Subdomain {
		a.add(names, field("spec"), field("subdomain"))
	}
	if after.HostnameOverride != nil {
		a.add(names, field("spec"), field("hostnameOverride"))
	}
	if value(after.SetHostnameAsFQDN) {
		a.add("host names above 64 characters keep a pod from starting; remove it: the node has its full name without", field("spec"), field("setHostnameAsFQDN"))
	}
	if after.HostNetwork {
		a.add("puts EPMD, distribution and every other port of the pod on the machine's own address, for all who reach that; remove it", field("spec"), field("hostNetwork"))
	}
	if after.HostPID {
		a.add("lets the node's environment and arguments, the cookie among them, be read from outside the pod; remove it", field("spec"), field("hostPID"))
	}
	if after.HostIPC {
		a.add("a node has no use for it; remove it", field("spec"), field("hostIPC"))
	}
	if after.ServiceAccountName != before.ServiceAccountName || after.DeprecatedServiceAccount != "" && after.DeprecatedServiceAccount != before.ServiceAccountName {
		a.add("set spec.serviceAccountName instead: the Role is bound to that", field("spec"), field("serviceAccountName"))
	}
	if value(before.AutomountServiceAccountToken) && !value(after.AutomountServiceAccountToken) {
		a.add("libcluster asks the API server for the peers, with this token; leave it true, or choose another spec.clustered.discovery",
			field("spec"), field("automountServiceAccountToken"))
	}
	if a.w.distributed && after.DNSPolicy == corev1.DNSDefault {
		a.add("asks the machine's DNS, which does not know the headless Service; leave it ClusterFirst, or None with a dnsConfig that knows the cluster's",
			field("spec"), field("dnsPolicy"))
	}
	if after.RestartPolicy != "" && after.RestartPolicy != corev1.RestartPolicyAlways {
		a.add("has to be Always: replicas stay", field("spec"), field("restartPolicy"))
	}
	if value(after.ActiveDeadlineSeconds) != 0 {
		a.add("ends the pod after that time; remove it: replicas stay", field("spec"), field("activeDeadlineSeconds"))
	}
}

// leaving holds the grace period against its parts.
func (a *agreement) leaving() {
	grace := value(a.after.Spec.TerminationGracePeriodSeconds)
	if least := a.s.graceSeconds(a.w); grace < least {
		a.add(fmt.Sprintf("%d s is less than a replica takes to leave: %s make %d s; lower those instead, or raise this",
			grace, a.s.graceParts(a.w), least), field("spec"), field("terminationGracePeriodSeconds"))
	}
}

// graceParts names the fields that graceSeconds adds up.
func (s *settings) graceParts(w workload) string {
	drain := "shutdown.drainTimeoutSeconds"
	if w.pipeline != nil && w.pipeline.DrainTimeoutSeconds != nil {
		drain = w.path + ".drainTimeoutSeconds"
	}
	return fmt.Sprintf("shutdown.endpointDelaySeconds %d, %s %d and shutdown.stopTimeoutSeconds %d",
		value(s.spec.Shutdown.EndpointDelaySeconds), drain, w.drain, value(s.spec.Shutdown.StopTimeoutSeconds))
}

func (a *agreement) podSecurity() {
	sc := a.after.Spec.SecurityContext
	at := func(name string) []step { return []step{field("spec"), field("securityContext"), field(name)} }
	if sc == nil {
		a.add("has to stay: without it the containers may run as root", field("spec"), field("securityContext"))
		return
	}
	if !value(sc.RunAsNonRoot) {
		a.add("has to be true", at("runAsNonRoot")...)
	}
	if sc.RunAsUser == nil || *sc.RunAsUser == 0 {
		a.add("0 is root; set spec.security.runAsUser", at("runAsUser")...)
	}
	if sc.FSGroup == nil {
		a.add("has to be set: the app reads the cookie's file as this group", at("fsGroup")...)
	}
	if sc.SeccompProfile == nil || sc.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined {
		a.add("has to be RuntimeDefault, or a profile of your own", at("seccompProfile")...)
	}
}

// volumes of ours are as they were; those that hold nothing at first may be of another
// kind.
func (a *agreement) volumes() {
	for _, v := range a.before.Spec.Volumes {
		i := slices.IndexFunc(a.after.Spec.Volumes, func(x corev1.Volume) bool { return x.Name == v.Name })
		at := []step{field("spec"), item("volumes", "name", v.Name)}
		switch {
		case i < 0:
			a.add(fmt.Sprintf("volume %s has to stay: the app's container mounts it", v.Name), at...)
		case v.EmptyDir == nil && !equality.Semantic.DeepEqual(a.after.Spec.Volumes[i], v):
			a.add(fmt.Sprintf("volume %s is the plan's own; give yours another name", v.Name), at...)
		case v.EmptyDir != nil && sources(a.after.Spec.Volumes[i]) != 1:
			a.add(fmt.Sprintf("volume %s has two sources; set emptyDir: null beside yours", v.Name), at...)
		}
	}
}

// sources counts the sources of a volume.
func sources(v corev1.Volume) int { return setFields(reflect.ValueOf(v.VolumeSource)) }

// setFields counts the pointers in a struct that point to something: of the kinds of a
// volume, a probe or a hook one may be given.
func setFields(v reflect.Value) (n int) {
	for i := range v.NumField() {
		if f := v.Field(i); f.Kind() == reflect.Pointer && !f.IsNil() {
			n++
		}
	}
	return n
}

// containers: the app's and the agent's are there, and no other takes their ports.
func (a *agreement) containers() {
	spec := a.after.Spec
	i := slices.IndexFunc(spec.Containers, func(c corev1.Container) bool { return c.Name == ContainerApp })
	if i < 0 {
		a.add("container "+ContainerApp+" has to stay: it runs the release", field("spec"), field("containers"))
		return
	}
	a.appContainer(a.before.Spec.Containers[0], spec.Containers[i])
	if a.w.agent {
		a.agentContainer()
	}
	for _, list := range []struct {
		name string
		all  []corev1.Container
	}{{"initContainers", spec.InitContainers}, {"containers", spec.Containers}} {
		for _, c := range list.all {
			at := item(list.name, "name", c.Name)
			if c.Name != ContainerApp && c.Name != ContainerAgent {
				a.othersPorts(c, at)
			}
			for _, m := range c.VolumeMounts {
				if !a.hasVolume(m.Name) {
					a.add(fmt.Sprintf("there is no volume %s; add it to spec.volumes of the patch", m.Name),
						field("spec"), at, item("volumeMounts", "mountPath", m.MountPath))
				}
			}
			for _, p := range c.Ports {
				if a.inside(p.ContainerPort) && (p.HostPort != 0 || p.HostIP != "") {
					a.add("opens a port of the nodes or agents on the machine's own address, and who reaches it needs only the cookie; remove hostPort",
						field("spec"), at, item("ports", "containerPort", itoa(p.ContainerPort)))
				}
			}
		}
	}
}

// hasVolume reports whether a mount finds its volume, in the pod or as a replica's disk.
func (a *agreement) hasVolume(name string) bool {
	named := func(v corev1.Volume) bool { return v.Name == name }
	return slices.ContainsFunc(a.after.Spec.Volumes, named) ||
		name == VolumeData && slices.ContainsFunc(a.s.mounts(a.w), func(m mount) bool { return named(m.volume) })
}

func (a *agreement) agentContainer() {
	at := item("initContainers", "name", ContainerAgent)
	i := slices.IndexFunc(a.after.Spec.InitContainers, func(c corev1.Container) bool { return c.Name == ContainerAgent })
	if i < 0 {
		a.add("the agent has to stay; set spec.agent: Disabled to go without", field("spec"), at)
		return
	}
	// What it may use and where it comes from may be said better by who runs the cluster.
	now, was := a.after.Spec.InitContainers[i].DeepCopy(), a.before.Spec.InitContainers[0]
	now.Resources, now.ImagePullPolicy = was.Resources, was.ImagePullPolicy
	if !equality.Semantic.DeepEqual(*now, was) {
		a.add("of the agent's container only resources and imagePullPolicy may be patched", field("spec"), at)
	}
}

// inside reports whether a port is one that only the app's own pods may reach.
func (a *agreement) inside(port int32) bool {
	return a.w.node && (port == beam.EPMDPort || port >= a.s.first && port <= a.s.last) ||
		a.w.agent && port == beam.AgentPeerPort
}

// othersPorts: all containers of a pod have one address between them.
func (a *agreement) othersPorts(c corev1.Container, at step) {
	for _, p := range c.Ports {
		taken := a.inside(p.ContainerPort) || a.w.agent && p.ContainerPort == beam.AgentProbePort
		for _, own := range a.before.Spec.Containers[0].Ports {
			taken = taken || own.ContainerPort == p.ContainerPort
		}
		if taken && p.Protocol != corev1.ProtocolUDP {
			a.add(fmt.Sprintf("port %d is the node's, the app's or the agent's; choose another for %s", p.ContainerPort, c.Name),
				field("spec"), at, item("ports", "containerPort", itoa(p.ContainerPort)))
		}
	}
}
