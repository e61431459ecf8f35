// Command check measures `phial check` as a whole, from the start of the process to its
// end: thousands of objects, a large repository, a small project; and kube-score, which
// reads the manifests alone, on the same objects in the same run.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	objects = 18_000
	files   = 2_000
	// What must be reached.
	mostObjects = 3 * time.Second
	mostMemory  = 150 << 20
	mostFiles   = 2 * time.Second
	mostSmall   = 100 * time.Millisecond
	// Twice the objects in at most so many times the time.
	mostRatio = 2.5
)

func main() {
	runs := flag.Int("runs", 5, "how often each is run; a small project four times as often")
	flag.Parse()
	if err := measure(context.Background(), *runs); err != nil {
		fmt.Fprintln(os.Stderr, "check:", err)
		os.Exit(1)
	}
}

// one is a run: how long it took, and the most memory that it held.
type one struct {
	took   time.Duration
	memory int64
}

func measure(ctx context.Context, runs int) (err error) {
	dir, err := os.MkdirTemp("", "phial-bench-check-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	phial := filepath.Join(dir, "phial")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", phial, "./cmd/phial")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w\n%s", err, out)
	}
	peer, err := exec.CommandContext(ctx, "go", "-C", "test/kubescore", "tool", "-n", "kube-score").Output()
	if err != nil {
		return fmt.Errorf("build kube-score: %w", err)
	}
	score := strings.TrimSpace(string(peer))

	fleets := map[int]string{}
	for _, n := range []int{objects, 2 * objects} {
		fleets[n] = filepath.Join(dir, strconv.Itoa(n))
		if err := fleet(fleets[n], n); err != nil {
			return err
		}
	}
	many := filepath.Join(dir, "many")
	if err := repository(many, files); err != nil {
		return err
	}
	small := filepath.Join(dir, "small")
	if err := repository(small, 5); err != nil {
		return err
	}
	var all []string
	if all, err = filepath.Glob(filepath.Join(fleets[objects], "*.yaml")); err != nil {
		return err
	}

	out := map[string][]one{}
	for _, c := range []struct {
		name    string
		runs    int
		command []string
	}{
		{"fleet", runs, []string{phial, "check", fleets[objects]}},
		{"twice", runs, []string{phial, "check", fleets[2*objects]}},
		{"peer", 1, append([]string{score, "score", "-o", "ci"}, all...)},
		{"files", runs, []string{phial, "check", many}},
		{"small", 4 * runs, []string{phial, "check", small}},
	} {
		if out[c.name], err = times(ctx, c.runs, c.command...); err != nil {
			return err
		}
	}
	return judge(out)
}

func judge(out map[string][]one) error {
	took := func(name string) time.Duration {
		return middle(out[name], func(o one) int64 { return int64(o.took) }, func(n int64) time.Duration { return time.Duration(n) })
	}
	memory := func(name string) int64 {
		return middle(out[name], func(o one) int64 { return o.memory }, func(n int64) int64 { return n })
	}
	var missed []error
	row := func(name, value, wanted string, ok bool) {
		verdict := ""
		if wanted != "" {
			verdict = "reached"
			if !ok {
				verdict = "**missed**"
				missed = append(missed, fmt.Errorf("%s: %s, must be %s", name, value, wanted))
			}
		}
		fmt.Printf("| %s | %s | %s | %s |\n", name, value, wanted, verdict)
	}
	seconds := func(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }
	mib := func(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }
	fmt.Print("phial check, the whole command, medians\n\n| | measured | wanted | |\n|---|---|---|---|\n")
	row(fmt.Sprintf("%d objects", objects), seconds(took("fleet")), "under 3 s", took("fleet") < mostObjects)
	row("the same: memory at most (RSS)", mib(memory("fleet")), "under 150 MiB", memory("fleet") < mostMemory)
	ratio := float64(took("twice")) / float64(took("fleet"))
	row(fmt.Sprintf("%d objects to %d", 2*objects, objects), fmt.Sprintf("%.2f times the time", ratio), "at most 2.5", ratio <= mostRatio)
	row(fmt.Sprintf("kube-score, the same %d objects: once", objects), seconds(took("peer"))+", "+mib(memory("peer")), "", true)
	row("kube-score to phial check: time, memory", fmt.Sprintf("%.1f, %.1f", float64(took("peer"))/float64(took("fleet")), float64(memory("peer"))/float64(memory("fleet"))), "", true)
	row(fmt.Sprintf("a repository of %d Elixir files", files), seconds(took("files")), "under 2 s", took("files") < mostFiles)
	row("a small project", fmt.Sprintf("%d ms", took("small").Milliseconds()), "under 100 ms", took("small") < mostSmall)
	return errors.Join(missed...)
}

func middle[T any](all []one, get func(one) int64, as func(int64) T) T {
	var values []int64
	for _, o := range all {
		values = append(values, get(o))
	}
	slices.Sort(values)
	return as(values[len(values)/2])
}

// times runs a command; findings are no failure. The first run, which warms the page
// cache, does not count where there are several.
func times(ctx context.Context, runs int, command ...string) (all []one, err error) {
	warm := 1
	if runs == 1 {
		warm = 0
	}
	for i := range runs + warm {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		begin := time.Now()
		err := cmd.Run()
		took := time.Since(begin)
		var exit *exec.ExitError
		if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
			return nil, fmt.Errorf("%s: %w\n%.2000s", strings.Join(command[:2], " "), err, errs.Bytes())
		}
		usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		if !ok {
			return nil, errors.New("the system does not say what a process used")
		}
		if i >= warm {
			all = append(all, one{took, usage.Maxrss << 10})
		}
	}
	return all, nil
}
