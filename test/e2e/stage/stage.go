// Package stage puts the product on a real Kubernetes: it makes the images by `phial
// build`, applies what the plan of a BeamApp says, and gives tests and measurements
// what they ask of the cluster and of the agents.
package stage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/testkit"
)

// Stage is a node with Phial's images in it.
type Stage struct{ *kubetest.Node }

// App is a BeamApp that was deployed.
type App struct {
	*Stage
	Namespace, Name string
	Plan            *plan.Plan
	data            map[string]string
	Secrets         []string // every value that a key of its Secret has had; for tests that look where they are not to be
}

// Pod is what is asked of a pod here.
type Pod struct {
	Name, IP   string
	Phase      string
	Ready      bool
	Leaving    bool // told to stop
	Restarts   int  // of the app's container
	LastEnd    string
	AgentEnds  int // restarts of the agent's container
	AppStarted time.Time
}

// Deploy makes a namespace, the Secret, and every object of the plan.
func (s *Stage) Deploy(ctx context.Context, namespace string, app *v1alpha1.BeamApp) (*App, error) {
	if err := s.Namespace(ctx, namespace); err != nil {
		return nil, err
	}
	a := &App{Stage: s, Namespace: namespace, Name: app.Name}
	if err := a.Secret(ctx, map[string]string{plan.CookieKey: rand.Text(), plan.AgentKey: rand.Text()}); err != nil {
		return nil, err
	}
	return a, a.Update(ctx, app)
}

// Update applies the plan of a BeamApp that has changed.
func (a *App) Update(ctx context.Context, app *v1alpha1.BeamApp) error {
	app = app.DeepCopy()
	app.Namespace = a.Namespace
	p, err := plan.New(app, plan.Options{AgentImage: AgentImage})
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := plan.Encode(&b, p.Objects()); err != nil {
		return err
	}
	if _, _, err := a.Kubectl(ctx, b.Bytes(), "apply", "--server-side", "--force-conflicts", "-f", "-"); err != nil {
		return err
	}
	a.Plan = p
	return nil
}

// secret makes a Secret, or replaces what is in it.
func (s *Stage) secret(ctx context.Context, namespace, name string, data map[string]string) error {
	encoded := map[string]string{}
	for k, v := range data {
		encoded[k] = base64.StdEncoding.EncodeToString([]byte(v))
	}
	text, err := json.Marshal(map[string]any{"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]string{"name": name, "namespace": namespace}, "data": encoded})
	if err != nil {
		return err
	}
	_, err = s.Apply(ctx, text, false)
	return err
}

// Secret sets keys of the app's Secret; the others stay.
func (a *App) Secret(ctx context.Context, data map[string]string) error {
	if a.data == nil {
		a.data = map[string]string{}
	}
	for k, v := range data {
		a.data[k] = v
		if k != plan.CookieSwitchAtKey {
			a.Secrets = append(a.Secrets, v)
		}
	}
	return a.secret(ctx, a.Namespace, plan.CookieSecretName(a.Name), a.data)
}

// Pods gives the serving replicas, those that leave included.
func (a *App) Pods(ctx context.Context) ([]Pod, error) {
	return a.podsOf(ctx, plan.LabelName+"="+a.Name+","+plan.LabelComponent+"="+plan.ComponentNode)
}

func (a *App) podsOf(ctx context.Context, selector string) ([]Pod, error) {
	answer, err := a.Get(ctx, "/api/v1/namespaces/"+a.Namespace+"/pods?labelSelector="+url.QueryEscape(selector))
	if err != nil {
		return nil, err
	}
	type status struct {
		Name         string
		RestartCount int
		State        struct {
			Running *struct{ StartedAt time.Time }
		}
		LastState struct{ Terminated *struct{ Reason string } }
	}
	var list struct {
		Items []struct {
			Metadata struct {
				Name              string
				DeletionTimestamp *time.Time
			}
			Status struct {
				PodIP, Phase                             string
				Conditions                               []struct{ Type, Status string }
				ContainerStatuses, InitContainerStatuses []status
			}
		}
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, err
	}
	var all []Pod
	for _, i := range list.Items {
		p := Pod{Name: i.Metadata.Name, IP: i.Status.PodIP, Phase: i.Status.Phase, Leaving: i.Metadata.DeletionTimestamp != nil}
		for _, c := range i.Status.Conditions {
			p.Ready = p.Ready || c.Type == "Ready" && c.Status == "True"
		}
		for _, c := range append(i.Status.ContainerStatuses, i.Status.InitContainerStatuses...) {
			switch c.Name {
			case plan.ContainerApp:
				p.Restarts = c.RestartCount
				if c.State.Running != nil {
					p.AppStarted = c.State.Running.StartedAt
				}
				if c.LastState.Terminated != nil {
					p.LastEnd = c.LastState.Terminated.Reason
				}
			case plan.ContainerAgent:
				p.AgentEnds = c.RestartCount
			}
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(x, y Pod) int { return strings.Compare(x.Name, y.Name) })
	return all, nil
}

// Mesh asks a pod's agent what it knows; observe has it look at everything first.
func (a *App) Mesh(ctx context.Context, pod string, observe bool) (views.Mesh, error) {
	args := []string{"mesh", "-o", "json"}
	if observe {
		args = append(args, "--observe")
	}
	var m views.Mesh
	out, err := a.AgentVerb(ctx, pod, args...)
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

// AgentVerb runs a verb of the agent in its container.
func (a *App) AgentVerb(ctx context.Context, pod string, args ...string) ([]byte, error) {
	return a.Exec(ctx, pod, plan.ContainerAgent, append([]string{"/phial/bin/phial-agent"}, args...)...)
}

// Exec runs a command in a container, as `kubectl exec` does.
func (a *App) Exec(ctx context.Context, pod, container string, command ...string) ([]byte, error) {
	args := append([]string{"exec", "-n", a.Namespace, pod, "-c", container, "--"}, command...)
	out, _, err := a.Kubectl(ctx, nil, args...)
	return out, err
}

// Await polls until try is content, with the last complaint as the error.
func Await(ctx context.Context, within time.Duration, try func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	return testkit.Poll(ctx, func() (bool, error) {
		err := try(ctx)
		return err == nil, err
	})
}

// AwaitReady waits until n replicas are ready and no other is there.
func (a *App) AwaitReady(ctx context.Context, n int, within time.Duration) ([]Pod, error) {
	var pods []Pod
	err := Await(ctx, within, func(ctx context.Context) (err error) {
		if pods, err = a.Pods(ctx); err != nil {
			return err
		}
		ready := 0
		for _, p := range pods {
			if p.Ready && !p.Leaving {
				ready++
			}
		}
		if ready != n || len(pods) != n {
			return fmt.Errorf("%d of %d pods are ready, of %d that are wanted: %s", ready, len(pods), n, Describe(pods))
		}
		return nil
	})
	return pods, err
}

// Describe puts pods in a line.
func Describe(pods []Pod) string {
	var all []string
	for _, p := range pods {
		all = append(all, fmt.Sprintf("%s(%s ready=%v leaving=%v restarts=%d)", p.Name, p.IP, p.Ready, p.Leaving, p.Restarts))
	}
	return strings.Join(all, " ")
}

// AwaitMesh waits until every replica is connected to every other one, as its agent
// says.
func (a *App) AwaitMesh(ctx context.Context, pods []Pod, within time.Duration) error {
	return Await(ctx, within, func(ctx context.Context) error {
		for _, p := range pods {
			m, err := a.Mesh(ctx, p.Name, false)
			if err != nil {
				return err
			}
			if len(m.Self.Gate.Peers) != len(pods)-1 {
				return fmt.Errorf("%s is connected to %d of %d: %s", p.Name, len(m.Self.Gate.Peers), len(pods)-1, m.Self.Join)
			}
		}
		return nil
	})
}

// Delete deletes something of the app's namespace by kind and name.
func (a *App) Delete(ctx context.Context, args ...string) error {
	_, _, err := a.Kubectl(ctx, nil, append([]string{"delete", "-n", a.Namespace, "--wait=false"}, args...)...)
	return err
}

// Scale sets the number of replicas, as `kubectl scale` does.
func (a *App) Scale(ctx context.Context, n int) error {
	_, _, err := a.Kubectl(ctx, nil, "scale", "-n", a.Namespace, a.Workload(), fmt.Sprintf("--replicas=%d", n))
	return err
}

// Workload is kind/name of what runs the serving replicas.
func (a *App) Workload() string {
	if a.Plan != nil && a.Plan.StatefulSet != nil {
		return "statefulset/" + a.Name
	}
	return "deployment/" + a.Name
}

// Restart rolls the replicas over, as `kubectl rollout restart` does, and waits for
// the end.
func (a *App) Restart(ctx context.Context) error {
	if _, _, err := a.Kubectl(ctx, nil, "rollout", "restart", "-n", a.Namespace, a.Workload()); err != nil {
		return err
	}
	_, _, err := a.Kubectl(ctx, nil, "rollout", "status", "-n", a.Namespace, a.Workload(), "--timeout=5m")
	return err
}

// Remove takes the app's namespace away.
func (a *App) Remove(ctx context.Context) error {
	_, _, err := a.Do(ctx, http.MethodDelete, "/api/v1/namespaces/"+a.Namespace, "", nil)
	return err
}
