package plan

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/beam"
)

// How often a replica is asked, in seconds. Nothing takes one failure for an answer: a
// throttled BEAM is late, not dead (HLT-12).
const (
	probePeriod     = 5
	agentPeriod     = 2 // the agent answers at once, and asking it costs the node nothing
	probeTimeout    = 5
	readyFailures   = 3
	livePeriod      = 30
	liveTimeout     = 10
	liveFailures    = 6
	agentBinary     = PathAgentBin + "/phial-agent"
	agentWordLive   = "live"
	agentWordDrain  = "drain"
	agentWordCopied = "started"
)

// probes sets those of the app's container. With an agent it is the agent that answers
// for the app, on a port of its own in the same pod; but liveness asks the node itself,
// so that an agent in trouble kills nobody.
func (s *settings) probes(w workload, c *corev1.Container) {
	var starts, ready corev1.ProbeHandler
	switch {
	case w.agent:
		starts = httpGet(beam.AgentBootedPath, intstr.FromInt32(beam.AgentProbePort))
		ready = httpGet(beam.AgentReadyPath, intstr.FromInt32(beam.AgentProbePort))
	case !w.http:
		return
	case s.spec.Health.Path != "":
		starts = httpGet(s.spec.Health.Path, intstr.FromString(PortHTTP))
		ready = starts
	default: // better than nothing, and warned about (HLT-07)
		starts = corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromString(PortHTTP)}}
		ready = starts
	}
	period, timeout := int32(probePeriod), int32(probeTimeout)
	if w.agent {
		period, timeout = agentPeriod, agentPeriod
	}
	c.StartupProbe = &corev1.Probe{
		ProbeHandler: starts, PeriodSeconds: period, TimeoutSeconds: timeout,
		FailureThreshold: (s.spec.Health.StartTimeoutSeconds + period - 1) / period,
	}
	c.ReadinessProbe = &corev1.Probe{
		ProbeHandler: *ready.DeepCopy(), PeriodSeconds: period, TimeoutSeconds: timeout,
		FailureThreshold: readyFailures,
	}
	var live corev1.ProbeHandler
	switch {
	case w.http && s.spec.Health.LivePath != "":
		live = httpGet(s.spec.Health.LivePath, intstr.FromString(PortHTTP))
	case w.agent:
		live = corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: []string{agentBinary, agentWordLive}}}
	default:
		return
	}
	c.LivenessProbe = &corev1.Probe{
		ProbeHandler: live, PeriodSeconds: livePeriod, TimeoutSeconds: liveTimeout, FailureThreshold: liveFailures,
	}
}

// preStop is what happens before SIGTERM. Load balancers go on sending for a while after
// a pod was taken out of its endpoints (DRN-01): an agent closes its gate and drains;
// without one the kubelet waits.
func (s *settings) preStop(w workload) *corev1.Lifecycle {
	delay := int64(value(s.spec.Shutdown.EndpointDelaySeconds))
	switch {
	case w.agent:
		return &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{
			Exec: &corev1.ExecAction{Command: []string{agentBinary, agentWordDrain}},
		}}
	case w.component == ComponentNode && delay > 0:
		return &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: delay}}}
	}
	return nil
}

func httpGet(path string, port intstr.IntOrString) corev1.ProbeHandler {
	return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: path, Port: port}}
}
