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
	"path/filepath"
	"time"

	"github.com/phialdev/phial/internal/bench/command"
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
	phial, err := command.Phial(ctx, dir)
	if err != nil {
		return err
	}
	files := map[int]string{}
	for _, n := range []int{1, many, 2 * many} {
		files[n] = filepath.Join(dir, fmt.Sprintf("%d.yaml", n))
		if err := os.WriteFile(files[n], apps(n), 0o644); err != nil {
			return err
		}
	}
	one, err := command.Runs(ctx, runs, phial, "render", "-f", files[1])
	if err != nil {
		return err
	}
	thousand, err := command.Runs(ctx, max(runs/4, 2), phial, "render", "-f", files[many])
	if err != nil {
		return err
	}
	twice, err := command.Runs(ctx, max(runs/4, 2), phial, "render", "-f", files[2*many])
	if err != nil {
		return err
	}
	ratio := float64(took(twice)) / float64(took(thousand))
	fmt.Print("phial render, the whole command\n\n| | median | min | max |\n|---|---|---|---|\n")
	row := func(name string, all []command.Run, get func(command.Run) time.Duration) {
		d := command.Sorted(all, get)
		fmt.Printf("| %s | %.0f ms | %.0f ms | %.0f ms |\n", name, ms(d[len(d)/2]), ms(d[0]), ms(d[len(d)-1]))
	}
	row("one app (under 50 ms)", one, command.Took)
	row("one app, processor time", one, command.CPU)
	row("1,000 apps (under 5 s)", thousand, command.Took)
	row("2,000 apps", twice, command.Took)
	fmt.Printf("| 2,000 apps to 1,000 (at most %.1f) | %.2f | | |\n", mostRatio, ratio)
	switch {
	case took(one) >= mostOne:
		return fmt.Errorf("one app took %s, must be under %s", took(one), mostOne)
	case took(thousand) >= mostMany:
		return fmt.Errorf("%d apps took %s, must be under %s", many, took(thousand), mostMany)
	case ratio > mostRatio:
		return fmt.Errorf("twice the apps took %.2f times the time, must be at most %.1f", ratio, mostRatio)
	}
	return nil
}

func took(all []command.Run) time.Duration { return command.Median(all, command.Took) }

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
