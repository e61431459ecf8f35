package probe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

const testCookie = "one-cookie-for-the-nodes-of-a-test"

// cluster is real nodes on loopback addresses of a test's own, with an EPMD that answers
// for each address alone, and the prober that looks at them. Node i is shop@<address i>
// unless a test says otherwise.
type cluster struct {
	slot  beamtest.Slot
	epmd  *beamtest.EPMD
	nodes []*beamtest.Node
	names []string // expected
	p     *Prober
}

// realCluster starts n nodes of the given OTPs in turn (the machine's own if none), and
// links none of them. change may alter a node's options.
func realCluster(t *testing.T, n int, change func(i int, o *beamtest.NodeOptions), otps ...beamtest.OTP) *cluster {
	t.Helper()
	if len(otps) == 0 {
		otps = []beamtest.OTP{beamtest.Host(t)}
	}
	c := &cluster{slot: beamtest.FreeSlot(t)}
	c.epmd = c.slot.EPMD(t, n)
	c.p = &Prober{Cookie: dist.NewCookie(testCookie), EPMDPort: c.epmd.Port, Timeout: 5 * time.Second, Ports: []uint16{}}
	for i := range n {
		o := c.epmd.Options("shop", i, testCookie)
		c.names = append(c.names, o.Name)
		if change != nil {
			change(i, &o)
		}
		c.nodes = append(c.nodes, otps[i%len(otps)].StartNode(t, o))
	}
	return c
}

// link connects nodes from the first of them and waits until each sees all the others.
func (c *cluster) link(t *testing.T, which ...int) {
	t.Helper()
	for _, i := range which[1:] {
		c.nodes[which[0]].Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", c.nodes[i].Name))
	}
	for _, i := range which {
		c.nodes[i].Eventually(t, "length(nodes())", fmt.Sprint(len(which)-1))
	}
}

// observe looks once.
func (c *cluster) observe(t *testing.T) mesh.Observation {
	t.Helper()
	o, err := c.p.Observe(t.Context(), c.names)
	if err != nil {
		t.Fatal(err)
	}
	c.noCookie(t, o)
	return o
}

func (c *cluster) noCookie(t *testing.T, v any) {
	t.Helper()
	if s := fmt.Sprintf("%+v", v); strings.Contains(s, testCookie) {
		t.Errorf("the cookie shows in %s", s)
	}
}

// until looks until the report is as wanted, and fails after a generous while.
func (c *cluster) until(t *testing.T, what string, ok func(mesh.Report) bool) mesh.Report {
	t.Helper()
	var r mesh.Report
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if r = mesh.NewReport(c.observe(t)); ok(r) {
			return r
		}
	}
	t.Fatalf("%s was waited for in vain; links %+v, islands %v, findings:\n%s", what, r.Links, r.Islands, show(r.Findings))
	return r
}

// wants looks until the findings are the wanted ones, each "CODE subject".
func (c *cluster) wants(t *testing.T, want ...string) mesh.Report {
	t.Helper()
	return c.until(t, strings.Join(want, " and "), func(r mesh.Report) bool {
		var got []string
		for _, f := range r.Findings {
			got = append(got, string(f.Code)+" "+f.Subject)
		}
		return slices.Equal(got, want)
	})
}

func show(fs []finding.Finding) string {
	var b strings.Builder
	for _, f := range fs {
		fmt.Fprintf(&b, "%s %s\n  cause: %s\n  fix: %s\n", f.Code, f.Subject, f.Cause, f.Fix)
		for _, e := range f.Evidence {
			fmt.Fprintf(&b, "  - %s\n", e)
		}
	}
	return b.String()
}

// others joins the names of the other nodes as findings do.
func (c *cluster) all() string { return strings.Join(c.names, ", ") }

func (c *cluster) pair(i, j int) string {
	return mesh.LinkOf(c.names[i], c.names[j]).String()
}
