package supervisor

import (
	"bufio"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestVerbsOfTheWorker(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	body, err := r.Ask(t.Context(), "state", "observe=1")
	if err != nil || strings.TrimSpace(string(body)) != "{\n \"query\": \"observe=1\"\n}" {
		t.Errorf("state is %q, %v", body, err)
	}
	for verb, want := range map[string]string{
		"nothing": "the agent's worker knows no nothing",
		"broken":  "the agent's worker answers 503 Service Unavailable: there is no node",
		"../etc":  "a verb is a word of small letters",
		"":        "a verb is a word of small letters",
	} {
		var refused Refused
		if _, err := r.Ask(t.Context(), verb, ""); !errors.As(err, &refused) || err.Error() != want {
			t.Errorf("%q gives %v, want %q", verb, err, want)
		}
	}
	if body, err := r.Ask(t.Context(), "half", ""); !errors.Is(err, ErrBroken) {
		t.Errorf("half an answer gives %q, %v", body, err)
	}
	r.script("crash")
	r.signal(r.pid(0), 9)
	r.until("a line that there is no worker", func() bool {
		_, err := r.Ask(t.Context(), "state", "")
		return err != nil && strings.Contains(err.Error(), "the agent's worker does not run now")
	})
}

func TestOddRequests(t *testing.T) {
	r := start(t, "ready", 0, 1)
	for _, text := range []string{"\n", "drain\n", "[]\n", `{"verb":7}` + "\n", strings.Repeat("x", 3*maxRequest) + "\n"} {
		c, err := net.Dial("unix", filepath.Join(r.Dir, AgentSocket))
		if err != nil {
			t.Fatal(err)
		}
		c.Write([]byte(text))
		line, err := bufio.NewReader(c).ReadString('\n')
		c.Close()
		if !strings.Contains(line, "that is no request") {
			t.Errorf("%.20q gives %q, %v", text, line, err)
		}
	}
	if g := r.gate(); g.Draining {
		t.Error("something drained")
	}
}

func TestMetrics(t *testing.T) {
	r := start(t, "ready", 0, 1)
	r.until("the gate to open", r.ready)
	_, body := r.get("/metrics")
	for _, want := range []string{
		"fake_up 1\n# HELP phial_agent_up", "\nphial_agent_up 1\n", "\nphial_agent_start_time_seconds 1", "\nphial_agent_worker_up 1\n",
		"\nphial_agent_worker_scraped 1\n", "\nphial_agent_worker_restarts_total 0\n", "\nphial_agent_decision_age_seconds 0.",
		"\nphial_gate_open 1\n", "\nphial_node_booted 1\n", "\nphial_draining 0\n",
		"\nphial_agent_resident_memory_bytes{process=\"worker\"} ",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in\n%s", want, body)
		}
	}
	r.script("mute")
	_, body = r.get("/metrics")
	if !strings.HasPrefix(body, "# HELP phial_agent_up") || !strings.Contains(body, "\nphial_agent_worker_scraped 0\n") {
		t.Errorf("without the worker's:\n%s", body)
	}
}

func TestInstall(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "bin", "phial-agent")
	write := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(from, "one")
	if _, err := install(from, to); err == nil || !strings.Contains(err.Error(), "copy the agent to "+to) {
		t.Errorf("where there is no directory: %v", err)
	}
	if err := os.Mkdir(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	write(filepath.Join(dir, "bin", ".phial-agent.new"), "of one that died while it copied, and longer")
	check := func(text string) os.FileInfo {
		t.Helper()
		size, err := install(from, to)
		got, _ := os.ReadFile(to)
		info, statErr := os.Stat(to)
		if err != nil || statErr != nil || size != int64(len(text)) || string(got) != text || info.Mode().Perm() != 0o755 {
			t.Fatalf("%d, %v: %q, %v, %v", size, err, got, info, statErr)
		}
		return info
	}
	first := check("one")
	if !os.SameFile(first, check("one")) {
		t.Error("the same program was copied again")
	}
	running, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	write(from, "two")
	if os.SameFile(first, check("two")) {
		t.Error("the program was written over")
	}
	old := make([]byte, 10)
	if n, _ := running.Read(old); string(old[:n]) != "one" {
		t.Errorf("who runs the old one reads %q", old[:n])
	}
	if err := os.Chmod(to, 0o600); err != nil {
		t.Fatal(err)
	}
	check("two")
	entries, err := os.ReadDir(filepath.Dir(to))
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
