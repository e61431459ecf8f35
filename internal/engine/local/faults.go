package local

import (
	"context"
	"fmt"
	"syscall"
	"time"
)

// set makes a fault or takes it back. What works only at a start is left to
// the start that follows.
func (e *engine) set(r *replica, f Fault, on bool) error {
	switch f {
	case FaultEPMD:
		if err := e.setEPMD(r.n, !on); err != nil {
			return err
		}
	case FaultDNS:
		e.zone.hide(r.n, on)
	case FaultFreeze:
		return r.freeze(on)
	case FaultKill:
		if on {
			return r.kill()
		}
		return nil
	case FaultCookie, FaultName, FaultPort:
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if on {
		r.faults[f] = true
	} else {
		delete(r.faults, f)
	}
	return nil
}

// atStart makes a fault of a replica that has no process yet. Killing waits
// until its node has booted, freezing until the mesh stands: before that there
// is little to see.
func (e *engine) atStart(r *replica, f Fault) error {
	switch f {
	case FaultKill:
		r.mu.Lock()
		r.killAtBoot = true
		r.mu.Unlock()
		return nil
	case FaultFreeze:
		e.freezing.Store(true)
		e.freezeLater = append(e.freezeLater, r)
		return nil
	}
	return e.set(r, f, true)
}

// freezeWhenSettled waits until nothing is on its way and freezes the replicas
// that are to start so.
func (e *engine) freezeWhenSettled(ctx context.Context) {
	defer e.freezing.Store(false)
	tick := time.NewTicker(settleAfter / 4)
	defer tick.Stop()
	for {
		change, settled := e.nextChange(), true
		for _, r := range e.all() {
			settled = settled && r.settled(time.Now())
		}
		if settled {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-change:
		case <-tick.C:
		}
	}
	for _, r := range e.freezeLater {
		if err := r.freeze(true); err != nil {
			e.say(err.Error())
		}
	}
}

// booted makes the fault that waited for it.
func (r *replica) booted() {
	r.mu.Lock()
	now := r.killAtBoot
	r.killAtBoot = false
	r.mu.Unlock()
	if !now {
		return
	}
	if err := r.kill(); err != nil {
		r.e.say(err.Error())
	}
}

// freeze stops the process, or lets it go on.
func (r *replica) freeze(on bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	sig := syscall.SIGCONT
	if on {
		sig = syscall.SIGSTOP
	}
	if r.proc == nil && on {
		return fmt.Errorf("%s does not run: %s", r.name, r.phase)
	}
	if r.proc != nil {
		if err := r.proc.signal(sig); err != nil {
			return err
		}
	}
	if on {
		r.faults[FaultFreeze] = true
	} else {
		delete(r.faults, FaultFreeze)
	}
	return nil
}

// kill ends the process at once; live starts it again.
func (r *replica) kill() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.proc == nil {
		return fmt.Errorf("%s does not run: %s", r.name, r.phase)
	}
	if err := r.proc.signal(syscall.SIGKILL); err != nil {
		return err
	}
	r.killed = r.proc.pid
	return nil
}

// mendKill says how far a replica is that was killed; there is nothing to put
// right, it comes back by itself. Empty: it was not killed.
func (r *replica) mendKill() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.killed
	r.killed = 0
	switch {
	case was == 0:
		return ""
	case r.ready && r.proc != nil && r.proc.pid != was:
		return r.name + ": was killed and is back by itself"
	}
	return r.name + ": was killed, starts again by itself"
}
