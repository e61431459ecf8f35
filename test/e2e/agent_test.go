package e2e

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/test/e2e/stage"
)

// crashing kills the worker of each of these pods again and again, until it is stopped.
func crashing(t *testing.T, a *stage.App, pods []stage.Pod) (stop func() (kills int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	var mu sync.Mutex
	kills := 0
	for _, p := range pods {
		supervisor := mainPID(t, a, p.Name, plan.ContainerAgent)
		all.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for ctx.Err() == nil {
				for _, worker := range children(supervisor) {
					if syscall.Kill(worker, syscall.SIGKILL) == nil {
						mu.Lock()
						kills++
						mu.Unlock()
					}
				}
				select {
				case <-ctx.Done():
				case <-tick.C:
				}
			}
		})
	}
	return func() int {
		cancel()
		all.Wait()
		return kills
	}
}

// allReady fails where a replica is not.
func allReady(a *stage.App, n int) func(context.Context) error {
	return func(ctx context.Context) error {
		pods, err := a.Pods(ctx)
		if err != nil {
			return err
		}
		ready := 0
		for _, p := range pods {
			if p.Ready {
				ready++
			}
		}
		if ready < n {
			return fmt.Errorf("%d of %d are ready: %s", ready, n, stage.Describe(pods))
		}
		return nil
	}
}

// Workers that crash, on one pod or on all, close no gate: the supervisor answers with
// the last decision. When they are let live, they go on where they were.
func TestWorkersCrash(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	for _, some := range [][]stage.Pod{pods[:1], pods} {
		stop := crashing(t, a, some)
		holds(t, fmt.Sprintf("workers of %d pods crash", len(some)), 20*time.Second, allReady(a, 3))
		if kills := stop(); kills < 3*len(some) {
			t.Errorf("%d workers were killed", kills)
		} else {
			t.Logf("%d workers were killed on %d pods in 20 s", kills, len(some))
		}
		meshed(t, a, 3)
	}
	for _, p := range meshed(t, a, 3) {
		if p.AgentEnds != 0 || p.Restarts != 0 {
			t.Errorf("a container was restarted: %+v", p)
		}
	}
}

// A whole agent that is killed is started again by the kubelet; its pod is unready for
// as long as Kubernetes makes it (no sidecar can help that), and no other pod is.
func TestAgentKilled(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	signal(t, a, pods[0].Name, plan.ContainerAgent, syscall.SIGKILL)
	await(t, "the agent is started again", time.Minute, func(ctx context.Context) error {
		all, err := a.Pods(ctx)
		for _, p := range all {
			if p.Name != pods[0].Name && !p.Ready {
				t.Errorf("another pod is unready: %s", stage.Describe(all))
			}
			if p.Name == pods[0].Name && p.AgentEnds == 1 && p.Ready {
				return err
			}
		}
		return errors.Join(err, fmt.Errorf("%s", stage.Describe(all)))
	})
	for _, p := range meshed(t, a, 3) {
		if p.Restarts != 0 {
			t.Errorf("the app was restarted: %+v", p)
		}
	}
}

// An agent that is dead when its pod is told to stop leaves the endpoint delay all the
// same, and the pod ends as it should.
func TestPodEndsWithoutItsWorker(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	stop := crashing(t, a, pods[:1])
	defer stop()
	begun := time.Now()
	if err := a.Delete(t.Context(), "pod", pods[0].Name); err != nil {
		t.Fatal(err)
	}
	gone := time.Time{}
	await(t, "the BEAM is told to stop", time.Minute, func(ctx context.Context) error {
		if _, err := ask(ctx, "GET", pods[0].IP, "/health/live"); err == nil {
			return errors.New("it still answers")
		}
		gone = time.Now()
		return nil
	})
	if took := gone.Sub(begun); took < 3*time.Second {
		t.Errorf("it served for %v after it was deleted; the endpoint delay is 3 s", took)
	}
	stop()
	meshed(t, a, 3)
}
