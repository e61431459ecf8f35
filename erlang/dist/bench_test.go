package dist_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
)

// The benchmarks speak to a real node of the machine's own OTP, over loopback:
//
//	go test -run '^$' -bench . ./erlang/dist
//
// and report medians, as one slow round says nothing about the others.

func benchNode(b *testing.B) (*beamtest.Node, dist.Config) {
	b.Helper()
	e := beamtest.FreeSlot(b).EPMD(b, 1)
	n := beamtest.Host(b).StartNode(b, e.Options("app", 0, beamtest.Cookie(secret.Reveal())))
	return n, dist.Config{Cookie: secret, EPMDPort: e.Port}
}

// report gives the median and the 95th percentile in milliseconds.
func report(b *testing.B, took []time.Duration) {
	b.Helper()
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	b.ReportMetric(ms(took[len(took)/2]), "ms/median")
	b.ReportMetric(ms(took[len(took)*95/100]), "ms/p95")
}

// BenchmarkConnectCall asks EPMD, connects, shakes hands, calls erlang:nodes/0
// and closes, one after the other.
func BenchmarkConnectCall(b *testing.B) {
	n, cfg := benchNode(b)
	var took []time.Duration
	for b.Loop() {
		start := time.Now()
		c, err := dist.Dial(b.Context(), n.Name, cfg)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := c.Call(b.Context(), "erlang", "nodes"); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(start))
		c.Close()
	}
	report(b, took)
}

// BenchmarkCalls calls erlang:nodes/0 over one connection, first one call at a
// time, then 64.
func BenchmarkCalls(b *testing.B) {
	n, cfg := benchNode(b)
	c := connect(b, n.Name, cfg)
	for name, call := range callers(c) {
		b.Run(name+"/one", func(b *testing.B) {
			b.ReportAllocs()
			var took []time.Duration
			for b.Loop() {
				start := time.Now()
				if _, err := call(b.Context(), "erlang", "nodes"); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			report(b, took)
		})
		b.Run(name+"/64", func(b *testing.B) {
			b.ReportAllocs()
			var mu sync.Mutex
			var took []time.Duration
			b.SetParallelism(64)
			b.RunParallel(func(pb *testing.PB) {
				var mine []time.Duration
				for pb.Next() {
					start := time.Now()
					if _, err := call(b.Context(), "erlang", "nodes"); err != nil {
						b.Error(err)
						return
					}
					mine = append(mine, time.Since(start))
				}
				mu.Lock()
				took = append(took, mine...)
				mu.Unlock()
			})
			report(b, took)
		})
	}
}
