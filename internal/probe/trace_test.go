package probe

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
)

func stepsText(tr mesh.Trace) string {
	var s []string
	for _, step := range tr.Steps {
		s = append(s, string(step.Kind)+" "+string(step.State))
	}
	return strings.Join(s, ", ")
}

// trace walks, and sees that every step says what was seen.
func (c *cluster) trace(t *testing.T, from, to string) mesh.Trace {
	t.Helper()
	tr := c.p.Trace(t.Context(), from, to)
	for _, s := range tr.Steps {
		if s.Evidence == "" || (s.State == mesh.Failed) != (s.Cause != mesh.CauseNone) {
			t.Errorf("from %s to %s: %s %s by %q, cause %q", from, to, s.Kind, s.State, s.Evidence, s.Cause)
		}
	}
	c.noCookie(t, tr)
	return tr
}

func step(tr mesh.Trace, k mesh.Kind) mesh.Step {
	for _, s := range tr.Steps {
		if s.Kind == k {
			return s
		}
	}
	return mesh.Step{}
}

// phial why: each step of one link, from both places.
func TestTrace(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 2, nil)
	const passed = "name passed, dns passed, epmd passed, port passed, handshake passed, cookie passed, flags passed, link "
	tr := c.trace(t, c.names[0], c.names[1])
	if tr.Place != c.names[0] || stepsText(tr) != passed+"failed" {
		t.Errorf("unlinked, seen from %s: %s", tr.Place, stepsText(tr))
	}
	c.link(t, 0, 1)
	if tr = c.trace(t, c.names[0], c.names[1]); stepsText(tr) != passed+"passed" {
		t.Errorf("linked: %s", stepsText(tr))
	}
	gone := "shop@" + c.slot.Addr(7).String()
	tr = c.trace(t, gone, c.names[1])
	if tr.Place != mesh.FromPhial || stepsText(tr) != "name passed, dns passed, epmd passed, port passed, handshake passed, cookie unknown, flags unknown, link failed" {
		t.Errorf("from a node that is not there, seen from %s: %s", tr.Place, stepsText(tr))
	}
	at := fmt.Sprintf("%s:%d", c.slot.Addr(1), c.nodes[1].Port)
	for kind, want := range map[mesh.Kind]string{
		mesh.KindDNS:       c.slot.Addr(1).String() + " is an address",
		mesh.KindEPMD:      fmt.Sprintf("EPMD at %s has shop on port %d", c.slot.Addr(1), c.nodes[1].Port),
		mesh.KindPort:      at + " accepts",
		mesh.KindHandshake: c.names[1] + " answers at " + at,
		mesh.KindCookie:    c.names[1] + " takes the cookie that Phial was given; whether " + gone + " has it was not seen",
	} {
		if got := step(tr, kind).Evidence; got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
	}
	if tr = c.trace(t, c.names[0], gone); stepsText(tr) != "name passed, dns passed, epmd failed, port unknown, handshake unknown, cookie unknown, flags unknown, link failed" {
		t.Errorf("to a node that is not there: %s", stepsText(tr))
	}
	if s, want := step(tr, mesh.KindEPMD), fmt.Sprintf("EPMD's port, %s:%d, refuses connections", c.slot.Addr(7), c.epmd.Port); s.Evidence != want {
		t.Errorf("%q, want %q", s.Evidence, want)
	}
	other := "shop@" + c.slot.Addr(8).String()
	if tr = c.trace(t, gone, other); stepsText(tr) != "name passed, dns passed, epmd failed, port unknown, handshake unknown, cookie unknown, flags unknown, link unknown" {
		t.Errorf("between two that are not there: %s", stepsText(tr))
	}
	if tr = c.trace(t, "shop@short", c.names[0]); step(tr, mesh.KindName).Cause != mesh.CauseNames {
		t.Errorf("from a short name: %s", stepsText(tr))
	}
	c.nodes[1].Kill(syscall.SIGKILL)
	<-c.nodes[1].Done()
	if s, want := step(c.trace(t, c.names[0], c.names[1]), mesh.KindEPMD), "EPMD at "+c.epmd.At(1)+" does not know shop"; s.Evidence != want {
		t.Errorf("%q, want %q", s.Evidence, want)
	}
}

// Of a node's own reasons none is shown as it is where there are words for it.
func TestReasonsInWords(t *testing.T) {
	for _, reason := range []string{"econnrefused", "etimedout", "ehostunreach", "enetunreach", "econnreset", "eperm", "eacces"} {
		if text := tcpText(reason); strings.Contains(text, reason) || strings.ContainsAny(text, "()[]{}") {
			t.Errorf("%s is %q", reason, text)
		}
	}
	if text := tcpText("emfile"); !strings.Contains(text, "emfile") {
		t.Errorf("a reason without words is lost: %q", text)
	}
}

// What is said of cookies where one end refuses Phial's, or both do.
func TestTraceOfAnotherCookie(t *testing.T) {
	t.Parallel()
	c := realCluster(t, 3, func(i int, o *beamtest.NodeOptions) {
		if i > 0 {
			o.Cookie = "another-cookie"
		}
	})
	tests := []struct {
		from, to int
		state    mesh.State
		evidence string
	}{
		{0, 1, mesh.Failed, c.names[1] + " has another cookie than " + c.names[0]},
		{1, 0, mesh.Failed, c.names[0] + " takes the cookie that Phial was given, and " + c.names[1] + " refuses it"},
		{1, 2, mesh.Unseen, c.names[2] + " refuses the cookie that Phial was given; whether it has that of " + c.names[1] + " was not seen"},
	}
	for _, tt := range tests {
		tr := c.trace(t, c.names[tt.from], c.names[tt.to])
		if s := step(tr, mesh.KindCookie); s.State != tt.state || s.Evidence != tt.evidence || strings.Contains(s.Evidence, "another-cookie") {
			t.Errorf("from %d to %d: %s by %q", tt.from, tt.to, s.State, s.Evidence)
		}
	}
	t.Run("past an EPMD that is gone", func(t *testing.T) {
		first, last := c.slot.Ports(1)
		for port := first; port <= last; port++ {
			c.p.Ports = append(c.p.Ports, port)
		}
		c.epmd.Lose(1)
		if s := step(c.trace(t, c.names[2], c.names[1]), mesh.KindEPMD); s.State != mesh.Failed || s.Cause != mesh.CauseEPMDRefused {
			t.Errorf("%+v", s)
		}
	})
	t.Run("to a node that has died", func(t *testing.T) {
		c.nodes[0].Kill(syscall.SIGKILL)
		<-c.nodes[0].Done()
		if tr := c.trace(t, c.names[1], c.names[0]); step(tr, mesh.KindCookie).State != mesh.Unseen {
			t.Error(stepsText(tr))
		}
	})
}

// One prober looks and walks at the same time, as phial why does, with a node that is
// frozen and one that EPMD does not know.
func TestLooksAndWalksTogether(t *testing.T) {
	t.Parallel()
	cookie := dist.NewCookie("a-cookie-of-the-test")
	m := erltest.StartMesh(t, erltest.MeshOptions{Size: 5, Cookie: cookie, Options: func(i int, o *erltest.Options) {
		o.Faults.Mute, o.Faults.NotRegistered = i == 3, i == 4
	}})
	names := m.Names()
	m.Cut(names[0], names[1])
	p := &Prober{Cookie: cookie, EPMDPort: m.EPMD.Port(), Timeout: time.Second, Ports: []uint16{m.Nodes[4].Addr().Port()}, Follow: true,
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}}
	var o mesh.Observation
	var err error
	var g sync.WaitGroup
	g.Go(func() { o, err = p.Observe(t.Context(), names[:1]) })
	walks := []mesh.Link{{A: names[0], B: names[3]}, {A: names[3], B: names[0]}, {A: names[0], B: names[1]}, {A: names[0], B: names[4]}}
	traces := make([]mesh.Trace, len(walks))
	for i, l := range walks {
		g.Go(func() { traces[i] = p.Trace(t.Context(), l.A, l.B) })
	}
	g.Wait()
	if err != nil || len(o.Nodes) != len(names) {
		t.Fatalf("%d nodes, %v", len(o.Nodes), err)
	}
	for i, n := range o.Nodes {
		if frozen := i == 3; n.Reached == frozen || frozen && n.Failure.Cause != mesh.CauseFrozen || (n.EPMD != nil) != (i == 4) {
			t.Errorf("%s: reached %v, failure %+v, EPMD %+v", n.Name, n.Reached, n.Failure, n.EPMD)
		}
	}
	for i, place := range []string{names[0], mesh.FromPhial, names[0], names[0]} {
		if tr := traces[i]; tr.Place != place || tr.From != walks[i].A || tr.To != walks[i].B || len(tr.Steps) != len(order)+2 {
			t.Errorf("walk %d: %+v", i, tr)
		}
	}
}
