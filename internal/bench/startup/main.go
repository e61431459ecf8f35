// Command startup measures how long a built release takes, as three replicas of
// the local engine, from its processes' start to one full mesh, beside the boot
// of the slowest of its nodes in the same run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/bench/app"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/probe"
)

const poll = 5 * time.Millisecond

// most is how long after the slowest boot the mesh may take to stand.
const most = 2 * time.Second

func main() {
	runs := flag.Int("runs", 5, "how often")
	replicas := flag.Int("replicas", 3, "how many replicas")
	flag.Parse()
	dir := "examples/tally"
	if flag.NArg() > 0 {
		dir = flag.Arg(0)
	}
	if err := measure(context.Background(), dir, *runs, *replicas); err != nil {
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

// times are counted from the start of the first process.
type times struct{ boot, mesh, ready time.Duration }

func measure(ctx context.Context, dir string, runs, replicas int) error {
	var all []times
	for i := range runs + 1 {
		t, err := once(ctx, dir, replicas)
		if err != nil {
			return err
		}
		if i > 0 { // the first builds, and warms the page cache
			all = append(all, t)
		}
	}
	fmt.Printf("Start to full mesh: %s, %d replicas, %d runs (median, min-max)\n\n", dir, replicas, runs)
	fmt.Println("| | median | min | max |\n|---|---|---|---|")
	row := func(name string, get func(times) time.Duration) time.Duration {
		var ds []time.Duration
		for _, t := range all {
			ds = append(ds, get(t))
		}
		slices.Sort(ds)
		ms := func(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
		fmt.Printf("| %s | %s | %s | %s |\n", name, ms(ds[len(ds)/2]), ms(ds[0]), ms(ds[len(ds)-1]))
		return ds[len(ds)/2]
	}
	row("slowest BEAM booted", func(t times) time.Duration { return t.boot })
	row("full mesh", func(t times) time.Duration { return t.mesh })
	after := row("full mesh after the slowest boot (at most 2 s)", func(t times) time.Duration { return t.mesh - t.boot })
	row("all replicas ready", func(t times) time.Duration { return t.ready })
	if after > most {
		return fmt.Errorf("the mesh stood %s after the slowest boot, must be at most %s", after, most)
	}
	return nil
}

// once runs the app, watches its nodes boot and mesh from outside, and stops it.
func once(ctx context.Context, dir string, replicas int) (times, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	a, err := app.Start(ctx, local.Options{Dir: dir, Replicas: replicas})
	if err != nil {
		return times{}, err
	}
	t, err := watch(ctx, a)
	return t, errors.Join(err, a.Stop())
}

func watch(ctx context.Context, a *app.App) (times, error) {
	p := &probe.Prober{Cookie: a.Cookie, EPMDPort: a.Target.EPMDPort}
	pods := a.Status.Pods
	begin := pods[0].StartedAt
	for _, pod := range pods {
		if pod.StartedAt.Before(begin) {
			begin = pod.StartedAt
		}
	}
	boots, meshes := make([]time.Duration, len(pods)), make([]time.Duration, len(pods))
	var t times
	g, ctx := errgroup.WithContext(ctx)
	for i, node := range a.Target.Nodes {
		g.Go(func() error {
			var err error
			boots[i], meshes[i], err = follow(ctx, p, node, len(a.Target.Nodes)-1, begin)
			return err
		})
	}
	g.Go(func() error {
		for {
			now, err := a.Client.Status(ctx)
			if err != nil {
				return err
			}
			if now.Ready() == len(pods) {
				t.ready = time.Since(begin)
				return nil
			}
			if err := pause(ctx); err != nil {
				return err
			}
		}
	})
	if err := g.Wait(); err != nil {
		return t, err
	}
	t.boot, t.mesh = slices.Max(boots), slices.Max(meshes)
	return t, nil
}

// follow asks one node until it has booted and sees so many peers.
func follow(ctx context.Context, p *probe.Prober, node string, peers int, begin time.Time) (boot, full time.Duration, err error) {
	var s *probe.Session
	for s == nil {
		if s, err = p.Session(ctx, node); err != nil {
			if err := pause(ctx); err != nil {
				return 0, 0, err
			}
		}
	}
	defer s.Close()
	for boot == 0 || full == 0 {
		if boot == 0 {
			status, err := s.Status(ctx)
			if err != nil {
				return 0, 0, err
			}
			if status == mesh.Started {
				boot = time.Since(begin)
			}
		}
		seen, err := s.Peers(ctx)
		if err != nil {
			return 0, 0, err
		}
		if len(seen) == peers {
			full = time.Since(begin)
			continue
		}
		if err := pause(ctx); err != nil {
			return 0, 0, err
		}
	}
	return boot, full, nil
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(poll):
		return nil
	}
}
