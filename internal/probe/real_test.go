package probe

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
)

func TestFullMesh(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 0, 1, 2)
	r := c.wants(t)
	if !r.Full() || r.Links != (mesh.ReportLinks{Expected: 3, Up: 3}) {
		t.Errorf("links %+v, full %v", r.Links, r.Full())
	}
	for i, n := range c.observe(t).Nodes {
		apps := slices.ContainsFunc(n.Apps, func(a mesh.App) bool { return a.Name == "kernel" && a.Version != "" })
		if !n.Reached || n.OTP != c.nodes[i].OTP.Release || n.ERTS == "" || n.Status != mesh.Started || !apps ||
			n.Uptime <= 0 || n.Memory == 0 || n.Processes == 0 || n.Creation == 0 || len(n.Unanswered) > 0 {
			t.Errorf("%+v", n)
		}
		if len(n.Hidden) > 0 {
			t.Errorf("%s shows Phial's own connections: %v", n.Name, n.Hidden)
		}
		first, last := c.slot.Ports(i)
		want := mesh.Flags{LongNames: mesh.Yes, ConnectAll: mesh.Yes, PreventOverlapping: mesh.Yes, Hidden: mesh.No, NetTicktime: 60,
			ListenMin: first, ListenMax: last, DistPort: c.nodes[i].Port, Proto: "inet_tcp"}
		if fmt.Sprint(n.Flags) != fmt.Sprint(want) {
			t.Errorf("flags %+v, want %+v", n.Flags, want)
		}
	}
}

func TestFollowFindsTheRest(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 0, 1, 2)
	c.p.Follow = true
	o, err := c.p.Observe(t.Context(), c.names[:1])
	if err != nil || len(o.Nodes) != 3 || len(mesh.Diagnose(o)) != 0 {
		t.Errorf("%d nodes, findings %v, error %v", len(o.Nodes), mesh.Diagnose(o), err)
	}
}

// Nodes of two apps in one mesh: a stranger where the nodes are known by name, and a
// member where one node was named and the rest was found.
func TestTwoAppsInOneMesh(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == 1 {
			o.Name = strings.Replace(o.Name, "shop@", "worker@", 1)
		}
	})
	c.link(t, 0, 1)
	c.names = c.names[:1]
	c.wants(t, "COO-06 "+c.nodes[1].Name)
	c.p.Follow = true
	if r := c.wants(t); !r.Full() || len(r.Nodes) != 2 {
		t.Errorf("full %v, nodes %+v", r.Full(), r.Nodes)
	}
}

func TestAlone(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.p.Follow = true
	c.names = c.names[:1]
	if r := mesh.NewReport(c.observe(t)); !r.Alone() || !r.Full() {
		t.Errorf("alone %v, full %v: %+v", r.Alone(), r.Full(), r.Nodes)
	}
	c.link(t, 0, 1)
	if r := mesh.NewReport(c.observe(t)); r.Alone() {
		t.Errorf("alone: %+v", r.Nodes)
	}
}

func TestNobodyDials(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.wants(t, "DSC-15 "+c.all())
}

func TestWrongCookie(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i == 2 {
			o.Cookie = "another-cookie"
		}
	})
	c.link(t, 0, 1)
	r := c.wants(t, "COO-01 "+c.names[2])
	if len(r.Findings[0].Evidence) == 0 || !strings.Contains(fmt.Sprint(r.Findings[0].Evidence), "2 missing links") {
		t.Errorf("evidence: %q", r.Findings[0].Evidence)
	}
	if strings.Contains(show(r.Findings), "another-cookie") {
		t.Error("the other cookie shows")
	}
}

func TestCookieWithALineEnd(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.link(t, 0, 1)
	c.nodes[1].Eval(t, `erlang:set_cookie(list_to_atom(atom_to_list(erlang:get_cookie()) ++ "\n"))`)
	c.wants(t, "COO-03 "+c.names[1])
}

func TestEveryCookieIsAnother(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(_ int, o *beamtest.NodeOptions) { o.Cookie = "another-cookie" })
	c.wants(t, "COO-10 "+c.all())
}

// Nor does it matter whether other nodes are there.
func TestEveryCookieOfThoseThatRun(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(_ int, o *beamtest.NodeOptions) { o.Cookie = "another-cookie" })
	c.nodes[1].Kill(syscall.SIGKILL)
	<-c.nodes[1].Done()
	c.wants(t, "COO-10 "+c.names[0], "NET-15 "+c.names[1])
}

func TestCookieForOnePeer(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.nodes[0].Eval(t, fmt.Sprintf("erlang:set_cookie('%s', for_one_peer)", c.names[1]))
	r := c.wants(t, "COO-09 "+c.pair(0, 1))
	if !strings.Contains(r.Findings[0].Cause, c.names[0]+" keeps another cookie for "+c.names[1]) || strings.Contains(show(r.Findings), "for_one_peer") {
		t.Error(show(r.Findings))
	}
}

func TestOtherHostPart(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i == 2 {
			o.Name = "shop@pod-2.shop.internal"
		}
	})
	c.link(t, 0, 1)
	c.wants(t, "NAM-02 "+c.names[2])
}

func TestLoopbackName(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == 1 {
			o.Name = "shop@127.0.0.1"
		}
	})
	c.wants(t, "NAM-08 "+c.names[1])
}

func TestShortAgainstLongNames(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == 1 {
			o.Name, o.Short = "shop@pod-1", true
		}
	})
	t.Run("dialled by a long name", func(t *testing.T) { c.wants(t, "NAM-01 "+c.names[1]) })
	t.Run("dialled by its own name", func(t *testing.T) {
		c.names[1] = "shop@pod-1"
		c.p.Resolve = func(context.Context, string) ([]netip.Addr, error) { return []netip.Addr{c.slot.Addr(1)}, nil }
		c.wants(t, "NAM-01 "+c.pair(0, 1))
	})
}

func TestOtherBaseName(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		if i == 1 {
			o.Name = strings.Replace(o.Name, "shop@", "store@", 1)
		}
	})
	r := c.wants(t, "NAM-03 "+c.names[1])
	if !strings.Contains(r.Findings[0].Cause, "registered there: store") {
		t.Error(r.Findings[0].Cause)
	}
}

func TestAllowList(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 0, 1)
	// Hosts are allowed, too: Phial's own connections come from the host "phial".
	c.nodes[2].Eval(t, "net_kernel:allow([somebody@phial, 'else@10.0.0.1'])")
	t.Run("that refuses Phial too", func(t *testing.T) { c.wants(t, "NET-20 "+c.names[2]) })
	t.Run("that lets Phial in", func(t *testing.T) {
		c.nodes[2].Eval(t, "net_kernel:allow([phial])")
		r := c.wants(t, "NET-20 "+c.names[2])
		if !r.Nodes[2].Reached {
			t.Errorf("%+v", r.Nodes[2])
		}
	})
}

func TestConnectAllFalse(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(_ int, o *beamtest.NodeOptions) { o.ExtraArgs = []string{"-connect_all", "false"} })
	c.nodes[0].Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", c.names[1]))
	r := c.wants(t, "GLB-04 "+c.all())
	if r.Links.Expected != 0 || !r.Full() {
		t.Errorf("links %+v, full %v: nobody wants a full mesh here", r.Links, r.Full())
	}
}

func TestHiddenNode(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) { o.Hidden = i == 2 })
	c.link(t, 0, 1)
	c.nodes[2].Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", c.names[0]))
	r := c.until(t, "the hidden node", func(r mesh.Report) bool { return len(r.Nodes[0].Hidden) == 1 && len(r.Findings) == 1 })
	if f := r.Findings[0]; f.Code != "NET-24" || f.Subject != c.names[2] || !r.Full() {
		t.Errorf("full %v, findings:\n%s", r.Full(), show(r.Findings))
	}
}

// Two that dial each other in the same instant, again and again: never a finding once
// the link is up, and no finding of a fault while it comes up.
func TestDiallingAtOnce(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	dial := func(to string) string {
		return fmt.Sprintf("spawn(fun() -> net_kernel:connect_node('%s') end), ok", to)
	}
	for range 10 {
		done := make(chan error, 2)
		go func() { _, err := c.nodes[0].TryEval(dial(c.names[1])); done <- err }()
		go func() { _, err := c.nodes[1].TryEval(dial(c.names[0])); done <- err }()
		for range 2 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if fs := mesh.Diagnose(c.observe(t)); len(fs) > 0 {
			t.Fatalf("two nodes that dial each other are found fault with:\n%s", show(fs))
		}
		c.wants(t)
		c.nodes[0].Eval(t, fmt.Sprintf("erlang:disconnect_node('%s')", c.names[1]))
		c.nodes[1].Eventually(t, "length(nodes())", "0")
	}
}

// One link of three is cut: since OTP 25 all three part. The cause is named from what
// global recorded, and dialling again heals it.
func TestOverlapCut(t *testing.T) {
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			c := realCluster(t, 3, nil, otp)
			c.link(t, 0, 1, 2)
			c.nodes[0].Eval(t, fmt.Sprintf("erlang:disconnect_node('%s')", c.names[1]))
			r := c.wants(t, "GLB-01 "+c.all())
			if !strings.Contains(r.Findings[0].Cause, c.pair(0, 1)+" was lost") {
				t.Errorf("the first link is not named: %s", r.Findings[0].Cause)
			}
			if r.Links.Up > 1 { // as a rule all three part; who hears of it first may keep one link
				t.Errorf("links %+v", r.Links)
			}
			c.link(t, 0, 1, 2)
			c.wants(t)
		})
	}
}

// Nodes of OTP 25, 27 and 29 in one mesh.
func TestTLS(t *testing.T) {
	t.Parallel()
	authority := beamtest.NewTLS(t)
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i != 1 {
			o.TLS = authority
		}
	})
	t.Run("seen without TLS", func(t *testing.T) {
		c.wants(t, "NET-19 "+c.names[0], "NET-19 "+c.names[2])
	})
	t.Run("seen with TLS", func(t *testing.T) {
		c.p.TLS = authority.Config(t, "phial")
		c.link(t, 0, 2)
		r := c.wants(t, "NET-19 "+c.names[1])
		if !r.Nodes[0].Reached || r.Nodes[0].Flags.Proto != "inet_tls" {
			t.Errorf("%+v", r.Nodes[0])
		}
	})
}
