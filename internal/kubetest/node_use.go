package kubetest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/testkit"
)

// Import gives the node's containerd the images of a tarball, as "docker save" writes them or as an archive of an OCI
// layout, under the names that they have there. Pods name them with imagePullPolicy Never or IfNotPresent: there is no
// registry.
func (n *Node) Import(ctx context.Context, tarball io.Reader) error {
	if _, err := n.ctr(ctx, tarball, "images", "import", "-"); err != nil {
		return fmt.Errorf("import images into the node: %w", err)
	}
	return nil
}

// ctr runs containerd's client in the namespace of kubelet's images.
func (n *Node) ctr(ctx context.Context, input io.Reader, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "ctr", append([]string{"--address", n.Containerd(), "--namespace", "k8s.io"}, args...)...)
	cmd.Stdin = input
	return output(cmd)
}

// Exec runs a command in all of the node's namespaces, and gives what it writes to standard output. The programs are the
// host's: nft, ip, ctr. It is none of the node's cgroups.
func (n *Node) Exec(ctx context.Context, input io.Reader, command ...string) ([]byte, error) {
	if n.process1 == nil {
		return nil, errors.New("the node has no namespaces yet")
	}
	if err := n.process1.ended(); err != nil {
		return nil, err
	}
	args := []string{"--target", strconv.Itoa(n.process1.pid), "--mount", "--net", "--uts", "--ipc", "--pid", "--cgroup", "--"}
	cmd := exec.CommandContext(ctx, "nsenter", append(args, command...)...)
	cmd.Stdin, cmd.Env = input, environment("/")
	return output(cmd)
}

func output(cmd *exec.Cmd) ([]byte, error) {
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // what it started may hold on to its output
	if err := cmd.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, testkit.LastLines(append(errs.Bytes(), out.Bytes()...)))
	}
	return out.Bytes(), nil
}

// ContainerPID gives the process, by its number on the host, that is the main one of a container that runs: to stop it
// with a signal, or to read what /proc knows of it.
func (n *Node) ContainerPID(ctx context.Context, namespace, pod, container string) (int, error) {
	label := fmt.Sprintf("container %s of pod %s/%s", container, namespace, pod)
	answer, err := n.Get(ctx, "/api/v1/namespaces/"+namespace+"/pods/"+pod)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", label, err)
	}
	type status struct {
		Name, ContainerID string
		State             struct{ Running *struct{} }
	}
	var p struct {
		Status struct{ ContainerStatuses, InitContainerStatuses []status }
	}
	if err := json.Unmarshal(answer, &p); err != nil {
		return 0, fmt.Errorf("%s: %w", label, err)
	}
	for _, s := range append(p.Status.ContainerStatuses, p.Status.InitContainerStatuses...) {
		if s.Name != container {
			continue
		}
		if s.State.Running == nil {
			return 0, fmt.Errorf("%s does not run", label)
		}
		_, id, _ := strings.Cut(s.ContainerID, "://")
		pid, err := n.taskPID(id)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", label, err)
		}
		return pid, nil
	}
	return 0, fmt.Errorf("there is no %s", label)
}

// taskPID finds the process that containerd has in its books by its number in the node. What the kernel calls it on the
// host stands beside that in its status; processes of other nodes may have the same number in theirs.
func (n *Node) taskPID(id string) (int, error) {
	book := fmt.Sprintf("/proc/%d/root/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s/init.pid", n.process1.pid, id)
	inside, err := os.ReadFile(book)
	if err != nil {
		return 0, err
	}
	processes, err := filepath.Glob("/proc/[0-9]*/status")
	if err != nil {
		return 0, err
	}
	for _, path := range processes {
		status, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		_, line, _ := strings.Cut(string(status), "\nNSpid:")
		line, _, _ = strings.Cut(line, "\n")
		numbers := strings.Fields(line)
		if len(numbers) < 2 || numbers[1] != string(bytes.TrimSpace(inside)) {
			continue
		}
		cgroup, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cgroup"))
		if err == nil && strings.Contains(string(cgroup), id) {
			return strconv.Atoi(numbers[0])
		}
	}
	return 0, errors.New("its process is not to be found")
}
