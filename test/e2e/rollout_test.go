package e2e

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/test/e2e/stage"
)

var ingressReady struct {
	sync.Once
	err error
}

// onIngress has the ingress controller run on the stage.
func onIngress(t *testing.T, s *stage.Stage) {
	t.Helper()
	ingressReady.Do(func() { ingressReady.err = s.Ingress(t.Context()) })
	if ingressReady.err != nil {
		t.Fatal(ingressReady.err)
	}
}

// rolled is tally as a team would run it behind an ingress.
func rolled(a *v1alpha1.BeamApp, namespace string) {
	a.Spec.HTTP.Ingress = &v1alpha1.IngressSpec{Hosts: []string{stage.IngressHost(namespace)}}
	a.Spec.Shutdown = v1alpha1.ShutdownSpec{}
	a.Spec.Rollout = v1alpha1.RolloutSpec{}
}

// Rolling updates under load, through the Service and through the ingress, lose no
// request: on new connections, busy keep-alives and in slow answers. make bench runs more
// of them, and judges how fast connections are made.
func TestRollingUpdateUnderLoad(t *testing.T) {
	s := onStage(t)
	onIngress(t, s)
	for _, identity := range []v1alpha1.Identity{v1alpha1.Address, v1alpha1.Stable} {
		t.Run(string(identity), func(t *testing.T) {
			a := deployed(t, s, tally(func(a *v1alpha1.BeamApp) {
				rolled(a, namespaceOf(t))
				a.Spec.Clustered = &v1alpha1.ClusteredSpec{Identity: identity}
			}))
			meshed(t, a, 3)
			l, err := s.StartLoad(t.Context(), a.Name, a.Namespace, "-rate", "100", "-idle", "4", "-idle-every", "10s", "-connect-limit", "10s")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := l.Remove(context.WithoutCancel(t.Context())); err != nil {
					t.Error(err)
				}
			})
			for range 2 {
				if err := a.Restart(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			meshed(t, a, 3)
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			r, err := l.Stop(ctx)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			stage.WriteReport(&text, r)
			t.Log(text.String())
			if r.Failed > 0 || r.Sent < 1000 {
				t.Errorf("%d of %d requests failed", r.Failed, r.Sent)
			}
		})
	}
}
