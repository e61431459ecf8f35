package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// printCost prints what agents take, and judges it.
func (w *world) printCost(c cost) {
	fmt.Printf("\nAn agent in a settled mesh of %d; load %s\n\n| | measured | wanted | |\n|---|---|---|---|\n", replicas, c.load)
	// What is judged is the agent's own answer. The other ways have their client's time in
	// them, which the bare server beside them shows.
	lineProbes("a connection for each, blocking calls of one thread", c.bySocket)
	p99 := quantile(c.bySocket.took, 0.99)
	line("the same: p99", fine(p99), "under 1 ms", w.judge(p99 < mostProbe, "a probe was answered in %s at p99, must be under %s", fine(p99), mostProbe))
	lineProbes("a connection for each, by net/http as the kubelet does", c.byClient)
	lineProbes("for comparison a Go server on loopback that only answers, blocking calls", c.bare.bySocket)
	lineProbes("for comparison that server, by net/http", c.bare.byClient)
	line("p99 of the agent's answer to that server's", fmt.Sprintf("%.1f by blocking calls, %.1f by net/http",
		ratio(p99, quantile(c.bare.bySocket.took, 0.99)), ratio(quantile(c.byClient.took, 0.99), quantile(c.bare.byClient.took, 0.99))), "", "")
	oldest := max(c.bySocket.oldest, c.byClient.oldest)
	line("age of the decision in an answer, at most", secs(oldest), "at most 2 s", w.judge(oldest <= mostAge, "a probe was answered from a decision %s old, must be at most %s", oldest, mostAge))
	cpu := slices.Max(c.cpu)
	line(fmt.Sprintf("CPU of both processes over %.0f s, cgroup, per cent of a core (%d agents)", c.settled.Seconds(), len(c.cpu)), each(c.cpu, func(f float64) string { return fmt.Sprintf("%.2f", f) }),
		"under 0.5", w.judge(cpu < mostCPU, "an agent took %.2f %% of a core, must be under %.1f %%", cpu, mostCPU))
	w.lineMemory(c, "memory: working set of the container", func(u usage) int64 { return u.working }, true)
	w.lineMemory(c, "memory: PSS of both processes", func(u usage) int64 { return u.pss }, true)
	w.lineMemory(c, "memory: RSS of both processes, which counts the program twice", func(u usage) int64 { return u.rss }, false)
	w.lineMemory(c, "memory: anonymous, of the container", func(u usage) int64 { return u.anon }, false)
	c.printBeside()
}

func lineProbes(how string, p probes) {
	line(fmt.Sprintf("GET /ready, %d times, %s: median, p99", len(p.took), how), fine(quantile(p.took, 0.5))+", "+fine(quantile(p.took, 0.99)), "", "")
}

func line(cells ...string) { fmt.Printf("| %s |\n", strings.Join(cells, " | ")) }

func each[T any](all []T, text func(T) string) string {
	var out []string
	for _, v := range all {
		out = append(out, text(v))
	}
	return strings.Join(out, ", ")
}

// lineMemory judges the largest of the agents, where the figure says something of it.
func (w *world) lineMemory(c cost, name string, get func(usage) int64, judged bool) {
	text, wanted, verdict := each(c.use, func(u usage) string { return mib(get(u)) }), "", ""
	if judged {
		most := get(slices.MaxFunc(c.use, func(a, b usage) int { return int(get(a) - get(b)) }))
		wanted, verdict = "under 20 MiB", w.judge(most < mostMemory, "%s: %s, must be under 20 MiB", name, mib(most))
	}
	line(name, text, wanted, verdict)
}

// printBeside holds a probe of the agent's against one by the release's own rpc.
func (c cost) printBeside() {
	fmt.Printf("\nOne probe beside another, medians in the same run; the commands by nsenter in the app's container, %d times, without what the kubelet and containerd add to each; load %s\n\n", execRuns, c.load)
	fmt.Println("| | GET /ready | phial-agent live | bin/tally rpc :ok | rpc to /ready | rpc to live |\n|---|---|---|---|---|---|")
	wall := func(r run) time.Duration { return r.wall }
	cpu := func(r run) time.Duration { return r.cpu }
	http, live, rpc := quantile(c.byClient.took, 0.5), medianRun(c.live, wall), medianRun(c.rpc, wall)
	fmt.Printf("| wall | %s | %s | %s | %.0f | %.1f |\n", fine(http), ms(live), ms(rpc), ratio(rpc, http), ratio(rpc, live))
	live, rpc = medianRun(c.live, cpu), medianRun(c.rpc, cpu)
	fmt.Printf("| CPU | %s | %s | %s | %.0f | %.1f |\n", fine(c.byClient.cpu), ms(live), ms(rpc), ratio(rpc, c.byClient.cpu), ratio(rpc, live))
	memory := func(r run) time.Duration { return time.Duration(r.memory) }
	mine, theirs := medianRun(c.live, memory), medianRun(c.rpc, memory)
	fmt.Printf("| memory while it runs, largest process | none | %s | %s | | %.1f |\n", mib(int64(mine)), mib(int64(theirs)), ratio(theirs, mine))
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(max(b, 1)) }

func medianRun(all []run, get func(run) time.Duration) time.Duration {
	var ds []time.Duration
	for _, r := range all {
		if d := get(r); d > 0 {
			ds = append(ds, d)
		}
	}
	return quantile(ds, 0.5)
}
