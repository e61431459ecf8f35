package plan

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/phialdev/phial/internal/beam"
)

// agentMemory is generous: an agent that is killed takes its pod out of traffic, whatever
// the app says. Go keeps itself below agentGoMemory.
const (
	agentMemory   = "128Mi"
	agentGoMemory = "96MiB"
)

// agentContainer is a native sidecar, an init container that stays: it is there before
// the app and goes after it, so that it sees the app leave.
func (s *settings) agentContainer(w workload, all []mount) corev1.Container {
	return corev1.Container{
		Name:            ContainerAgent,
		Image:           s.agentImage,
		ImagePullPolicy: s.spec.ImagePullPolicy,
		RestartPolicy:   new(corev1.ContainerRestartPolicyAlways),
		Env:             s.agentEnv(w),
		Ports:           agentPorts(w),
		// The app's container starts when this succeeds, so it says only that the binary is
		// in its place. One that waited for the node would wait for ever.
		StartupProbe: &corev1.Probe{
			ProbeHandler:  corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{agentBinary, agentWordCopied}}},
			PeriodSeconds: 1, TimeoutSeconds: probeTimeout, FailureThreshold: 60,
		},
		Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{
				corev1.ResourceCPU:              resource.MustParse("10m"),
				corev1.ResourceMemory:           resource.MustParse("32Mi"),
				corev1.ResourceEphemeralStorage: resource.MustParse("32Mi"),
			},
			Limits: corev1.ResourceList{
				corev1.ResourceCPU:              resource.MustParse("500m"),
				corev1.ResourceMemory:           resource.MustParse(agentMemory),
				corev1.ResourceEphemeralStorage: resource.MustParse("128Mi"),
			},
		},
		SecurityContext: containerSecurity(true),
		VolumeMounts:    agentMounts(all),
	}
}

func agentPorts(w workload) []corev1.ContainerPort {
	ports := []corev1.ContainerPort{containerPort(PortAgentProbe, beam.AgentProbePort)}
	if w.distributed {
		ports = append(ports, containerPort(PortAgentPeer, beam.AgentPeerPort))
	}
	return ports
}

// agentEnv tells the agent of its node and of what to do about it. It never holds the
// cookie: that is in the file.
func (s *settings) agentEnv(w workload) []corev1.EnvVar {
	env := podEnv()
	set := func(name, value string) { env = append(env, corev1.EnvVar{Name: name, Value: value}) }
	first, last := s.distPorts()
	set("GOMEMLIMIT", agentGoMemory)
	set(beam.EnvPhialApp, s.app.Name)
	set(beam.EnvReleaseNode, s.nodeName(w))
	set(beam.EnvPhialCookieFile, PathCookie+"/"+CookieKey)
	set(beam.EnvPhialDistPorts, fmt.Sprintf("%d-%d", first, last))
	if w.distributed {
		set(beam.EnvPhialService, s.headless())
		set(beam.EnvPhialDomain, s.headlessDomain())
		set(beam.EnvPhialJoin, string(s.cluster.Join))
		set(beam.EnvPhialGate, string(s.spec.Health.Gate))
		set(beam.EnvPhialOnPartition, string(s.spec.Health.OnPartition))
		set(beam.EnvPhialEPMD, string(s.cluster.Distribution.EPMD))
		if s.tls {
			set(beam.EnvPhialTLS, PathTLS)
		}
	}
	if p := w.pipeline; p != nil {
		set(beam.EnvPhialPipeline, p.Name)
	}
	if w.http {
		set(beam.EnvPort, itoa(s.spec.HTTP.Port))
		if s.spec.Health.Path != "" {
			set(beam.EnvPhialHealthPath, s.spec.Health.Path)
		}
	}
	set(beam.EnvPhialEndpointDelay, itoa(value(s.spec.Shutdown.EndpointDelaySeconds)))
	set(beam.EnvPhialDrainTimeout, itoa(w.drain))
	if h := s.spec.Shutdown.Hook; h != nil {
		set(beam.EnvPhialDrainHook, h.Module+"."+h.Function)
	}
	return env
}

func containerPort(name string, port int32) corev1.ContainerPort {
	return corev1.ContainerPort{Name: name, ContainerPort: port, Protocol: corev1.ProtocolTCP}
}
