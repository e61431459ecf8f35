package plan

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/beam"
)

// podTemplate is that of a workload, as it is before spec.podTemplate is laid over it.
func (s *settings) podTemplate(w workload) corev1.PodTemplateSpec {
	mounts := s.mounts(w)
	pod := corev1.PodSpec{
		ServiceAccountName:            s.serviceAccountName(),
		AutomountServiceAccountToken:  new(s.asksAPI() && w.distributed),
		EnableServiceLinks:            new(false),
		TerminationGracePeriodSeconds: new(s.graceSeconds(w)),
		SecurityContext:               s.podSecurity(),
		ImagePullSecrets:              s.spec.ImagePullSecrets,
		NodeSelector:                  s.spec.NodeSelector,
		Tolerations:                   s.spec.Tolerations,
		PriorityClassName:             s.spec.PriorityClassName,
		TopologySpreadConstraints:     s.spread(w),
		Containers:                    []corev1.Container{s.appContainer(w, mounts)},
		Volumes:                       volumes(mounts),
	}
	if w.agent {
		pod.InitContainers = []corev1.Container{s.agentContainer(w, mounts)}
	}
	if w.distributed && s.stable {
		// The StatefulSet gives each pod its host name, and this as its subdomain. Said
		// here too, the template alone tells what the pods' names will be.
		pod.Subdomain = s.headless()
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: s.podLabels(w), Annotations: s.podAnnotations(w)},
		Spec:       *pod.DeepCopy(), // nothing in it is shared with the BeamApp or another template
	}
}

// appContainer runs the release.
func (s *settings) appContainer(w workload, mounts []mount) corev1.Container {
	c := corev1.Container{
		Name:            ContainerApp,
		Image:           s.spec.Image,
		ImagePullPolicy: s.spec.ImagePullPolicy,
		Env:             s.environment(w),
		EnvFrom:         s.spec.EnvFrom,
		Resources:       w.resources,
		SecurityContext: s.appSecurity(),
		VolumeMounts:    appMounts(mounts),
		// Why it ended, where it wrote no message: the end of its log.
		TerminationMessagePolicy: corev1.TerminationMessageFallbackToLogsOnError,
	}
	if !w.node {
		return c
	}
	if w.http {
		c.Ports = append(c.Ports, containerPort(PortHTTP, s.spec.HTTP.Port))
	}
	if w.distributed {
		if s.epmd {
			c.Ports = append(c.Ports, containerPort(PortEPMD, beam.EPMDPort))
		}
		c.Ports = append(c.Ports, containerPort(PortDist, s.first))
	}
	s.probes(w, &c)
	c.Lifecycle = s.preStop(w)
	return c
}

// Annotations by which a service mesh lets ports pass by its proxy.
const (
	istioExcludeInbound  = "traffic.sidecar.istio.io/excludeInboundPorts"
	istioExcludeOutbound = "traffic.sidecar.istio.io/excludeOutboundPorts"
	linkerdSkipInbound   = "config.linkerd.io/skip-inbound-ports"
	linkerdSkipOutbound  = "config.linkerd.io/skip-outbound-ports"
)

// podAnnotations keep a service mesh's proxy out of the distribution: it dials addresses
// of pods, speaks a protocol in which the server speaks first, and has its own TLS
// (NET-03, NET-04).
func (s *settings) podAnnotations(w workload) map[string]string {
	if !w.distributed {
		return nil
	}
	switch s.spec.Network.ServiceMesh {
	case v1alpha1.MeshIstio: // knows no ranges
		ports := strings.Join(s.meshPorts(false), ",")
		return map[string]string{istioExcludeInbound: ports, istioExcludeOutbound: ports}
	case v1alpha1.MeshLinkerd:
		ports := strings.Join(s.meshPorts(true), ",")
		return map[string]string{linkerdSkipInbound: ports, linkerdSkipOutbound: ports}
	case v1alpha1.MeshNone:
	}
	return nil
}

// meshPorts are those on which pods of the mesh of nodes talk to one another.
func (s *settings) meshPorts(ranges bool) []string {
	var ports []string
	add := func(p int32) { ports = append(ports, itoa(p)) }
	if s.epmd {
		add(beam.EPMDPort)
	}
	first, last := s.distPorts()
	switch {
	case ranges && last > first:
		ports = append(ports, itoa(first)+"-"+itoa(last))
	default:
		for p := first; p <= last; p++ {
			add(p)
		}
	}
	if s.agent {
		add(beam.AgentPeerPort)
	}
	return ports
}
