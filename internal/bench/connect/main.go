// Command connect measures how long it takes to ask a running node one question:
// over erlang/dist (EPMD, connect, handshake, one call), beside what a release
// brings for it, bin/NAME rpc, in turn in one run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/bench/app"
	"github.com/phialdev/phial/internal/engine/local"
)

// perTurn is how many connections stand against one rpc: they are so much
// shorter that one alone would mostly show the scheduler.
const perTurn = 20

// most is what the median has to stay under.
const most = 5 * time.Millisecond

func main() {
	turns := flag.Int("turns", 15, "how many turns")
	flag.Parse()
	if err := measure(context.Background(), *turns); err != nil {
		fmt.Fprintln(os.Stderr, "connect:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, turns int) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	a, err := app.Start(ctx, local.Options{Dir: "examples/tally", Replicas: 1})
	if err != nil {
		return err
	}
	ours, theirs, err := compare(ctx, a, turns)
	if err := errors.Join(err, a.Stop()); err != nil {
		return err
	}
	fmt.Printf("One question to a running node, %d turns\n\n| | median | p95 | runs |\n|---|---|---|---|\n", turns)
	row := func(name string, ds []time.Duration) time.Duration {
		slices.Sort(ds)
		median := ds[len(ds)/2]
		fmt.Printf("| %s | %.2f ms | %.2f ms | %d |\n", name, ms(median), ms(ds[len(ds)*95/100]), len(ds))
		return median
	}
	o := row("erlang/dist: EPMD, connect, handshake, one call (under 5 ms)", ours)
	t := row("bin/tally rpc", theirs)
	fmt.Printf("| ratio of the medians | %.0f times faster | | |\n", float64(t)/float64(o))
	if o >= most {
		return fmt.Errorf("the median is %.2f ms, must be under %.0f ms", ms(o), ms(most))
	}
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func compare(ctx context.Context, a *app.App, turns int) (ours, theirs []time.Duration, err error) {
	if _, err := a.Client.WaitSettled(ctx, nil); err != nil {
		return nil, nil, err
	}
	r, err := a.Client.Remote(ctx, a.Status.Pods[0].Name, "rpc", ":erlang.nodes()")
	if err != nil {
		return nil, nil, err
	}
	for range turns {
		for range perTurn {
			begin := time.Now()
			if err := ask(ctx, a); err != nil {
				return nil, nil, err
			}
			ours = append(ours, time.Since(begin))
		}
		begin := time.Now()
		cmd := exec.CommandContext(ctx, r.Path, r.Args...)
		cmd.Env = r.Env
		if out, err := cmd.CombinedOutput(); err != nil {
			return nil, nil, fmt.Errorf("%s: %w\n%s", r, err, out)
		}
		theirs = append(theirs, time.Since(begin))
	}
	return ours, theirs, nil
}

func ask(ctx context.Context, a *app.App) error {
	c, err := dist.Dial(ctx, a.Target.Nodes[0], dist.Config{Cookie: a.Cookie, EPMDPort: a.Target.EPMDPort})
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Call(ctx, "erlang", "nodes")
	return err
}
