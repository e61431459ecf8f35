package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/report"
)

// node is one that says who its peers are; unreachable one that failed.
func node(name string, peers ...string) mesh.Node {
	return mesh.Node{Name: name, Reached: true, Peers: peers, Status: mesh.Started}
}

func unreachable(name string, cause mesh.Cause) mesh.Node {
	return mesh.Node{Name: name, Failure: &mesh.Failure{Stage: mesh.KindEPMD, Cause: cause, Detail: string(cause)}}
}

// agents answer for pods: with their own word, or with what was seen of all nodes.
func agents(o mesh.Observation, words map[string]views.View, looked func()) asker {
	return func(_ context.Context, pod string, _ time.Duration, args ...string) ([]byte, error) {
		w, ok := words[pod]
		switch {
		case !ok:
			return nil, errors.New("there is no agent in " + pod)
		case args[0] == "state":
			return json.Marshal(w)
		}
		if looked != nil {
			looked()
		}
		r := mesh.NewReport(o)
		return json.Marshal(views.Mesh{Self: w, Report: &r})
	}
}

func joined(node string) views.View {
	return views.View{Node: node, Status: "started", Booted: true, Ready: true, Joined: true, Cookie: views.CookieExpected}
}

const (
	one, two, old, young = "shop@10.0.0.1", "shop@10.0.0.2", "shop@10.0.0.3", "shop@10.0.0.4"
	dead                 = "shop@10.0.0.9" // of a pod that is gone
)

func codesOf(s report.Sight) []string {
	out := []string{}
	for _, f := range s.Findings {
		out = append(out, string(f.Code)+" "+f.Subject)
	}
	return out
}

// A rollout that goes well is no finding: pods leave and start, and the others are one
// mesh. What is wrong besides is still found.
func TestLookDuringARollout(t *testing.T) {
	walk := func(from, to string, cause mesh.Cause) mesh.Trace {
		tr := mesh.Trace{From: from, To: to, Place: from, Steps: []mesh.Step{{Kind: mesh.KindName, State: mesh.Passed}}}
		if cause != mesh.CauseNone {
			tr.Steps = append(tr.Steps, mesh.Step{Kind: mesh.KindPort, State: mesh.Failed, Cause: cause})
		}
		return tr
	}
	for name, tt := range map[string]struct {
		nodes  []mesh.Node
		traces []mesh.Trace
		change func(a *api) // while the nodes are looked at
		words  map[string]views.View
		events []corev1.Event
		phases map[string]mesh.Phase
		want   []string
		good   bool
	}{
		"it goes well": {
			nodes:  []mesh.Node{node(one, two), node(two, one), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
		"the one that leaves is half out": {
			nodes:  []mesh.Node{node(one, two, old), node(two, one), node(old, one), unreachable(young, mesh.CauseEPMDFiltered)},
			traces: []mesh.Trace{walk(two, old, ""), walk(old, two, "")},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
		"the young one is there and joins": {
			nodes:  []mesh.Node{node(one, two), node(two, one), node(old, one), node(young)},
			traces: []mesh.Trace{walk(one, young, ""), walk(young, one, ""), walk(two, young, ""), walk(young, two, "")},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
		"a pod that was replaced is still known": {
			nodes: []mesh.Node{node(one, two), node(two, one), unreachable(old, mesh.CauseEPMDFiltered), unreachable(young, mesh.CauseEPMDRefused),
				unreachable(dead, mesh.CauseEPMDFiltered)},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting, dead: mesh.Gone}, good: true,
		},
		"one is told to stop while it is looked at": {
			nodes:  []mesh.Node{node(one), unreachable(two, mesh.CauseEPMDRefused), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			change: func(a *api) { a.pods["shop-2"].DeletionTimestamp = &metav1.Time{Time: time.Now()} },
			phases: map[string]mesh.Phase{two: mesh.Leaving, old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
		"one goes while it is looked at": {
			nodes:  []mesh.Node{node(one), unreachable(two, mesh.CauseEPMDRefused), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			change: func(a *api) { delete(a.pods, "shop-2") },
			phases: map[string]mesh.Phase{two: mesh.Leaving, old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
		"the young one has another cookie": {
			nodes:  []mesh.Node{node(one, two), node(two, one), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseCookie)},
			phases: map[string]mesh.Phase{old: mesh.Leaving}, want: []string{"COO-01 " + young},
		},
		"two of those that stay have no link": {
			nodes:  []mesh.Node{node(one), node(two), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			traces: []mesh.Trace{walk(one, two, mesh.CausePortFiltered), walk(two, one, "")},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting}, want: []string{"NET-02 " + one + " -- " + two},
		},
		"one of those that stay is dead": {
			nodes:  []mesh.Node{node(one), unreachable(two, mesh.CauseEPMDRefused), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Starting}, want: []string{"NET-15 " + two},
		},
		"the young one waits for a Secret": {
			nodes:  []mesh.Node{node(one, two), node(two, one), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			events: []corev1.Event{{InvolvedObject: corev1.ObjectReference{Name: "shop-4"}, Reason: "FailedMount", Message: `MountVolume.SetUp failed for volume "phial-cookie" : secret "shop-cookie" not found`}},
			phases: map[string]mesh.Phase{old: mesh.Leaving, young: mesh.Stuck}, want: []string{"HLT-14 shop-4"},
		},
		"the young one has booted, and its kubelet has not heard of it": {
			nodes:  []mesh.Node{node(one, two), node(two, one), unreachable(old, mesh.CauseEPMDRefused), node(young)},
			words:  map[string]views.View{"shop-4": joined(young)},
			traces: []mesh.Trace{walk(one, young, mesh.CausePortFiltered), walk(young, one, ""), walk(two, young, mesh.CausePortFiltered), walk(young, two, "")},
			phases: map[string]mesh.Phase{old: mesh.Leaving}, want: []string{"NET-02 " + young},
		},
		"one that stays is drained by hand": {
			nodes:  []mesh.Node{node(one), unreachable(two, mesh.CauseEPMDRefused), unreachable(old, mesh.CauseEPMDRefused), unreachable(young, mesh.CauseEPMDRefused)},
			words:  map[string]views.View{"shop-2": {Node: two, Status: "stopping", Booted: true, Draining: true}},
			phases: map[string]mesh.Phase{two: mesh.Leaving, old: mesh.Leaving, young: mesh.Starting}, good: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := api{events: tt.events}
			starting := status(corev1.PodPending, waits("PodInitializing", ""), waits("PodInitializing", ""))
			if _, ok := tt.words["shop-4"]; ok {
				starting = status(corev1.PodRunning, runs(true), runs(false))
			}
			c := a.client(t,
				change(podOf("shop", "shop-1", "10.0.0.1"), status(corev1.PodRunning, runs(true), runs(true))),
				change(podOf("shop", "shop-2", "10.0.0.2"), status(corev1.PodRunning, runs(true), runs(true))),
				change(podOf("shop", "shop-3", "10.0.0.3"), func(p *corev1.Pod) {
					status(corev1.PodRunning, runs(true), runs(true))(p)
					p.DeletionTimestamp = &metav1.Time{Time: time.Now()}
				}),
				change(podOf("shop", "shop-4", "10.0.0.4"), starting),
				change(podOf("shop", "shop-5", ""), func(p *corev1.Pod) { p.Status = corev1.PodStatus{Phase: corev1.PodPending} }))
			words := map[string]views.View{"shop-1": joined(one), "shop-2": joined(two)}
			for pod, w := range tt.words {
				words[pod] = w
			}
			c.agents = agents(mesh.Observation{Expected: []string{one, two, old, young}, Nodes: tt.nodes, Traces: tt.traces}, words, func() {
				a.mu.Lock()
				defer a.mu.Unlock()
				if tt.change != nil {
					tt.change(&a)
				}
			})
			app, err := c.Open(t.Context(), "shop")
			if err != nil {
				t.Fatal(err)
			}
			s, err := app.Look(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			phases := map[string]mesh.Phase{}
			for _, n := range s.Nodes {
				if n.Phase != mesh.Counts {
					phases[n.Name] = n.Phase
				}
			}
			if d := cmp.Diff(tt.phases, phases); d != "" {
				t.Errorf("phases (-want +got):\n%s", d)
			}
			if d := cmp.Diff(append([]string{}, tt.want...), codesOf(s)); d != "" || s.Findings == nil {
				t.Errorf("findings (-want +got):\n%s\n%+v", d, s.Findings)
			}
			if s.Good() != tt.good {
				t.Errorf("good: %v; links %+v, agents %+v", s.Good(), s.Links, s.Agents)
			}
		})
	}
}

// Where no replica starts, that is what is found; where all just start, nothing is known.
func TestLookWhereNobodyIsThere(t *testing.T) {
	var pods []*corev1.Pod
	for i := range 3 {
		pods = append(pods, change(podOf("shop", fmt.Sprintf("shop-%d", i), ""), status(corev1.PodPending, waits("PodInitializing", ""), waits("PodInitializing", ""))))
	}
	a := api{}
	c := a.client(t, pods...)
	app, err := c.Open(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = app.Look(t.Context())
	says(t, err, "no agent of shop could be asked: shop-0: its agent does not run yet: PodInitializing")

	a.events = []corev1.Event{{Reason: "FailedMount", Message: `MountVolume.SetUp failed for volume "phial-cookie" : secret "shop-cookie" not found`}}
	s, err := app.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"HLT-14 shop-0, shop-1, shop-2"}, codesOf(s)); d != "" || s.Good() || len(s.Agents) != 3 {
		t.Errorf("(-want +got):\n%s\n%+v", d, s)
	}
	if f := s.Findings[0]; !strings.Contains(f.Cause, `secret "shop-cookie" not found`) || !slices.Equal(f.Replicas, []string{"shop-0", "shop-1", "shop-2"}) {
		t.Errorf("%+v", f)
	}
}

// Who looks and is kept out says by whom, and claims nothing of the others.
func TestKeptOutByPolicy(t *testing.T) {
	const a1, a2 = "cart@10.0.0.7", "cart@10.0.0.8"
	labels := map[string]string{"app": "cart"}
	policy := func(name string, from map[string]string, ports ...int) networkingv1.NetworkPolicy {
		p := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: labels}, PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}}}
		r := networkingv1.NetworkPolicyIngressRule{}
		if from != nil {
			r.From = []networkingv1.NetworkPolicyPeer{{PodSelector: &metav1.LabelSelector{MatchLabels: from}}}
		}
		for _, n := range ports {
			r.Ports = append(r.Ports, networkingv1.NetworkPolicyPort{Port: new(intstr.FromInt(n))})
		}
		p.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{r}
		return p
	}
	egress := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "no-way-out"}, Spec: networkingv1.NetworkPolicySpec{
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeEgress}}}
	walled := []mesh.Node{unreachable(a1, mesh.CauseEPMDFiltered), unreachable(a2, mesh.CauseEPMDFiltered)}
	half := []mesh.Node{node(a1), unreachable(a2, mesh.CauseEPMDFiltered)}
	for name, tt := range map[string]struct {
		nodes    []mesh.Node
		policies []networkingv1.NetworkPolicy
		refused  bool
		want     []string
		says     string
		not      string
	}{
		"their own": {walled, []networkingv1.NetworkPolicy{policy("walls", labels)}, false, []string{"NET-28 " + a1 + ", " + a2},
			"NetworkPolicy walls selects cart-0, cart-1 and does not let pod phial-probe-", "between the replicas in the NetworkPolicy"},
		"another port is open": {walled, []networkingv1.NetworkPolicy{policy("walls", nil, 4000), policy("more", labels)}, false, []string{"NET-28 " + a1 + ", " + a2},
			"the NetworkPolicies more, walls select cart-0, cart-1 and do not let pod phial-probe-", ""},
		"one that is let in by its label": {walled, []networkingv1.NetworkPolicy{policy("walls", map[string]string{labelProbe: "true"})}, false,
			[]string{"NET-28 " + a1 + ", " + a2}, "the packets are dropped on the way from pod phial-probe-", "NetworkPolicy walls"},
		"one of two": {half, []networkingv1.NetworkPolicy{policy("walls", labels)}, false, []string{"NET-28 " + a2},
			"NetworkPolicy walls selects cart-1 and", "NET-02"},
		"nobody's": {half, nil, false, []string{"NET-02 " + a2}, "the packets are dropped on the way, or the machine is gone", "NetworkPolicy walls"},
		"its own":  {half, []networkingv1.NetworkPolicy{egress}, false, []string{"NET-28 " + a2}, "NetworkPolicy no-way-out selects pod phial-probe-", ""},
		"not to be seen": {walled, nil, true, []string{"NET-28 " + a1 + ", " + a2},
			"is not known: could not list the NetworkPolicies: ann is not allowed to", ""},
	} {
		t.Run(name, func(t *testing.T) {
			text, err := json.Marshal(map[string]any{"report": mesh.NewReport(mesh.Observation{Expected: []string{a1, a2}, Nodes: tt.nodes}),
				"pods": map[string]string{a1: "cart-0", a2: "cart-1"}})
			if err != nil {
				t.Fatal(err)
			}
			a := api{log: string(text) + "\n", policies: tt.policies, noPolicies: tt.refused}
			a.started = func(p *corev1.Pod) { becomes(corev1.PodSucceeded)(p) }
			c := a.client(t, foreignPods()[:2]...)
			var n notes
			s, _, err := c.Look(t.Context(), aTask, n.note)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, codesOf(s)[:1]); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			whole := fmt.Sprintf("%+v", s.Findings) + strings.Join(s.Findings[0].Evidence, "\n") + s.Findings[0].Fix
			if !strings.Contains(whole, tt.says) || tt.not != "" && strings.Contains(whole, tt.not) {
				t.Errorf("want %q and not %q in\n%s", tt.says, tt.not, whole)
			}
			if i := slices.IndexFunc(s.Findings[0].Evidence, func(e string) bool { return strings.HasPrefix(e, "link not known") }); (i < 0) != (len(tt.nodes) == 2 && tt.nodes[0].Reached) {
				t.Errorf("evidence: %q", s.Findings[0].Evidence)
			}
		})
	}
}

// Pods that have agents are asked by those; no pod is made beside them.
func TestSelectorOfPodsWithAgents(t *testing.T) {
	var a api
	c := a.client(t, podOf("shop", "shop-1", "10.0.0.1"), podOf("shop", "shop-2", "10.0.0.2"))
	c.agents = agents(mesh.Observation{Expected: []string{one, two}, Nodes: []mesh.Node{node(one, two), node(two, one)}},
		map[string]views.View{"shop-1": joined(one), "shop-2": joined(two)}, nil)
	f := aTask
	f.Selector = plan.LabelName + "=shop"
	var n notes
	s, pods, err := c.Look(t.Context(), f, n.note)
	if err != nil || !s.Good() || s.Findings == nil || len(s.Agents) != 2 || pods[one] != "shop-1" || len(a.pods) != 2 || len(n) != 1 || !strings.Contains(n[0], "have agents") {
		t.Errorf("%v %q: %+v", err, n, s)
	}
}

// Pods without agents that are leaving or starting do not count either.
func TestForeignPodsThatStart(t *testing.T) {
	const n0, n1 = "cart@10.0.0.7", "cart@10.0.0.8"
	text, err := json.Marshal(map[string]any{"report": mesh.NewReport(mesh.Observation{Expected: []string{n0, n1}, Nodes: []mesh.Node{node(n0), unreachable(n1, mesh.CauseEPMDRefused)}}),
		"pods": map[string]string{n0: "cart-0", n1: "cart-1"}})
	if err != nil {
		t.Fatal(err)
	}
	a := api{log: string(text) + "\n"}
	a.started = func(p *corev1.Pod) {
		if p.Name != "cart-1" {
			becomes(corev1.PodSucceeded)(p)
		}
	}
	pods := foreignPods()[:2]
	pods[1].Status.ContainerStatuses = []corev1.ContainerStatus{{Name: "cart", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ErrImagePull", Message: "no such image"}}}}
	var n notes
	s, _, err := a.client(t, pods...).Look(t.Context(), aTask, n.note)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"HLT-14 cart-1"}, codesOf(s)); d != "" || s.Nodes[1].Phase != mesh.Stuck || s.Links.Expected != 0 || s.Findings[0].Severity != finding.Error {
		t.Errorf("(-want +got):\n%s\n%+v", d, s)
	}

	pods[1].Status.PodIP, pods[1].Status.Phase = "", corev1.PodPending
	_, _, err = a.client(t, pods[1]).Look(t.Context(), aTask, n.note)
	says(t, err, "no pod that", "cart-1 cannot start: ErrImagePull: no such image")
}
