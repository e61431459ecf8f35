package local

import (
	"context"
	"time"

	"github.com/phialdev/phial/internal/agent/drain"
	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/probe"
)

// drainPoll is how often work in flight is counted: more often than on Kubernetes,
// since somebody waits for it who has just pressed Ctrl-C.
const drainPoll = 50 * time.Millisecond

// readDrain takes from the agent's environment how long a drain may take and which
// function of the app it calls. What is wrong there is not said again: it is the plan's
// own, and values that only a pod has, such as its node's name, are none here.
func (w *workload) readDrain() {
	s, _ := settings.FromEnv(func(name string) string {
		for _, c := range w.template.Spec.InitContainers {
			if c.Name == plan.ContainerAgent {
				return envOf(&c, name)
			}
		}
		return ""
	})
	w.drain = s.DrainTimeout()
	if s.Hook.Module != "" {
		w.hook = &drain.Hook{Module: s.Hook.Module, Function: s.Hook.Function}
	}
}

// budget is how long work in flight may take to end once the endpoint delay is over.
// Where the grace period has no room for that and for the stop, as with a shorter
// --grace, each has its share of what there is.
func (w *workload) budget(delay time.Duration) time.Duration {
	left := max(w.grace-delay, 0)
	if w.drain+w.stop <= left {
		return w.drain
	}
	return time.Duration(float64(left) * float64(w.drain) / float64(w.drain+w.stop))
}

// leave closes the gate and takes the life out of the ingress. The agent goes on, so
// that those of the other replicas hear that this one drains. It gives the place in the
// ingress that the life had last, if any, and whether it had it still.
func (l *life) leave(ctx context.Context) (last *backend, served bool) {
	l.mu.Lock()
	served, out := l.backend != nil, l.out
	l.mu.Unlock()
	l.watch.Drain()
	if served && l.r.work.agent {
		// It closes at once, unless another replica leans on this one (see mesh.Gate).
		select {
		case <-out:
		case <-l.proc.done:
		case <-ctx.Done():
		case <-time.After(mesh.DrainHold + time.Second):
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.leaveIngress()
	return l.latest, served
}

// drain lets the endpoint delay pass and takes the work from the node, as the agent does
// in a pod. It returns when nothing is in flight, when its time is over or when ctx ends.
func (l *life) drain(ctx context.Context, delay time.Duration, last *backend) {
	r := l.r
	delayed := time.Now().Add(delay)
	over := delayed.Add(r.work.budget(delay))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // nobody waits for a process that has ended
		select {
		case <-l.proc.done:
			cancel()
		case <-ctx.Done():
		}
	}()
	var node drain.Node // nil stays nil
	if s := l.reach(ctx); s != nil {
		defer s.Close()
		node = s.Drain()
	}
	conf := drain.Config{EndpointDelay: max(0, time.Until(delayed)), Hook: r.work.hook, Poll: drainPoll}
	conf.Budget = max(0, time.Until(over)-conf.EndpointDelay)
	drain.Run(ctx, node, conf, l.drained)
	if last != nil {
		ctx, cancel := context.WithDeadline(ctx, over)
		defer cancel()
		last.wait(ctx) // for what servers have that the drain does not know
	}
}

// reach connects to the node; nil: it can't be. What never booted has nothing to drain.
func (l *life) reach(ctx context.Context) *probe.Session {
	if !l.booted.Load() {
		return nil
	}
	s, err := l.prober.Session(ctx, l.r.node)
	if err == nil {
		return s
	}
	if ctx.Err() == nil {
		l.r.e.note(l.r.name + ": it is stopped without being drained: " + err.Error())
	}
	return nil
}

// drained takes what a drain tells: a line for each step that did something, to whoever
// runs the engine where it went wrong, and what is in flight as the replica's reason.
func (l *life) drained(ev drain.Event) {
	r := l.r
	if w := ev.Work; w != nil && w.Left() > 0 {
		r.set(PhaseStopping, false, "draining: "+w.String(), true)
	}
	if ev.Phase != drain.Ended {
		return
	}
	switch line := r.name + ": draining: " + ev.Step.String(); ev.Step.Outcome {
	case drain.Skipped, drain.Cancelled, drain.Gone:
	case drain.Done:
		if didSomething(ev.Step) {
			r.e.note(line)
		}
	default:
		r.e.say(line)
	}
}

// didSomething says whether a step that is done was more than a look.
func didSomething(s drain.Step) bool {
	switch s.Name {
	case drain.StepDelay:
		return s.TookMS > 0
	case drain.StepSurvey:
		return false
	case drain.StepWork:
		return s.TookMS > 0 && s.Before > 0
	}
	return true
}
