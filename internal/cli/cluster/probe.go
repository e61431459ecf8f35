package cluster

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/phialdev/phial/internal/agent/foreign"
	"github.com/phialdev/phial/internal/cli/term"
)

// Waits for a probe pod.
const (
	probeAgain    = 300 * time.Millisecond
	probeStart    = 60 * time.Second // until it runs
	removeWithin  = 15 * time.Second
	goneWithin    = 10 * time.Second
	eventsEvery   = 2 * time.Second
	maxProbeBytes = 32 << 20
)

// runProbe makes the pod, waits for its end and reads its answer. The pod is removed
// also where ctx has ended; where even that fails, its own deadline ends it.
func (c *Client) runProbe(ctx context.Context, pod *corev1.Pod, note func(string, ...any)) (a foreign.Answer, err error) {
	if err := c.create(ctx, pod); err != nil {
		return a, err
	}
	note("made pod %s in namespace %s for this look; it is removed after it", pod.Name, pod.Namespace)
	defer func() {
		if removeErr := c.remove(ctx, pod.Name); removeErr != nil {
			note("pod %s could not be removed (%v); it ends by itself within %s, and `kubectl delete pod %[1]s -n %[4]s` removes it", pod.Name, removeErr, probeLife, pod.Namespace)
			return
		}
		note("removed pod %s", pod.Name)
		if ctx.Err() != nil {
			err = term.ErrInterrupted
		}
	}()
	if err := c.awaitEnd(ctx, pod.Name); err != nil {
		return a, err
	}
	return c.answer(ctx, pod.Name)
}

// create makes the pod. It does not end with ctx: whether there is a pod has to be known.
func (c *Client) create(ctx context.Context, pod *corev1.Pod) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
	defer cancel()
	err := c.core.Post().Namespace(c.Namespace).Resource("pods").Body(pod).Do(ctx).Error()
	switch {
	case err == nil:
		return nil
	case apierrors.IsForbidden(err) && !strings.Contains(err.Error(), "is forbidden: User"):
		return fmt.Errorf("the API server does not let a pod that looks into namespace %s: %w", c.Namespace, err) // a quota, an admission
	}
	explained := c.explain(err, "make a pod that looks", permission{"create", "pods"})
	var status apierrors.APIStatus
	if !errors.As(err, &status) { // the answer was lost, and the pod may be there
		c.remove(ctx, pod.Name) //nolint:errcheck // its deadline ends it otherwise
	}
	return explained
}

// remove deletes the pod and waits until it is gone, for a while: what was accepted
// happens.
func (c *Client) remove(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeWithin)
	defer cancel()
	err := c.core.Delete().Namespace(c.Namespace).Resource("pods").Name(name).Do(ctx).Error()
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return c.explain(err, "remove it", permission{"delete", "pods"})
	}
	for end := time.Now().Add(goneWithin); time.Now().Before(end); time.Sleep(probeAgain) {
		if _, err := c.pod(ctx, name); apierrors.IsNotFound(err) || ctx.Err() != nil {
			break
		}
	}
	return nil
}

func (c *Client) pod(ctx context.Context, name string) (*corev1.Pod, error) {
	var p corev1.Pod
	return &p, c.core.Get().Namespace(c.Namespace).Resource("pods").Name(name).Do(ctx).Into(&p)
}

// awaitEnd waits until the pod has ended well.
func (c *Client) awaitEnd(ctx context.Context, name string) error {
	begun, looked := time.Now(), time.Time{}
	for {
		p, err := c.pod(ctx, name)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case apierrors.IsNotFound(err):
			return fmt.Errorf("somebody removed pod %s before it had looked", name)
		case err != nil:
			return c.explain(err, "watch pod "+name, permission{"get", "pods"})
		case p.Status.Phase == corev1.PodSucceeded:
			return nil
		case p.Status.Phase == corev1.PodFailed:
			return c.failed(ctx, p)
		case p.Status.Phase == corev1.PodPending:
			if why := hopeless(p); why != "" {
				return fmt.Errorf("pod %s cannot start: %s", name, why)
			}
			if time.Since(looked) > eventsEvery {
				looked = time.Now()
				if why := c.mountFailed(ctx, name); why != "" {
					return fmt.Errorf("pod %s cannot start: %s", name, why)
				}
			}
			if time.Since(begun) > probeStart {
				return fmt.Errorf("pod %s did not start within %s: %s", name, probeStart, pending(p))
			}
		}
		if time.Since(begun) > probeLife+probeStart {
			return fmt.Errorf("pod %s did not end within %s", name, probeLife)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(probeAgain):
		}
	}
}

// hopeless says why a container will not start; empty: it may.
func hopeless(p *corev1.Pod) string {
	for _, s := range p.Status.ContainerStatuses {
		w := s.State.Waiting
		if w == nil {
			continue
		}
		switch w.Reason {
		case "ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
			return w.Reason + ": " + w.Message
		}
	}
	return ""
}

// pending says what a pod waits for.
func pending(p *corev1.Pod) string {
	for _, c := range p.Status.Conditions {
		if c.Status == corev1.ConditionFalse && c.Message != "" {
			return c.Message
		}
	}
	for _, s := range p.Status.ContainerStatuses {
		if s.State.Waiting != nil {
			return cmp.Or(s.State.Waiting.Message, s.State.Waiting.Reason)
		}
	}
	return string(p.Status.Phase)
}

// mountFailed says that the Secret is not there, or has no such key: the pod would wait
// for it. Who may not read events hears of it later.
func (c *Client) mountFailed(ctx context.Context, pod string) string {
	var events corev1.EventList
	err := c.core.Get().Namespace(c.Namespace).Resource("events").
		Param("fieldSelector", "involvedObject.name="+pod+",reason=FailedMount").Do(ctx).Into(&events)
	if err != nil {
		return ""
	}
	for i := range events.Items {
		m := events.Items[i].Message
		if strings.Contains(m, "secret \"") && strings.Contains(m, "not found") || strings.Contains(m, "references non-existent secret key") {
			return m
		}
	}
	return ""
}

// failed says why the pod ended badly: by the last that it wrote.
func (c *Client) failed(ctx context.Context, p *corev1.Pod) error {
	if p.Status.Reason != "" { // DeadlineExceeded, Evicted
		return fmt.Errorf("pod %s was ended: %s: %s", p.Name, p.Status.Reason, p.Status.Message)
	}
	text, err := c.logs(ctx, p.Name, 4<<10)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Errorf("pod %s could not look: %s", p.Name, strings.TrimPrefix(lines[len(lines)-1], "phial-agent: probe: "))
}

func (c *Client) answer(ctx context.Context, pod string) (a foreign.Answer, err error) {
	text, err := c.logs(ctx, pod, maxProbeBytes)
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(bytes.TrimSpace(text), &a); err != nil {
		return a, fmt.Errorf("what pod %s saw cannot be read: %w; is --agent-image an image of Phial's agent, as new as this phial?", pod, err)
	}
	return a, nil
}

// logs reads what a pod wrote, so many bytes of it.
func (c *Client) logs(ctx context.Context, pod string, most int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	r, err := c.core.Get().Namespace(c.Namespace).Resource("pods").Name(pod).SubResource("log").
		Param("limitBytes", strconv.Itoa(most)).Stream(ctx)
	if err != nil {
		return nil, c.explain(err, "read the log of pod "+pod, permission{"get", "pods/log"})
	}
	defer r.Close()
	return io.ReadAll(io.LimitReader(r, int64(most)))
}
