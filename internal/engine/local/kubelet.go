package local

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/phialdev/phial/internal/agent"
)

// A guard watches one life of a replica and tells when it takes traffic.
type guard interface {
	Run(ctx context.Context)
	Drain() // closes the gate for good
}

// kubelet is the guard of a replica without an agent: its own probes decide, as in
// a pod. It asks nobody's node anything, so that a replica whose node nobody can
// reach is as ready here as it would be there.
type kubelet struct {
	startup, ready *check // nil: there is none
	changed        func(agent.State)
	drain          chan struct{}
	once           sync.Once
}

// check is one probe.
type check struct {
	ask    func(ctx context.Context) error
	every  time.Duration
	within time.Duration // one answer
	bad    int           // failures in a row that count
	good   int           // successes in a row that count
}

// soon is how often a probe is asked that decides about something that somebody waits
// for: faster than a kubelet would.
const soon = 200 * time.Millisecond

// kubelet gives a replica's probes as its container has them.
func (e *engine) kubelet(r *replica, l *life) *kubelet {
	c := r.work.container
	return &kubelet{startup: r.check(c.StartupProbe), ready: r.check(c.ReadinessProbe),
		changed: l.see, drain: make(chan struct{})}
}

// Drain closes the gate for good.
func (k *kubelet) Drain() { k.once.Do(func() { close(k.drain) }) }

// Run asks until ctx ends.
func (k *kubelet) Run(ctx context.Context) {
	if !k.started(ctx) {
		return
	}
	if k.ready == nil {
		k.changed(agent.State{Booted: true, Ready: true, Reason: "running: it has no readiness probe"})
		select {
		case <-k.drain:
		case <-ctx.Done():
		}
		return
	}
	k.readiness(ctx)
}

// started waits until the startup probe has passed once.
func (k *kubelet) started(ctx context.Context) bool {
	for k.startup != nil {
		err := k.startup.once(ctx)
		if err == nil {
			break
		}
		k.changed(agent.State{Reason: err.Error(), Waiting: true})
		if !k.pause(ctx, min(soon, k.startup.every)) {
			return false
		}
	}
	return ctx.Err() == nil
}

// readiness opens the gate and closes it, as the answers are.
func (k *kubelet) readiness(ctx context.Context) {
	bad, good, open := 0, 0, false
	for {
		err := k.ready.once(ctx)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			bad, good = 0, good+1
		} else {
			bad, good = bad+1, 0
		}
		switch {
		case good >= k.ready.good:
			open = true
			k.changed(agent.State{Booted: true, Ready: true, Reason: "its readiness probe passes"})
		case bad >= k.ready.bad || !open && err != nil:
			open = false
			k.changed(agent.State{Booted: true, Reason: err.Error(), Waiting: bad < k.ready.bad})
		}
		every := k.ready.every
		if !open {
			every = min(soon, every)
		}
		if !k.pause(ctx, every) {
			return
		}
	}
}

func (k *kubelet) pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-k.drain:
	case <-ctx.Done():
	}
	return false
}

// living asks the liveness probe of a replica that has started, and has it started
// anew when that has failed for too long; but what was broken on purpose stays so.
func (l *life) living(ctx context.Context) {
	c := l.r.check(l.r.work.container.LivenessProbe)
	if c == nil {
		return
	}
	tick := time.NewTicker(c.every)
	defer tick.Stop()
	for bad := 0; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !l.started.Load() || l.r.anyFault() {
			bad = 0
			continue
		}
		err := c.once(ctx)
		if err == nil {
			bad = 0
		} else if bad++; bad >= c.bad && ctx.Err() == nil {
			l.fail("its liveness probe failed " + strconv.Itoa(bad) + " times: " + err.Error())
			return
		}
	}
}

func (c *check) once(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.within)
	defer cancel()
	return c.ask(ctx)
}

// check makes a probe of the replica; nil where there is none that this engine asks.
func (r *replica) check(p *corev1.Probe) *check {
	if p == nil {
		return nil
	}
	seconds := func(n, otherwise int32) time.Duration {
		if n <= 0 {
			n = otherwise
		}
		return time.Duration(n) * time.Second
	}
	c := &check{every: seconds(p.PeriodSeconds, 10), within: seconds(p.TimeoutSeconds, 1),
		bad: max(int(p.FailureThreshold), 1), good: max(int(p.SuccessThreshold), 1)}
	switch {
	case p.HTTPGet != nil:
		get := p.HTTPGet
		c.ask = func(ctx context.Context) error {
			return httpGet(ctx, string(get.Scheme), r.probePort(get.Port), get.Path, get.HTTPHeaders)
		}
	case p.TCPSocket != nil:
		c.ask = func(ctx context.Context) error { return accepts(ctx, r.probePort(p.TCPSocket.Port)) }
	default:
		return nil // exec and gRPC: said once, in what is ignored
	}
	return c
}

// probePort is where a probe of the container's port goes here.
func (r *replica) probePort(port intstr.IntOrString) string {
	number := port.IntValue()
	for _, p := range r.work.container.Ports {
		if p.Name == port.StrVal || int(p.ContainerPort) == number {
			number = int(p.ContainerPort)
			if p.Name == portHTTP {
				number = r.port()
			}
			break
		}
	}
	return net.JoinHostPort(r.addr.String(), strconv.Itoa(number))
}

// httpGet asks a path; 200 to 399 is a yes. The error is in words for people.
func httpGet(ctx context.Context, scheme, addr, path string, headers []corev1.HTTPHeader) error {
	if scheme == "" {
		scheme = "http"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.ToLower(scheme)+"://"+addr+path, nil)
	if err != nil {
		return err
	}
	for _, h := range headers {
		if http.CanonicalHeaderKey(h.Name) == "Host" {
			req.Host = h.Value
			continue
		}
		req.Header.Add(h.Name, h.Value)
	}
	return agent.Healthy(req)
}
