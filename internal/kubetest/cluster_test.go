package kubetest

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/phialdev/phial/internal/testkit"
)

// helper is the environment name that has the test binary be a process to kill.
const helper = "PHIAL_KUBETEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helper) {
	case "":
	case "node":
		beKilledWithANode()
	default:
		beKilled()
	}
	os.Exit(Main(m))
}

// beKilled starts a control plane, says where it is and what its processes are, and waits.
func beKilled() {
	c, err := Run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Print(c.dir)
	for _, p := range c.components {
		fmt.Print(" ", p.pid)
	}
	fmt.Println()
	select {}
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patient(2*time.Minute))
	t.Cleanup(cancel)
	return ctx
}

// alive tells whether a process runs. What nobody has reaped yet does not.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	after := stat[strings.LastIndexByte(string(stat), ')')+2:]
	return after[0] != 'Z' && after[0] != 'X'
}

func gone(t *testing.T, dir string, pids []int) {
	t.Helper()
	if err := testkit.Poll(within(t), func() (bool, error) {
		if i := slices.IndexFunc(pids, alive); i >= 0 {
			return false, fmt.Errorf("process %d is still there", pids[i])
		}
		if _, err := os.Lstat(dir); err == nil {
			return false, fmt.Errorf("%s is still there", dir)
		}
		return true, nil
	}); err != nil {
		t.Error(err)
	}
}

func (c *Cluster) pids() (all []int) {
	for _, p := range c.components {
		all = append(all, p.pid)
	}
	return all
}

func TestCloseLeavesNothing(t *testing.T) {
	notShort(t)
	c, err := Run(within(t))
	if err != nil {
		t.Fatal(err)
	}
	dir, pids := c.dir, c.pids()
	if len(pids) != 2 || !slices.ContainsFunc(pids, alive) {
		t.Errorf("processes %v: want a running etcd and kube-apiserver", pids)
	}
	for _, file := range []string{dir, c.Kubeconfig} {
		if info, err := os.Stat(file); err != nil || info.Mode()&0o077 != 0 {
			t.Errorf("%s is open to others: %v, %v", file, info.Mode(), err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	gone(t, dir, pids)
	if err := c.Close(); err != nil {
		t.Errorf("closed again: %v", err)
	}
	if _, err := c.Get(within(t), "/api"); err == nil {
		t.Error("a closed cluster answers")
	}
}

// killed has this binary start something in a process of its own, and kills that; it gives what the process said of it.
func killed(t *testing.T, what string) []string {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helper+"="+what)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	cmd.Process.Kill()
	cmd.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(line)
}

func TestKilledTestLeavesNothing(t *testing.T) {
	notShort(t)
	fields := killed(t, "control plane")
	var pids []int
	for _, f := range fields[1:] {
		pid, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	if len(pids) != 2 {
		t.Errorf("the helper said %q: want two processes", fields)
	}
	gone(t, fields[0], pids)
}

// Two clusters side by side know nothing of each other's objects, nor of each other's administrators.
func TestSideBySide(t *testing.T) {
	a, b := Shared(t), Start(t)
	const object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: side-by-side}\n"
	if _, err := a.Apply(within(t), []byte(object), false); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/namespaces/default/configmaps/side-by-side"
	if _, err := b.Get(within(t), path); !apierrors.IsNotFound(err) {
		t.Errorf("the other cluster answers %v, want not found", err)
	}
	if _, _, err := a.request(within(t), "GET", b.URL+path, "", nil); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("one's administrator at the other: %v, want a certificate that is not trusted", err)
	}
}

func TestAComponentThatEndsIsNamed(t *testing.T) {
	notShort(t)
	c, err := Run(within(t))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Ended(); err != nil {
		t.Errorf("all run, and yet: %v", err)
	}
	syscall.Kill(c.components[0].pid, syscall.SIGKILL)
	<-c.components[0].done
	if err := c.Ended(); err == nil || !strings.Contains(err.Error(), "etcd: ended by itself (signal: killed)") {
		t.Errorf("got %v, want a word about etcd", err)
	}
	if _, err := c.Get(within(t), "/api"); err == nil || !strings.Contains(err.Error(), "etcd") {
		t.Errorf("a request says %v, want a word about etcd", err)
	}
}

func TestControllers(t *testing.T) {
	c := Start(t, Controllers())
	ctx := within(t)
	if _, err := c.Apply(ctx, []byte(deployment), false); err != nil {
		t.Fatal(err)
	}
	if err := testkit.Poll(ctx, func() (bool, error) {
		sets, err := c.Get(ctx, "/apis/apps/v1/namespaces/default/replicasets?labelSelector=app%3Dweb")
		if err == nil && !strings.Contains(string(sets), `"kind":"Deployment","name":"web"`) {
			err = fmt.Errorf("no ReplicaSet of the Deployment in %s", sets)
		}
		return err == nil, err
	}); err != nil {
		t.Fatal(err)
	}
}

// A control plane that can't start says which part of it, and why, and leaves nothing.
func TestStartThatFails(t *testing.T) {
	notShort(t)
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	ctx, cancel := context.WithCancel(within(t))
	cancel()
	if _, err := Run(ctx); err == nil {
		t.Error("started although its context had ended")
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	c, err := launch("/bin/false", temp, "etcd", "--none")
	if err != nil {
		t.Fatal(err)
	}
	err = c.await(within(t), func(context.Context) error { return fs.ErrNotExist })
	if err == nil || !strings.Contains(err.Error(), "etcd: ended by itself (exit status 1)") {
		t.Errorf("got %v, want the program's end", err)
	}
}

// Another port is tried where somebody took the first; other failures are final.
func TestOnFreePort(t *testing.T) {
	var ports []string
	err := onFreePort(loopback, func(port string) error {
		ports = append(ports, port)
		if len(ports) < 3 {
			return fmt.Errorf("etcd: %w", syscall.EADDRINUSE)
		}
		return fs.ErrInvalid
	})
	if err != fs.ErrInvalid || len(ports) != 3 { //nolint:errorlint // the very one
		t.Errorf("ports %v, %v: want three tries, and the third's error", ports, err)
	}
}
