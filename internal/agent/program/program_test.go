package program

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// timesOf finds times that depend on how busy the machine is.
var timesOf = regexp.MustCompile(`(decided|after) [0-9.]+ ?s`)

func TestVerbsOfARunningAgent(t *testing.T) {
	p := newPod(t, 1, 5)
	for _, tt := range []struct {
		args string
		want int
		says string
	}{
		{"started", 0, ""},
		{"ready", 0, "open, decided N s ago: joined shop@10.0.0.8\n"},
		{"mesh", 0, meshLines},
		{"mesh -o json", 0, `{"looked":"",`},
		{"mesh -o json --observe", 0, `{"looked":"1",`},
		{"state", 0, stateLines},
		{"state -o json", 0, stateAnswer + "\n"},
		{"why shop@10.0.0.7 shop@10.0.0.8 -o json", 0, `{"from":"shop@10.0.0.7","to":"shop@10.0.0.8","place":"shop@10.0.0.7","steps":[{"kind":"dns","state":"passed","evidence":"no name"}]}` + "\n"},
		{"why -o text a@b.c b@b.c", 0, "a@b.c to b@b.c, seen from a@b.c\n  passed   dns        no name\n"},
		{"drain", 0, "the gate is closed; 1s for load balancers to hear of it\nnothing is in flight\ndrained, after N s\n"},
		{"ready", 1, "closed, decided N s ago: told to drain\n"},
		{"drain", 0, "the gate is closed; the endpoint delay is over\n"},
		{"drain --undo", 0, "the drain was undone\n"},
		{"drain --undo", 0, "no drain is under way\n"},
	} {
		status, out, err := call1(p.env, strings.Fields(tt.args)...)
		out = timesOf.ReplaceAllString(out, "$1 N s")
		if status != tt.want || !strings.HasPrefix(out, tt.says) || err != "" {
			t.Errorf("%s: %d, %q, %q", tt.args, status, out, err)
		}
	}
	until(t, "the gate to open again", func() bool { status, _, _ := call1(p.env, "ready"); return status == 0 })
	if err := os.WriteFile(filepath.Join(p.env["PHIAL_AGENT_BIN"], "phial-agent"), []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _, err := call1(p.env, "started"); status != 1 || !strings.Contains(err, "has 10 bytes") {
		t.Errorf("started with half a program: %d, %q", status, err)
	}
	p.cmd.Process.Signal(syscall.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("SIGTERM: %v", err)
	}
	has(t, p.err.String(), "process=supervisor", "process=worker", "the test's worker was told to end", `how="exit status 0"`)
}

func TestVerbsWithoutAnAgent(t *testing.T) {
	env := emptyPod(t, 1, 5)
	for _, tt := range []struct {
		args string
		want int
		says string
	}{
		{"started", 1, "phial-agent: not started: stat "},
		{"ready", 1, "phial-agent: no agent answers probes: "},
		{"mesh", 2, "phial-agent: mesh: no agent answers"},
		{"state -o json", 2, "phial-agent: state: no agent answers"},
		{"why a@b.c b@b.c", 2, "phial-agent: why: no agent answers"},
		{"drain --undo", 2, "phial-agent: drain --undo: no agent answers"},
		{"worker", 2, "phial-agent: there is no supervisor"},
	} {
		if status, out, err := call1(env, strings.Fields(tt.args)...); status != tt.want || !strings.HasPrefix(err, tt.says) || out != "" || strings.Count(err, "\n") != 1 {
			t.Errorf("%s: %d, %q, %q", tt.args, status, out, err)
		}
	}
}

func TestDrainLeavesTheDelayWithoutAnAgent(t *testing.T) {
	t.Parallel()
	env := emptyPod(t, 2, 60)
	began := time.Now()
	status, out, err := call1(env, "drain")
	if took := time.Since(began); status != 0 || out != "" || took < 2*time.Second || took > 8*time.Second {
		t.Errorf("%d, %q after %s", status, out, took)
	}
	has(t, err, "no agent answers", "the endpoint delay is left (2s)")
}

func TestDrainOfAFrozenAgentLeavesTheDelay(t *testing.T) {
	t.Parallel()
	p := newPod(t, 2, 60)
	p.cmd.Process.Signal(syscall.SIGSTOP)
	began := time.Now()
	status, _, err := call1(p.env, "drain")
	if took := time.Since(began); status != 0 || took < 2*time.Second || took > 12*time.Second {
		t.Errorf("%d after %s", status, took)
	}
	has(t, err, "the agent went away before it had answered: it says nothing")
}

// An agent whose container starts again goes on with the drain that its pod is in.
func TestDrainOutlivesTheAgent(t *testing.T) {
	t.Parallel()
	p := newPod(t, 4, 60)
	began := time.Now()
	type result struct {
		status   int
		out, err string
		took     time.Duration
	}
	done := make(chan result, 1)
	go func() {
		status, out, err := call1(p.env, "drain")
		done <- result{status, out, err, time.Since(began)}
	}()
	until(t, "the drain to begin", func() bool { status, _, _ := call1(p.env, "ready"); return status != 0 })
	p.cmd.Process.Kill()
	p.cmd.Wait()
	p.start(t)
	r := <-done
	if r.status != 0 || r.took < 4*time.Second || r.took > 12*time.Second {
		t.Errorf("%+v", r)
	}
	has(t, r.err, "the agent went away before it had answered")
	has(t, r.out, "the gate is closed; 4s", "drained, after 4")
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	env := emptyPod(t, 1, 1)
	env["RELEASE_NODE"], env["PHIAL_GATE"] = "", "Open"
	if status, _, err := call1(env, "run"); status != 2 || strings.Count(err, "\n") != 2 ||
		!strings.Contains(err, "phial-agent: RELEASE_NODE is not set") || !strings.Contains(err, `phial-agent: PHIAL_GATE is "Open"`) {
		t.Errorf("%d, %q", status, err)
	}
}

func TestRunEndsWhereItCannotCopyItself(t *testing.T) {
	env := emptyPod(t, 1, 1)
	env["PHIAL_AGENT_BIN"] = filepath.Join(env["PHIAL_AGENT_RUN"], "none")
	p := &pod{env: env}
	p.start(t)
	if err := p.cmd.Wait(); err == nil || p.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("it ends with %v", err)
	}
	has(t, p.err.String(), "level=ERROR", "copy the agent to "+env["PHIAL_AGENT_BIN"]+"/phial-agent")
}

func TestUsage(t *testing.T) {
	for _, args := range []string{"help", "--help", "-h", "drain --help", "live -h"} {
		if status, out, err := call1(nil, strings.Fields(args)...); status != 0 || out != usage || err != "" {
			t.Errorf("%s: %d, %q, %q", args, status, out, err)
		}
	}
	for verb := range verbs {
		if verb != "worker" && !strings.Contains(usage, "\n  "+verb) {
			t.Errorf("the help does not tell of %s", verb)
		}
	}
	if status, out, _ := call1(nil, "version"); status != 0 || !strings.HasPrefix(out, "phial-agent ") {
		t.Errorf("version: %d, %q", status, out)
	}
	for args, says := range map[string]string{
		"dance":        "there is no verb \"dance\"",
		"drain --now":  "drain: flag provided but not defined: -now",
		"drain now":    "drain: unexpected now",
		"mesh -o yaml": "mesh: -o is \"yaml\": expected json or text",
		"live --x":     "live: flag provided but not defined",
		"run x":        "run: unexpected x",
		"why a@b.c":    "why: 1 arguments were given, and 2 are expected",
		"why a b -o x": "why: -o is \"x\": expected json or text",
		"why --x a b":  "why: flag provided but not defined: -x",
		"probe":        "probe: 0 arguments were given, and 1 are expected",
		"probe {}":     "probe: --cookie-file is not given",
		"probe []":     "probe: json: cannot unmarshal array",
	} {
		if status, out, err := call1(nil, strings.Fields(args)...); status != 2 || out != "" || strings.Count(err, "\n") != 1 || !strings.HasPrefix(err, "phial-agent: "+says) {
			t.Errorf("%s: %d, %q, %q", args, status, out, err)
		}
	}
}

// stuck never takes a line.
type stuck chan struct{}

func (s stuck) Write([]byte) (int, error) {
	<-s
	return 0, os.ErrClosed
}

// Where the log is stuck, nobody waits for it.
func TestLogIsNotWaitedFor(t *testing.T) {
	block := make(stuck)
	defer close(block)
	log, flush := newLog(block, func(string) string { return "json" }, "supervisor")
	began := time.Now()
	for range 10 * maxBehind {
		log.Info("a line")
	}
	flush()
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestLogFormats(t *testing.T) {
	for format, want := range map[string]string{"": `msg="a line" process=worker`, "json": `"msg":"a line","process":"worker"}`} {
		var b strings.Builder
		log, flush := newLog(&b, func(string) string { return format }, "worker")
		log.Info("a line")
		flush()
		has(t, b.String(), want)
	}
}
