package drain

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/probe"
)

// Clients that were told have their time to hear it, though nothing is in flight; not
// where nobody could be told, not where there is nobody, and never beyond the budget.
func TestLinger(t *testing.T) {
	one := func() *fake {
		f := newFake()
		f.has.Servers = []probe.Server{{Kind: probe.ServerHTTPD, Name: "web"}}
		return f
	}
	nobody := func() *fake {
		f := one()
		f.has.Servers[0].Kind = probe.ServerThousandIsland // which has no way to tell
		return f
	}
	for what, tt := range map[string]struct {
		node     *fake
		linger   time.Duration
		from, to time.Duration
	}{
		"lingers":            {one(), 3 * time.Second, 3 * time.Second, 4 * time.Second},
		"does not":           {one(), 0, 0, time.Second},
		"nobody can be told": {nobody(), 3 * time.Second, 0, time.Second},
		"the budget is out":  {one(), time.Hour, 17 * time.Second, 20 * time.Second},
	} {
		t.Run(what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.node.begun, tt.node.done = time.Now(), make(chan struct{})
				begun := time.Now()
				r := Run(t.Context(), tt.node, Config{Budget: 20 * time.Second, Linger: tt.linger}, nil)
				if r.Outcome != Done {
					t.Errorf("it ended as %s", r.Outcome)
				}
				if took := time.Since(begun); took < tt.from || took > tt.to {
					t.Errorf("%v, and %v to %v was wanted: %s", took, tt.from, tt.to, r.outcomes())
				}
			})
		})
	}
}
