package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

func (e *engine) status() Status {
	s := Status{Name: e.net.app, Dir: e.opts.Dir, Release: e.release.Name, Version: e.release.Version,
		Namespace: e.net.namespace, Identity: e.net.identity, Type: string(e.cast.plan.App.Spec.Type), Ignored: e.ignored, PID: os.Getpid(), StartedAt: e.started, URL: e.url}
	s.Settled = !e.freezing.Load()
	now := time.Now()
	for _, r := range e.all() {
		s.Settled = s.Settled && r.settled(now) // before the pod is looked at: what it says is at least as new
		s.Pods = append(s.Pods, r.pod())
	}
	return s
}

func (e *engine) target() MeshTarget {
	t := MeshTarget{CookieFile: e.state.cookiePath(), EPMDPort: e.net.epmdPort(), Resolver: e.slot.dns.addr(),
		Service: e.net.serviceFQDN(), Identity: e.net.identity}
	t.Clustered = e.cast.serving.member
	if e.tls != nil {
		t.TLSDir = e.state.tlsDir()
	}
	for _, r := range e.serving() {
		t.Nodes = append(t.Nodes, r.node)
		first, _ := e.net.distPorts(r.n)
		t.Ports = append(t.Ports, uint16(first)) // consoles take the next ones
	}
	return t
}

func (e *engine) down() { e.downOnce.Do(e.goDown) }

// begin starts an operation; end it with e.op.Unlock.
func (e *engine) begin(ctx context.Context) error {
	e.op.Lock()
	if ctx.Err() != nil {
		e.op.Unlock()
		return errGoingDown
	}
	return nil
}

// scale goes down from the highest ordinal, as a StatefulSet does.
func (e *engine) scale(ctx context.Context, n int) error {
	if err := CheckReplicas(n); err != nil {
		return err
	}
	if err := e.begin(ctx); err != nil {
		return err
	}
	defer e.op.Unlock()
	all := e.serving()
	e.say(fmt.Sprintf("scale from %d to %d", len(all), n))
	for i := len(all); i < n; i++ {
		if err := e.addReplica(e.cast.serving, i); err != nil {
			return err
		}
	}
	for i := len(all) - 1; i >= n; i-- {
		if ctx.Err() != nil {
			return errGoingDown
		}
		e.dropReplica(all[i])
	}
	return nil
}

// restart drains a replica and starts it again; with the empty name each in
// turn, from the highest ordinal down, the next when the one before is ready.
func (e *engine) restart(ctx context.Context, pod string) error {
	if err := e.begin(ctx); err != nil {
		return err
	}
	defer e.op.Unlock()
	if pod != "" {
		r, err := e.find(pod)
		if err != nil {
			return err
		}
		return e.again(r)
	}
	for _, r := range slices.Backward(e.all()) {
		was := r.pod().Ready
		if err := e.again(r); err != nil {
			return err
		}
		if err := e.waitReady(ctx, r, was); err != nil {
			return err
		}
	}
	return nil
}

// again ends a replica's life and begins a new one.
func (e *engine) again(r *replica) error {
	e.say("restart " + r.name)
	r.stop()
	if err := e.ctx.Err(); err != nil {
		return errGoingDown
	}
	return <-r.begin()
}

// waitReady waits until a restarted replica is ready. One that settles at
// something else ends a rolling restart: the rest goes on as it is. A replica
// that was not ready before need not be now.
func (e *engine) waitReady(ctx context.Context, r *replica, was bool) error {
	tick := time.NewTicker(settleAfter / 4)
	defer tick.Stop()
	for {
		change := e.nextChange()
		p := r.pod()
		switch {
		case p.Ready:
			return nil
		case r.settled(time.Now()) && !was:
			return nil
		case r.settled(time.Now()):
			return fmt.Errorf("%s did not get ready again (%s); the restart ends here", r.name, p.Reason)
		}
		select {
		case <-ctx.Done():
			return errGoingDown
		case <-change:
		case <-tick.C:
		}
	}
}

func (e *engine) remote(pod string) (remoteAnswer, error) {
	r, err := e.find(pod)
	if err != nil {
		return remoteAnswer{}, err
	}
	if r.pod().PID == 0 {
		return remoteAnswer{}, fmt.Errorf("%s does not run: %s", pod, r.pod().Phase)
	}
	r.mu.Lock()
	l, node := r.spec, r.node
	r.mu.Unlock()
	if l.node != "" {
		node = l.node
	}
	// The caller's own ERL_AFLAGS go in front, as the engine's did.
	return remoteAnswer{Path: l.release.Script(), Node: node, Env: l.podEnv(), CookieFile: l.cookiePath()}, nil
}

// breakPod breaks a replica on purpose. Each fault is one that the network and
// the nodes show: whoever looks for its cause needs nothing from here.
func (e *engine) breakPod(ctx context.Context, pod string, f Fault) (BreakReport, error) {
	if _, err := ParseFault(string(f)); err != nil {
		return BreakReport{}, err
	}
	if err := e.begin(ctx); err != nil {
		return BreakReport{}, err
	}
	defer e.op.Unlock()
	r, err := e.find(pod)
	if err != nil {
		return BreakReport{}, err
	}
	if f != FaultKill && r.broken(f) {
		return BreakReport{}, fmt.Errorf("%s is broken that way already (%s)", pod, f)
	}
	e.say(fmt.Sprintf("break %s %s", pod, f))
	if err := e.set(r, f, true); err != nil {
		return BreakReport{}, err
	}
	r.mu.Lock()
	r.mended = time.Time{} // what keeps it out now is this
	r.mu.Unlock()
	if f.restarts() {
		if err := e.again(r); err != nil {
			return BreakReport{}, err
		}
	}
	return BreakReport{Pods: []string{pod}, Text: pod + ": " + faultText[f]}, nil
}

var faultText = map[Fault]string{
	FaultCookie: "restarted with another cookie",
	FaultName:   "restarted under a name with another host part",
	FaultEPMD:   "EPMD no longer answers on its address, and it was restarted",
	FaultPort:   "restarted; EPMD names a distribution port where nobody listens",
	FaultDNS:    "its DNS records are gone and its own lookups fail; existing links stay",
	FaultFreeze: "stopped (SIGSTOP)",
	FaultKill:   "killed (SIGKILL); it comes back after the back-off",
}

// restarts says whether a fault takes effect, and is mended, only with a restart.
func (f Fault) restarts() bool {
	return f == FaultCookie || f == FaultName || f == FaultEPMD || f == FaultPort
}

// mend puts right what was broken, and restarts what has to be.
func (e *engine) mend(ctx context.Context, pod string) (BreakReport, error) {
	if err := e.begin(ctx); err != nil {
		return BreakReport{}, err
	}
	defer e.op.Unlock()
	all := e.all()
	if pod != "" {
		r, err := e.find(pod)
		if err != nil {
			return BreakReport{}, err
		}
		all = []*replica{r}
	}
	var touched, texts []string
	var errs []error
	for _, r := range all {
		var was []string
		restart := false
		for _, f := range Faults() {
			if !r.broken(f) {
				continue
			}
			was = append(was, string(f))
			restart = restart || f.restarts()
			errs = append(errs, e.set(r, f, false))
		}
		killed := r.mendKill()
		if len(was) == 0 {
			if killed != "" {
				touched, texts = append(touched, r.name), append(texts, killed)
			}
			continue
		}
		touched = append(touched, r.name)
		text := r.name + ": " + strings.Join(was, ", ") + " put right"
		if restart {
			errs = append(errs, e.again(r))
			text += ", restarted"
		}
		texts = append(texts, text)
		e.say("mend " + text)
	}
	if len(texts) == 0 {
		texts = []string{"nothing was broken"}
	} else {
		now := time.Now()
		for _, r := range e.all() { // whoever was kept out by what was broken looks again soon
			r.freed(now)
		}
	}
	return BreakReport{Pods: touched, Text: strings.Join(texts, "; ")}, errors.Join(errs...)
}
