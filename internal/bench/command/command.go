// Package command builds the product and measures whole runs of a command, for the
// benchmarks that look at it from outside.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// Phial builds the command line into a directory, as it is released, and gives its path.
func Phial(ctx context.Context, dir string) (string, error) {
	phial := filepath.Join(dir, "phial")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", phial, "./cmd/phial")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return phial, nil
}

// Run is one run of a command: how long it took, how much processor time it had (on a busy
// machine the two differ), and the most memory that it held, in bytes.
type Run struct {
	Took, CPU time.Duration
	Memory    int64
}

// Runs runs a command a number of times. Status 1, which says that something was found, is
// no failure. Where there are several, one more, which warms the page cache, does not count.
func Runs(ctx context.Context, n int, command ...string) (all []Run, err error) {
	warm := 1
	if n == 1 {
		warm = 0
	}
	for i := range n + warm {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		begin := time.Now()
		err := cmd.Run()
		took := time.Since(begin)
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			return nil, fmt.Errorf("%s: %w\n%.2000s", strings.Join(command[:min(2, len(command))], " "), err, errs.Bytes())
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return nil, errors.New("the system does not say what a process used")
		}
		if i >= warm {
			all = append(all, Run{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss << 10})
		}
	}
	return all, nil
}

// Sorted gives one figure of all runs, the least first.
func Sorted[T ~int64](all []Run, get func(Run) T) []T {
	var values []T
	for _, r := range all {
		values = append(values, get(r))
	}
	slices.Sort(values)
	return values
}

// Median is the one in the middle.
func Median[T ~int64](all []Run, get func(Run) T) T {
	values := Sorted(all, get)
	return values[len(values)/2]
}

// Took is how long a run took.
func Took(r Run) time.Duration { return r.Took }

// CPU is the processor time.
func CPU(r Run) time.Duration { return r.CPU }

// Memory is the most that it held, in bytes.
func Memory(r Run) int64 { return r.Memory }
