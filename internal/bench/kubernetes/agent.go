package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"time"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/plan"
)

// What must be reached.
const (
	mostProbe  = time.Millisecond // at the 99th percentile
	mostAge    = 2 * time.Second  // of the decision that a probe is answered from
	mostCPU    = 0.5              // per cent of a core
	mostMemory = 20 << 20         // of supervisor and worker together
	probeEvery = 30 * time.Millisecond
	execRuns   = 15
)

// cost is what an agent was found to take.
type cost struct {
	settled   time.Duration // for which CPU was measured
	cpu       []float64     // per cent of a core, of each agent
	use       []usage
	bySocket  probes // with blocking calls of one thread
	byClient  probes // by net/http, a connection for each
	bare      bare   // what the machine itself takes now
	rpc, live []run
	load      string
}

// agentCost measures the agents of a settled mesh: first left alone, with nobody but the
// kubelet asking, then under probes; and the release's own rpc as a probe beside them.
func (w *world) agentCost(ctx context.Context) (err error) {
	if !w.has("agent") {
		return nil
	}
	a, pods, err := w.meshed(ctx, "bench-agent", w.tally("inets", "bench-agent", nil))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove(context.WithoutCancel(ctx), a)) }()
	if err := sleep(ctx, 30*time.Second); err != nil { // the garbage of starting is collected by then
		return err
	}
	var pids []int
	for _, p := range pods {
		pid, err := w.ContainerPID(ctx, a.Namespace, p.Name, plan.ContainerAgent)
		if err != nil {
			return err
		}
		pids = append(pids, pid)
	}
	busy := newAverage()
	var c cost
	if err := c.rest(ctx, pids, w.settled); err != nil {
		return err
	}
	note("agents: settled: %v %% of a core", c.cpu)
	sockets, err := bySocket(pods[0].IP)
	if err != nil {
		return err
	}
	for _, p := range []struct {
		ask asker
		to  *probes
	}{{sockets, &c.bySocket}, {byClient(once, pods[0].IP), &c.byClient}} {
		if *p.to, err = c.underProbes(ctx, p.ask, pids[0], w.probes); err != nil {
			return err
		}
	}
	if c.bare, err = probeBare(ctx, w.probes); err != nil {
		return err
	}
	app, err := w.ContainerPID(ctx, a.Namespace, pods[0].Name, plan.ContainerApp)
	if err != nil {
		return err
	}
	if c.rpc, err = execAll(ctx, app, execRuns, "bin/tally", "rpc", ":ok"); err != nil {
		return err
	}
	if c.live, err = execAll(ctx, app, execRuns, beam.DefaultAgentBin+"/phial-agent", "live"); err != nil {
		return err
	}
	c.load = busy.String()
	w.printCost(c)
	return nil
}

// rest measures what agents take over a time in which nobody asks them but the kubelet.
func (c *cost) rest(ctx context.Context, pids []int, d time.Duration) error {
	before, begin := make([]time.Duration, len(pids)), time.Now()
	for i, pid := range pids {
		var err error
		if before[i], err = cpuOf(pid); err != nil {
			return err
		}
	}
	if err := sleep(ctx, d); err != nil {
		return err
	}
	c.settled = time.Since(begin)
	for i, pid := range pids {
		after, err := cpuOf(pid)
		if err != nil {
			return err
		}
		c.cpu = append(c.cpu, 100*float64(after-before[i])/float64(c.settled))
		u, err := usageOf(pid)
		if err != nil {
			return err
		}
		c.use = append(c.use, u)
	}
	return nil
}

// probes are many answers of one agent.
type probes struct {
	took   []time.Duration
	oldest time.Duration // decision that was answered from
	cpu    time.Duration // of the agent, for each
}

var decided = regexp.MustCompile(`^open, decided ([0-9.]+) s ago\n$`)

// underProbes probes an agent, and takes what it does anyway off its CPU time.
func (c *cost) underProbes(ctx context.Context, ask asker, pid, n int) (probes, error) {
	before, err := cpuOf(pid)
	if err != nil {
		return probes{}, err
	}
	begin := time.Now()
	p, err := repeat(ctx, ask, n)
	if err != nil {
		return p, err
	}
	after, err := cpuOf(pid)
	anyway := time.Duration(c.cpu[0] / 100 * float64(time.Since(begin)))
	p.cpu = max(0, after-before-anyway) / time.Duration(n)
	return p, err
}

// bare are the answers of a server that does nothing but answer, by either way of asking.
type bare struct{ bySocket, byClient probes }

// probeBare asks one of this program's, on loopback.
func probeBare(ctx context.Context, n int) (b bare, err error) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "open, decided 0.0 s ago\n") //nolint:errcheck // who asked is gone
	}))
	defer server.Close()
	addr := server.Listener.Addr().String()
	sockets, err := bySocket(addr)
	if err != nil {
		return b, err
	}
	if b.bySocket, err = repeat(ctx, sockets, n); err != nil {
		return b, err
	}
	b.byClient, err = repeat(ctx, byClient(once, addr), n)
	return b, err
}

// repeat asks again and again, with a pause between two, as the kubelet does.
func repeat(ctx context.Context, ask asker, n int) (p probes, err error) {
	for range n {
		begin := time.Now()
		status, text, err := ask(ctx)
		took := time.Since(begin)
		if err != nil {
			return p, err
		}
		m := decided.FindStringSubmatch(text)
		if status != http.StatusOK || m == nil {
			return p, fmt.Errorf("a probe was answered %d, %q", status, text)
		}
		age, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return p, err
		}
		p.took, p.oldest = append(p.took, took), max(p.oldest, time.Duration(age*float64(time.Second)))
		if err := sleep(ctx, max(0, probeEvery-took)); err != nil {
			return p, err
		}
	}
	return p, nil
}
