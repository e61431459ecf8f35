package cluster

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
)

// App is an app that Phial deployed, with the pods that it had a moment ago.
type App struct {
	Name   string
	client *Client
	pods   []replica
	come   []replica // since they were listed
}

// replica is a pod that serves, or is to.
type replica struct {
	name, node string
	pod        *corev1.Pod
	health     health
	away       string // why its agent cannot be asked; empty: it can
}

func (r replica) leaving() bool { return r.health.phase == mesh.Leaving }

// Open finds the app by its pods: the one of that name, or the only one.
func (c *Client) Open(ctx context.Context, name string) (*App, error) {
	selector := ofPhial
	if name != "" {
		selector += "," + plan.LabelName + "=" + name
	}
	pods, err := c.living(ctx, selector)
	if err != nil {
		return nil, err
	}
	if len(pods) == 0 {
		return nil, c.nothing(ctx, name)
	}
	if apps := appsOf(pods); len(apps) > 1 {
		return nil, fmt.Errorf("namespace %s has several apps: say with --app which one: %s", c.Namespace, some(apps))
	}
	a := &App{Name: pods[0].Labels[plan.LabelName], client: c, pods: replicasOf(pods)}
	return a, a.check(pods)
}

// replicasOf gives the replicas that pods are, by name.
func replicasOf(pods []corev1.Pod) (all []replica) {
	for i := range pods {
		all = append(all, replicaOf(&pods[i]))
	}
	slices.SortFunc(all, func(x, y replica) int { return strings.Compare(x.name, y.name) })
	return all
}

// living lists the pods that have not ended.
func (c *Client) living(ctx context.Context, selector string) ([]corev1.Pod, error) {
	pods, err := c.list(ctx, selector)
	return slices.DeleteFunc(pods, ended), err
}

func ended(p corev1.Pod) bool {
	return p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed
}

// nothing says why there are no pods of an app.
func (c *Client) nothing(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	// Whether there is such a namespace is not everybody's to ask.
	if err := c.core.Get().Resource("namespaces").Name(c.Namespace).Do(ctx).Error(); apierrors.IsNotFound(err) {
		return fmt.Errorf("there is no namespace %s in the cluster of %s", c.Namespace, c.source())
	}
	if name != "" {
		apps, err := c.apps(ctx)
		if err != nil {
			return err
		}
		return fmt.Errorf("namespace %s has no pods of an app %s; it has pods of %s", c.Namespace, name, some(apps))
	}
	all, err := c.list(ctx, "")
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("namespace %s has no pods", c.Namespace)
	}
	pods, none := fmt.Sprintf("%d pods", len(all)), "none"
	if len(all) == 1 {
		pods, none = "one pod", "it is not"
	}
	return fmt.Errorf("namespace %s has %s, and %s of an app that Phial deployed; look at others with --selector, see `phial mesh --help`", c.Namespace, pods, none)
}

// check refuses an app whose agents cannot be asked for a mesh.
func (a *App) check(pods []corev1.Pod) error {
	with := slices.ContainsFunc(pods, func(p corev1.Pod) bool { return agentOf(&p) != nil })
	if !with {
		return fmt.Errorf("the pods of %s have no agent (spec.agent is Disabled, or it was rendered without an image of it); "+
			"look at them with --selector %s=%s,%s=%s, see `phial mesh --help`", a.Name, plan.LabelName, a.Name, plan.LabelComponent, plan.ComponentNode)
	}
	for _, r := range a.pods {
		if n, err := beam.ParseName(r.node); err == nil && n.Loopback() {
			return fmt.Errorf("there is no mesh to look at: %s is Stateless, and each of its nodes is for itself", a.Name)
		}
	}
	return nil
}

// agentOf gives the agent's container of a pod.
func agentOf(p *corev1.Pod) *corev1.Container {
	for i := range p.Spec.InitContainers {
		if c := &p.Spec.InitContainers[i]; c.Name == plan.ContainerAgent {
			return c
		}
	}
	return nil
}

func replicaOf(p *corev1.Pod) replica {
	r := replica{name: p.Name, pod: p, health: healthOf(p)}
	c := agentOf(p)
	if c == nil {
		r.away = errNoAgent.Error()
		return r
	}
	r.node, r.away = nodeOf(p, c), whyAway(p)
	return r
}

// whyAway says why an agent's container does not run; empty: it does.
func whyAway(p *corev1.Pod) string {
	i := slices.IndexFunc(p.Status.InitContainerStatuses, func(s corev1.ContainerStatus) bool { return s.Name == plan.ContainerAgent })
	if i < 0 {
		for _, c := range p.Status.Conditions {
			if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
				return "the pod is not scheduled: " + cmp.Or(c.Message, c.Reason)
			}
		}
		return "the pod has not begun: " + string(p.Status.Phase)
	}
	switch s := p.Status.InitContainerStatuses[i].State; {
	case s.Running != nil:
		return ""
	case s.Waiting != nil:
		return "its agent does not run yet: " + strings.TrimSuffix(s.Waiting.Reason+": "+s.Waiting.Message, ": ")
	case s.Terminated != nil:
		return fmt.Sprintf("its agent has ended: %s, exit status %d", s.Terminated.Reason, s.Terminated.ExitCode)
	}
	return "its agent does not run yet"
}

// Waits says why a pod has no node yet; empty where it has one, or is none of the app's.
func (a *App) Waits(pod string) string {
	for _, r := range a.pods {
		if r.name == pod && r.node == "" {
			return cmp.Or(r.health.why, r.away, "its environment names none")
		}
	}
	return ""
}

func (a *App) names() []string {
	var names []string
	for _, r := range a.pods {
		names = append(names, r.name)
	}
	return names
}

// Alias gives the pod of each node.
func (a *App) Alias() map[string]string {
	out := map[string]string{}
	for _, r := range a.pods {
		if r.node != "" {
			out[r.node] = r.name
		}
	}
	return out
}
