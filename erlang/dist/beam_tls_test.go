package dist_test

import (
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
)

func TestBEAMTLS(t *testing.T) {
	ca := beamtest.NewTLS(t)
	secure := func(o *beamtest.NodeOptions) { o.TLS = ca }
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, secure)
			cfg := dist.Config{Cookie: secret, EPMDPort: e.Port, TLS: ca.Config(t, "127.0.0.1")}
			c := connect(t, n.Name, cfg)
			for name, call := range callers(c) {
				got, err := call(within(t), "binary", "copy", "x", 3<<20)
				if b, _ := got.Bytes(); err != nil || len(b) != 3<<20 {
					t.Errorf("%s: got %d bytes, %v", name, len(b), err)
				}
			}
			c.Close()
			n.Eventually(t, "nodes(connected)", "[]")

			other := cfg
			other.Cookie = dist.NewCookie("another")
			_, err := dist.Dial(within(t), n.Name, other)
			want(t, err, dist.StageAck, dist.CauseCookie)

			// A certificate authority that is not ours, on either side.
			other = cfg
			other.TLS = beamtest.NewTLS(t).Config(t, "127.0.0.1")
			_, err = dist.Dial(within(t), n.Name, other)
			want(t, err, dist.StageTLS, dist.CauseTLS)
			other.TLS = ca.Config(t, "127.0.0.1")
			other.TLS.Certificates = beamtest.NewTLS(t).Config(t, "127.0.0.1").Certificates
			_, err = dist.Dial(within(t), n.Name, other)
			want(t, err, dist.StageTLS, dist.CauseTLS)
			other.TLS.Certificates = nil
			_, err = dist.Dial(within(t), n.Name, other)
			want(t, err, dist.StageTLS, dist.CauseTLS)

			// No TLS on our side.
			other = cfg
			other.TLS = nil
			other.HandshakeTimeout = 2 * time.Second
			_, err = dist.Dial(within(t), n.Name, other)
			want(t, err, dist.StageStatus, dist.CauseTLS)
		})
	}
}

// TLS towards a node that does not speak it.
func TestBEAMPlainAskedForTLS(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			cfg := dist.Config{
				Cookie: secret, EPMDPort: e.Port, ConnectTimeout: 500 * time.Millisecond,
				TLS: beamtest.NewTLS(t).Config(t, "127.0.0.1"),
			}
			_, err := dist.Dial(within(t), n.Name, cfg)
			// It takes our first message for the length of one and waits for the rest.
			want(t, err, dist.StageTLS, dist.CauseFrozen)
		})
	}
}
