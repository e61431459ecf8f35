package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/phialdev/phial/api/v1alpha1"
	"github.com/phialdev/phial/test/e2e/load"
	"github.com/phialdev/phial/test/e2e/stage"
)

// variant is one way to run the app.
type variant struct {
	part   string // of the options
	name   string
	server string
	phial  bool
	sleep  int  // of a plain one
	bare   bool // the app does nothing of its own to drain
}

var variants = []variant{
	{part: "inets", name: "Phial, inets", server: "inets", phial: true},
	{part: "cowboy", name: "Phial, cowboy", server: "cowboy", phial: true},
	{part: "plain", name: "plain, inets", server: "inets"},
	{part: "plain", name: "plain with preStop sleep 5, inets", server: "inets", sleep: 5},
	{part: "cowboy-plain", name: "plain, cowboy", server: "cowboy"},
	{part: "cowboy-plain", name: "plain with preStop sleep 5, cowboy", server: "cowboy", sleep: 5},
	{part: "bare", name: "Phial, inets, bare", server: "inets", phial: true, bare: true},
	{part: "bare", name: "plain, inets, bare", server: "inets", bare: true},
	{part: "bare", name: "plain with preStop sleep 5, inets, bare", server: "inets", sleep: 5, bare: true},
	{part: "cowboy-bare", name: "Phial, cowboy, bare", server: "cowboy", phial: true, bare: true},
	{part: "cowboy-bare", name: "plain, cowboy, bare", server: "cowboy", bare: true},
	{part: "cowboy-bare", name: "plain with preStop sleep 5, cowboy, bare", server: "cowboy", sleep: 5, bare: true},
}

// noDrain has tally answer SIGTERM at once, as an app does that nobody has taught to
// drain. Otherwise it serves on until no request has been there for a while.
var noDrain = corev1.EnvVar{Name: "DRAIN_TIMEOUT_MS", Value: "0"}

// rolled is what became of a variant under load.
type rolled struct {
	variant
	updates  int
	took     time.Duration // for the updates
	report   load.Report
	load     string
	timeline *timeline
}

// rollouts rolls every variant over and over, under load.
func (w *world) rollouts(ctx context.Context) error {
	var all []rolled
	for _, v := range variants {
		if !w.has(v.part) {
			continue
		}
		if len(all) == 0 {
			if err := w.Ingress(ctx); err != nil {
				return err
			}
		}
		r, err := w.roll(ctx, v)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		note("%s: %d of %d failed, load %s", v.name, r.report.Failed, r.report.Sent, r.load)
		stage.WriteReport(os.Stderr, r.report)
		all = append(all, r)
	}
	if len(all) > 0 {
		w.printRollouts(all)
	}
	return nil
}

// roll makes the updates of one variant.
func (w *world) roll(ctx context.Context, v variant) (r rolled, err error) {
	r = rolled{variant: v, updates: w.plain}
	if v.phial && !v.bare {
		r.updates = w.updates
	}
	a, err := w.start(ctx, v)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx), a)) }()
	l, err := w.StartLoad(ctx, a.Name, a.Namespace, "-rate", strconv.Itoa(w.rate), "-idle", "6", "-idle-every", "20s", "-long", "6", "-long-every", "10s")
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, l.Remove(context.WithoutCancel(ctx))) }()
	busy := newAverage()
	r.timeline = follow(ctx, a)
	if err := sleep(ctx, 5*time.Second); err != nil {
		return r, err
	}
	begun := time.Now()
	for i := range r.updates {
		if err := a.Restart(ctx); err != nil {
			return r, err
		}
		note("%s: update %d of %d, load %s", v.name, i+1, r.updates, loadNow())
	}
	r.took, r.load = time.Since(begun), busy.String()
	w.keepLogs(ctx, a, v)
	if err := r.last(ctx, a); err != nil {
		return r, err
	}
	r.report, err = l.Stop(ctx)
	r.timeline.stop()
	return r, errors.Join(err, w.keep(r))
}

// last waits for the end of the replicas that the last update replaced: they may be
// answering slow requests.
func (r rolled) last(ctx context.Context, a *stage.App) error {
	_, err := a.AwaitReady(ctx, replicas, 2*time.Minute)
	return err
}

// start deploys a variant and waits until it serves.
func (w *world) start(ctx context.Context, v variant) (*stage.App, error) {
	namespace := "bench-" + strings.ToLower(strings.NewReplacer(", ", "-", " ", "-").Replace(v.name))
	if v.phial {
		a, _, err := w.meshed(ctx, namespace, w.tally(v.server, namespace, func(a *v1alpha1.BeamApp) {
			if v.bare {
				a.Spec.Env = []corev1.EnvVar{noDrain}
			}
		}))
		return a, err
	}
	plain := stage.Plain{Name: "tally", Image: w.images[v.server], Replicas: replicas, Sleep: v.sleep, Env: map[string]string{}}
	if v.bare {
		plain.Env[noDrain.Name] = noDrain.Value
	}
	a, err := w.DeployPlain(ctx, namespace, plain)
	if err != nil {
		return nil, err
	}
	_, err = a.AwaitReady(ctx, replicas, 2*time.Minute)
	return a, err
}

// keep writes the whole report, for who looks into a failure.
func (w *world) keep(r rolled) error {
	if w.save == "" {
		return nil
	}
	text, err := json.MarshalIndent(struct {
		Report load.Report
		Pods   []life
	}{r.report, r.timeline.lives()}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(w.save, strings.ReplaceAll(r.name, " ", "-")+".json"), text, 0o644) //nolint:gosec // no secret is in it
}

// keepLogs writes what the agents of the replicas of now have logged.
func (w *world) keepLogs(ctx context.Context, a *stage.App, v variant) {
	if w.save == "" || !v.phial {
		return
	}
	pods, _ := a.Pods(ctx)
	for _, p := range pods {
		for _, c := range []string{"app", "phial-agent"} {
			out, _, _ := a.Kubectl(ctx, nil, "logs", "-n", a.Namespace, p.Name, "-c", c, "--timestamps")
			os.WriteFile(filepath.Join(w.save, v.part+"-"+p.Name+"-"+c+".log"), out, 0o644) //nolint:errcheck,gosec // it is only for who looks into it
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
