package supervisor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is for what takes no time at all on an idle machine.
const patience = 20 * time.Second

// rig is a supervisor that runs.
type rig struct {
	Client
	t    *testing.T
	cmd  *exec.Cmd
	url  string
	done chan error

	mu  sync.Mutex
	log bytes.Buffer
}

// start starts a supervisor whose worker follows a script, with an endpoint delay and a
// drain's budget in seconds.
func start(t *testing.T, script string, delay, budget int, env ...string) *rig {
	t.Helper()
	dir, err := os.MkdirTemp("", "phial") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	r := &rig{Client: Client{Dir: dir}, t: t, done: make(chan error, 1)}
	r.script(script)
	r.cmd = exec.Command(os.Args[0], "supervise")
	r.cmd.Env = append(os.Environ(), "RELEASE_NODE=shop@127.0.0.1", "PHIAL_AGENT_RUN="+dir, "PHIAL_AGENT_BIN="+dir,
		"PHIAL_ENDPOINT_DELAY_SECONDS="+strconv.Itoa(delay), "PHIAL_DRAIN_TIMEOUT_SECONDS="+strconv.Itoa(budget))
	r.cmd.Env = append(r.cmd.Env, env...)
	out, err := r.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		r.read(out)
	}()
	go func() {
		<-read
		r.done <- r.cmd.Wait()
	}()
	t.Cleanup(func() {
		r.cmd.Process.Kill()
		select {
		case <-r.done:
		case <-time.After(patience):
			t.Error("the supervisor does not end")
		}
		if t.Failed() {
			t.Log("the supervisor's log:\n" + r.said())
		}
	})
	port := r.match(`probes=\S*:(\d+)`)
	r.url = "http://127.0.0.1:" + port[1]
	return r
}

func (r *rig) read(out io.Reader) {
	for s := bufio.NewScanner(out); s.Scan(); {
		r.mu.Lock()
		fmt.Fprintln(&r.log, s.Text())
		r.mu.Unlock()
	}
}

func (r *rig) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.log.String()
}

// script changes what the worker does.
func (r *rig) script(s string) {
	r.t.Helper()
	tmp := filepath.Join(r.Dir, "script.new")
	if err := os.WriteFile(tmp, []byte(s), 0o600); err != nil {
		r.t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(r.Dir, "script")); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for something to hold.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	until(r.t, what, holds)
}

func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); {
		if time.Now().After(end) {
			t.Fatalf("in vain waited for %s until %s had passed: %s", what, patience, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// match waits for a line of the log.
func (r *rig) match(pattern string) (found []string) {
	r.t.Helper()
	re := regexp.MustCompile(pattern)
	r.until("the log to say "+pattern, func() bool {
		found = re.FindStringSubmatch(r.said())
		return found != nil
	})
	return found
}

// get asks the probe port.
func (r *rig) get(path string) (status int, body string) {
	r.t.Helper()
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func (r *rig) ready() bool {
	status, _ := r.get("/ready")
	return status == http.StatusOK
}

// gate asks what the supervisor knows.
func (r *rig) gate() Gate {
	r.t.Helper()
	g, err := r.Gate(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return g
}

// pid waits for a worker other than the one given.
func (r *rig) pid(not int) (pid int) {
	r.t.Helper()
	r.until("a worker", func() bool {
		pid = r.gate().Worker
		return pid != 0 && pid != not
	})
	return pid
}

// orders are all that workers have got so far.
func (r *rig) orders() (all []Order) {
	text, err := os.ReadFile(filepath.Join(r.Dir, "orders"))
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		var o Order
		if !strings.HasSuffix(line, "\n") || json.Unmarshal([]byte(line), &o) != nil {
			break
		}
		all = append(all, o)
	}
	return all
}

// alive says whether a process is there and no zombie.
func alive(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	rest := string(text[bytes.LastIndexByte(text, ')')+1:])
	return !strings.HasPrefix(rest, " Z") && !strings.HasPrefix(rest, " X")
}

// ends waits for the supervisor's end.
func (r *rig) ends() *os.ProcessState {
	r.t.Helper()
	select {
	case err := <-r.done:
		r.done <- err
		return r.cmd.ProcessState
	case <-time.After(patience):
		r.t.Fatal("the supervisor does not end")
		return nil
	}
}

func (r *rig) signal(pid int, s syscall.Signal) {
	r.t.Helper()
	if err := syscall.Kill(pid, s); err != nil {
		r.t.Fatal(err)
	}
}
