package plan_test

import (
	"bytes"
	"flag"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/plan/plantest"
)

var update = flag.Bool("update", false, "write the goldens anew from what the plan is now")

// Every type and option stands in a golden: what a team writes, what that stands for,
// and what it is warned of.
func TestGoldens(t *testing.T) {
	for _, g := range plantest.Goldens(t, "testdata") {
		t.Run(g.Name, func(t *testing.T) {
			p, err := plan.New(g.App, plan.Options{AgentImage: g.AgentImage})
			if err != nil {
				t.Fatal(err)
			}
			objects, warnings := encoded(t, p), warned(p)
			if *update {
				if err := g.Write(objects, warnings); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(g.Objects), string(objects)); d != "" {
				t.Errorf("objects differ; go test ./internal/plan -update writes them anew (-expected +planned):\n%s", d)
			}
			if d := cmp.Diff(g.Warnings, warnings); d != "" {
				t.Errorf("warnings differ (-expected +given):\n%s", d)
			}
		})
	}
}

func encoded(tb testing.TB, p *plan.Plan) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := plan.Encode(&b, p.Objects()); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func warned(p *plan.Plan) string {
	var b strings.Builder
	for _, w := range p.Warnings {
		b.WriteString(plantest.Line(w.Path, w.Code, w.Text))
	}
	return b.String()
}
