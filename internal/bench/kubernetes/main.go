// Command kubernetes measures the product on a real Kubernetes of one node: rolling
// updates under load beside the same app with plain manifests, how soon after their boot
// replicas are one mesh, how soon a cut link is named, and what an agent costs beside the
// release's own rpc as a probe. It needs root.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"
)

// options say how much is measured.
type options struct {
	only    string // parts, separated by commas
	updates int
	plain   int // updates of the apps without Phial
	rate    int
	boots   int
	cuts    int
	settled time.Duration
	probes  int
	save    string // directory for reports and logs
}

// has says whether a part is measured.
func (o options) has(part string) bool {
	for p := range strings.SplitSeq(o.only, ",") {
		if p == part {
			return true
		}
	}
	return false
}

func main() {
	var o options
	f := flag.NewFlagSet("kubernetes", flag.ExitOnError)
	f.StringVar(&o.only, "only", "agent,boot,cut,inets,cowboy,plain,cowboy-plain,bare,cowboy-bare", "which parts")
	f.IntVar(&o.updates, "updates", 20, "rolling updates of each app with Phial")
	f.IntVar(&o.plain, "plain", 5, "rolling updates of each app without")
	f.IntVar(&o.rate, "rate", 200, "requests per second")
	f.IntVar(&o.boots, "boots", 10, "cold starts of three replicas, of each kind")
	f.IntVar(&o.cuts, "cuts", 6, "cuts of links, of each kind")
	f.DurationVar(&o.settled, "settled", time.Minute, "for how long a settled agent's CPU is measured")
	f.IntVar(&o.probes, "probes", 2000, "probes of a settled agent, of each kind")
	f.StringVar(&o.save, "save", "", "directory for reports and agents' logs; empty: they are not kept")
	f.Parse(os.Args[1:])        //nolint:errcheck // it exits
	testing.Init()              // beamtest asks whether tests are to be short
	flag.CommandLine.Parse(nil) //nolint:errcheck // of nothing
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := measure(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

// measure runs the parts one after the other. A figure that is missed does not keep the
// others from being measured; an error does.
func measure(ctx context.Context, o options) (err error) {
	w, err := newWorld(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	w.introduce()
	for _, part := range []func(context.Context) error{w.agentCost, w.coldBoots, w.cutLinks, w.rollouts} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	return errors.Join(w.missed...)
}

// note tells a person how far it is.
func note(format string, a ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", a...)
}
