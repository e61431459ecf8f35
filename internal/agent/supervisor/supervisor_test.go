package supervisor

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
)

func TestProbesSayTheWorkersDecision(t *testing.T) {
	r := start(t, "silent", 0, 1)
	for path, want := range map[string]string{
		"/ready": "503 closed, nothing decided yet\n", "/booted": "503 not booted, nothing decided yet\n", "/healthz": "200 up, nothing decided yet\n",
	} {
		if status, body := r.get(path); fmt.Sprint(status, " ", body) != want {
			t.Errorf("before the first word, %s gives %d %q, want %q", path, status, body, want)
		}
	}
	r.script("closed")
	r.until("the node to have booted", func() bool { status, _ := r.get("/booted"); return status == 200 })
	if status, body := r.get("/ready"); status != 503 || !regexp.MustCompile(`^closed, decided \d\.\d s ago\n$`).MatchString(body) {
		t.Errorf("a closed gate is %d %q", status, body)
	}
	r.script("ready")
	r.until("the gate to open", r.ready)
	if status, body := r.get("/ready"); status != 200 || !regexp.MustCompile(`^open, decided \d\.\d s ago\n$`).MatchString(body) {
		t.Errorf("an open gate is %d %q", status, body)
	}
	r.match(`gate is closed" reason="the node is booting"`)
	r.match(`gate opened" reason="all is well"`)
	r.script("closed")
	r.match(`gate closed" reason="the node is booting"`)
	if status, _ := r.get("/drain"); status != 404 {
		t.Errorf("the probe port has a /drain: %d", status)
	}
	resp, err := http.Post(r.url+"/ready", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST /ready is %d", resp.StatusCode)
	}
}

// The first supervisor writes what the verbs read, and the program that they are.
func TestSupervisorLeavesItsSettingsAndItself(t *testing.T) {
	r := start(t, "ready", 3, 4)
	s, err := settings.Read(r.Dir)
	if err != nil || s.Node != "shop@127.0.0.1" || s.DelaySeconds != 3 || s.DrainSeconds != 4 || s.RunDir != r.Dir {
		t.Errorf("it left %+v, %v", s, err)
	}
	own, err := os.Stat(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(r.Dir, "phial-agent"))
	if err != nil || info.Size() != own.Size() || info.Mode().Perm() != 0o755 || r.gate().Size != own.Size() {
		t.Errorf("it copied itself as %v, %v", info, err)
	}
	if info, err := os.Stat(filepath.Join(r.Dir, AgentSocket)); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("its socket is %v, %v", info, err)
	}
}

func TestLastDecisionStandsWhileTheWorkerIsAway(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	pid := r.pid(0)
	r.script("crash")
	r.signal(pid, syscall.SIGSEGV)
	// Go takes it for a bug and dies of it with status 2.
	r.match(`worker died; its last decision stands" how="exit status 2"`)
	var ages []float64
	r.until("the decision to grow old", func() bool {
		g := r.gate()
		if !g.Open || !r.ready() {
			t.Fatalf("the gate closed for a crash: %+v", g)
		}
		ages = append(ages, g.AgeSeconds)
		return g.AgeSeconds > 1
	})
	if !slices.IsSorted(ages) {
		t.Errorf("its age does not grow: %v", ages)
	}
	if _, body := r.get("/ready"); !regexp.MustCompile(`^open, decided [1-9]\.\d s ago\n$`).MatchString(body) {
		t.Errorf("the probe says %q", body)
	}
	r.script("ready")
	r.until("a new decision", func() bool { return r.gate().AgeSeconds < 0.5 })
	if g := r.gate(); g.Restarts < 2 || g.Worker == pid {
		t.Errorf("after the crashes: %+v", g)
	}
	orders := r.orders()
	if o := orders[0]; o.Keep != nil || o.Last != nil || o.Drain != nil || o.Undo {
		t.Errorf("the first worker was handed %+v", o)
	}
	last := orders[len(orders)-1]
	if string(last.Keep) != `{"kept":7}` || last.Last == nil || !last.Last.Ready || last.Last.Reason != "all is well" {
		t.Errorf("the next worker was handed %+v", last)
	}
}

func TestCrashLoopBacksOff(t *testing.T) {
	r := start(t, "crash", 0, 1)
	var pauses []string
	r.until("six crashes", func() bool {
		pauses = nil
		for _, m := range regexp.MustCompile(`how="exit status 3".*"restart in"=(\S+)`).FindAllStringSubmatch(r.said(), -1) {
			pauses = append(pauses, m[1])
		}
		return len(pauses) >= 6
	})
	if want := []string{"50ms", "100ms", "200ms", "400ms", "400ms", "400ms"}; !slices.Equal(pauses[:6], want) {
		t.Errorf("pauses of %v, want %v", pauses, want)
	}
}

func TestFrozenWorkerIsReplaced(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	pid := r.pid(0)
	r.signal(pid, syscall.SIGSTOP)
	r.match(`worker died; its last decision stands" how="killed: it said nothing for`)
	if alive(pid) {
		t.Error("the frozen worker is still there")
	}
	r.pid(pid)
	r.until("a new decision", func() bool { return r.gate().AgeSeconds < 0.5 })
}

func TestWorkerThatGrowsTooBigIsReplaced(t *testing.T) {
	r := start(t, "ready", 0, 1, "GOMEMLIMIT=300MiB")
	r.until("the gate to open", r.ready)
	r.script("grow")
	r.match(`how="killed: it holds \d+ MiB of memory, 318 are its limit"`)
	r.script("ready")
	r.until("a new decision", func() bool { return r.gate().AgeSeconds < 0.5 && r.ready() })
}

func TestHostileLinesAreSkipped(t *testing.T) {
	r := start(t, "hostile", 0, 1)
	r.until("the gate to open", r.ready)
	pid := r.pid(0)
	r.match("a line that is no word")
	r.until("more words among the junk", func() bool { return r.gate().AgeSeconds > 0 })
	if n := strings.Count(r.said(), "a line that is no word"); n != 1 {
		t.Errorf("it is said %d times", n)
	}
	if g := r.gate(); g.Worker != pid || g.Restarts != 0 {
		t.Errorf("the worker was replaced: %+v", g)
	}
}

func TestSIGTERMEndsBoth(t *testing.T) {
	for _, script := range []string{"ready", "deaf", "crash"} {
		t.Run(script, func(t *testing.T) {
			r := start(t, script, 0, 1)
			pid := 0
			if script != "crash" {
				r.until("the gate to open", r.ready)
				pid = r.pid(0)
			}
			began := time.Now()
			r.signal(r.cmd.Process.Pid, syscall.SIGTERM)
			if state := r.ends(); state.ExitCode() != 0 {
				t.Errorf("it ends with %v", state)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("it takes %s", took)
			}
			if pid != 0 && alive(pid) {
				t.Error("the worker is still there")
			}
		})
	}
}

func TestSIGKILLTakesTheWorkerAlong(t *testing.T) {
	r := start(t, "deaf", 0, 1)
	r.until("the gate to open", r.ready)
	pid := r.pid(0)
	r.signal(pid, syscall.SIGSTOP) // it cannot even notice
	r.signal(r.cmd.Process.Pid, syscall.SIGKILL)
	r.ends()
	r.until("the worker to be gone", func() bool { return !alive(pid) })
}

func TestOrphansAreBuried(t *testing.T) {
	r := start(t, "orphan", 0, 1)
	r.match(`how="exit status 5"`)
	r.script("ready")
	r.until("the gate to open", r.ready)
	children := func() (all []string) {
		files, _ := filepath.Glob("/proc/[0-9]*/stat")
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
			if fields[1] == strconv.Itoa(r.cmd.Process.Pid) {
				all = append(all, string(text[:strings.LastIndexByte(string(text), ')')+1])+" "+fields[0])
			}
		}
		return all
	}
	r.until("the worker to be the only child", func() bool { return len(children()) == 1 })
}

// Whoever holds connections does not keep the kubelet out.
func TestProbesAreAnsweredUnderAFlood(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	for range 4 * maxProbes {
		c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write([]byte("GET /ready HTTP/1.1\r\nX-Slow: "))
	}
	for range 50 {
		if began := time.Now(); !r.ready() || time.Since(began) > time.Second {
			t.Errorf("a probe took %s", time.Since(began))
		}
	}
}

func TestProbeLatency(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	took := make([]time.Duration, 500)
	for i := range took {
		began := time.Now()
		r.get("/ready")
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	t.Logf("a probe with its connection takes %s at p50, %s at p99", took[len(took)/2], took[len(took)*99/100])
}

// Whatever is sent to the probe port, the answer is whole and the port goes on.
func TestProbePortTakesAnything(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	for name, tt := range map[string]struct{ send, want string }{
		"get":             {"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"an old client":   {"GET /ready HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"a query":         {"GET /ready?verbose HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"a whole address": {"GET http://x/ready HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
		"a body":          {"POST /ready HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 "},
		"elsewhere":       {"GET /../ready HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
		"no HTTP":         {"\x16\x03\x01\x00\x00\r\n\r\n", ""},
		"a long head":     {"GET /ready HTTP/1.1\r\nX: " + strings.Repeat("x", 2*maxHeader) + "\r\n\r\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			c.SetDeadline(time.Now().Add(patience))
			if _, err := c.Write([]byte(tt.send)); err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(c)
			if tt.want == "" {
				if len(text) > 0 {
					t.Errorf("%q", text)
				}
				return
			}
			if err != nil || !strings.HasPrefix(string(text), tt.want) || !strings.Contains(string(text), "\r\nConnection: close\r\n") {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	resp, err := http.Head(r.url + "/ready")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ContentLength <= 0 {
		t.Errorf("HEAD: %+v", resp)
	}
	if !r.ready() {
		t.Error("not ready any longer")
	}
}
