package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/test/e2e/stage"
)

// One replica's node has another cookie: it alone stays out, its agent says so, and
// nobody else is disturbed.
func TestWrongCookie(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	bad := pods[0]
	// Set at run time, on a node whose links and connections are then cut: what a Secret
	// that was changed by hand comes to.
	if _, err := a.Exec(t.Context(), bad.Name, plan.ContainerApp, "bin/tally", "rpc",
		"spawn(fn -> Process.sleep(500); :erlang.set_cookie(:\"not-the-cookie\"); for n <- Node.list(:connected), do: :erlang.disconnect_node(n) end)"); err != nil {
		t.Fatal(err)
	}
	await(t, "its agent says so", 30*time.Second, func(ctx context.Context) error {
		v, err := view(ctx, a, bad.Name)
		if err == nil && (v.Cookie != views.CookieAnother || len(v.Peers) > 0) {
			err = fmt.Errorf("%+v", v)
		}
		return err
	})
	others := func(ctx context.Context) error {
		for _, p := range pods[1:] {
			v, err := view(ctx, a, p.Name)
			if err != nil || !v.Ready || slices.ContainsFunc(v.Peers, func(n string) bool { return strings.HasSuffix(n, bad.IP) }) {
				return errors.Join(err, fmt.Errorf("%+v", v))
			}
		}
		return nil
	}
	// Their views are a look older than its own.
	await(t, "the others have seen it go", 10*time.Second, others)
	holds(t, "the others", 10*time.Second, others)
	m, err := a.Mesh(t.Context(), pods[1].Name, true)
	if err != nil {
		t.Fatal(err)
	}
	if m.Report == nil || !slices.ContainsFunc(m.Report.Findings, func(f finding.Finding) bool { return f.Code == "COO-01" }) {
		t.Errorf("a look at it finds %+v", m.Report)
	}
}

// Three replicas become six and then two; what they counted is handed over.
func TestScale(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	for _, identity := range []v1alpha1.Identity{v1alpha1.Address, v1alpha1.Stable} {
		t.Run(string(identity), func(t *testing.T) {
			t.Parallel()
			a := deployed(t, s, tally(func(a *v1alpha1.BeamApp) {
				a.Spec.Clustered = &v1alpha1.ClusteredSpec{Identity: identity}
			}))
			pods := meshed(t, a, 3)
			votes := 0
			for _, n := range []int{6, 2} {
				for range 5 {
					for _, p := range pods {
						if err := vote(t.Context(), p.IP, "scaled"); err != nil {
							t.Fatal(err)
						}
						votes++
					}
				}
				if err := a.Scale(t.Context(), n); err != nil {
					t.Fatal(err)
				}
				pods = meshed(t, a, n)
				for _, p := range pods {
					if got, err := total(t.Context(), p.IP, "scaled"); err != nil || got != votes {
						t.Errorf("%d replicas: %s counts %d of %d (%v)", n, p.Name, got, votes, err)
					}
				}
			}
		})
	}
}

// An eviction that would take one too many is refused until the evicted replica's
// successor is ready.
func TestEviction(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	evict := func(pod string) error {
		text, err := json.Marshal(map[string]any{"apiVersion": "policy/v1", "kind": "Eviction",
			"metadata": map[string]string{"name": pod, "namespace": a.Namespace}})
		if err != nil {
			return err
		}
		_, _, err = a.Do(t.Context(), "POST", "/api/v1/namespaces/"+a.Namespace+"/pods/"+pod+"/eviction", "application/json", text)
		return err
	}
	if err := evict(pods[0].Name); err != nil {
		t.Fatal(err)
	}
	err := evict(pods[1].Name)
	if err == nil || !contains(err.Error(), "disruption budget") {
		t.Errorf("a second eviction at once: %v", err)
	}
	holds(t, "meanwhile", 5*time.Second, allReady(a, 2))
	meshed(t, a, 3)
	if err := evict(pods[1].Name); err != nil {
		t.Errorf("an eviction after the first one's successor is ready: %v", err)
	}
	meshed(t, a, 3)
}

// A pod of another app reaches HTTP and probes, and neither distribution nor EPMD nor the
// agents' own port.
func TestForeignPod(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	other := tally(func(a *v1alpha1.BeamApp) { a.Name, a.Spec.Replicas = "other", new(int32(1)) })
	b, err := s.Deploy(t.Context(), a.Namespace, other)
	if err != nil {
		t.Fatal(err)
	}
	from := meshed(t, b, 1)[0].Name
	reach := func(port int) string {
		out, err := b.Exec(t.Context(), from, plan.ContainerApp, "bin/tally", "rpc", fmt.Sprintf(
			":gen_tcp.connect(~c\"%s\", %d, [], 1500) |> elem(0) |> IO.inspect()", pods[0].IP, port))
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(out))
	}
	for port, want := range map[int]string{4000: ":ok", 9110: ":ok", 4369: ":error", 9100: ":error", 9107: ":error", 9111: ":error"} {
		if got := reach(port); !strings.HasPrefix(got, want) {
			t.Errorf("port %d: %s, want %s", port, got, want)
		}
	}
}

// The stateless form: nodes on loopback alone, in no mesh, ready when they answer.
func TestStateless(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(func(a *v1alpha1.BeamApp) { a.Spec.Type = v1alpha1.Stateless }))
	pods, err := a.AwaitReady(t.Context(), 3, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pods {
		v, err := view(t.Context(), a, p.Name)
		if err != nil || v.Node != "tally@127.0.0.1" || len(v.Peers) != 0 || v.Cookie != views.CookieExpected || !v.Booted {
			t.Errorf("%v: %+v", err, v)
		}
		if _, err := ask(t.Context(), "GET", p.IP, "/health/live"); err != nil {
			t.Error(err)
		}
	}
	if err := a.Restart(t.Context()); err != nil {
		t.Error(err)
	}
	if pods, err := a.AwaitReady(t.Context(), 3, time.Minute); err != nil || len(pods) != 3 {
		t.Error(stage.Describe(pods), err)
	}
}

// The cookie is changed while everything runs: no restart, no link lost, and a replica
// that boots afterwards with the former one is in the mesh, too.
func TestCookieRotation(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	a := deployed(t, s, tally(nil))
	pods := meshed(t, a, 3)
	next := "e2e-next-cookie"
	// Files of a Secret change after up to 70 s: the switch is to come after that.
	at := time.Now().Add(100 * time.Second)
	if err := a.Secret(t.Context(), map[string]string{plan.CookieNextKey: next, plan.CookieSwitchAtKey: at.UTC().Format(time.RFC3339)}); err != nil {
		t.Fatal(err)
	}
	await(t, "all agents know of it", 95*time.Second, func(ctx context.Context) error {
		for _, p := range pods {
			if v, err := view(ctx, a, p.Name); err != nil || v.CookieSwitchAt == nil {
				return errors.Join(err, fmt.Errorf("%s does not", p.Name))
			}
		}
		return nil
	})
	// The release's rel/env.sh takes the cookie from a file of the Secret: no argument has it.
	rpc := func(pod, file string) error {
		_, err := a.Exec(t.Context(), pod, plan.ContainerApp, "sh", "-c",
			beam.EnvPhialCookieFile+"="+plan.PathCookie+"/"+file+" exec bin/tally rpc 'node()'")
		return err
	}
	await(t, "the switch", 3*time.Minute, func(ctx context.Context) error {
		if time.Now().Before(at) {
			return errors.New("it is not time yet")
		}
		for _, p := range pods {
			v, err := view(ctx, a, p.Name)
			if err != nil || v.Cookie != views.CookieExpected || len(v.Peers) != 2 || !v.Ready {
				return errors.Join(err, fmt.Errorf("%+v", v))
			}
		}
		return nil
	})
	for _, p := range pods {
		if err := rpc(p.Name, plan.CookieNextKey); err != nil {
			t.Errorf("with the new cookie: %v", err)
		}
		if rpc(p.Name, plan.CookieKey) == nil {
			t.Errorf("%s takes the former cookie still", p.Name)
		}
	}
	// A replica that boots with the former one, which its environment has, gets the new one.
	if err := a.Delete(t.Context(), "pod", pods[0].Name); err != nil {
		t.Fatal(err)
	}
	for _, p := range meshed(t, a, 3) {
		if err := rpc(p.Name, plan.CookieNextKey); err != nil {
			t.Errorf("afterwards, with the new cookie: %v", err)
		}
	}
}
