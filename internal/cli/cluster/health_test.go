package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// status makes containers of a pod of an app: the agent's and the app's.
func status(phase corev1.PodPhase, agent, app corev1.ContainerStatus) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		agent.Name, app.Name = plan.ContainerAgent, plan.ContainerApp
		p.Status.Phase = phase
		p.Status.InitContainerStatuses, p.Status.ContainerStatuses = []corev1.ContainerStatus{agent}, []corev1.ContainerStatus{app}
	}
}

func waits(reason, message string) corev1.ContainerStatus {
	return corev1.ContainerStatus{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}}
}

func runs(started bool) corev1.ContainerStatus {
	return corev1.ContainerStatus{Started: &started, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
}

func terminated(code int32, reason, message string) *corev1.ContainerStateTerminated {
	return &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: message}
}

func endedBefore(s corev1.ContainerStatus, times int32, t *corev1.ContainerStateTerminated) corev1.ContainerStatus {
	s.RestartCount, s.LastTerminationState.Terminated = times, t
	return s
}

func TestHealth(t *testing.T) {
	creating := waits("PodInitializing", "")
	cookie := func(p *corev1.Pod) {
		p.Spec.Volumes = []corev1.Volume{{Name: plan.VolumeCookie, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "shop-cookie"}}}}
	}
	for name, tt := range map[string]struct {
		pod   func(*corev1.Pod)
		phase mesh.Phase
		cause string // of a finding; empty: none
		fix   string
	}{
		"runs":        {status(corev1.PodRunning, runs(true), runs(true)), mesh.Counts, "", ""},
		"runs anew":   {status(corev1.PodRunning, runs(true), endedBefore(runs(true), 3, terminated(1, "Error", ""))), mesh.Counts, "", ""},
		"nothing yet": {func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodPending} }, mesh.Starting, "", ""},
		"leaves": {func(p *corev1.Pod) {
			status(corev1.PodRunning, runs(true), endedBefore(runs(false), 1, terminated(1, "Error", "")))(p)
			p.DeletionTimestamp = &metav1.Time{Time: time.Now()}
		}, mesh.Leaving, "", ""},
		"gated": {func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "SchedulingGated"}}}
		}, mesh.Starting, "", ""},
		"not scheduled": {func(p *corev1.Pod) {
			p.Status = corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable", Message: "0/3 nodes are available"}}}
		}, mesh.Stuck, "shop-0 is not scheduled: 0/3 nodes are available", "room"},
		"its agent is pulled":   {status(corev1.PodPending, creating, creating), mesh.Starting, "", ""},
		"its node boots":        {status(corev1.PodRunning, runs(true), runs(false)), mesh.Starting, "", ""},
		"no image of the app":   {status(corev1.PodPending, runs(true), waits("ImagePullBackOff", `Back-off pulling image "shop:2"`)), mesh.Stuck, `ImagePullBackOff: Back-off pulling image "shop:2"`, "imagePullSecrets"},
		"no image of the agent": {status(corev1.PodPending, waits("ErrImagePull", "not found"), creating), mesh.Stuck, "cannot start: ErrImagePull: not found", "image"},
		"no Secret":             {status(corev1.PodPending, runs(true), waits("CreateContainerConfigError", `secret "shop-db" not found`)), mesh.Stuck, `secret "shop-db" not found`, "make the Secret shop-db in namespace prod"},
		"no cookie": {func(p *corev1.Pod) {
			cookie(p)
			status(corev1.PodPending, runs(true), waits("CreateContainerConfigError", `secret "shop-cookie" not found`))(p)
		}, mesh.Stuck, `secret "shop-cookie" not found`, "kubectl create secret generic shop-cookie --namespace prod"},
		"no key":                  {status(corev1.PodPending, runs(true), waits("CreateContainerConfigError", "couldn't find key url in Secret prod/shop-db")), mesh.Stuck, "couldn't find key url", "give the Secret shop-db in namespace prod the key url"},
		"no ConfigMap":            {status(corev1.PodPending, runs(true), waits("CreateContainerConfigError", `configmap "flags" not found`)), mesh.Stuck, `configmap "flags" not found`, "make the ConfigMap flags"},
		"cannot be run":           {status(corev1.PodPending, runs(true), waits("RunContainerError", "no such file")), mesh.Stuck, "RunContainerError: no such file", "container app"},
		"ends again and again":    {status(corev1.PodRunning, runs(true), endedBefore(waits("CrashLoopBackOff", "back-off 40s"), 4, terminated(1, "Error", "one\ncould not connect\n"))), mesh.Stuck, "container app ended: Error, exit status 1; restarted 4 times; its last words: could not connect", "kubectl logs shop-0 -c app --previous -n prod"},
		"has just ended":          {status(corev1.PodRunning, runs(true), corev1.ContainerStatus{State: corev1.ContainerState{Terminated: terminated(137, "OOMKilled", "")}}), mesh.Stuck, "OOMKilled, exit status 137", "memory"},
		"boots, and died before":  {status(corev1.PodRunning, runs(true), endedBefore(runs(false), 1, terminated(1, "Error", ""))), mesh.Stuck, "restarted once", "--previous"},
		"its agent dies, it runs": {status(corev1.PodRunning, endedBefore(waits("CrashLoopBackOff", ""), 2, nil), runs(true)), mesh.Counts, "container phial-agent ends again and again", "-c phial-agent"},
	} {
		t.Run(name, func(t *testing.T) {
			p := podOf("shop", "shop-0", "10.0.0.7")
			tt.pod(p)
			h := healthOf(p)
			if h.phase != tt.phase || (h.trouble == nil) != (tt.cause == "") || h.phase != mesh.Counts && h.why == "" {
				t.Fatalf("%+v %+v", h, h.trouble)
			}
			if h.trouble == nil {
				return
			}
			if f := h.trouble.finding(p); !strings.Contains(f.Cause, tt.cause) || !strings.Contains(f.Fix, tt.fix) || !strings.Contains(f.Fix, "kubectl describe pod shop-0 -n prod") || f.Replicas[0] != "shop-0" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestLastLine(t *testing.T) {
	for in, want := range map[string]string{"": "", "a\n b \n\n": "b", strings.Repeat("x", 400): strings.Repeat("x", 300) + "…"} {
		if got := lastLine(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestAbsent(t *testing.T) {
	p := podOf("shop", "shop-0", "")
	p.Spec.Volumes = []corev1.Volume{
		{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "shop-tls"}}},
		{Name: "files", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "shop-files"}}}},
	}
	for text, want := range map[string]absent{
		`MountVolume.SetUp failed for volume "phial-cookie" : secret "shop-cookie" not found`:     {"Secret", "shop-cookie", ""},
		`MountVolume.SetUp failed for volume "tls" : references non-existent secret key: key.pem`: {"Secret", "shop-tls", "key.pem"},
		`MountVolume.SetUp failed for volume "files" : references non-existent config key: a`:     {"ConfigMap", "shop-files", "a"},
		`references non-existent secret key: erlang`:                                              {"Secret", "", "erlang"},
		`couldn't find key flags in ConfigMap prod/shop`:                                          {"ConfigMap", "shop", "flags"},
		`configmap "kube-root-ca.crt" not found`:                                                  {"ConfigMap", "kube-root-ca.crt", ""},
		`object "prod"/"kube-root-ca.crt" not registered`:                                         {},
		`Unable to attach or mount volumes: timed out waiting for the condition`:                  {},
	} {
		got, ok := absentOf(p, text)
		if d := cmp.Diff(want, got, cmp.AllowUnexported(absent{})); d != "" || ok != (want.kind != "") {
			t.Errorf("%s: %v (-want +got):\n%s", text, ok, d)
		}
	}
}

// Only the kubelet's events say what a pod waits for before its first container; what
// they said of an earlier pod of that name, or before a pull, does not count.
func TestWaitsFor(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	event := func(reason, message string, ago time.Duration, change ...func(*corev1.Event)) corev1.Event {
		e := corev1.Event{Reason: reason, Message: message, LastTimestamp: metav1.Time{Time: now.Add(-ago)},
			InvolvedObject: corev1.ObjectReference{Name: "shop-0", UID: "now"}}
		for _, f := range change {
			f(&e)
		}
		return e
	}
	const none = `MountVolume.SetUp failed for volume "phial-cookie" : secret "shop-cookie" not found`
	for name, tt := range map[string]struct {
		events []corev1.Event
		want   string
	}{
		"no word":         {nil, ""},
		"a Secret":        {[]corev1.Event{event("FailedMount", none, time.Minute), event("Scheduled", "assigned", time.Hour)}, none},
		"then a pull":     {[]corev1.Event{event("FailedMount", none, time.Minute), event("Pulling", "image", time.Second)}, ""},
		"a later one":     {[]corev1.Event{event("FailedMount", `secret "a" not found`, time.Hour), event("FailedMount", `secret "b" not found`, time.Minute)}, `secret "b"`},
		"and others":      {[]corev1.Event{event("FailedMount", none, time.Minute), event("FailedMount", "timed out", time.Second)}, none},
		"of a pod before": {[]corev1.Event{event("FailedMount", none, time.Minute, func(e *corev1.Event) { e.InvolvedObject.UID = "before" })}, ""},
		"as series": {[]corev1.Event{event("Pulled", "image", time.Hour), event("FailedMount", none, 2*time.Hour, func(e *corev1.Event) {
			e.Series = &corev1.EventSeries{LastObservedTime: metav1.MicroTime{Time: now}}
		})}, none},
	} {
		t.Run(name, func(t *testing.T) {
			a := api{events: tt.events}
			p := podOf("shop", "shop-0", "")
			p.UID = "now"
			got := a.client(t, p).waitsFor(t.Context(), p)
			if (got == nil) != (tt.want == "") || got != nil && !strings.Contains(got.reason, tt.want) {
				t.Errorf("%+v, want %q", got, tt.want)
			}
		})
	}
}
