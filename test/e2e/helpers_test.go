package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/internal/testkit"
	"github.com/phialdev/phial/test/e2e/stage"
)

// await fails the test with the last complaint.
func await(t *testing.T, what string, within time.Duration, try func(ctx context.Context) error) {
	t.Helper()
	if err := stage.Await(t.Context(), within, try); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// holds fails the test if what is asked again and again is wrong once.
func holds(t *testing.T, what string, during time.Duration, try func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := try(t.Context()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// meshed waits for n ready replicas in one mesh.
func meshed(t *testing.T, a *stage.App, n int) []stage.Pod {
	t.Helper()
	pods, err := a.AwaitReady(t.Context(), n, 2*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.AwaitMesh(t.Context(), pods, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	return pods
}

// signal sends a signal to a container's main process.
func signal(t *testing.T, a *stage.App, pod, container string, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(mainPID(t, a, pod, container), sig); err != nil {
		t.Fatal(err)
	}
}

// cut breaks the network between pods, until the test ends or mend is called.
func cut(t *testing.T, s *stage.Stage, these ...kubetest.Cut) (mend func()) {
	t.Helper()
	if err := s.Cut(t.Context(), these...); err != nil {
		t.Fatal(err)
	}
	mend = sync.OnceFunc(func() {
		if err := s.Mend(context.WithoutCancel(t.Context()), these...); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(mend)
	return mend
}

func mainPID(t *testing.T, a *stage.App, pod, container string) int {
	t.Helper()
	pid, err := a.ContainerPID(t.Context(), a.Namespace, pod, container)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// children gives a process's own children.
func children(pid int) []int {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	var all []int
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if len(fields) > 1 && fields[1] == strconv.Itoa(pid) {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			all = append(all, child)
		}
	}
	return all
}

// view is what a pod's agent says of its own replica.
func view(ctx context.Context, a *stage.App, pod string) (views.View, error) {
	m, err := a.Mesh(ctx, pod, false)
	return m.Self, err
}

// contains says whether a text has all of these in it.
func contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}

// vote adds one to a name's count, at one replica or at the Service.
func vote(ctx context.Context, host, name string) error {
	_, err := ask(ctx, http.MethodPost, host, "/tally/"+name)
	return err
}

// total asks for a name's count over all replicas.
func total(ctx context.Context, host, name string) (int, error) {
	text, err := ask(ctx, http.MethodGet, host, "/tally/"+name)
	if err != nil {
		return 0, err
	}
	var answer struct{ Count int }
	return answer.Count, json.Unmarshal(text, &answer)
}

var client = &http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func ask(ctx context.Context, method, host, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+net.JoinHostPort(host, "4000")+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return text, err
}

// keepEvidence leaves what the agents wrote and knew, whether the test passes or not.
func keepEvidence(t *testing.T, a *stage.App) {
	t.Helper()
	cache, err := testkit.CacheDir()
	if err != nil {
		t.Error(err)
		return
	}
	dir := filepath.Join(cache, "evidence", "e2e", a.Namespace)
	if err := os.RemoveAll(dir); err != nil {
		t.Error(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Error(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	pods, err := a.Pods(ctx)
	if err != nil {
		t.Error(err)
	}
	for _, p := range pods {
		for _, c := range []string{plan.ContainerAgent, plan.ContainerApp} {
			out, _, _ := a.Kubectl(ctx, nil, "logs", "-n", a.Namespace, p.Name, "-c", c, "--tail=2000")
			write(t, filepath.Join(dir, p.Name+"-"+c+".log"), out)
		}
		out, err := a.AgentVerb(ctx, p.Name, "mesh", "-o", "json")
		if err == nil {
			write(t, filepath.Join(dir, p.Name+"-mesh.json"), out)
		}
	}
	events, _, _ := a.Kubectl(ctx, nil, "get", "events", "-n", a.Namespace, "--sort-by=.lastTimestamp")
	write(t, filepath.Join(dir, "events.txt"), events)
	objects, _, _ := a.Kubectl(ctx, nil, "get", "pods,endpointslices,services", "-n", a.Namespace, "-o", "wide")
	write(t, filepath.Join(dir, "objects.txt"), objects)
	noSecrets(t, a, dir)
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Error(err)
	}
}

// noSecrets fails the test where the cookie or the agents' key is in the evidence.
func noSecrets(t *testing.T, a *stage.App, dir string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Error(err)
		}
		for _, secret := range a.Secrets {
			if strings.Contains(string(text), secret) {
				t.Errorf("a secret is in %s", f)
			}
		}
	}
}
