// Command check measures `phial check` as a whole, from the start of the process to its
// end: thousands of objects, a large repository, a small project; and kube-score, which
// reads the manifests alone, on the same objects in the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/bench/command"
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

func measure(ctx context.Context, runs int) (err error) {
	dir, err := os.MkdirTemp("", "phial-bench-check-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	phial, err := command.Phial(ctx, dir)
	if err != nil {
		return err
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

	out := map[string][]command.Run{}
	for _, c := range []struct {
		name  string
		runs  int
		words []string
	}{
		{"fleet", runs, []string{phial, "check", fleets[objects]}},
		{"twice", runs, []string{phial, "check", fleets[2*objects]}},
		{"peer", 1, append([]string{score, "score", "-o", "ci"}, all...)},
		{"files", runs, []string{phial, "check", many}},
		{"small", 4 * runs, []string{phial, "check", small}},
	} {
		if out[c.name], err = command.Runs(ctx, c.runs, c.words...); err != nil {
			return err
		}
	}
	return judge(out)
}

func judge(out map[string][]command.Run) error {
	took := func(name string) time.Duration { return command.Median(out[name], command.Took) }
	memory := func(name string) int64 { return command.Median(out[name], command.Memory) }
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
