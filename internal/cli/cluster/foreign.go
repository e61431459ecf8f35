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
// removes it, whatever happens. note tells the person of the pod.
func (c *Client) Look(ctx context.Context, f Foreign, note func(format string, a ...any)) (report.Sight, map[string]string, error) {
	pods, err := c.list(ctx, f.Selector)
	if err != nil {
		return report.Sight{}, nil, err
	}
	pods = slices.DeleteFunc(pods, func(p corev1.Pod) bool {
		return ended(p) || p.DeletionTimestamp != nil || p.Status.PodIP == "" || p.Labels[labelProbe] != ""
	})
	switch {
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
	return report.Sight{Report: a.Report, From: pod.Name}, a.Pods, err
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
