package probe

import (
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/testkit"
)

// namespace runs the calling test once more in a network namespace of its own, where it
// may drop packets as it likes, and reports whether this is that run.
func namespace(t *testing.T) bool {
	t.Helper()
	if !testkit.Unshared(t, "--net") {
		return false
	}
	run(t, "ip", "link", "set", "lo", "up")
	run(t, "nft", "add table inet t; add chain inet t in { type filter hook input priority 0; }")
	return true
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}

// drop makes packets to a port of an address vanish; from anywhere, or from one address.
func drop(t *testing.T, from, to netip.Addr, port int) {
	t.Helper()
	source := ""
	if from.IsValid() {
		source = "ip saddr " + from.String()
	}
	run(t, "nft", fmt.Sprintf("add rule inet t in %s ip daddr %s tcp dport %d drop", source, to, port))
}

func pass(t *testing.T) { t.Helper(); run(t, "nft", "flush chain inet t in") }

func TestFiltered(t *testing.T) {
	t.Parallel()
	if !namespace(t) {
		return
	}
	c := realCluster(t, 3, nil)
	c.p.Timeout = time.Second
	c.link(t, 0, 1)
	t.Run("distribution port", func(t *testing.T) {
		drop(t, netip.Addr{}, c.slot.Addr(2), int(c.nodes[2].Port))
		r := c.wants(t, "NET-02 "+c.names[2])
		if n := r.Nodes[2]; n.Failure == nil || n.Failure.Cause != mesh.CausePortFiltered {
			t.Errorf("%+v", n.Failure)
		}
		pass(t)
	})
	t.Run("EPMD", func(t *testing.T) {
		drop(t, netip.Addr{}, c.slot.Addr(2), c.epmd.Port)
		r := c.wants(t, "NET-02 "+c.names[2])
		if n := r.Nodes[2]; n.Failure == nil || n.Failure.Cause != mesh.CauseEPMDFiltered {
			t.Errorf("%+v", n.Failure)
		}
		pass(t)
	})
}

// filteredPair is three nodes, of which the first and the last do not reach each other,
// though Phial and the second reach all. Each dials from its own address.
func filteredPair(t *testing.T) *cluster {
	t.Helper()
	var addrs []netip.Addr
	c := realCluster(t, 3, func(_ int, o *beamtest.NodeOptions) {
		a := o.Addr.As4()
		addrs = append(addrs, o.Addr)
		o.ExtraArgs = []string{"-kernel", "inet_dist_connect_options", fmt.Sprintf("[{ip,{%d,%d,%d,%d}}]", a[0], a[1], a[2], a[3])}
	})
	c.p.Timeout = time.Second
	drop(t, addrs[0], addrs[2], int(c.nodes[2].Port))
	drop(t, addrs[2], addrs[0], int(c.nodes[0].Port))
	return c
}

// Two of three linked and the third reaches one of them: the pair that cannot is named,
// and nobody is told to join, so that nothing breaks.
func TestOneReachesOneOfTwo(t *testing.T) {
	t.Parallel()
	if !namespace(t) {
		return
	}
	c := filteredPair(t)
	c.link(t, 0, 1)
	r := c.wants(t, "NET-02 "+c.pair(0, 2))
	if e := fmt.Sprint(r.Findings[0].Evidence); !strings.Contains(e, "seen from "+c.names[0]) || !strings.Contains(e, "seen from "+c.names[2]) ||
		!strings.Contains(e, c.pair(1, 2)) {
		t.Errorf("evidence: %q", r.Findings[0].Evidence)
	}
	for _, self := range c.names {
		in := c.p.JoinView(t.Context(), c.names)
		in.Self = self
		d := mesh.PlanJoin(in)
		if d.Act == mesh.Join {
			t.Errorf("%s is told to join %v: %s", self, d.Dial, d.Reason)
		}
		if self == c.names[2] && (d.Act != mesh.Refuse || !strings.Contains(d.Reason, c.names[2]+" does not reach "+c.names[0])) {
			t.Errorf("%s: %v, %s", self, d.Act, d.Reason)
		}
	}
	if r := mesh.NewReport(c.observe(t)); r.Links.Up != 1 {
		t.Errorf("looking and planning took links away: %+v", r.Links)
	}
	pass(t)
	in := c.p.JoinView(t.Context(), c.names)
	in.Self = c.names[2]
	if d := mesh.PlanJoin(in); d.Act != mesh.Join || len(d.Dial) != 2 {
		t.Errorf("the way is open: %v, %s", d.Act, d.Reason)
	}
}

// The same, and somebody dials all the same: the mesh comes apart, somewhere (who hears
// of the bad pair first decides which link stays). The pair that cannot is the root, and
// the cut is named.
func TestBadPairCutsTheMesh(t *testing.T) {
	t.Parallel()
	if !namespace(t) {
		return
	}
	c := filteredPair(t)
	c.link(t, 0, 1)
	c.nodes[2].Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", c.names[1]))
	r := c.until(t, "NET-02 and GLB-01", func(r mesh.Report) bool {
		return len(r.Findings) == 2 && r.Findings[0].Code == "NET-02" && r.Findings[1].Code == "GLB-01"
	})
	if f := r.Findings[0]; f.Subject != c.pair(0, 2) || r.Links.Up > 1 {
		t.Errorf("links %+v, findings:\n%s", r.Links, show(r.Findings))
	}
	if f := r.Findings[1]; !strings.Contains(f.Cause, c.pair(0, 2)+" was lost") {
		t.Errorf("the cut is not named:\n%s", show(r.Findings))
	}
}
