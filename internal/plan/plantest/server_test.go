package plantest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }

const testdata = "../testdata"

// server has every definition that a plan's objects need, and the namespaces of goldens
// and random BeamApps.
func server(t *testing.T) *kubetest.Cluster {
	t.Helper()
	c := kubetest.Shared(t)
	if err := c.InstallCRDs(t.Context(), kubetest.DefinitionFiles("deploy/crd/*.yaml"), kubetest.GatewayAPI, kubetest.KEDA); err != nil {
		t.Fatal(err)
	}
	for _, ns := range []string{"prod", "team-a"} {
		if err := c.Namespace(t.Context(), ns); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// A real API server takes every golden: the BeamApp, by the rules of its definition, and
// each object that it stands for. Taking them again changes nothing.
func TestServerTakesEveryGolden(t *testing.T) {
	c, ctx := server(t), t.Context()
	for _, g := range plantest.Goldens(t, testdata) {
		t.Run(g.Name, func(t *testing.T) {
			apply := func(stream []byte) []kubetest.Applied {
				all, err := c.Apply(ctx, stream, false)
				t.Cleanup(func() { // the next golden has the same names
					if err := c.Delete(context.WithoutCancel(ctx), all); err != nil {
						t.Error(err)
					}
				})
				if err != nil {
					t.Fatal(err)
				}
				for _, a := range all {
					for _, w := range a.Warnings {
						t.Errorf("the server warns of %s %s: %s", a.Kind, a.Name, w)
					}
				}
				return all
			}
			planAsKept(t, g, apply(g.Input)[0])
			first := apply(g.Objects)
			again := apply(g.Objects)
			for i, a := range first {
				if b := again[i]; a.ResourceVersion != b.ResourceVersion {
					t.Errorf("%s %s: resourceVersion %s, and %s after applying it again\n%s", a.Kind, a.Name,
						a.ResourceVersion, b.ResourceVersion, cmp.Diff(string(a.Object), string(b.Object)))
				}
			}
		})
	}
}

// planAsKept plans the BeamApp that the server keeps, with the server's defaults: the
// operator and `phial render` have to come to the same objects.
func planAsKept(t *testing.T, g plantest.Golden, kept kubetest.Applied) {
	t.Helper()
	var app v1alpha1.BeamApp
	if err := json.Unmarshal(kept.Object, &app); err != nil {
		t.Fatal(err)
	}
	app.Namespace = g.App.Namespace // the server has put it somewhere
	p, err := plan.New(&app, plan.Options{AgentImage: g.AgentImage})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := plan.Encode(&b, p.Objects()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(g.Objects), b.String()); d != "" {
		t.Errorf("the plan of the BeamApp as the server keeps it differs (-expected +planned):\n%s", d)
	}
}
