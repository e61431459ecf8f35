// Command render measures `phial render` as a whole, from the start of the process to
// its end: one app, and a thousand, and whether two thousand take twice as long.
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
	"time"
)

const (
	many = 1000
	// What must be reached.
	mostOne  = 50 * time.Millisecond
	mostMany = 5 * time.Second
	// Twice the apps in at most so many times the time: what is linear has a little
	// left for the collector.
	mostRatio = 2.5
)

func main() {
	runs := flag.Int("runs", 21, "how often one app is rendered; a thousand a quarter as often")
	flag.Parse()
	if err := measure(context.Background(), *runs); err != nil {
		fmt.Fprintln(os.Stderr, "render:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, runs int) (err error) {
	dir, err := os.MkdirTemp("", "phial-bench-render-")
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
	files := map[int]string{}
	for _, n := range []int{1, many, 2 * many} {
		files[n] = filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
		if err := os.WriteFile(files[n], apps(n), 0o644); err != nil {
			return err
		}
	}
	one, oneCPU, err := times(ctx, runs, phial, "render", "-f", files[1])
	if err != nil {
		return err
	}
	thousand, _, err := times(ctx, max(runs/4, 1), phial, "render", "-f", files[many])
	if err != nil {
		return err
	}
	twice, _, err := times(ctx, max(runs/4, 1), phial, "render", "-f", files[2*many])
	if err != nil {
		return err
	}
	ratio := float64(median(twice)) / float64(median(thousand))
	fmt.Print("phial render, the whole command\n\n| | median | min | max |\n|---|---|---|---|\n")
	row := func(name string, d []time.Duration) {
		fmt.Printf("| %s | %.0f ms | %.0f ms | %.0f ms |\n", name, ms(median(d)), ms(slices.Min(d)), ms(slices.Max(d)))
	}
	row("one app (under 50 ms)", one)
	row("one app, processor time", oneCPU)
	row("1,000 apps (under 5 s)", thousand)
	row("2,000 apps", twice)
	fmt.Printf("| 2,000 apps to 1,000 (at most %.1f) | %.2f | | |\n", mostRatio, ratio)
	switch {
	case median(one) >= mostOne:
		return fmt.Errorf("one app took %s, must be under %s", median(one), mostOne)
	case median(thousand) >= mostMany:
		return fmt.Errorf("%d apps took %s, must be under %s", many, median(thousand), mostMany)
	case ratio > mostRatio:
		return fmt.Errorf("twice the apps took %.2f times the time, must be at most %.1f", ratio, mostRatio)
	}
	return nil
}

// times runs a command, and gives how long each run took and how much processor time it
// had, sorted; on a busy machine the two differ. The first run, which warms the page
// cache, does not count.
func times(ctx context.Context, runs int, command ...string) (took, cpu []time.Duration, err error) {
	for i := range runs + 1 {
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		var errs bytes.Buffer
		cmd.Stderr = &errs
		begin := time.Now()
		if err := cmd.Run(); err != nil {
			return nil, nil, fmt.Errorf("%v: %w\n%s", command, err, errs.Bytes())
		}
		if i > 0 {
			took = append(took, time.Since(begin))
			cpu = append(cpu, cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime())
		}
	}
	slices.Sort(took)
	slices.Sort(cpu)
	return took, cpu, nil
}

func median(d []time.Duration) time.Duration { return d[len(d)/2] }

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// apps are BeamApps as teams write them.
func apps(n int) []byte {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: phial.dev/v1alpha1
kind: BeamApp
metadata:
  name: shop-%d
spec:
  image: registry.example.com/shop:1.0.%d
  clustered:
    discovery: LibclusterDNS
  http:
    port: 4001
    ingress:
      hosts: [shop-%d.example.com]
  health:
    path: /ready
  env:
  - name: POOL_SIZE
    value: "10"
  - name: DATABASE_URL
    valueFrom: {secretKeyRef: {name: shop, key: database}}
  resources:
    requests: {cpu: 500m}
    limits: {memory: 512Mi}
`, i, i, i)
	}
	return b.Bytes()
}
