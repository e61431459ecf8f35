package probe

import (
	"fmt"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// A node that listens where nobody looks: EPMD goes on naming its port, and at the
// address of its name nothing accepts.
func TestPortClosed(t *testing.T) {
	t.Parallel()
	const broken = 2
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i == broken {
			o.Addr = beamtest.FreeSlot(t).Addr(0)
		}
	})
	c.link(t, 0, 1)
	r := c.wants(t, "NET-01 "+c.names[broken])
	if port := fmt.Sprint(c.nodes[broken].Port); !strings.Contains(r.Findings[0].Cause, "port "+port) {
		t.Errorf("the port, %s, is not named: %s", port, r.Findings[0].Cause)
	}
}

// The same port, held by a program that is no node.
func TestNotDistribution(t *testing.T) {
	t.Parallel()
	const broken = 1
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == broken {
			o.Addr = beamtest.FreeSlot(t).Addr(0)
		}
	})
	c.nodes[0].Eval(t, fmt.Sprintf("{ok, S} = gen_tcp:listen(%d, [{ip, element(2, inet:parse_address(%q))}, {active, false}, {reuseaddr, true}, {backlog, 50}]), "+
		"P = spawn(fun() -> (fun Loop() -> {ok, C} = gen_tcp:accept(S), gen_tcp:send(C, \"220 mail\\r\\n\"), Loop() end)() end), gen_tcp:controlling_process(S, P)",
		c.nodes[broken].Port, c.slot.Addr(broken)))
	c.wants(t, "NET-17 "+c.names[broken])
}
