package beamtest_test

import (
	"fmt"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

const cookie beamtest.Cookie = "of-the-tests-of-beamtest"

// One node of each generation, and one of the machine's own: all see one another.
func TestGenerationsMesh(t *testing.T) {
	t.Parallel()
	otps := append(beamtest.OTPs(t), beamtest.Host(t))
	e := beamtest.FreeSlot(t).EPMD(t, len(otps))
	var nodes []*beamtest.Node
	for i, o := range otps {
		n := o.StartNode(t, e.Options("app", i, cookie))
		if got := n.Eval(t, "erlang:system_info(otp_release)"); got != fmt.Sprintf("%q", o.Release) {
			t.Errorf("%s runs release %s", o, got)
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes[1:] {
		if got := n.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", nodes[0].Name)); got != "true" {
			t.Errorf("%s to %s: %s", n.Name, nodes[0].Name, got)
		}
	}
	for _, n := range nodes {
		n.Eventually(t, "length(nodes())", fmt.Sprint(len(nodes)-1))
	}
	nodes[1].Stop(t)
	nodes[0].Eventually(t, "length(nodes())", fmt.Sprint(len(nodes)-2))
}
