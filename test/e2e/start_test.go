package e2e

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/test/e2e/stage"
)

// distribution is where nodes talk to one another: EPMD, and the range of the
// distribution.
var distribution = []int{4369, 9100, 9101, 9102, 9103, 9104, 9105, 9106, 9107}

// All replicas are gone at once, as when a machine comes back: they find one another
// though none is ready.
func TestColdStart(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	old := meshed(t, a, 3)
	for _, p := range old {
		if err := a.Delete(t.Context(), "pod", p.Name, "--grace-period=0", "--force"); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "new replicas", 2*time.Minute, func(ctx context.Context) error {
		pods, err := a.AwaitReady(ctx, 3, time.Minute)
		if err == nil && slices.ContainsFunc(pods, func(p stage.Pod) bool { return p.Name == old[0].Name }) {
			err = fmt.Errorf("an old one is still there: %s", stage.Describe(pods))
		}
		return err
	})
	pods := meshed(t, a, 3)
	for _, p := range pods {
		if p.Restarts+p.AgentEnds > 0 {
			t.Errorf("something was restarted: %s", stage.Describe(pods))
		}
	}
}

// A replica that one other can't reach stays out of traffic, alone, and says why; the
// others' mesh is left as it is. When the way is open it joins.
func TestClosedUntilJoined(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	if err := a.Scale(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	// The new pod's address is known before its node has booted.
	var fresh stage.Pod
	await(t, "the fourth pod's address", time.Minute, func(ctx context.Context) error {
		all, err := a.Pods(ctx)
		for _, p := range all {
			if p.IP != "" && !slices.ContainsFunc(pods, func(o stage.Pod) bool { return o.Name == p.Name }) {
				fresh = p
				return err
			}
		}
		return fmt.Errorf("there is none yet: %w", err)
	})
	mend := cut(t, s, kubetest.Cut{From: fresh.IP, To: pods[0].IP, Ports: distribution})
	await(t, "the reason", time.Minute, func(ctx context.Context) error {
		v, err := view(ctx, a, fresh.Name)
		if err != nil {
			return err
		}
		if !v.Booted || v.Ready || !contains(v.Reason, "does not reach", pods[0].IP) {
			return fmt.Errorf("%+v", v)
		}
		return nil
	})
	holds(t, "the others", 10*time.Second, func(ctx context.Context) error {
		all, err := a.Pods(ctx)
		if err != nil {
			return err
		}
		for _, p := range all {
			if p.Ready == (p.Name == fresh.Name) {
				return fmt.Errorf("the new one is to be closed and the others open: %s", stage.Describe(all))
			}
		}
		return nil
	})
	for _, p := range pods {
		if v, err := view(t.Context(), a, p.Name); err != nil || len(v.Peers) != 2 {
			t.Errorf("the mesh of the three: %v, %+v", err, v)
		}
	}
	mend()
	meshed(t, a, 4)
}
