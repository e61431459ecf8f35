package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/phialdev/phial/internal/agent/foreign"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/report"
)

// Foreign are pods with BEAM nodes that have no agent, and what a pod that looks at them
// needs.
type Foreign struct {
	Selector string
	Cookie   string // NAME/KEY of a Secret
	Image    string // of the agent
	Base     string
	Template string
	EPMDPort int
	DistPort int
	Timeout  time.Duration // of each step
}

// maxForeign bounds how many pods one look takes.
const maxForeign = 500

// Check refuses what cannot be meant.
func (f Foreign) Check() error {
	switch {
	case f.Cookie == "":
		return errors.New("--selector needs the Secret of the nodes' cookie: --cookie-secret NAME/KEY")
	case f.Image == "":
		return errors.New("--selector needs the image of Phial's agent, which the pod that looks runs: --agent-image IMAGE")
	}
	if _, err := labels.Parse(f.Selector); err != nil {
		return fmt.Errorf("--selector: %w", err)
	}
	name, key, _ := strings.Cut(f.Cookie, "/")
	if len(validation.IsDNS1123Subdomain(name)) > 0 || len(validation.IsConfigMapKey(key)) > 0 {
		return fmt.Errorf("--cookie-secret is %q: expected NAME/KEY, of a Secret in the pods' namespace", f.Cookie)
	}
	if f.Base != "" {
		if err := beam.ValidBase(f.Base); err != nil {
			return fmt.Errorf("--base: %w", err)
		}
	}
	made := strings.NewReplacer("{base}", "base", "{ip}", "10.0.0.7", "{pod}", "pod").Replace(f.Template)
	if _, err := beam.ParseName(made); f.Template != "" && err != nil {
		return fmt.Errorf("--node-template gives no node name: %w; it is made of {base}, {ip} and {pod}", err)
	}
	return nil
}

// Look makes a pod in the pods' namespace that looks at them, reads what it saw, and
// removes it, whatever happens. note tells the person of the pod. Pods that have agents are
// asked by those: NetworkPolicies let them through, and no stranger with a label.
func (c *Client) Look(ctx context.Context, f Foreign, note func(format string, a ...any)) (report.Sight, map[string]string, error) {
	pods, err := c.living(ctx, f.Selector)
	if err != nil {
		return report.Sight{}, nil, err
	}
	if a := appAmong(c, pods); a != nil {
		note("these pods have agents, which are asked: no pod is made")
		s, err := a.Look(ctx)
		return s, a.Alias(), err
	}
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil || p.Labels[labelProbe] != "" })
	var words []word
	for _, r := range replicasOf(pods) {
		words = append(words, word{replica: r, err: errNoAgent})
	}
	(&App{client: c}).awaited(ctx, words)
	stuck := stuckPods(words)
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool { return p.Status.PodIP == "" })
	switch {
	case len(pods) == 0 && len(stuck) > 0:
		return report.Sight{}, nil, fmt.Errorf("no pod that %q selects can be looked at: %s; %s", f.Selector, stuck[0].Cause, stuck[0].Fix)
	case len(pods) == 0:
		return report.Sight{}, nil, fmt.Errorf("namespace %s has no pod with an address that %q selects", c.Namespace, f.Selector)
	case len(pods) > maxForeign:
		return report.Sight{}, nil, fmt.Errorf("%q selects %d pods, and at most %d can be looked at together", f.Selector, len(pods), maxForeign)
	}
	task := foreign.Task{Base: f.Base, Template: f.Template, EPMDPort: f.EPMDPort, DistPort: f.DistPort, TimeoutMS: f.Timeout.Milliseconds()}
	for i := range pods {
		task.Pods = append(task.Pods, foreign.Pod{Name: pods[i].Name, IP: pods[i].Status.PodIP, Node: nodeIn(&pods[i])})
	}
	pod, err := probePod(c.Namespace, f, task, &pods[0])
	if err != nil {
		return report.Sight{}, nil, err
	}
	a, err := c.runProbe(ctx, pod, note)
	if err != nil {
		return report.Sight{From: pod.Name}, a.Pods, err
	}
	podOf := func(node string) *corev1.Pod {
		i := slices.IndexFunc(pods, func(p corev1.Pod) bool { return p.Name == a.Pods[node] })
		if i < 0 {
			return nil
		}
		return &pods[i]
	}
	phases := map[string]mesh.Phase{}
	for node, pod := range a.Pods {
		if i := slices.IndexFunc(words, func(w word) bool { return w.name == pod }); i >= 0 {
			phases[node] = words[i].phase()
		}
	}
	r := c.blame(ctx, a.Report, pod, podOf, f.EPMDPort).Aside(phases)
	r.Findings = append(stuck, r.Findings...)
	return report.Sight{Report: r, From: pod.Name}, a.Pods, nil
}

var errNoAgent = errors.New("the pod has no agent")

// appAmong gives the app whose replicas all of the pods are, with an agent in each; nil
// where they are none.
func appAmong(c *Client, pods []corev1.Pod) *App {
	for i := range pods {
		p := &pods[i]
		if agentOf(p) == nil || p.Labels[plan.LabelComponent] != plan.ComponentNode || p.Labels[plan.LabelName] != pods[0].Labels[plan.LabelName] {
			return nil
		}
	}
	if len(pods) == 0 {
		return nil
	}
	a := &App{Name: pods[0].Labels[plan.LabelName], client: c, pods: replicasOf(pods)}
	if a.check(pods) != nil {
		return nil
	}
	return a
}

// nodeIn gives the node name that a pod's spec has, in whichever container.
func nodeIn(p *corev1.Pod) string {
	for i := range p.Spec.Containers {
		if name := nodeOf(p, &p.Spec.Containers[i]); name != "" {
			return name
		}
	}
	return ""
}
