package e2e

import (
	"context"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/test/e2e/stage"
)

// restarted waits until a pod's container has been started once more, and gives the pod.
func restarted(t *testing.T, a *stage.App, pod string, before int) (p stage.Pod) {
	t.Helper()
	await(t, "the restart of "+pod, time.Minute, func(ctx context.Context) error {
		all, err := a.Pods(ctx)
		for _, o := range all {
			if o.Name == pod && o.Restarts > before {
				p = o
				return err
			}
		}
		return fmt.Errorf("it is not restarted yet: %w", err)
	})
	return p
}

// A BEAM that is killed boots again in its pod: out of traffic at once, in the mesh
// again without anybody's help, and no other replica is disturbed.
func TestBEAMKilled(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	before, err := view(t.Context(), a, pods[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	signal(t, a, pods[0].Name, plan.ContainerApp, syscall.SIGKILL)
	await(t, "the gate closes", 5*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, pods[0].Name)
		if err == nil && v.Ready && v.Incarnation == before.Incarnation {
			err = fmt.Errorf("%+v", v)
		}
		return err
	})
	restarted(t, a, pods[0].Name, 0)
	for _, p := range meshed(t, a, 3) {
		if p.AgentEnds != 0 || p.Restarts != 0 && p.Name != pods[0].Name {
			t.Errorf("more was restarted: %+v", p)
		}
	}
	after, err := view(t.Context(), a, pods[0].Name)
	if err != nil || after.Incarnation == before.Incarnation || !after.Joined {
		t.Errorf("%v: %+v", err, after)
	}
}

// A BEAM that is frozen is named as that, closes nobody else's gate, and is back in the
// mesh when it is let go. Liveness is patient: it is not restarted for half a minute's
// freeze.
func TestBEAMFrozen(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	pid := mainPID(t, a, pods[1].Name, plan.ContainerApp)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Kill(pid, syscall.SIGCONT) }) // it may be gone
	await(t, "its silence is noticed", 15*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, pods[1].Name)
		if err == nil && (v.SilentSeconds == 0 || !contains(v.Reason, "does not answer")) {
			err = fmt.Errorf("%+v", v)
		}
		return err
	})
	await(t, "its peers name it", 20*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, pods[0].Name)
		if err == nil && !contains(v.Join, pods[1].IP) {
			err = fmt.Errorf("%+v", v)
		}
		return err
	})
	holds(t, "the others serve", 15*time.Second, func(ctx context.Context) error {
		all, err := a.Pods(ctx)
		for _, p := range all {
			if p.Name != pods[1].Name && !p.Ready {
				return fmt.Errorf("%s", stage.Describe(all))
			}
		}
		return err
	})
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for _, p := range meshed(t, a, 3) {
		if p.Restarts != 0 {
			t.Errorf("%s was restarted", p.Name)
		}
	}
}

// A BEAM that takes more memory than its container may is killed by the kernel and comes
// back.
func TestBEAMOutOfMemory(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	// The command is a node of its own and ends with the connection to the one that is killed.
	_, err := a.Exec(t.Context(), pods[2].Name, plan.ContainerApp, "bin/tally", "rpc", ":binary.copy(<<0>>, 2_000_000_000)")
	if err == nil {
		t.Fatal("it had the memory")
	}
	if p := restarted(t, a, pods[2].Name, 0); p.LastEnd != "OOMKilled" {
		t.Errorf("it ended as %q", p.LastEnd)
	}
	meshed(t, a, 3)
}
