package probe

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/internal/mesh"
)

func fakeMesh(tb testing.TB, size int) (*erltest.Mesh, *Prober) {
	tb.Helper()
	cookie := dist.NewCookie("a-cookie-of-the-test")
	m := erltest.StartMesh(tb, erltest.MeshOptions{Size: size, Cookie: cookie})
	// Generous: nothing here is about time, and the machine may be busy.
	return m, &Prober{Cookie: cookie, EPMDPort: m.EPMD.Port(), Timeout: 30 * time.Second}
}

func TestScanOfAThousand(t *testing.T) {
	const n = 1000
	m, p := fakeMesh(t, n)
	o, err := p.Observe(t.Context(), m.Names())
	if err != nil {
		t.Fatal(err)
	}
	r := mesh.NewReport(o)
	if len(r.Nodes) != n || len(r.Islands) != 1 || r.Links != (mesh.ReportLinks{Expected: n * (n - 1) / 2, Up: n * (n - 1) / 2}) {
		t.Errorf("%d nodes, %d islands, links %+v", len(r.Nodes), len(r.Islands), r.Links)
	}
	if len(r.Findings) != 0 || !r.Full() {
		t.Errorf("full: %v, findings: %v", r.Full(), r.Findings)
	}
	for _, node := range o.Nodes {
		if !node.Reached || len(node.Peers) != n-1 || len(node.Unanswered) != 0 {
			t.Fatalf("%s: reached %v, %d peers, unanswered %v", node.Name, node.Reached, len(node.Peers), node.Unanswered)
		}
	}
	for _, node := range m.Nodes {
		if node.Accepted() != 1 {
			t.Fatalf("%s was connected to %d times, want once", node.Name(), node.Accepted())
		}
	}
}

// BenchmarkScan1000 looks at 1,000 nodes of one full mesh, each with 999 peers. It gives
// seconds a scan and the most memory that it held above what the fake nodes hold (heap
// and stacks, in MiB).
func BenchmarkScan1000(b *testing.B) {
	m, p := fakeMesh(b, 1000)
	names := m.Names()
	runtime.GC()
	before := held()
	var peak atomic.Uint64
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(5 * time.Millisecond); ; {
			select {
			case <-stop:
				tick.Stop()
				return
			case <-tick.C:
				if h := held(); h > peak.Load() {
					peak.Store(h)
				}
			}
		}
	}()
	for b.Loop() {
		o, err := p.Observe(b.Context(), names)
		if err != nil {
			b.Fatal(err)
		}
		if r := mesh.NewReport(o); !r.Full() {
			b.Fatalf("links %+v, findings %v", r.Links, r.Findings)
		}
	}
	close(stop)
	<-done
	scan, all := b.Elapsed().Seconds()/float64(b.N), float64(peak.Load())/(1<<20)
	b.ReportMetric(scan, "s/scan")
	b.ReportMetric(float64(max(peak.Load(), before)-before)/(1<<20), "MiB-scan")
	b.ReportMetric(all, "MiB-all")
	if scan > 3 || all > 150 {
		b.Errorf("a scan took %.1f s and %.0f MiB, must be under 3 s and 150 MiB", scan, all)
	}
}

func held() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapInuse + s.StackInuse
}

func TestNodesThatAnswerInPart(t *testing.T) {
	cookie := dist.NewCookie("a-cookie-of-the-test")
	e := erltest.StartEPMD(t)
	missing := func(*erltest.Node, []etfTerm) any { return erltest.Raise{Class: "error", Reason: atom("undef")} }
	erltest.Start(t, erltest.Options{Name: "shop@127.0.0.1", Cookie: cookie, EPMD: e, Answers: map[string]erltest.Answer{
		"net_kernel:get_state/0": missing, "erlang:memory/1": missing,
	}})
	erltest.Start(t, erltest.Options{Name: "mute@127.0.0.1", Cookie: cookie, EPMD: e, Faults: erltest.Faults{CallHangs: true}})
	erltest.Start(t, erltest.Options{Name: "broken@127.0.0.1", Cookie: cookie, EPMD: e, Faults: erltest.Faults{CallFails: true}})
	p := &Prober{Cookie: cookie, EPMDPort: e.Port(), Timeout: time.Second, Ports: []uint16{}}
	o, err := p.Observe(t.Context(), []string{"shop@127.0.0.1", "mute@127.0.0.1", "broken@127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	byName := map[string]mesh.Node{}
	for _, n := range o.Nodes {
		byName[n.Name] = n
	}
	shop := byName["shop@127.0.0.1"]
	if !shop.Reached || shop.OTP != "27" || shop.Status != mesh.Started || shop.Memory != 0 {
		t.Errorf("shop: %+v", shop)
	}
	if want := []string{"memory", "net_kernel state"}; !sameStrings(shop.Unanswered, want) {
		t.Errorf("unanswered %v, want %v", shop.Unanswered, want)
	}
	for _, name := range []string{"mute@127.0.0.1", "broken@127.0.0.1"} {
		if n := byName[name]; n.Reached || n.Failure == nil || n.Failure.Cause != mesh.CauseCalls {
			t.Errorf("%s: reached %v, failure %+v", name, n.Reached, n.Failure)
		}
	}
}

// What Phial meets when it dials, fault by fault, in the words of package mesh.
func TestFailures(t *testing.T) {
	cookie := dist.NewCookie("a-cookie-of-the-test")
	tests := []struct {
		name   string
		faults erltest.Faults
		stage  mesh.Kind
		cause  mesh.Cause
	}{
		{"cookie", erltest.Faults{WrongCookie: true}, mesh.KindCookie, mesh.CauseCookie},
		{"closed", erltest.Faults{Refused: true}, mesh.KindPort, mesh.CausePortRefused},
		{"unknown", erltest.Faults{NotRegistered: true}, mesh.KindEPMD, mesh.CauseNotRegistered},
		{"frozen", erltest.Faults{Mute: true}, mesh.KindHandshake, mesh.CauseFrozen},
		{"garbage", erltest.Faults{Garbage: "HTTP/1.1 400 Bad Request\r\n\r\n"}, mesh.KindHandshake, mesh.CauseNotDistributed},
		{"refused", erltest.Faults{NotAllowed: true}, mesh.KindHandshake, mesh.CauseNotAllowed},
		{"renamed", erltest.Faults{OtherName: "shop@10.1.2.3"}, mesh.KindHandshake, mesh.CauseNameMismatch},
		{"old", erltest.Faults{OldHandshake: true}, mesh.KindHandshake, mesh.CauseVersions},
	}
	e := erltest.StartEPMD(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			node := tt.name + "@127.0.0.1"
			erltest.Start(t, erltest.Options{Name: node, Cookie: cookie, EPMD: e, Faults: tt.faults})
			p := &Prober{Cookie: cookie, EPMDPort: e.Port(), Timeout: 2 * time.Second, Ports: []uint16{}}
			_, f := p.connect(t.Context(), node)
			if f == nil || f.Stage != tt.stage || f.Cause != tt.cause {
				t.Errorf("%+v, want %s at %s", f, tt.cause, tt.stage)
			}
		})
	}
}
