package mesh

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Every missing link is the link of some cause, but for those on their way; and a mesh
// without fault gives nothing.
func TestEveryMissingLinkIsExplained(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := observations(t)
		g := Build(o)
		d := newDiagnosis(o, g)
		d.run()
		explained := map[Link]bool{}
		for _, c := range d.causes {
			for _, l := range c.links {
				explained[l] = true
			}
		}
		for _, l := range g.Missing() {
			a, b := g.Node(l.A), g.Node(l.B)
			onItsWay := a != nil && b != nil && a.Reached && b.Reached && (slices.Contains(a.Pending, l.B) || slices.Contains(b.Pending, l.A))
			if !explained[l] && !onItsWay {
				t.Fatalf("nothing explains %v", l)
			}
		}
		for _, f := range d.findings() {
			if f.Cause == "" || f.Fix == "" || f.Subject == "" || strings.ContainsAny(f.Cause+f.Fix, "{}") || f.Evidence == nil {
				t.Fatalf("unfinished finding %+v", f)
			}
		}
	})
}
