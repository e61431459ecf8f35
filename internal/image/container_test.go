package image_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// asRoot gives a command that runs as root, by sudo where we are somebody else.
func asRoot(ctx context.Context, name string, args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		name, args = "sudo", append([]string{"-n", name}, args...)
	}
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "PATH="+os.Getenv("PATH")+":/usr/sbin:/sbin")
	return cmd
}

func must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return string(out)
}

// bundle is an image unpacked by umoci, which also says in config.json how to start it.
type bundle struct {
	rootfs string
	config map[string]any
}

// unpack has umoci read the image of a layout.
func unpack(t *testing.T, layout, tag string) bundle {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bundle")
	must(t, asRoot(t.Context(), "umoci", "unpack", "--image", layout+":"+tag, dir))
	t.Cleanup(func() { asRoot(context.Background(), "rm", "-rf", dir).Run() })
	raw := must(t, asRoot(t.Context(), "cat", filepath.Join(dir, "config.json")))
	b := bundle{rootfs: filepath.Join(dir, "rootfs")}
	if err := json.Unmarshal([]byte(raw), &b.config); err != nil {
		t.Fatal(err)
	}
	return b
}

// container is a bundle that runs, by runc, with a network of its own.
type container struct {
	id    string
	state string // runc's directory
	out   *buffer
	done  chan struct{}
	err   error // once done
}

type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

var containers atomic.Int64

// run starts the image as its configuration says, with a root that is read-only and more in
// the environment.
func (b bundle) run(t *testing.T, env ...string) *container {
	t.Helper()
	dir := t.TempDir()
	var config map[string]any
	raw, err := json.Marshal(b.config) // a copy
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &config); err != nil {
		t.Fatal(err)
	}
	process := config["process"].(map[string]any)
	process["terminal"] = false
	delete(process, "rlimits") // raising one may not be allowed
	all := process["env"].([]any)
	for _, kv := range env {
		all = append(all, kv)
	}
	process["env"] = all
	config["root"] = map[string]any{"path": b.rootfs, "readonly": true}
	// As Kubernetes mounts an emptyDir there.
	config["mounts"] = append(config["mounts"].([]any), map[string]any{
		"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": []string{"nosuid", "nodev", "mode=1777", "size=65536k"}})
	linux := config["linux"].(map[string]any)
	if !slices.ContainsFunc(linux["namespaces"].([]any), func(n any) bool { return n.(map[string]any)["type"] == "network" }) {
		linux["namespaces"] = append(linux["namespaces"].([]any), map[string]any{"type": "network"})
	}
	if raw, err = json.Marshal(config); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &container{id: fmt.Sprintf("phial-test-%d-%d", os.Getpid(), containers.Add(1)), state: filepath.Join(dir, "runc"), out: &buffer{}, done: make(chan struct{})}
	cmd := asRoot(context.Background(), "runc", "--root", c.state, "run", "--bundle", dir, c.id)
	cmd.Stdout, cmd.Stderr = c.out, c.out
	go func() {
		defer close(c.done)
		c.err = testkit.Supervised(cmd, cmd.Run)
	}()
	t.Cleanup(func() {
		asRoot(context.Background(), "runc", "--root", c.state, "delete", "--force", c.id).Run()
		<-c.done
		if t.Failed() {
			t.Logf("the container wrote:\n%s", c.out)
		}
	})
	return c
}

// exec runs a program inside, as the user that the app runs as.
func (c *container) exec(ctx context.Context, args ...string) (string, error) {
	var errOut bytes.Buffer
	cmd := asRoot(ctx, "runc", append([]string{"--root", c.state, "exec", c.id}, args...)...)
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, errOut.String())
	}
	return strings.TrimSpace(string(out)), err
}

// until asks inside until the answer is as it should be.
func (c *container) until(t *testing.T, good func(string) bool, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var last string
	err := testkit.Poll(ctx, func() (bool, error) {
		select {
		case <-c.done:
			return true, errors.New("the container has ended")
		default:
		}
		out, err := c.exec(ctx, args...)
		last = out
		return err == nil && good(out), err
	})
	if err != nil {
		t.Fatalf("%q: %v; the last answer was %q", args, err, last)
	}
}

// ends waits for the end and gives the exit status.
func (c *container) ends(t *testing.T) int {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(time.Minute):
		t.Fatalf("%s runs on", c.id)
	}
	var exit *exec.ExitError
	switch {
	case c.err == nil:
		return 0
	case errors.As(c.err, &exit):
		return exit.ExitCode()
	}
	t.Fatal(c.err)
	return 0
}

func (c *container) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	must(t, asRoot(t.Context(), "runc", "--root", c.state, "kill", c.id, fmt.Sprint(int(s))))
}
