package probe

import (
	"fmt"
	"net"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// What one count of the requests in flight costs, by the number of connections, with
// none of them busy.
func BenchmarkInFlight(b *testing.B) {
	for _, n := range []int{1, 100, 5000} {
		b.Run(fmt.Sprintf("cowboy/connections=%d", n), func(b *testing.B) {
			d, addr := withCowboy(b, beamtest.OTPs(b)[1])
			benchInFlight(b, d, addr, n)
		})
		b.Run(fmt.Sprintf("httpd/connections=%d", n), func(b *testing.B) {
			d := newDrained(b, beamtest.OTPs(b)[1])
			benchInFlight(b, d, d.httpd(4000, "{max_clients, 10000}"), n)
		})
	}
}

func benchInFlight(b *testing.B, d *drained, addr string, n int) {
	b.Helper()
	for range n {
		c, err := new(net.Dialer).DialContext(b.Context(), "tcp", addr)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { c.Close() })
	}
	in := d.survey()
	d.wait(in.Servers, Traffic{Connections: n})
	for b.Loop() {
		if got, err := d.InFlight(b.Context(), in.Servers, true); err != nil || got.Connections != n {
			b.Fatal(got, err)
		}
	}
}

// What telling all connections costs, none of them busy: a try on our own is in it.
func BenchmarkCowboyClose(b *testing.B) {
	for _, n := range []int{1, 1000} {
		b.Run(fmt.Sprintf("connections=%d", n), func(b *testing.B) {
			d, addr := withCowboy(b, beamtest.OTPs(b)[1])
			for range n {
				dialHTTP(b, addr)
			}
			in := d.survey()
			d.wait(in.Servers, Traffic{Connections: n})
			for b.Loop() {
				if told, err := d.cowboyClose(b.Context(), in.Servers[0]); err != nil || told != n {
					b.Fatal(told, err)
				}
			}
		})
	}
}
