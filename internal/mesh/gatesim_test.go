package mesh

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// simStats counts what was exercised.
type simStats struct {
	events       [eventKinds]int
	answers      map[string]int
	refused      map[Refusal]int
	fewest       int
	longestZero  time.Duration
	longestBlind time.Duration
}

func newSimStats() *simStats {
	return &simStats{answers: map[string]int{}, refused: map[Refusal]int{}, fewest: 1 << 20}
}

// answer counts a decision by the beginning of its reason.
func (s *simStats) answer(reason string) {
	if i := strings.IndexAny(reason, ":0123456789"); i > 0 && !strings.HasPrefix(reason, "open again") {
		reason = reason[:i]
	}
	s.answers[reason]++
}

func (s *simStats) add(o *simStats) {
	for i, n := range o.events {
		s.events[i] += n
	}
	for k, n := range o.answers {
		s.answers[k] += n
	}
	for k, n := range o.refused {
		s.refused[k] += n
	}
	s.fewest = min(s.fewest, o.fewest)
	s.longestZero, s.longestBlind = max(s.longestZero, o.longestZero), max(s.longestBlind, o.longestBlind)
}

// simulate runs n histories from a seed on, and gives the first that fails.
func simulate(first uint64, n int, mk func() gater, judged ...string) (*simStats, *history, string, int) {
	all := newSimStats()
	var mu sync.Mutex
	var wg sync.WaitGroup
	var next atomic.Int64
	var bad *history
	var why string
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			stats, w, events := newSimStats(), &world{judged: judged}, []event(nil)
			for {
				k := int(next.Add(1)) - 1
				if k >= n {
					break
				}
				h := generate(first+uint64(k), events)
				events = h.events
				if f := w.run(h, stats, mk, nil); f != "" {
					next.Store(int64(n))
					mu.Lock()
					if bad == nil || h.seed < bad.seed {
						h.events = slices.Clone(h.events[:w.ran])
						bad, why = &h, f
					}
					mu.Unlock()
				}
			}
			mu.Lock()
			all.add(stats)
			mu.Unlock()
		})
	}
	wg.Wait()
	if bad != nil {
		n = int(bad.seed-first) + 1
	}
	return all, bad, why, n
}

func newGate() gater { return new(Gate) }

// seed is where the row of histories begins: PHIAL_GATE_SEED, or the same every time.
func seed(t *testing.T) uint64 {
	t.Helper()
	s := os.Getenv("PHIAL_GATE_SEED")
	if s == "" {
		return 1
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func histories(t *testing.T) int {
	t.Helper()
	if s := os.Getenv("PHIAL_GATE_HISTORIES"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	switch {
	case testing.Short():
		return 5_000
	case raced: // five times as slow, and worlds share nothing; make test runs all of them without it
		return 20_000
	}
	return 100_000
}

// wantAnswers are the decisions and messages that a simulation worth its name makes.
var wantAnswers = []string{"alone", "joined", "not joined", "draining", "asked", "granted", "released", "left", "message lost",
	"message doubled", "restored worker", "closing for an island", "closing by Quorum", "last one drained",
	"draining, once those who lean on it have another", "closed for an island; another anchor is asked",
	"closed for an island, and without a view of others that stands",
	"closed for an island, and the node does not answer now",
	"open again: its anchor does not serve any longer, and no other said yes",
	"open again: its anchor is gone, and nobody else is in sight",
	"open again: no island in sight is larger",
	"open again: no view of another island for 30s",
	"open again: the island that it stood aside for is its own"}

// wantRefusals leaves out what needs three islands of three sizes (RefusedAsking) and
// replicas that follow different rules (RefusedQuorum).
var wantRefusals = []Refusal{RefusedDraining, RefusedNotServing, RefusedRestarted, RefusedLinked, RefusedNotLarger}

// Whatever happens, gates alone never end all service; see the checks.
func TestGateSimulation(t *testing.T) {
	t.Parallel()
	n, first := histories(t), seed(t)
	began := time.Now()
	stats, bad, why, _ := simulate(first, n, newGate)
	if bad != nil {
		small, w := shrink(*bad, kindOf(why), newGate)
		t.Fatalf("%s\nshrunk from %d events: %s\n%s%s", why, len(bad.events), w, small, traceOf(small, newGate))
	}
	t.Logf("%d histories from seed %d in %s, each of %d events or more", n, first, time.Since(began).Round(time.Second), stats.fewest)
	if stats.fewest < 50 {
		t.Errorf("a history had %d events, want 50", stats.fewest)
	}
	t.Logf("longest time that nobody served though one could: %s, blind %s", stats.longestZero, stats.longestBlind)
	for k, c := range stats.events {
		t.Logf("%9d  %s", c, eventNames[k])
		if c < n/10 {
			t.Errorf("%s: happened only %d times", eventNames[k], c)
		}
	}
	for _, k := range wantAnswers {
		if stats.answers[k] < n/5000 {
			t.Errorf("%s: only %d times", k, stats.answers[k])
		}
	}
	for _, k := range wantRefusals {
		if stats.refused[k] < n/5000 {
			t.Errorf("refused, %s: only %d times", k, stats.refused[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(stats.answers)) {
		t.Logf("%9d  %s", stats.answers[k], k)
	}
	for _, k := range slices.Sorted(maps.Keys(stats.refused)) {
		t.Logf("%9d  refused: %s", stats.refused[k], k)
	}
}

func kindOf(why string) string {
	_, rest, _ := strings.Cut(why, ": ")
	kind, _, _ := strings.Cut(rest, ":")
	return kind
}

// shrink takes events and replicas out of a history as long as the same check fails.
func shrink(h history, kind string, mk func() gater) (history, string) {
	w, stats, why := &world{judged: []string{kind}}, newSimStats(), ""
	fails := func(c history) bool {
		f := w.run(c, stats, mk, nil)
		if kindOf(f) != kind {
			return false
		}
		why = f
		return true
	}
	fails(h)
	for n := 2; n < h.replicas; n++ {
		if c := h; true {
			if c.replicas = n; fails(c) {
				h = c
				break
			}
		}
	}
	for size := len(h.events) / 2; size > 0; {
		smaller := false
		for at := 0; at+size <= len(h.events); {
			c := h
			c.events = slices.Delete(slices.Clone(h.events), at, at+size)
			if at < len(c.events) { // what is left keeps its time
				for _, e := range h.events[at : at+size] {
					c.events[at].after += e.after
				}
			}
			if fails(c) {
				h, smaller = c, true
			} else {
				at += size
			}
		}
		if !smaller {
			size /= 2
		}
	}
	fails(h)
	return h, why
}

// traceOf runs a history again and tells what happens in it.
func traceOf(h history, mk func() gater) string {
	var b strings.Builder
	w := new(world)
	w.run(h, newSimStats(), mk, func(f string, a ...any) {
		fmt.Fprintf(&b, "  %-8s %s\n", w.now, fmt.Sprintf(f, a...))
	})
	return b.String()
}
