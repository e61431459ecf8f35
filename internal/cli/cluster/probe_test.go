package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/phialdev/phial/internal/agent/foreign"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/mesh"
)

var errRefused = apierrors.NewInternalError(errors.New("no"))

var aTask = Foreign{Selector: "app=cart", Cookie: "cart/erlang", Image: "agent:1"}

// notes are what a person is told.
type notes []string

func (n *notes) note(format string, a ...any) { *n = append(*n, fmt.Sprintf(format, a...)) }

func foreignPods() []*corev1.Pod {
	pod := func(name, ip string) *corev1.Pod {
		p := podOf("cart", name, ip)
		p.Labels = map[string]string{"app": "cart"}
		p.Spec.Containers, p.Spec.InitContainers = p.Spec.InitContainers, nil
		return p
	}
	gone := pod("cart-2", "10.0.0.9")
	gone.Status.Phase = corev1.PodSucceeded
	return []*corev1.Pod{pod("cart-0", "10.0.0.7"), pod("cart-1", "10.0.0.8"), gone, pod("cart-3", "")}
}

func becomes(phase corev1.PodPhase, state ...corev1.ContainerState) func(*corev1.Pod) {
	return func(p *corev1.Pod) {
		p.Status.Phase = phase
		p.Status.ContainerStatuses = nil
		for _, s := range state {
			p.Status.ContainerStatuses = append(p.Status.ContainerStatuses, corev1.ContainerStatus{State: s})
		}
	}
}

func TestProbePodIsMadeReadAndRemoved(t *testing.T) {
	text, err := json.Marshal(foreign.Answer{Report: mesh.NewReport(mesh.Observation{Expected: []string{"cart@10.0.0.7"}}), Pods: map[string]string{"cart@10.0.0.7": "cart-0"}})
	if err != nil {
		t.Fatal(err)
	}
	var made *corev1.Pod
	a := api{log: string(text) + "\n"}
	a.started = func(p *corev1.Pod) { made = p; becomes(corev1.PodSucceeded)(p) }
	c := a.client(t, foreignPods()...)
	var n notes
	sight, pods, err := c.Look(t.Context(), aTask, n.note)
	if err != nil {
		t.Fatal(err)
	}
	if len(sight.Nodes) != 1 || pods["cart@10.0.0.7"] != "cart-0" || sight.From != made.Name {
		t.Errorf("%+v %v", sight, pods)
	}
	if len(n) != 2 || !strings.Contains(n[0], "made pod "+made.Name) || n[1] != "removed pod "+made.Name || !slices.Equal(a.removed, []string{made.Name}) {
		t.Errorf("%q, removed %v", n, a.removed)
	}
	if made.Labels[labelProbe] != "true" || *made.Spec.ActiveDeadlineSeconds != 120 || *made.Spec.AutomountServiceAccountToken || made.Spec.RestartPolicy != corev1.RestartPolicyNever {
		t.Errorf("%+v", made.Spec)
	}
	var task foreign.Task
	args := made.Spec.Containers[0].Args
	if err := json.Unmarshal([]byte(args[len(args)-1]), &task); err != nil || len(task.Pods) != 2 ||
		task.Pods[0] != (foreign.Pod{Name: "cart-0", IP: "10.0.0.7", Node: "cart@10.0.0.7"}) {
		t.Errorf("%v: %+v", err, task)
	}
}

// Whatever happens, no pod is left.
func TestProbePodIsRemoved(t *testing.T) {
	waiting := func(reason string) corev1.ContainerState {
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: "as it is"}}
	}
	for name, tt := range map[string]struct {
		api  *api
		want string
	}{
		"no image":  {&api{started: becomes(corev1.PodPending, waiting("ErrImagePull"))}, "cannot start: ErrImagePull: as it is"},
		"no key":    {&api{started: becomes(corev1.PodPending), events: []corev1.Event{{Message: `references non-existent secret key: erlang`}}}, "non-existent secret key: erlang"},
		"failed":    {&api{started: becomes(corev1.PodFailed), log: "phial-agent: probe: there is no pod to look at\n"}, "could not look: there is no pod to look at"},
		"not ours":  {&api{started: becomes(corev1.PodSucceeded), log: "hello\n"}, "is --agent-image an image of Phial's agent"},
		"somebody":  {&api{started: func(p *corev1.Pod) { p.Status.Phase, p.Status.Reason = corev1.PodFailed, "Evicted" }}, "was ended: Evicted"},
		"cancelled": {&api{}, term.ErrInterrupted.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if name == "cancelled" {
				tt.api.started = func(p *corev1.Pod) { becomes(corev1.PodRunning)(p); cancel() }
			}
			c := tt.api.client(t, foreignPods()...)
			var n notes
			_, _, err := c.Look(ctx, aTask, n.note)
			says(t, err, tt.want)
			if len(tt.api.removed) != 1 || !strings.HasPrefix(tt.api.removed[0], probeName) || len(n) != 2 {
				t.Errorf("removed %v; %q", tt.api.removed, n)
			}
		})
	}
}

func TestProbePodThatCannotBeRemoved(t *testing.T) {
	a := &api{}
	c := a.client(t, foreignPods()...)
	c.config.Host = "http://127.0.0.1:1"
	var n notes
	pod, err := probePod("prod", aTask, foreign.Task{}, foreignPods()[0])
	if err != nil {
		t.Fatal(err)
	}
	a.started = func(*corev1.Pod) { a.refuse = errRefused }
	if _, err := c.runProbe(t.Context(), pod, n.note); err == nil || errors.Is(err, term.ErrInterrupted) {
		t.Errorf("%v", err)
	}
	if len(n) != 2 || !strings.Contains(n[1], "could not be removed") || !strings.Contains(n[1], "kubectl delete pod "+pod.Name+" -n prod") {
		t.Errorf("%q", n)
	}
}

func TestForeignCheck(t *testing.T) {
	with := func(f func(*Foreign)) Foreign { x := aTask; f(&x); return x }
	for want, f := range map[string]Foreign{
		"--cookie-secret NAME/KEY":   with(func(f *Foreign) { f.Cookie = "" }),
		"expected NAME/KEY":          with(func(f *Foreign) { f.Cookie = "cart" }),
		"--agent-image IMAGE":        with(func(f *Foreign) { f.Image = "" }),
		"--selector: ":               with(func(f *Foreign) { f.Selector = "app==,=" }),
		"--base: ":                   with(func(f *Foreign) { f.Base = "a b" }),
		"--node-template gives no n": with(func(f *Foreign) { f.Template = "{base}" }),
	} {
		says(t, f.Check(), want)
	}
	for _, f := range []Foreign{aTask, with(func(f *Foreign) { f.Template = "{base}@{pod}.cart.prod.svc.cluster.local" })} {
		if err := f.Check(); err != nil {
			t.Error(err)
		}
	}
	var a api
	_, _, err := a.client(t).Look(t.Context(), aTask, nil)
	says(t, err, "no pod with an address", "app=cart")
}
