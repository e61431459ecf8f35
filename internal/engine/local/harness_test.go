package local

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

const patience = 3 * time.Minute // for anything that a busy machine may delay: a boot takes a minute on one that is starved

// TestMain is an engine when it is told to: tests kill such a process.
func TestMain(m *testing.M) {
	if conf := os.Getenv("PHIALTEST_ENGINE"); conf != "" {
		os.Unsetenv("PHIALTEST_ENGINE")
		var o Options
		if err := json.Unmarshal([]byte(conf), &o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		o.Out = os.Stdout
		if err := Run(context.Background(), o); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// syncBuffer is output that a test may read while it grows.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// app is an engine in this process, and a client of it.
type app struct {
	*Client
	t    *testing.T
	out  *syncBuffer // of the replicas
	news *syncBuffer // progress
	end  context.CancelFunc
	done chan struct{} // closed when Run has returned
	err  error         // of Run
}

// up runs an engine until the test ends.
func up(t *testing.T, o Options) *app {
	t.Helper()
	if o.StateDir == "" {
		o.StateDir = t.TempDir()
	}
	a := &app{t: t, out: &syncBuffer{}, news: &syncBuffer{}, done: make(chan struct{})}
	started := make(chan Status, 1)
	o.Out, o.Progress = a.out, func(line string) { fmt.Fprintln(a.news, line) }
	o.Started = func(s Status) { started <- s }
	ctx, cancel := context.WithCancel(context.Background())
	a.end = cancel
	go func() {
		defer close(a.done)
		a.err = Run(ctx, o)
	}()
	t.Cleanup(func() {
		cancel()
		<-a.done
		if a.err != nil {
			t.Errorf("the engine ended with: %v", a.err)
		}
		if t.Failed() {
			t.Logf("news:\n%s\noutput of the replicas:\n%s", a.news, tail(a.out.String(), 60))
		}
	})
	select {
	case s := <-started:
		c, err := FindIn(o.StateDir, s.Name)
		if err != nil {
			t.Fatal(err)
		}
		a.Client = c
	case <-a.done:
		t.Fatalf("the engine did not start: %v", a.err)
	case <-time.After(patience):
		t.Fatal("the engine does not start")
	}
	return a
}

func tail(s string, n int) string {
	lines := strings.Split(s, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// tally builds the example, once for all tests.
func tally(t *testing.T) string {
	t.Helper()
	return beamtest.BuildRelease(t, "../../../examples/tally")
}

// eventually waits until f gives no complaint.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (a *app) status() Status {
	a.t.Helper()
	s, err := a.Status(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}

func (a *app) pod(name string) Pod {
	a.t.Helper()
	p, ok := a.status().Pod(name)
	if !ok {
		a.t.Fatalf("no pod %s", name)
	}
	return p
}

// allReady waits until n replicas are there and ready.
func (a *app) allReady(n int) Status {
	a.t.Helper()
	var s Status
	eventually(a.t, fmt.Sprintf("%d replicas ready", n), func() error {
		if s = a.status(); s.Ready() != n || len(s.Pods) != n {
			return fmt.Errorf("%+v", s.Pods)
		}
		return nil
	})
	return s
}

// prober looks from outside, with nothing but what MeshTarget tells.
func (a *app) prober() (*probe.Prober, MeshTarget) {
	a.t.Helper()
	target, err := a.MeshTarget(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	cookie, err := dist.CookieFromFile(target.CookieFile)
	if err != nil {
		a.t.Fatal(err)
	}
	tlsConfig, err := target.TLS()
	if err != nil {
		a.t.Fatal(err)
	}
	resolver := resolverAt(target.Resolver)
	return &probe.Prober{TLS: tlsConfig, Cookie: cookie, EPMDPort: target.EPMDPort, Ports: target.Ports, Service: target.Service, Timeout: 2 * time.Second,
		Resolve: func(ctx context.Context, host string) ([]netip.Addr, error) {
			return resolver.LookupNetIP(ctx, "ip", host+".")
		}}, target
}

func (a *app) mesh() mesh.Report {
	a.t.Helper()
	p, target := a.prober()
	o, err := p.Observe(a.t.Context(), target.Nodes)
	if err != nil {
		a.t.Fatal(err)
	}
	return mesh.NewReport(o)
}

// fullMesh waits for one full mesh of n.
func (a *app) fullMesh(n int) {
	a.t.Helper()
	eventually(a.t, fmt.Sprintf("a full mesh of %d", n), func() error { return isFull(a.mesh(), n) })
}

func isFull(r mesh.Report, n int) error {
	links := n * (n - 1) / 2
	if r.Links.Expected == links && r.Links.Up == links && len(r.Islands) == 1 && len(r.Findings) == 0 {
		return nil
	}
	return fmt.Errorf("links %+v, islands %v, findings %v", r.Links, r.Islands, r.Findings)
}

// rpc runs an expression on a replica as a person would, with the release's own tool.
// A node gives up on a connection that takes longer than net_setuptime, 7 s, which a
// machine busy with other tests makes of a TLS handshake: then the tool is asked again,
// as a person would.
func (a *app) rpc(pod, expr string) (out string) {
	a.t.Helper()
	r, err := a.Remote(a.t.Context(), pod, "rpc", expr)
	if err != nil {
		a.t.Fatal(err)
	}
	eventually(a.t, fmt.Sprintf("rpc %s on %s", expr, pod), func() error {
		ctx, cancel := context.WithTimeout(a.t.Context(), patience)
		defer cancel()
		cmd := exec.CommandContext(ctx, r.Path, r.Args...)
		cmd.Env = r.Env
		b, err := cmd.CombinedOutput()
		out = strings.TrimSpace(string(b))
		switch {
		case err == nil:
			return nil
		case strings.Contains(out, ":nodedown"):
			return fmt.Errorf("%w\n%s", err, out)
		}
		a.t.Fatalf("rpc %s on %s: %v\n%s", expr, pod, err, out)
		return nil
	})
	return out
}

func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ") // a zombie has ended
}

// processesUnder lists living processes whose environment names a directory:
// everything that an instance started, whoever its parent is by now.
func processesUnder(dir string) []string {
	var found []string
	procs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, p := range procs {
		b, err := os.ReadFile(p)
		if err == nil && strings.Contains(string(b), dir+"/") {
			cmd, _ := os.ReadFile(filepath.Join(filepath.Dir(p), "comm"))
			found = append(found, filepath.Base(filepath.Dir(p))+" "+strings.TrimSpace(string(cmd)))
		}
	}
	return found
}

func freePort(t *testing.T) int {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port
}
