package probe

import (
	"errors"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
)

// Knocking goes the whole way, and costs the node neither a line in its log nor more than
// a name or two, however often it is done; what is in the way is said.
func TestKnock(t *testing.T) {
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			c := realCluster(t, 1, nil, o)
			n := c.nodes[0]
			atoms := func() int {
				count, err := strconv.Atoi(n.Eval(t, "erlang:system_info(atom_count)."))
				if err != nil {
					t.Fatal(err)
				}
				return count
			}
			knock := func() error { return c.p.Knock(t.Context(), c.names[0]) }
			for range 50 { // the first ones, and the first question, load modules
				if err := knock(); err != nil {
					t.Fatal(err)
				}
			}
			atoms()
			log, before := n.Log(), atoms()
			for range 50 {
				if err := knock(); err != nil {
					t.Fatal(err)
				}
			}
			if grew := atoms() - before; grew > 2 {
				t.Errorf("50 times cost %d atoms", grew)
			}
			if after := n.Log(); after != log {
				t.Errorf("the node logged %s", strings.TrimPrefix(after, log))
			}
			n.Kill(syscall.SIGKILL)
			var u *Unreached
			if err := knock(); !errors.As(err, &u) || u.Failure.Cause != mesh.CauseNotRegistered {
				t.Errorf("of a dead node: %v", err)
			}
		})
	}
}
