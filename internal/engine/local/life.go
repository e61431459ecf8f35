package local

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/probe"
)

// life is one process of a replica, with its agent and its place in the ingress.
type life struct {
	r      *replica
	proc   *process
	watch  guard
	prober *probe.Prober      // of the agent; nil: there is none
	cancel context.CancelFunc // of the guard
	gone   chan struct{}      // closed when the guard has ended

	booted  atomic.Bool // its node has, once
	started atomic.Bool // it has booted and answered once
	failing chan string // why it has to be started anew; of the guard

	mu      sync.Mutex
	backend *backend
	latest  *backend      // that it has or had
	out     chan struct{} // closed when backend has gone
	closed  bool          // no more backends
}

// see takes what the agent has found out.
func (l *life) see(s agent.State) {
	if s.Ready || s.Booted && (!l.r.work.agent || l.r.port() == 0) {
		l.started.Store(true)
	}
	phase := PhaseStarting
	switch {
	case s.Stopping:
		phase = PhaseStopping
	case s.Booted || s.Ready:
		phase = PhaseRunning
	}
	l.mu.Lock()
	if !l.closed {
		if g := l.r.e.ingress; g != nil {
			switch {
			case s.Ready && l.backend == nil:
				l.backend, l.out = g.add(l.r.name, l.r.addr, l.r.port()), make(chan struct{})
				l.latest = l.backend
			case !s.Ready:
				l.leaveIngress()
			}
			if l.backend != nil {
				g.mark(l.backend, !s.Silent.IsZero())
			}
		}
		l.r.hear(s.Silent)
		l.r.set(phase, s.Ready, l.r.e.byReplica(l.r, s.Reason), s.Waiting)
	}
	l.mu.Unlock()
	if s.Booted && l.booted.CompareAndSwap(false, true) {
		l.r.e.note(l.r.name + " has booted")
		l.r.booted()
	}
}

// last waits for the end of the process and gives how it ended, in words; empty: the
// replica is to stop.
func (l *life) last() (how string) {
	r := l.r
	startBy := time.NewTimer(r.work.startTime)
	defer startBy.Stop()
	for {
		select {
		case <-r.stops:
			return ""
		case <-l.proc.done:
			l.close()
			return l.proc.how()
		case why := <-l.failing:
			r.e.say(r.name + " is stopped: " + why)
			l.stop(0)
			return "was stopped: " + why
		case <-startBy.C:
			// As a startup probe: but what was broken on purpose stays as it is.
			if l.started.Load() || r.anyFault() {
				continue
			}
			why := fmt.Sprintf("it had not started after %v (health.startTimeoutSeconds): %s", r.work.startTime, r.pod().Reason)
			r.e.say(r.name + " is stopped: " + why)
			l.stop(0)
			return "was stopped: " + why
		}
	}
}

// fail has the replica started anew.
func (l *life) fail(why string) {
	select {
	case l.failing <- why:
	default:
	}
}

// leaveIngress takes the life out of the ingress. mu is held.
func (l *life) leaveIngress() {
	if l.backend != nil {
		l.r.e.ingress.remove(l.backend)
		l.backend = nil
		close(l.out)
	}
}

// close takes the life out of the ingress and ends its agent.
func (l *life) close() {
	l.mu.Lock()
	l.closed = true
	l.leaveIngress()
	l.mu.Unlock()
	l.cancel()
	<-l.gone
}

// stop ends the process as the kubelet and the agent end a pod: out of the endpoints, a
// delay for that to spread, the drain, SIGTERM, and SIGKILL when the grace period, which
// counts from the beginning, is over. The second Ctrl-C skips all of it.
func (l *life) stop(delay time.Duration) {
	r := l.r
	kill := r.e.opts.Kill
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.e.ctx), r.work.grace)
	defer cancel()
	go func() {
		select {
		case <-kill:
			cancel()
		case <-ctx.Done():
		}
	}()
	if r.broken(FaultFreeze) {
		l.proc.signal(syscall.SIGCONT) //nolint:errcheck // it may have ended
	}
	last, served := l.leave(ctx)
	r.set(PhaseStopping, false, "draining", true)
	if !served {
		delay = 0 // nobody sends to it
	}
	if r.work.agent {
		l.drain(ctx, delay, last)
	} else if last != nil {
		wait(ctx, delay, l.proc.done)
		last.wait(ctx)
	}
	l.close()
	if last != nil {
		last.transport.CloseIdleConnections()
	}
	r.set(PhaseStopping, false, "stopping", true)
	l.terminate(ctx)
	r.mu.Lock()
	r.proc = nil
	r.mu.Unlock()
}

// termAgain is the time between SIGTERMs to a node that has not booted.
const termAgain = 250 * time.Millisecond

// terminate sends SIGTERM, and SIGKILL when ctx ends. An emulator that is just
// starting drops the SIGTERMs that come before its signal server runs, so that a
// node that had not booted would use up the whole grace period: it is told again.
func (l *life) terminate(ctx context.Context) {
	again := time.NewTicker(termAgain)
	defer again.Stop()
	if asked := l.r.work.agent || l.r.work.container.ReadinessProbe != nil; l.booted.Load() && asked {
		again.Stop()
	}
	for {
		l.proc.signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		select {
		case <-l.proc.done:
			return
		case <-again.C:
		case <-ctx.Done():
			l.proc.signal(syscall.SIGKILL) //nolint:errcheck // it may have ended
			<-l.proc.done
			return
		}
	}
}

// wait lets a time pass, less if ctx ends or done closes.
func wait(ctx context.Context, d time.Duration, done <-chan struct{}) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	case <-done:
	}
}
