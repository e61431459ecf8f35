package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

func TestSession(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	s, err := c.p.Session(t.Context(), c.names[0])
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if status, err := s.Status(t.Context()); status != mesh.Started || err != nil {
		t.Errorf("status %v, %v", status, err)
	}
	apps, err := s.Applications(t.Context())
	if err != nil || !slices.ContainsFunc(apps, func(a mesh.App) bool { return a.Name == "stdlib" && a.Version != "" }) {
		t.Errorf("applications %v, %v", apps, err)
	}
	if err := s.Connect(t.Context(), c.names[1]); err != nil {
		t.Fatal(err)
	}
	peers, err := s.Peers(t.Context())
	if err != nil || !slices.Equal(peers, c.names[1:]) {
		t.Errorf("peers %v, %v", peers, err)
	}
	if err := s.Connect(t.Context(), "nobody@"+c.slot.Addr(0).String()); !errors.Is(err, ErrNotConnected) {
		t.Errorf("connecting to a node that is not there: %v", err)
	}
	if s.Creation() == 0 || s.Name() != c.names[0] {
		t.Errorf("creation %d, name %s", s.Creation(), s.Name())
	}
	c.nodes[0].Stop(t)
	select {
	case <-s.Done():
	case <-time.After(30 * time.Second):
		t.Error("the session did not end with its node")
	}
	var u *Unreached
	if _, err := c.p.Session(t.Context(), c.names[0]); !errors.As(err, &u) || u.Failure.Cause != mesh.CauseNotRegistered {
		t.Errorf("a session with a node that ended: %v", err)
	}
}

// Links outlive a change of cookie; new connections need the new one; and neither shows.
func TestSetCookie(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	c.link(t, 0, 1)
	next := dist.NewCookie("the-next-cookie")
	for _, name := range c.names {
		s, err := c.p.Session(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.SetCookie(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		c.noCookie(t, fmt.Sprintf("%+v %#v", s, s))
	}
	c.wants(t, "COO-10 "+c.all())
	c.p.Cookie = next
	if r := c.wants(t); r.Links.Up != 1 {
		t.Errorf("links %+v", r.Links)
	}
}

// What joiners go by, and what they are told, from singletons to one mesh, with nodes
// that bring no clustering of their own.
func TestJoinByPlan(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 4, nil, beamtest.OTPs(t)...)
	for end := time.Now().Add(60 * time.Second); time.Now().Before(end); {
		in := c.p.JoinView(t.Context(), c.names)
		acted := 0
		for _, name := range c.names {
			in.Self = name
			d := mesh.PlanJoin(in)
			if d.Act == mesh.Refuse {
				t.Fatalf("%s: %s", name, d.Reason)
			}
			if d.Act != mesh.Join {
				continue
			}
			acted++
			s, err := c.p.Session(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			for _, to := range d.Dial {
				if err := s.Connect(t.Context(), to); err != nil {
					t.Error(err)
				}
			}
			s.Close()
		}
		if acted > 1 {
			t.Fatalf("%d replicas were told to join at one time", acted)
		}
		if r := mesh.NewReport(c.observe(t)); r.Full() {
			return
		}
	}
	t.Error("no full mesh came of it")
}

// The wrong cookie of one keeps only that one out.
func TestJoinPlanLeavesOutWhoCannot(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i == 0 {
			o.Cookie = "another-cookie"
		}
	})
	in := c.p.JoinView(t.Context(), c.names)
	in.Self = c.names[2]
	if d := mesh.PlanJoin(in); d.Act != mesh.Join || !slices.Equal(d.Dial, c.names[1:2]) {
		t.Errorf("%v %v: %s", d.Act, d.Dial, d.Reason)
	}
}

// What does not answer beside a node, that node does not reach: said as it was met, and
// not as what nobody has seen.
func TestJoinViewFromBesideANode(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, nil)
	c.link(t, 1, 2)
	c.nodes[2].Freeze()
	defer c.nodes[2].Thaw()
	c.p.Here, c.p.Timeout = c.names[0], 5*time.Second // which a busy node keeps, and a frozen one does not
	in := c.p.JoinView(t.Context(), c.names)
	in.Self = c.names[0]
	if d := mesh.PlanJoin(in); d.Act != mesh.Refuse || !strings.Contains(d.Reason, c.names[0]+" does not reach "+c.names[2]+" (handshake: ") {
		t.Errorf("%v: %s", d.Act, d.Reason)
	}
}

// names resolves in memory, as the replicas' DNS would.
func names(m map[string]netip.Addr) func(context.Context, string) ([]netip.Addr, error) {
	return func(_ context.Context, host string) ([]netip.Addr, error) {
		if a, ok := m[host]; ok {
			return []netip.Addr{a}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
}

const domain = ".shop.prod.svc.cluster.local"

// Nodes named by host names, whose own hosts are in their own inet configuration: one of
// them does not know the other's.
func TestHostNameUnknown(t *testing.T) {
	t.Parallel()
	known := map[string]netip.Addr{}
	c := realCluster(t, 2, func(i int, o *beamtest.NodeOptions) {
		host := fmt.Sprintf("shop-%d%s", i, domain)
		known[host] = o.Addr
		o.Name = "shop@" + host
		o.Inetrc = `{resolv_conf,""}. {hosts_file,""}. {lookup,[file]}.`
		for h, a := range known { // the first knows itself alone, the second both
			b := a.As4()
			o.Inetrc += fmt.Sprintf(` {host,{%d,%d,%d,%d},["%s"]}.`, b[0], b[1], b[2], b[3], h)
		}
	})
	c.names = []string{c.nodes[0].Name, c.nodes[1].Name}
	c.p.Resolve = names(known)
	r := c.wants(t, "DSC-06 "+c.pair(0, 1))
	if f := r.Findings[0]; !strings.Contains(f.Cause, "shop-1"+domain) || !strings.Contains(fmt.Sprint(f.Evidence), "nxdomain") {
		t.Error(show(r.Findings))
	}
	t.Run("to Phial, too", func(t *testing.T) {
		delete(known, "shop-1"+domain)
		c.wants(t, "DSC-06 "+c.names[1])
	})
	t.Run("silent", func(t *testing.T) {
		c.p.Resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "i/o timeout", Name: host, IsTimeout: true}
		}
		c.wants(t, "DSC-26 "+c.names[0], "DSC-26 "+c.names[1])
	})
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i == 2 {
			o.Name = strings.Replace(o.Name, "shop@", "store@", 1)
		}
	})
	c.names = c.names[:2]
	c.link(t, 0, 1)
	c.p.Service = "shop" + domain
	records := []netip.Addr{c.slot.Addr(0), c.slot.Addr(1)}
	c.p.Resolve = func(context.Context, string) ([]netip.Addr, error) { return records, nil }
	c.wants(t)
	t.Run("one is not listed", func(t *testing.T) {
		records = records[:1]
		if r := c.wants(t, "DSC-27 "+c.names[1]); r.Findings[0].Severity != finding.Warning {
			t.Errorf("all links are up, and it is an %s", r.Findings[0].Severity)
		}
		c.nodes[0].Eval(t, fmt.Sprintf("erlang:disconnect_node('%s')", c.names[1]))
		c.nodes[1].Eventually(t, "length(nodes())", "0")
		if r := c.wants(t, "DSC-27 "+c.names[1]); r.Findings[0].Severity != finding.Error {
			t.Errorf("a link is missing for it, and it is a %s", r.Findings[0].Severity)
		}
		c.link(t, 0, 1)
	})
	t.Run("another app's node is", func(t *testing.T) {
		records = []netip.Addr{c.slot.Addr(0), c.slot.Addr(1), c.slot.Addr(2)}
		r := c.wants(t, "DSC-18 "+c.p.Service)
		if !strings.Contains(r.Findings[0].Cause, c.nodes[2].Name) {
			t.Error(r.Findings[0].Cause)
		}
	})
	t.Run("no SRV records", func(t *testing.T) {
		records = records[:2]
		c.p.LookupSRV = func(context.Context, string) ([]string, error) { return nil, nil }
		c.wants(t, "DSC-04 "+c.p.Service)
	})
	t.Run("unknown", func(t *testing.T) {
		c.p.Resolve = names(nil)
		c.wants(t, "DSC-03 "+c.p.Service)
	})
}
