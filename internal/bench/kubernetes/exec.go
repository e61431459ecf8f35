package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

// run is one command in a container, with all that it started: either its time, or its
// memory.
type run struct {
	wall, cpu time.Duration
	memory    int64 // of its largest process, at most
}

// execAll runs a command in a container again and again, as an exec probe does, but for
// what the kubelet and containerd add: nsenter puts it there, with the container's
// environment and user. Its CPU is what the kernel says of it at its end.
func execAll(ctx context.Context, pid, n int, command ...string) (all []run, err error) {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil, err
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return nil, err
	}
	args := append([]string{"--target", strconv.Itoa(pid), "--mount", "--uts", "--ipc", "--net", "--pid",
		"--setuid", "65532", "--setgid", "65532", "--wdns=" + dir, "--"}, command...)
	env := strings.Split(strings.TrimRight(string(environ), "\x00"), "\x00")
	for i := range n + memoryRuns {
		cmd := exec.CommandContext(ctx, "nsenter", args...)
		cmd.Env = env
		r, err := execOnce(cmd, i >= n)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// memoryRuns are further runs, in which only memory is looked at: looking takes time.
const memoryRuns = 5

// execOnce runs a command, and looks at its time or at its memory.
func execOnce(cmd *exec.Cmd, memory bool) (r run, err error) {
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return r, err
	}
	ended := make(chan struct{})
	var most sync.WaitGroup
	if memory {
		most.Go(func() {
			for {
				select {
				case <-ended:
					return
				case <-time.After(500 * time.Microsecond):
					r.memory = max(r.memory, largest(cmd.Process.Pid, cmd.Process.Pid))
				}
			}
		})
	}
	err = cmd.Wait()
	wall := time.Since(begin)
	close(ended)
	most.Wait()
	if err != nil {
		return r, fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, out.String())
	}
	if !memory {
		r.wall, r.cpu = wall, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	}
	return r, nil
}

// largest is the most that one of a process's descendants has held so far, in bytes. The
// process itself, nsenter, is of no interest. Who has ended holds nothing.
func largest(pid, but int) (most int64) {
	if pid != but {
		kib, _ := stat(fmt.Sprintf("/proc/%d/status", pid), "VmHWM:")
		most = kib << 10
	}
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for c := range strings.FieldsSeq(string(children)) {
		if n, err := strconv.Atoi(c); err == nil {
			most = max(most, largest(n, but))
		}
	}
	return most
}
