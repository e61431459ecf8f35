package peers

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

type report struct {
	Node  string   `json:"node"`
	Peers []string `json:"peers"`
	Ready bool     `json:"ready"`
}

func sample() report {
	q := report{Node: "shop@10.1.2.3", Ready: true}
	for i := range 8 {
		q.Peers = append(q.Peers, fmt.Sprint("shop@10.1.2.", i))
	}
	return q
}

// cpu measures what both ends cost together.
func cpu(b *testing.B, run func()) {
	b.Helper()
	b.ReportAllocs()
	before := used(b)
	for b.Loop() {
		run()
	}
	b.ReportMetric(float64((used(b)-before).Nanoseconds())/1e3/float64(b.N), "cpu-µs/op")
}

func used(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCall is one call over a kept connection, both ends together.
func BenchmarkCall(b *testing.B) {
	r := serve(b, holds(b, 1), generous())
	c := r.caller(b, holds(b, 1), "127.0.0.1")
	in, out := sample(), report{}
	cpu(b, func() {
		if err := c.Call(b.Context(), "peer", "echo", in, &out); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkConnect is one call over a new connection, both ends together.
func BenchmarkConnect(b *testing.B) {
	r := serve(b, holds(b, 1), generous())
	c := r.caller(b, holds(b, 1), "127.0.0.1")
	cpu(b, func() {
		if err := c.Call(b.Context(), "peer", "echo", 1, nil); err != nil {
			b.Fatal(err)
		}
		c.mu.Lock()
		c.hosts["peer"].drop()
		c.mu.Unlock()
	})
}

// BenchmarkStranger is what one caller with another key costs, both ends together.
func BenchmarkStranger(b *testing.B) {
	r := serve(b, holds(b, 1), generous())
	c := r.caller(b, holds(b, 2), "127.0.0.1")
	cpu(b, func() {
		if err := c.Call(b.Context(), "peer", "echo", 1, nil); KindOf(err) != NotAuthenticated {
			b.Fatal(err)
		}
	})
}

// BenchmarkIdle is the memory of kept connections, both ends together.
func BenchmarkIdle(b *testing.B) {
	const conns = 200
	for b.Loop() {
		l := generous()
		l.perAddr = conns
		r := serve(b, holds(b, 1), l)
		c := r.caller(b, holds(b, 1), "127.0.0.1")
		before := memory()
		for i := range conns {
			if err := c.Call(b.Context(), fmt.Sprint("peer", i), "echo", sample(), nil); err != nil {
				b.Fatal(err)
			}
		}
		after := memory()
		b.ReportMetric(float64(after.HeapInuse-before.HeapInuse)/conns, "heap-B/conn")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/conns, "stack-B/conn")
		c.Close()
		r.Close()
	}
}

func memory() runtime.MemStats {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m
}
