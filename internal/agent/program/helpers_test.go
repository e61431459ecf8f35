package program

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
)

// The agent's two processes are this binary, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && (os.Args[1] == "run" || os.Args[1] == "worker") {
		os.Exit(Main(os.Args[1:], Std{Env: os.Getenv, Out: os.Stdout, Err: os.Stderr}, testWorker))
	}
	os.Exit(m.Run())
}

// What the test's worker answers.
const (
	stateAnswer = `{"node":"shop@10.0.0.7","status":"started","ready":true,"reason":"alone","joined":true,"join":"joined","peers":["shop@10.0.0.8"],"cookie":"expected","version":"1.0.0","agentSeconds":7.2}`
	meshAnswer  = `{"looked":%q,"self":` + stateAnswer + `,"others":[` +
		`{"node":"shop@10.0.0.8","pod":"shop-1","ready":true,"reason":"joined","join":"joined, but 1 peer could not be linked anew: shop@10.0.0.7: no answer","joined":true,"cookie":"expected","gate":{"peers":["shop@10.0.0.7"]},"ageSeconds":0.42},` +
		`{"node":"shop@10.0.0.9","ageSeconds":-1,"error":"no route"}]}`
	meshLines = "NODE           POD     GATE  JOINED  PEERS  COOKIE    SAID       WHY\n" +
		"shop@10.0.0.7  -       open  yes     0      expected  now        alone\n" +
		"shop@10.0.0.8  shop-1  open  yes     1      expected  0.4 s ago  joined, but 1 peer could not be linked anew: shop@10.0.0.7: no answer\n" +
		"shop@10.0.0.9  -       -     -       -      -         never      no route\n"
	stateLines = "node      shop@10.0.0.7\nstatus    started\ngate      open: alone\njoined    yes: joined\npeers     shop@10.0.0.8\n" +
		"cookie    expected\nleans on  -\nagent     1.0.0, for 7 s\n"
)

// testWorker opens the gate, and drains when it is told to, which takes no time.
func testWorker(ctx context.Context, s settings.Settings, link *supervisor.Link, log *slog.Logger) error {
	l, err := supervisor.Listen(filepath.Join(s.RunDir, supervisor.WorkerSocket), 0o600)
	if err != nil {
		return err
	}
	defer l.Close()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /mesh", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, meshAnswer, r.URL.Query().Get("observe"))
	})
	mux.HandleFunc("GET /state", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, stateAnswer) })
	mux.HandleFunc("GET /trace", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"from":%q,"to":%q,"place":%[1]q,"steps":[{"kind":"dns","state":"passed","evidence":"no name"}]}`, r.FormValue("from"), r.FormValue("to"))
	})
	go http.Serve(l, mux)
	var drain *supervisor.DrainOrder
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		w := supervisor.Word{Booted: true, Ready: true, Reason: "joined shop@10.0.0.8"}
		if drain != nil {
			w = supervisor.Word{Booted: true, Draining: true, Drained: true, DrainID: drain.ID, Reason: "draining",
				Drain: json.RawMessage(`{"line":"nothing is in flight"}`)}
		}
		if err := link.Send(w); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			log.Info("the test's worker was told to end")
			return nil
		case o := <-link.Orders():
			if drain = o.Drain; o.Undo {
				drain = nil
			}
		case <-tick.C:
		}
	}
}

// call1 runs a verb in this process.
func call1(env map[string]string, args ...string) (status int, out, err string) {
	var o, e bytes.Buffer
	status = Main(args, Std{Env: func(name string) string { return env[name] }, Out: &o, Err: &e}, testWorker)
	return status, o.String(), e.String()
}

// pod is an agent that runs.
type pod struct {
	env map[string]string
	cmd *exec.Cmd
	err *bytes.Buffer
}

// emptyPod is the environment of an agent that does not run.
func emptyPod(t *testing.T, delay, budget int) map[string]string {
	t.Helper()
	dir, err := os.MkdirTemp("", "phial") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return map[string]string{
		"RELEASE_NODE": "shop@127.0.0.1", "PHIAL_AGENT_RUN": dir, "PHIAL_AGENT_BIN": dir,
		"PHIAL_AGENT_PROBE_PORT":       strconv.Itoa(l.Addr().(*net.TCPAddr).Port),
		"PHIAL_ENDPOINT_DELAY_SECONDS": strconv.Itoa(delay), "PHIAL_DRAIN_TIMEOUT_SECONDS": strconv.Itoa(budget),
	}
}

func (p *pod) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0], "run")
	p.cmd.Env = os.Environ()
	for name, value := range p.env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.err = new(bytes.Buffer)
	p.cmd.Stderr = &locked{w: p.err}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := p.cmd
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGCONT)
		cmd.Process.Kill()
		cmd.Wait()
	})
}

// newPod is an agent whose gate is open.
func newPod(t *testing.T, delay, budget int) *pod {
	t.Helper()
	p := &pod{env: emptyPod(t, delay, budget)}
	p.start(t)
	until(t, "the gate to open", func() bool { status, _, _ := call1(p.env, "ready"); return status == 0 })
	return p
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("in vain waited for %s", what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in %q", part, text)
		}
	}
}
