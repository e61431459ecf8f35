package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/agent/views"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/kubetest"
	"github.com/phialdev/phial/internal/plan"
	"github.com/phialdev/phial/test/e2e/stage"
)

const (
	mostNamed = 10 * time.Second // after the BEAM's own nodedown; before it is as good
)

// distribution is where nodes talk to one another.
var distribution = []int{beam.EPMDPort, 9100, 9101, 9102, 9103, 9104, 9105, 9106, 9107}

// cutKind is a way to break the network between two replicas.
type cutKind struct {
	name string
	cut  func(from, to string) kubetest.Cut
}

var cutKinds = []cutKind{
	{"distribution, both ways", func(from, to string) kubetest.Cut {
		return kubetest.Cut{From: from, To: to, Ports: distribution}
	}},
	{"distribution, one way", func(from, to string) kubetest.Cut {
		return kubetest.Cut{From: from, To: to, Ports: distribution, OneWay: true}
	}},
	{"everything, both ways", func(from, to string) kubetest.Cut { return kubetest.Cut{From: from, To: to} }},
}

// cutResult is one cut: when the agents of its two ends had named it, and whether the
// nodes were linked then.
type cutResult struct {
	first, both time.Duration
	linked      bool
}

// agentOf speaks to the agent of a pod on its socket, past kubectl.
type agentOf struct {
	stage.Pod
	supervisor.Client
}

// agentsOf finds the agents of all pods.
func agentsOf(ctx context.Context, a *stage.App, pods []stage.Pod) (all []agentOf, err error) {
	for _, p := range pods {
		pid, err := a.ContainerPID(ctx, a.Namespace, p.Name, plan.ContainerAgent)
		if err != nil {
			return nil, err
		}
		// The image's /var/run is a link to /run, which from here would lead to the host's.
		dir := filepath.Join("/proc", strconv.Itoa(pid), "root", strings.TrimPrefix(beam.DefaultAgentRun, "/var"))
		all = append(all, agentOf{p, supervisor.Client{Dir: dir}})
	}
	return all, nil
}

// view is what the agent says of its replica.
func (a agentOf) view(ctx context.Context) (v views.View, err error) {
	text, err := a.Ask(ctx, "state", "")
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	return v, err
}

// names says whether the agent names the link to a peer as broken, and whether its node
// is still linked to that.
func (a agentOf) names(ctx context.Context, peer agentOf) (named, linked bool) {
	v, err := a.view(ctx)
	if err != nil {
		return false, true
	}
	linked = slices.ContainsFunc(v.Peers, func(n string) bool { return strings.HasSuffix(n, "@"+peer.IP) })
	return strings.Contains(v.Join, peer.IP), linked
}

// cutLinks cuts links in several ways, at random moments, and waits for the agents at
// both ends to name them.
func (w *world) cutLinks(ctx context.Context) (err error) {
	if !w.has("cut") {
		return nil
	}
	a, pods, err := w.meshed(ctx, "bench-cut", w.tally("inets", "bench-cut", nil))
	if err != nil {
		return err
	}
	defer func() {
		last := context.WithoutCancel(ctx)
		err = errors.Join(err, w.Heal(last), remove(last, a))
	}()
	agents, err := agentsOf(ctx, a, pods)
	if err == nil {
		err = w.whole(ctx, agents)
	}
	if err != nil {
		return err
	}
	busy := newAverage()
	results := make([][]cutResult, len(cutKinds))
	for n := range w.cuts {
		for k, kind := range cutKinds {
			from, to := agents[n%replicas], agents[(n+1)%replicas]
			r, err := w.cutOnce(ctx, kind, from, to)
			if err != nil {
				return fmt.Errorf("%s: %w", kind.name, err)
			}
			note("cut %d, %s: named after %s at one end, %s at both, linked %v; load %s", n+1, kind.name, r.first, r.both, r.linked, loadNow())
			results[k] = append(results[k], r)
			if err := w.whole(ctx, agents); err != nil {
				return err
			}
		}
	}
	down, err := w.untilDown(ctx, agents)
	if err != nil {
		return err
	}
	w.printCuts(results, down, busy.String())
	return nil
}

func (w *world) printCuts(results [][]cutResult, down [2]downResult, load string) {
	fmt.Printf("\nA link that is cut while it is up, %d cuts of each kind at random moments; load %s\n\n", w.cuts, load)
	fmt.Println("| from the cut until it is named | median | min | max | before the BEAM's nodedown |\n|---|---|---|---|---|")
	for k, kind := range cutKinds {
		var first, both []time.Duration
		early := 0
		for _, r := range results[k] {
			first, both = append(first, r.first), append(both, r.both)
			if r.linked {
				early++
			}
		}
		row(kind.name+": by the agent of one end", first, secs, "")
		verdict := w.judge(early == len(both), "%s: %d of %d cuts were named only after nodedown", kind.name, len(both)-early, len(both))
		row(kind.name+": by the agents of both ends", both, secs, fmt.Sprintf("%d of %d (all: %s)", early, len(both), verdict))
	}
	for i, d := range down {
		late := min(d.early, d.named) - d.nodedown // below 0: before it
		fmt.Printf("\nThe last cut was left until the BEAM of end %d said nodedown, %s after it: it had been named %s after the cut, "+
			"and %s after nodedown the agent said why the missing link is not made again (named within %s of nodedown: %s)\n",
			i+1, secs(d.nodedown), secs(d.early), secs(d.named-d.nodedown), mostNamed,
			w.judge(late <= mostNamed, "a link that had gone was named %s after nodedown", late))
	}
}

// cutOnce cuts between two replicas, waits until both name it, and heals.
func (w *world) cutOnce(ctx context.Context, kind cutKind, from, to agentOf) (r cutResult, err error) {
	if err := sleep(ctx, rand.N(5*time.Second)); err != nil { //nolint:gosec // a phase
		return r, err
	}
	if err := w.Cut(ctx, kind.cut(from.IP, to.IP)); err != nil {
		return r, err
	}
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	r.both, err = until(limit, begin, func() bool {
		a, linkedA := from.names(limit, to)
		b, linkedB := to.names(limit, from)
		if r.first == 0 && (a || b) {
			r.first = time.Since(begin)
		}
		r.linked = linkedA && linkedB
		return a && b
	})
	return r, errors.Join(err, w.Heal(context.WithoutCancel(ctx)))
}

// whole waits until every agent says that its replica is joined, and nothing more.
func (w *world) whole(ctx context.Context, agents []agentOf) error {
	return stage.Await(ctx, 2*time.Minute, func(ctx context.Context) error {
		for _, a := range agents {
			v, err := a.view(ctx)
			if err != nil {
				return err
			}
			if !v.Joined || len(v.Peers) != replicas-1 || v.Join != "joined" {
				return fmt.Errorf("%s: joined %v, %d peers, %s", a.Name, v.Joined, len(v.Peers), v.Join)
			}
		}
		return nil
	})
}

// downResult is a cut that outlives its link, as one end has it, in times from the cut.
type downResult struct{ early, nodedown, named time.Duration }

// untilDown leaves a cut until the nodes give the link up, each in its time, and further
// until the agent of that end names what is in the way of a new one.
func (w *world) untilDown(ctx context.Context, agents []agentOf) (ends [2]downResult, err error) {
	if err := w.Cut(ctx, cutKinds[0].cut(agents[0].IP, agents[1].IP)); err != nil {
		return ends, err
	}
	defer func() { err = errors.Join(err, w.Heal(context.WithoutCancel(ctx))) }()
	begin := time.Now()
	limit, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	g, limit := errgroup.WithContext(limit)
	for i := range ends {
		g.Go(func() (err error) {
			ends[i], err = agents[i].untilDown(limit, begin, agents[1-i])
			return err
		})
	}
	return ends, g.Wait()
}

func (a agentOf) untilDown(ctx context.Context, begin time.Time, peer agentOf) (r downResult, err error) {
	r.named, err = until(ctx, begin, func() bool {
		named, linked := a.names(ctx, peer)
		if r.early == 0 && named {
			r.early = time.Since(begin)
		}
		if r.nodedown == 0 && !linked {
			r.nodedown = time.Since(begin)
		}
		return !linked && named
	})
	note("%s: the cut was named after %s, nodedown after %s, and named again %s", a.IP, r.early, r.nodedown, r.named)
	return r, err
}
