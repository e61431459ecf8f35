package e2e

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/test/e2e/stage"
)

// denyDistribution is a policy that lets the replicas reach one another on the agents'
// ports and HTTP, and not on those of distribution. It takes the place of the plan's own.
const denyDistribution = `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: %s, namespace: %s}
spec:
  podSelector: {matchLabels: {%s}}
  policyTypes: [Ingress]
  ingress:
  - ports: [{port: 4000}, {port: 9110}, {port: 9111}]
`

// named waits until a replica's agent says what is wrong with its links.
func named(t *testing.T, a *stage.App, pod string, within time.Duration, parts ...string) {
	t.Helper()
	await(t, "the cause is named by "+pod, within, func(ctx context.Context) error {
		v, err := view(ctx, a, pod)
		if err == nil && !contains(v.Join, parts...) {
			err = fmt.Errorf("it says %q, and %q is wanted in it", v.Join, parts)
		}
		return err
	})
}

// Distribution from one replica to the others is cut while the links are up: the agents
// name it within seconds, long before the BEAM says nodedown; when the links have gone
// the smaller island closes and the larger serves on; when the cut is lifted the mesh
// stands again. No moment is without a ready replica.
func TestDistributionCutFromOne(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	one, rest := pods[2], pods[:2]
	mend := cut(t, s, kubetest.Cut{From: one.IP, To: rest[0].IP, Ports: distribution}, kubetest.Cut{From: one.IP, To: rest[1].IP, Ports: distribution})
	// Two peers do not reach it; it does not reach two.
	begun := time.Now()
	named(t, a, one.Name, 15*time.Second, rest[0].IP, rest[1].IP, "does not answer")
	t.Logf("the cut was named after %.1f s, with the links still up", time.Since(begun).Seconds())
	holds(t, "links that are up close nobody", 5*time.Second, allReady(a, 3))
	dropLinks(t, a, one, rest)
	begun = time.Now()
	await(t, "the smaller island closes", 20*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, one.Name)
		if err == nil && (v.Ready || v.Gate.LeansOn == "") {
			err = fmt.Errorf("%+v", v)
		}
		return err
	})
	t.Logf("the smaller island closed %.1f s after its links had gone", time.Since(begun).Seconds())
	named(t, a, one.Name, 10*time.Second, "does not reach", rest[0].IP)
	holds(t, "the larger island serves", 10*time.Second, allReady(a, 2))
	mend()
	meshed(t, a, 3)
}

// dropLinks has nodes disconnect from one another, each at its own end since nothing gets
// through, as net_ticktime would after a minute.
func dropLinks(t *testing.T, a *stage.App, one stage.Pod, rest []stage.Pod) {
	t.Helper()
	disconnect := func(from, to stage.Pod) {
		if _, err := a.Exec(t.Context(), from.Name, plan.ContainerApp, "bin/tally", "rpc",
			fmt.Sprintf(":erlang.disconnect_node(:\"tally@%s\")", to.IP)); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range rest {
		disconnect(one, p)
		disconnect(p, one)
	}
}

// Distribution is cut between all replicas, by a policy: equal islands serve on, each says
// why it has no peers, and the mesh comes back when the policy goes.
func TestDistributionCutBetweenAll(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	labels := ""
	for k, v := range a.Plan.NetworkPolicy.Spec.PodSelector.MatchLabels {
		if labels != "" {
			labels += ", "
		}
		labels += k + ": " + v
	}
	policy := fmt.Sprintf(denyDistribution, a.Plan.NetworkPolicy.Name, a.Namespace, labels)
	if _, _, err := a.Kubectl(t.Context(), []byte(policy), "replace", "-f", "-"); err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		named(t, a, p.Name, 20*time.Second, "could not be linked anew", "does not answer")
	}
	for i, p := range pods[:2] {
		dropLinks(t, a, p, pods[i+1:])
	}
	await(t, "there are no links", 30*time.Second, func(ctx context.Context) error {
		for _, p := range pods {
			if v, err := view(ctx, a, p.Name); err != nil || len(v.Peers) > 0 {
				return errors.Join(err, fmt.Errorf("%s: %v", p.Name, v.Peers))
			}
		}
		return nil
	})
	holds(t, "equal islands serve", 20*time.Second, allReady(a, 3))
	for _, p := range pods {
		named(t, a, p.Name, 30*time.Second, "does not reach")
	}
	m, err := a.Mesh(t.Context(), pods[0].Name, true)
	if err != nil {
		t.Fatal(err)
	}
	if m.Report == nil || len(m.Report.Findings) == 0 || m.Report.Full() {
		t.Errorf("a look at it finds %+v", m.Report)
	}
	for _, f := range m.Report.Findings {
		t.Logf("found: %s", f)
	}
	if err := a.Update(t.Context(), tally(nil)); err != nil {
		t.Fatal(err)
	}
	meshed(t, a, 3)
}

// DNS is down for a minute: nothing parts, nobody closes.
func TestDNSDown(t *testing.T) {
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	if err := s.StopDNS(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.StartDNS(context.WithoutCancel(t.Context())) })
	holds(t, "without DNS", time.Minute, func(ctx context.Context) error {
		if err := allReady(a, 3)(ctx); err != nil {
			return err
		}
		for _, p := range pods {
			if v, err := view(ctx, a, p.Name); err != nil || len(v.Peers) != 2 {
				return errors.Join(err, fmt.Errorf("%s: %+v", p.Name, v))
			}
		}
		return nil
	})
	if err := s.StartDNS(t.Context()); err != nil {
		t.Fatal(err)
	}
	meshed(t, a, 3)
}
