// Load is the load generator of the end-to-end tests. It prints one report, as a line of JSON, when it has been told to
// stop (SIGTERM, SIGINT) or its time is over, and what is in flight has been answered.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/phialdev/phial/test/e2e/load"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	cfg, err := parse(args)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	report, err := load.Run(ctx, cfg, os.Stderr)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(report)
}

func parse(args []string) (load.Config, error) {
	cfg := load.Defaults()
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.Func("url", "where requests go, `URL[,host=HOST][,name=NAME][,bare=yes]`: once for each target, which take turns", func(s string) error {
		t, err := target(s)
		cfg.Targets = append(cfg.Targets, t)
		return err
	})
	f.Float64Var(&cfg.Rate, "rate", cfg.Rate, "requests per second to all targets together")
	f.Float64Var(&cfg.Post, "post", cfg.Post, "share of POST")
	f.Float64Var(&cfg.New, "new", cfg.New, "share of requests on connections of their own; the others use busy ones")
	f.Float64Var(&cfg.Slow, "slow", cfg.Slow, "share of slow requests")
	f.Float64Var(&cfg.SlowPost, "slow-post", cfg.SlowPost, "share of POST among the slow; below 0: as of the others")
	f.DurationVar(&cfg.SlowMin, "slow-min", cfg.SlowMin, "the shortest delay that slow requests ask for")
	f.DurationVar(&cfg.SlowMax, "slow-max", cfg.SlowMax, "the longest")
	f.StringVar(&cfg.Path, "path", cfg.Path, "path of requests, with {name}")
	f.StringVar(&cfg.SlowPath, "slow-path", cfg.SlowPath, "path of slow requests, with {name}, {seconds} or {ms}")
	f.IntVar(&cfg.Names, "names", cfg.Names, "how many names there are")
	f.IntVar(&cfg.Pool, "pool", cfg.Pool, "busy connections that are kept, for each target")
	f.IntVar(&cfg.Idle, "idle", cfg.Idle, "idle connections to each target")
	f.DurationVar(&cfg.IdleEvery, "idle-every", cfg.IdleEvery, "how often each of them is used")
	f.IntVar(&cfg.Long, "long", cfg.Long, "long-lived connections to each target")
	f.StringVar(&cfg.LongPath, "long-path", cfg.LongPath, "what is asked on them; the answer may stream")
	f.DurationVar(&cfg.LongEvery, "long-every", cfg.LongEvery, "how long after an answer they ask again")
	f.DurationVar(&cfg.ConnectLimit, "connect-limit", cfg.ConnectLimit, "a connection that takes longer is a failure")
	f.DurationVar(&cfg.Timeout, "timeout", cfg.Timeout, "for a lookup, a connection, an answer (without its delay), each")
	f.DurationVar(&cfg.Duration, "duration", cfg.Duration, "how long requests are sent; 0: until told to stop")
	f.Uint64Var(&cfg.Seed, "seed", cfg.Seed, "of the random choices")
	f.IntVar(&cfg.Examples, "examples", cfg.Examples, "how many failures are told one by one")
	if err := f.Parse(args); err != nil {
		return cfg, err
	}
	if f.NArg() > 0 {
		return cfg, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	return cfg, cfg.Check()
}

func target(s string) (load.Target, error) {
	url, rest, more := strings.Cut(s, ",")
	t := load.Target{URL: url}
	for more {
		var option string
		option, rest, more = strings.Cut(rest, ",")
		switch key, value, _ := strings.Cut(option, "="); key {
		case "host":
			t.Host = value
		case "bare":
			t.Bare = value == "yes"
		case "name":
			t.Name = value
		default:
			return t, fmt.Errorf("%q: host=HOST, name=NAME, or bare=yes for POSTs without a body", option)
		}
	}
	return t, nil
}
