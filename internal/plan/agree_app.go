package plan

import (
	"fmt"
	"reflect"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/beam"
)

// appContainer holds the app's container against what it was.
func (a *agreement) appContainer(was, now corev1.Container) {
	at := func(more ...step) []step {
		return append([]step{field("spec"), item("containers", "name", ContainerApp)}, more...)
	}
	if now.Image != was.Image {
		a.add("set spec.image instead: migration and pipelines run the same", at(field("image"))...)
	}
	if !equality.Semantic.DeepEqual(now.Resources, was.Resources) {
		a.add("set "+a.w.path+".resources instead: the VM's flags follow from it", at(field("resources"))...)
	}
	for _, p := range was.Ports {
		if !slices.ContainsFunc(now.Ports, func(n corev1.ContainerPort) bool {
			return n.Name == p.Name && n.ContainerPort == p.ContainerPort && (n.Protocol == p.Protocol || n.Protocol == "")
		}) {
			a.add(fmt.Sprintf("port %s has to stay %d/TCP: Services, policies and probes lead to it", p.Name, p.ContainerPort),
				at(item("ports", "containerPort", itoa(p.ContainerPort)))...)
		}
	}
	a.env(was, now, at)
	for _, m := range was.VolumeMounts {
		if !slices.ContainsFunc(now.VolumeMounts, func(n corev1.VolumeMount) bool { return equality.Semantic.DeepEqual(n, m) }) {
			a.add(fmt.Sprintf("the mount at %s has to stay as it is", m.MountPath), at(item("volumeMounts", "mountPath", m.MountPath))...)
		}
	}
	for _, d := range now.VolumeDevices {
		if slices.ContainsFunc(was.VolumeMounts, func(m corev1.VolumeMount) bool { return m.MountPath == d.DevicePath }) {
			a.add("there is a mount already", at(item("volumeDevices", "devicePath", d.DevicePath))...)
		}
	}
	a.appProbes(was, now, at)
	a.appLifecycle(was, now, at)
	a.appSecurity(now.SecurityContext, at)
}

// env: what the plan sets has its value, and no flag undoes one of the plan's.
func (a *agreement) env(was, now corev1.Container, at func(...step) []step) {
	owned := a.owned()
	for _, e := range was.Env {
		if !owned[e.Name] {
			continue // the team's own, or one where the team's counts
		}
		i := slices.IndexFunc(now.Env, func(n corev1.EnvVar) bool { return n.Name == e.Name })
		if i < 0 || !equality.Semantic.DeepEqual(now.Env[i], e) {
			a.add(e.Name+" is set by the plan; "+instead(e.Name), at(item("env", "name", e.Name))...)
		}
	}
	if proto := a.s.protoFlags(a.w); proto != "" {
		i := slices.IndexFunc(now.Env, func(n corev1.EnvVar) bool { return n.Name == beam.EnvErlAFlags })
		if i < 0 || !a.plansOwnFlags(now.Env[i]) {
			a.add(fmt.Sprintf("set %s in spec.env instead: the plan puts %s in front of it", beam.EnvErlAFlags, proto),
				at(item("env", "name", beam.EnvErlAFlags))...)
		}
	}
	for _, e := range now.Env {
		if text := flagProblem(e); text != "" && !owned[e.Name] && !a.plansOwnFlags(e) {
			a.add(text, at(item("env", "name", e.Name))...)
		}
		if text := refusedName(e.Name); text != "" && !owned[e.Name] {
			a.add(text, at(item("env", "name", e.Name))...)
		}
	}
}

// owned are the names that have the plan's value and no other.
func (a *agreement) owned() map[string]bool {
	owned := map[string]bool{}
	for _, e := range a.s.ownEnv(a.w) {
		if !teamsOwn[e.Name] {
			owned[e.Name] = true
		}
	}
	return owned
}

// plansOwnFlags reports whether a variable is as the plan has it, its flags with the
// team's of the spec.
func (a *agreement) plansOwnFlags(e corev1.EnvVar) bool {
	return slices.ContainsFunc(a.before.Spec.Containers[0].Env, func(b corev1.EnvVar) bool {
		return equality.Semantic.DeepEqual(b, e)
	})
}

// appProbes: they lead to ports that are there, and with an agent to the agent.
func (a *agreement) appProbes(was, now corev1.Container, at func(...step) []step) {
	for _, p := range []struct {
		name     string
		was, now *corev1.Probe
		gate     bool
	}{
		{"startupProbe", was.StartupProbe, now.StartupProbe, true},
		{"readinessProbe", was.ReadinessProbe, now.ReadinessProbe, true},
		{"livenessProbe", was.LivenessProbe, now.LivenessProbe, false},
	} {
		switch {
		case p.now == nil && p.was != nil && p.gate:
			a.add("has to stay: without it a replica takes traffic before it can serve", at(field(p.name))...)
		case p.now == nil:
		case setFields(reflect.ValueOf(p.now.ProbeHandler)) != 1:
			a.add("has to ask in one way; set what it was (httpGet, tcpSocket, exec) to null beside yours", at(field(p.name))...)
		case a.w.agent && p.gate && !equality.Semantic.DeepEqual(p.now.ProbeHandler, p.was.ProbeHandler):
			a.add("asks the agent, which asks spec.health.path of the app; how often may be patched, whom it asks may not", at(field(p.name))...)
		default:
			if port, ok := probePort(p.now.ProbeHandler); ok && !a.hasPort(now, port) {
				a.add(fmt.Sprintf("there is no port %s; name one of the container's ports, or add it to them", port.String()), at(field(p.name))...)
			}
		}
	}
}

func probePort(h corev1.ProbeHandler) (port intstr.IntOrString, ok bool) {
	switch {
	case h.HTTPGet != nil:
		return h.HTTPGet.Port, true
	case h.TCPSocket != nil:
		return h.TCPSocket.Port, true
	case h.GRPC != nil:
		return intstr.FromInt32(h.GRPC.Port), true
	}
	return port, false
}

// hasPort: a name is that of a port of the same container, a number that of any port of
// the pod.
func (a *agreement) hasPort(c corev1.Container, port intstr.IntOrString) bool {
	if port.Type == intstr.String {
		return slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.Name == port.StrVal })
	}
	for _, list := range [][]corev1.Container{a.after.Spec.Containers, a.after.Spec.InitContainers} {
		for _, c := range list {
			if slices.ContainsFunc(c.Ports, func(p corev1.ContainerPort) bool { return p.ContainerPort == port.IntVal }) {
				return true
			}
		}
	}
	return false
}

// appLifecycle: what happens before SIGTERM still does, and fits into the grace period.
func (a *agreement) appLifecycle(was, now corev1.Container, at func(...step) []step) {
	preStop := func(c corev1.Container) *corev1.LifecycleHandler {
		if c.Lifecycle == nil {
			return nil
		}
		return c.Lifecycle.PreStop
	}
	before, after := preStop(was), preStop(now)
	here := at(field("lifecycle"), field("preStop"))
	switch {
	case after == nil && before != nil:
		a.add("has to stay: load balancers still send requests when a replica begins to leave; set spec.shutdown instead", here...)
	case after == nil:
	case setFields(reflect.ValueOf(*after)) != 1:
		a.add("has to be one thing; set what it was (sleep, exec) to null beside yours", here...)
	case a.w.agent && !equality.Semantic.DeepEqual(before, after):
		a.add("is the agent's drain; set spec.shutdown instead", here...)
	case after.Sleep != nil && (before == nil || before.Sleep == nil || after.Sleep.Seconds != before.Sleep.Seconds):
		a.add("set spec.shutdown.endpointDelaySeconds instead: the grace period counts it", here...)
	}
	if l := now.Lifecycle; l != nil && l.StopSignal != nil && *l.StopSignal != corev1.SIGTERM {
		a.add("has to be SIGTERM: it is what the VM shuts down on", at(field("lifecycle"), field("stopSignal"))...)
	}
}

func (a *agreement) appSecurity(sc *corev1.SecurityContext, at func(...step) []step) {
	here := func(name string) []step { return at(field("securityContext"), field(name)) }
	if sc == nil {
		a.add("has to stay: it is what confines the container", at(field("securityContext"))...)
		return
	}
	if value(sc.Privileged) {
		a.add("a release needs no privileges; remove it", here("privileged")...)
	}
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		a.add("has to be false", here("allowPrivilegeEscalation")...)
	}
	if sc.RunAsNonRoot != nil && !*sc.RunAsNonRoot {
		a.add("has to be true", here("runAsNonRoot")...)
	}
	if sc.RunAsUser != nil && *sc.RunAsUser == 0 {
		a.add("0 is root; set spec.security.runAsUser", here("runAsUser")...)
	}
	if !equality.Semantic.DeepEqual(sc.ReadOnlyRootFilesystem, a.s.appSecurity().ReadOnlyRootFilesystem) {
		a.add("set spec.security.readOnlyRootFilesystem instead, or give what the app writes to in spec.security.writablePaths",
			here("readOnlyRootFilesystem")...)
	}
	if sc.SeccompProfile != nil && sc.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined {
		a.add("has to be RuntimeDefault, or a profile of your own", here("seccompProfile")...)
	}
	caps := value(sc.Capabilities)
	// What Kubernetes' restricted standard lets be added.
	added := slices.ContainsFunc(caps.Add, func(c corev1.Capability) bool { return c != "NET_BIND_SERVICE" })
	if added || !slices.Contains(caps.Drop, "ALL") {
		a.add("a release needs no capabilities: drop has to hold ALL, and add no more than NET_BIND_SERVICE", here("capabilities")...)
	}
}

// envProblems is what is wrong with the team's own environment in the spec, which the
// rules of the BeamApp refuse by name: here those that they can't see.
func (s *settings) envProblems(w workload) []Problem {
	owned := map[string]bool{}
	for _, e := range s.ownEnv(w) {
		owned[e.Name] = !teamsOwn[e.Name]
	}
	var problems []Problem
	check := func(env []corev1.EnvVar, path string) {
		for i, e := range env {
			at := fmt.Sprintf("%s.env[%d]", path, i)
			if owned[e.Name] {
				problems = append(problems, Problem{at, e.Name + " is set by the plan; " + instead(e.Name)})
			} else if text := refusedName(e.Name); text != "" {
				problems = append(problems, Problem{at, text})
			} else if text := flagProblem(e); text != "" {
				problems = append(problems, Problem{at, text})
			} else if proto := s.protoFlags(w); e.Name == beam.EnvErlAFlags && e.ValueFrom != nil && proto != "" {
				problems = append(problems, Problem{at, fmt.Sprintf("give a value, and no valueFrom: %s has to stand in front of it", proto)})
			}
		}
	}
	check(s.spec.Env, "spec")
	if w.pipeline != nil {
		check(w.pipeline.Env, w.path)
	}
	return problems
}

// flagProblem is what is wrong with the flags that a variable gives to erl, if it does.
func flagProblem(e corev1.EnvVar) string {
	switch e.Name {
	case beam.EnvErlAFlags, beam.EnvErlFlags, "ERL_OTP_FLAGS":
		if flag, instead, bad := ownedFlag(e.Value); bad {
			return fmt.Sprintf("%s in %s is the plan's to give; %s", flag, e.Name, instead)
		}
	}
	return ""
}
