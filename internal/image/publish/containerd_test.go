package publish

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// A real containerd takes the image, under the name that a kubelet asks for and with the
// digest that a registry would give it.
func TestRealContainerd(t *testing.T) {
	dir, err := os.MkdirTemp("", "phial-containerd-") //nolint:usetesting // the socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { asRoot(context.Background(), "rm", "-rf", dir).Run() })
	socket := filepath.Join(dir, "c.sock")
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n[grpc]\n  address = %q\n[ttrpc]\n  address = %q\n",
		filepath.Join(dir, "root"), filepath.Join(dir, "state"), socket, socket+".ttrpc")
	if err := os.WriteFile(filepath.Join(dir, "config.toml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	daemon := asRoot(ctx, "containerd", "--config", filepath.Join(dir, "config.toml"), "--log-level", "warn")
	daemon.Cancel = func() error { return daemon.Process.Signal(syscall.SIGTERM) }
	var said strings.Builder
	daemon.Stdout, daemon.Stderr = &said, &said
	done := make(chan error, 1)
	go func() { done <- testkit.Supervised(daemon, daemon.Run) }()
	ctr := []string{"ctr"}
	if os.Geteuid() != 0 {
		ctr = []string{"sudo", "-n", "ctr"}
	}
	err = testkit.Poll(ctx, func() (bool, error) {
		select {
		case err := <-done:
			return true, fmt.Errorf("containerd ended: %w: %s", errors.Join(err, errors.New("too early")), said.String())
		default:
		}
		out, err := exec.CommandContext(ctx, ctr[0], append(ctr[1:], "--address", socket, "version")...).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err == nil, err
	})
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	defer func() { cancel(); <-done }()
	r := built(t, layer(t, 10_000), layer(t, 1000))
	p, err := Containerd{Command: ctr, Address: socket, Namespace: "k8s.io", Name: "registry.example.com/shop", Tags: []string{"1.0.0", "latest"}}.Publish(t.Context(), r)
	if err != nil || len(p.Names) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	out, err := exec.CommandContext(t.Context(), ctr[0], append(ctr[1:], "--address", socket, "--namespace", "k8s.io", "images", "ls")...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"registry.example.com/shop:1.0.0", "registry.example.com/shop:latest"} {
		found := false
		for line := range strings.Lines(string(out)) {
			found = found || strings.HasPrefix(line, name+" ") && strings.Contains(line, r.Digest.String())
		}
		if !found {
			t.Errorf("containerd has no %s of %s:\n%s", name, r.Digest, out)
		}
	}
}

// asRoot gives a command that runs as root, by sudo where we are somebody else.
func asRoot(ctx context.Context, name string, args ...string) *exec.Cmd {
	if os.Geteuid() != 0 {
		name, args = "sudo", append([]string{"-n", name}, args...)
	}
	return exec.CommandContext(ctx, name, args...)
}
