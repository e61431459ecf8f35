package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Bounds of what goes into every pod.
const (
	maxBinary = 10_000_000 // bytes
	// maxMemory is of both processes together, in bytes. Their program, most of what each
	// holds, is one file in memory, and counts once (PSS): it is what the pod pays.
	maxMemory = 20 << 20
	settles   = 30 * time.Second
)

// The program as it is shipped is small, on disk and in memory, with a worker that
// looks for a node that is not there.
func TestProgramIsSmall(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program, and -short was asked for")
	}
	dir, err := os.MkdirTemp("", "phial") //nolint:usetesting // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	program := filepath.Join(dir, "program")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w -buildid=", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the program has %.1f MB", float64(info.Size())/1e6)
	if info.Size() > maxBinary {
		t.Errorf("the program has %d bytes, at most %d are allowed", info.Size(), maxBinary)
	}
	measure(t, program, dir)
}

func measure(t *testing.T, program, dir string) {
	t.Helper()
	port := freePort(t)
	cmd := exec.Command(program)
	cmd.Env = []string{
		"RELEASE_NODE=shop@127.0.0.1", "POD_IP=127.0.0.1", "GOMEMLIMIT=96MiB", "PHIAL_AGENT_BIN=" + dir, "PHIAL_AGENT_RUN=" + dir,
		"PHIAL_COOKIE_FILE=" + cookie(t, dir), "PHIAL_AGENT_PROBE_PORT=" + port,
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ends with %v", err)
		}
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("its log:\n%s", text)
		}
	}()
	url := "http://127.0.0.1:" + port
	await(t, url+"/metrics", `phial_agent_worker_scraped 1`)
	var took []time.Duration
	for range 300 {
		began := time.Now()
		get(t, url+"/ready")
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a probe with its connection takes %s at p50, %s at p99", took[len(took)/2], took[len(took)*99/100])
	watchMemory(t, cmd.Process.Pid)
}

// watchMemory looks at both processes for as long as they take to settle: they begin a
// quarter smaller than they stay.
func watchMemory(t *testing.T, supervisor int) {
	t.Helper()
	var rss, pss, most int64
	for end := time.Now().Add(settles); time.Now().Before(end); time.Sleep(time.Second) {
		rss, pss = 0, 0
		for _, pid := range append(children(t, supervisor), supervisor) {
			rss += rollup(t, pid, "Rss")
			pss += rollup(t, pid, "Pss")
		}
		most = max(most, pss)
	}
	t.Logf("after %s both hold %.1f MiB, %.1f MiB where what they share counts twice (the sum of their RSS)",
		settles, float64(pss)/(1<<20), float64(rss)/(1<<20))
	if most == 0 || most > maxMemory {
		t.Errorf("both hold %.1f MiB, at most %d are allowed", float64(most)/(1<<20), maxMemory>>20)
	}
}

func children(t *testing.T, pid int) (all []int) {
	t.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range lists {
		text, err := os.ReadFile(list)
		if err != nil {
			continue // a thread that has ended
		}
		for word := range strings.FieldsSeq(string(text)) {
			child, err := strconv.Atoi(word)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, child)
		}
	}
	if len(all) != 1 {
		t.Errorf("the supervisor has the children %v, and should have one worker", all)
	}
	return all
}

// rollup gives a sum of a process's memory, in bytes.
func rollup(t *testing.T, pid int, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			kb, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	t.Fatalf("no %s of process %d", name, pid)
	return 0
}

func cookie(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "cookie")
	if err := os.WriteFile(path, []byte("a cookie"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func get(t *testing.T, url string) string {
	t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(url)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	return string(text)
}

func await(t *testing.T, url, says string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if page := get(t, url); strings.Contains(page, says) {
			return
		}
	}
	t.Fatalf("%s does not say %q", url, says)
}
