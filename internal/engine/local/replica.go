package local

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/host"
)

// replica is one place in the app: a name, an address and, most of the time, a
// process. One goroutine, live, starts, watches and stops that process; others
// only ask it to.
type replica struct {
	e        *engine
	work     *workload
	n        int // place
	name     string
	node     string // that it should have, as the plan says
	addr     netip.Addr
	httpPort int // 0: the app has none

	stops   chan struct{} // closed when the replica is to stop for good; by stop
	stopped chan struct{} // closed when live has ended
	once    *sync.Once    // closes stops

	mu         sync.Mutex
	faults     map[Fault]bool
	killAtBoot bool   // once, when the node has booted
	killed     int    // process id of the life that was killed on purpose, until that is mended
	spec       launch // of the present or last process
	phase      Phase
	reason     string
	ready      bool
	waiting    bool      // something is on its way by itself
	silent     time.Time // since when the node does not answer; zero: it does
	since      time.Time // of phase, reason and ready
	mended     time.Time // when something was put right that may have kept this one from being ready
	restarts   int
	failures   int // how often in a row it ended by itself; being ready starts the count anew
	startedAt  time.Time
	proc       *process
}

// newReplica is the one of a workload with that ordinal.
func newReplica(e *engine, w *workload, ordinal int) *replica {
	n := w.first + ordinal
	r := &replica{e: e, work: w, n: n, name: e.net.pod(n), addr: e.net.addr(n),
		faults: map[Fault]bool{}, phase: PhaseStopped, since: time.Now()}
	vars, _ := r.plannedLaunch().planned(noCookie)
	for _, v := range vars {
		if v.name == beam.EnvReleaseNode {
			r.node = v.value
		}
	}
	return r
}

// begin starts the replica's life; first says when its first process has been
// started, or why it could not be.
func (r *replica) begin() (first <-chan error) {
	r.stops, r.stopped, r.once = make(chan struct{}), make(chan struct{}), new(sync.Once)
	r.mu.Lock()
	r.failures, r.killed, r.mended = 0, 0, time.Time{}
	r.mu.Unlock()
	up := make(chan error, 1)
	go r.live(up)
	return up
}

// stop drains the replica and ends its process, within the grace period. It
// returns when nothing of it runs.
func (r *replica) stop() {
	r.once.Do(func() { close(r.stops) })
	<-r.stopped
}

// live keeps the replica's process running until it is stopped.
func (r *replica) live(up chan<- error) {
	defer close(r.stopped)
	var pauses backoff
	for {
		begun := time.Now()
		l, err := r.start()
		if up != nil {
			up <- err
			up = nil
		}
		var how string
		if err == nil {
			if how = l.last(); how == "" {
				delay := r.work.delay
				if r.e.ctx.Err() != nil {
					delay = 0 // the ingress goes as well: nobody is to hear of it
				}
				l.stop(delay)
				r.set(PhaseStopped, false, "", false)
				return
			}
		} else {
			how = "could not be started: " + err.Error()
		}
		r.mu.Lock()
		r.restarts++
		r.failures++
		first := r.failures == 1
		r.proc = nil
		delete(r.faults, FaultFreeze) // went with the process
		r.mu.Unlock()
		pause := pauses.next(time.Since(begun))
		r.set(PhaseBackOff, false, fmt.Sprintf("%s; starts again %v after that", how, pause), first && pause < backoffMax/4)
		r.e.say(fmt.Sprintf("%s %s; starts again in %v", r.name, how, pause))
		select {
		case <-r.stops:
			r.set(PhaseStopped, false, "", false)
			return
		case <-time.After(pause):
		}
	}
}

// start starts a process as the replica's faults want it.
func (r *replica) start() (*life, error) {
	e := r.e
	r.mu.Lock()
	r.silent = time.Time{}
	r.mu.Unlock()
	r.set(PhaseStarting, false, "starting", true)
	spec, err := r.launch()
	if err != nil {
		return nil, err
	}
	cookie := e.cookie.Reveal()
	if r.broken(FaultCookie) {
		cookie = newCookie()
	}
	if err := spec.prepare(cookie); err != nil {
		return nil, err
	}
	env := host.MergeEnv(host.InheritedEnv(spec.env), spec.podEnv(), spec.cookieEnv(cookie))
	proc, err := e.spawner.start(spec.release.Script(), []string{"start"}, env, spec.dir(), func(line []byte) { e.line(r.n, r.name, line) })
	if err != nil {
		return nil, err
	}
	l := &life{r: r, proc: proc, gone: make(chan struct{}), failing: make(chan string, 1)}
	leave := func() {}
	if r.work.agent {
		a := agent.New(e.agentConfig(r, l))
		e.room.Enter(a)
		l.watch, leave = a, func() { e.room.Leave(a) }
	} else {
		l.watch = e.kubelet(r, l)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(e.ctx))
	l.cancel = cancel
	r.mu.Lock()
	r.proc, r.startedAt, r.spec = proc, time.Now(), spec
	r.mu.Unlock()
	go func() {
		defer close(l.gone)
		var all sync.WaitGroup
		all.Go(func() { l.living(ctx) })
		l.watch.Run(ctx)
		leave()
		all.Wait()
	}()
	return l, nil
}

// plannedLaunch is the launch of a replica that nobody has broken.
func (r *replica) plannedLaunch() launch { return r.e.launch(r.work, r.n) }

// launch is that of a replica of a workload, at a place.
func (e *engine) launch(w *workload, n int) launch {
	l := launch{net: e.net, n: n, plan: e.cast.plan, work: w, state: e.state, release: e.release,
		listenOn: erlangAddr(e.net.addr(n)), env: e.opts.Env}
	l.mounts, _ = mountsOf(w, e.cast.plan, l.dir()).pointedTo(w.texts(e.cast.plan))
	e.fillTLS(w, l.mounts)
	return l
}

// launch says how to start the replica's process now.
func (r *replica) launch() (launch, error) {
	e := r.e
	l := r.plannedLaunch()
	if r.work.serves() {
		var err error
		if l.httpPort, err = e.chooseHTTPPort(r); err != nil {
			return l, err
		}
	}
	if r.broken(FaultName) {
		base, _, _ := strings.Cut(r.node, "@")
		l.node = base + "@" + e.net.wrongHost(r.n)
	}
	if r.broken(FaultPort) {
		l.listenOn = erlangAddr(e.net.host(hostNowhere + r.n))
	}
	return l, nil
}

func (r *replica) port() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.httpPort
}

func (r *replica) anyFault() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.faults) > 0
}

func (r *replica) broken(f Fault) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.faults[f]
}

// hear notes since when the node does not answer, and says when that changes.
func (r *replica) hear(silent time.Time) {
	r.mu.Lock()
	was := r.silent
	r.silent = silent
	r.mu.Unlock()
	switch {
	case was.IsZero() && !silent.IsZero():
		r.e.say(r.name + " does not answer; it gets requests only when no other replica takes them")
	case !was.IsZero() && silent.IsZero():
		r.e.say(r.name + " answers again")
	}
}

func (r *replica) set(phase Phase, ready bool, reason string, waiting bool) {
	r.mu.Lock()
	became := ready && !r.ready
	if ready {
		r.failures = 0
	}
	if r.phase != phase || r.ready != ready || r.reason != reason {
		r.since = time.Now()
	}
	r.phase, r.ready, r.reason, r.waiting = phase, ready, reason, waiting
	r.mu.Unlock()
	if became {
		r.e.say(r.name + " is ready")
	}
	r.e.changed()
}

// settleAfter is how long a replica has to stand at one reason for not being
// ready before nobody need wait for it any longer.
const settleAfter = 3 * time.Second

// mendedAfter is how long after a mend a replica that was not ready may still owe
// its reason to what was put right: an agent whose join was refused again and again
// tries anew only every ten seconds, and its look from there takes its time.
const mendedAfter = 20 * time.Second

// settled says whether nothing is on its way. The first start after a failure
// is; a replica that fails twice in a row has shown what it comes to. A replica that
// somebody else's fault has kept out is on its way when that has been put right.
func (r *replica) settled(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ready || r.failures > 1 {
		return true
	}
	if !r.mended.IsZero() && now.Sub(r.mended) < mendedAfter {
		return false
	}
	return !r.waiting && now.Sub(r.since) >= settleAfter
}

// freed notes that something has been put right, for a replica that is not ready and
// is not itself broken.
func (r *replica) freed(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.ready && len(r.faults) == 0 {
		r.mended = now
	}
}

func (r *replica) pod() Pod {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := Pod{Name: r.name, IP: r.addr.String(), Node: r.node, Pipeline: r.work.pipeline, Phase: r.phase, Ready: r.ready,
		Reason: r.reason, SilentSince: r.silent, Restarts: r.restarts, HTTPPort: r.httpPort, Version: r.e.release.Version, Log: r.e.state.logPath(r.name)}
	if r.proc != nil {
		p.PID, p.StartedAt = r.proc.pid, r.startedAt
	}
	return p
}
