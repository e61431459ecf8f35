package cluster

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// health is what a pod's own object says of whether its node is to be in the mesh.
type health struct {
	phase   mesh.Phase
	why     string // of a phase other than mesh.Counts
	trouble *trouble
}

// trouble is why a pod does not start or stay, in the words of the kubelet or the
// scheduler, and what to do about it.
type trouble struct{ state, reason, remedy string }

// finding makes one of it.
func (t *trouble) finding(p *corev1.Pod) finding.Finding {
	f := finding.New(finding.PodStuck, p.Name, finding.Values{
		"state": t.state, "reason": t.reason, "remedy": t.remedy, "pod": p.Name, "namespace": p.Namespace})
	f.Replicas = []string{p.Name}
	return f
}

// healthOf reads a pod's phase and the states of its containers.
func healthOf(p *corev1.Pod) health {
	if p.DeletionTimestamp != nil {
		return health{phase: mesh.Leaving, why: "it was told to stop"}
	}
	if t, held := unscheduled(p); t != nil {
		return health{mesh.Stuck, t.state + ": " + t.reason, t}
	} else if held != "" {
		return health{phase: mesh.Starting, why: held}
	}
	var h health
	for _, s := range statuses(p) {
		if h.trouble = troubleOf(p, s); h.trouble != nil {
			break
		}
	}
	switch runs, why := appRuns(p); {
	case runs: // another container of the pod may be in trouble: the node is there
	case h.trouble != nil:
		h.phase, h.why = mesh.Stuck, h.trouble.state+": "+h.trouble.reason
	default:
		h.phase, h.why = mesh.Starting, why
	}
	return h
}

// unscheduled tells a pod that no machine takes from one that is only held back.
func unscheduled(p *corev1.Pod) (t *trouble, held string) {
	for _, c := range p.Status.Conditions {
		if c.Type != corev1.PodScheduled || c.Status != corev1.ConditionFalse {
			continue
		}
		if c.Reason == corev1.PodReasonSchedulingGated {
			return nil, "its scheduling is gated"
		}
		return &trouble{"is not scheduled", cmp.Or(c.Message, c.Reason),
			"give the cluster room for it, or have it ask for less: requests, node selectors, tolerations, spread, volumes"}, ""
	}
	return nil, ""
}

func statuses(p *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
}

// troubleOf says why a container does not start, or does not stay; nil where it may yet.
func troubleOf(p *corev1.Pod, s corev1.ContainerStatus) *trouble {
	if w := s.State.Waiting; w != nil {
		text := strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError", "RegistryUnavailable":
			return &trouble{"cannot start", text, "see that the image " + s.Image + " is there under that name, and that the cluster's machines may pull it (imagePullSecrets)"}
		case "CreateContainerConfigError":
			return configTrouble(p, text)
		case "CreateContainerError", "RunContainerError":
			return &trouble{"cannot start", text, "see what container " + s.Name + " is to run, and its mounts and security settings"}
		case "CrashLoopBackOff":
			return crash(p, s, s.LastTerminationState.Terminated)
		}
		return nil
	}
	if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
		return crash(p, s, t)
	}
	// Up again, and not yet as far as it was: it may end the same way.
	if s.State.Running != nil && s.Started != nil && !*s.Started && s.RestartCount > 0 {
		if t := s.LastTerminationState.Terminated; t != nil && t.ExitCode != 0 {
			return crash(p, s, t)
		}
	}
	return nil
}

// crash is how a container ended, as the kubelet saw it, with the last that it said.
func crash(p *corev1.Pod, s corev1.ContainerStatus, t *corev1.ContainerStateTerminated) *trouble {
	out := &trouble{state: "does not stay up", remedy: fmt.Sprintf("kubectl logs %s -c %s --previous -n %s shows what it wrote", p.Name, s.Name, p.Namespace)}
	out.reason = "container " + s.Name
	if t == nil {
		out.reason += " ends again and again"
	} else {
		out.reason += fmt.Sprintf(" ended: %s, exit status %d", cmp.Or(t.Reason, "Error"), t.ExitCode)
	}
	switch {
	case s.RestartCount == 1:
		out.reason += "; restarted once"
	case s.RestartCount > 1:
		out.reason += fmt.Sprintf("; restarted %d times", s.RestartCount)
	}
	if t != nil {
		if last := lastLine(t.Message); last != "" {
			out.reason += "; its last words: " + last
		}
		if t.Reason == "OOMKilled" {
			out.remedy = "it took more memory than its limit: raise spec.resources.limits.memory, or find what takes it; " + out.remedy
		}
	}
	return out
}

// lastLine is the end of what a container left, in one line of a bearable length.
func lastLine(text string) string {
	const most = 300
	lines := strings.Split(strings.TrimSpace(text), "\n")
	last := []rune(strings.TrimSpace(lines[len(lines)-1]))
	if len(last) > most {
		return string(last[:most]) + "…"
	}
	return string(last)
}

// appRuns reports whether the pod's release has started, as its startup probe says. Where
// no container is the app's by name, any may be; where nothing is said of containers, it
// is as the pod's phase says.
func appRuns(p *corev1.Pod) (runs bool, why string) {
	all := p.Status.ContainerStatuses
	if i := slices.IndexFunc(all, func(s corev1.ContainerStatus) bool { return s.Name == plan.ContainerApp }); i >= 0 {
		all = all[i : i+1]
	}
	if len(all) == 0 {
		return p.Status.Phase == corev1.PodRunning, "the pod is " + string(cmp.Or(p.Status.Phase, corev1.PodPending))
	}
	for _, s := range all {
		switch {
		case s.State.Running == nil:
			reason := "not running"
			if w := s.State.Waiting; w != nil {
				reason = strings.TrimSuffix(w.Reason+": "+w.Message, ": ")
			}
			return false, "its container " + s.Name + " has not started: " + reason
		case s.Started != nil && !*s.Started:
			return false, "its node has not booted: the startup probe has not passed yet"
		}
	}
	return true, ""
}
