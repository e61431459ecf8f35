package plan_test

import (
	"fmt"
	"io"
	"testing"

	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

// BenchmarkPlan is from a BeamApp, the design's example with all that it stands for, to
// the bytes of its objects: one, and a thousand of different names, which may take no
// more than a thousand times as long.
func BenchmarkPlan(b *testing.B) {
	var example plantest.Golden
	for _, g := range plantest.Goldens(b, "testdata") {
		if g.Name == "design" {
			example = g
		}
	}
	for _, apps := range []int{1, 1000} {
		b.Run(fmt.Sprintf("apps=%d", apps), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				for i := range apps {
					app := example.App.DeepCopy()
					app.Name = fmt.Sprintf("shop-%d", i)
					p, err := plan.New(app, plan.Options{AgentImage: example.AgentImage})
					if err != nil {
						b.Fatal(err)
					}
					if err := plan.Encode(io.Discard, p.Objects()); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*apps), "µs/app")
		})
	}
}
