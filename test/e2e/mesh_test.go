package e2e

import (
	"testing"
	"time"

	"github.com/phialdev/phial/api/v1alpha1"
)

// Three replicas start at once, become one mesh, and only then take traffic.
func TestMesh(t *testing.T) {
	t.Parallel()
	s := onStage(t)
	for _, identity := range []v1alpha1.Identity{v1alpha1.Address, v1alpha1.Stable} {
		t.Run(string(identity), func(t *testing.T) {
			t.Parallel()
			a := deployed(t, s, tally(func(a *v1alpha1.BeamApp) {
				a.Spec.Clustered = &v1alpha1.ClusteredSpec{Identity: identity}
			}))
			pods, err := a.AwaitReady(t.Context(), 3, 2*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			if err := a.AwaitMesh(t.Context(), pods, 10*time.Second); err != nil {
				t.Error(err)
			}
			m, err := a.Mesh(t.Context(), pods[0].Name, true)
			if err != nil {
				t.Fatal(err)
			}
			if m.Report == nil || !m.Report.Full() || len(m.Report.Nodes) != 3 {
				t.Errorf("observed: %+v", m.Report)
			}
		})
	}
}
