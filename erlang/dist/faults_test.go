package dist_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
)

// shortly are time limits for tests that wait for one to pass.
func shortly(cfg dist.Config) dist.Config {
	cfg.ConnectTimeout, cfg.HandshakeTimeout = 150*time.Millisecond, 150*time.Millisecond
	return cfg
}

// Every way in which a node can be out of reach is told apart.
func TestCauses(t *testing.T) {
	tests := []struct {
		name   string
		faults erltest.Faults
		epmd   erltest.EPMDFault
		cfg    dist.Config
		stage  dist.Stage
		cause  dist.Cause
		peer   string
	}{
		{name: "EPMD down", epmd: erltest.EPMDRefused, stage: dist.StageEPMD, cause: dist.CauseEPMDRefused},
		{name: "EPMD mute", epmd: erltest.EPMDMute, cfg: shortly(dist.Config{}), stage: dist.StageEPMD, cause: dist.CauseEPMDMute},
		{name: "not EPMD", epmd: erltest.EPMDGarbage, stage: dist.StageEPMD, cause: dist.CauseEPMDGarbage},
		{name: "EPMD hangs up", epmd: erltest.EPMDClosed, stage: dist.StageEPMD, cause: dist.CauseEPMDGarbage},
		{name: "not registered", faults: erltest.Faults{NotRegistered: true}, stage: dist.StageEPMD, cause: dist.CauseNotRegistered},
		{name: "port closed", faults: erltest.Faults{Refused: true}, stage: dist.StageConnect, cause: dist.CausePortRefused},
		{name: "frozen", faults: erltest.Faults{Mute: true}, cfg: shortly(dist.Config{}), stage: dist.StageStatus, cause: dist.CauseFrozen},
		{name: "too slow", faults: erltest.Faults{Slow: time.Hour}, cfg: shortly(dist.Config{}), stage: dist.StageStatus, cause: dist.CauseFrozen},
		{name: "hangs up", faults: erltest.Faults{HangUp: true}, stage: dist.StageStatus, cause: dist.CauseNotDistribution},
		{name: "web server", faults: erltest.Faults{Garbage: "HTTP/1.1 400 Bad Request\r\n\r\n"}, stage: dist.StageStatus, cause: dist.CauseNotDistribution},
		{name: "ssh server", faults: erltest.Faults{Garbage: "SSH-2.0-OpenSSH_9.2\r\n"}, stage: dist.StageStatus, cause: dist.CauseNotDistribution},
		{name: "short garbage", faults: erltest.Faults{Garbage: "\x00\x03abc"}, stage: dist.StageStatus, cause: dist.CauseNotDistribution},
		{name: "unknown status", faults: erltest.Faults{Garbage: "\x00\x06slater"}, stage: dist.StageStatus, cause: dist.CauseNotDistribution},
		{name: "answers in TLS", faults: erltest.Faults{Garbage: "\x15\x03\x03\x00\x02\x02\x0a"}, stage: dist.StageStatus, cause: dist.CauseTLS},
		{name: "not allowed", faults: erltest.Faults{NotAllowed: true}, stage: dist.StageStatus, cause: dist.CauseNotAllowed},
		{name: "alive", faults: erltest.Faults{Alive: true, NoNames: true}, stage: dist.StageStatus, cause: dist.CauseAlive},
		{name: "connecting itself", faults: erltest.Faults{NOK: true}, stage: dist.StageStatus, cause: dist.CauseSimultaneous},
		{name: "drops after status", faults: erltest.Faults{DropAfterStatus: true}, stage: dist.StageChallenge, cause: dist.CauseClosed},
		{name: "other name", faults: erltest.Faults{OtherName: "shop@pod-7"}, stage: dist.StageChallenge, cause: dist.CauseNameMismatch, peer: "shop@pod-7"},
		{name: "old handshake", faults: erltest.Faults{OldHandshake: true}, stage: dist.StageChallenge, cause: dist.CauseTooOld},
		{name: "old flags", faults: erltest.Faults{OldFlags: true}, stage: dist.StageChallenge, cause: dist.CauseTooOld, peer: "shop@127.0.0.1"},
		{name: "other cookie", faults: erltest.Faults{WrongCookie: true}, stage: dist.StageAck, cause: dist.CauseCookie, peer: "shop@127.0.0.1"},
		{name: "other cookie back", faults: erltest.Faults{WrongAck: true}, stage: dist.StageAck, cause: dist.CauseCookie, peer: "shop@127.0.0.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e := erltest.StartEPMD(t)
			n := erltest.Start(t, erltest.Options{Name: "shop@127.0.0.1", Cookie: secret, EPMD: e, Faults: tt.faults})
			if err := e.Fail("127.0.0.1", tt.epmd); err != nil {
				t.Fatal(err)
			}
			tt.cfg.Cookie, tt.cfg.EPMDPort = secret, e.Port()
			_, err := dist.Dial(within(t), "shop@127.0.0.1", tt.cfg)
			got := want(t, err, tt.stage, tt.cause)
			if got.Peer != tt.peer || got.Node != "shop@127.0.0.1" {
				t.Errorf("got node %q, peer %q; want shop@127.0.0.1, %q", got.Node, got.Peer, tt.peer)
			}
			if got.Stage > dist.StageEPMD && got.Addr != n.Addr().String() {
				t.Errorf("got address %q, want %q", got.Addr, n.Addr())
			}
			if strings.Contains(err.Error(), secret.Reveal()) {
				t.Errorf("the cookie shows in %q", err)
			}

			// Mended, the same node answers.
			if err := errors.Join(n.Fail(erltest.Faults{}), e.Fail("127.0.0.1", erltest.EPMDFine)); err != nil {
				t.Fatal(err)
			}
			c := connect(t, "shop@127.0.0.1", dist.Config{EPMDPort: e.Port()})
			if _, err := c.Call(within(t), "erlang", "nodes"); err != nil {
				t.Error("after mending:", err)
			}
		})
	}
}

func TestFiltered(t *testing.T) {
	t.Parallel()
	at := erltest.Filtered(t)
	cfg := shortly(dist.Config{Cookie: secret, EPMDPort: int(at.Port())})
	_, err := dist.Dial(within(t), "shop@127.0.0.1", cfg)
	want(t, err, dist.StageEPMD, dist.CauseEPMDDialTimeout)

	cfg.Port = int(at.Port())
	_, err = dist.Dial(within(t), "shop@127.0.0.1", cfg)
	want(t, err, dist.StageConnect, dist.CausePortTimeout)
}

func TestResolve(t *testing.T) {
	t.Parallel()
	n := erltest.Start(t, erltest.Options{Name: "shop@pod-0.shop", Cookie: secret})
	resolve := func(addrs []netip.Addr, err error) dist.Config {
		return dist.Config{
			Cookie: secret, Port: int(n.Addr().Port()), ConnectTimeout: patience,
			Resolve: func(context.Context, string) ([]netip.Addr, error) { return addrs, err },
		}
	}
	tests := []struct {
		name  string
		err   error
		cause dist.Cause
	}{
		{"not found", &net.DNSError{IsNotFound: true}, dist.CauseDNSNotFound},
		{"no address", nil, dist.CauseDNSNotFound},
		{"timeout", &net.DNSError{IsTimeout: true}, dist.CauseDNSTimeout},
		{"deadline", context.DeadlineExceeded, dist.CauseDNSTimeout},
		{"refused", &net.DNSError{Err: "server misbehaving"}, dist.CauseDNSFailed},
	}
	for _, tt := range tests {
		_, err := dist.Dial(within(t), "shop@pod-0.shop", resolve(nil, tt.err))
		got := want(t, err, dist.StageResolve, tt.cause)
		if tt.err != nil && !errors.Is(got, tt.err) {
			t.Errorf("%s: %v does not wrap %v", tt.name, got, tt.err)
		}
	}

	// The second of two addresses is the one that answers.
	cfg := resolve([]netip.Addr{netip.MustParseAddr("127.78.0.9"), n.Addr().Addr()}, nil)
	c := connect(t, "shop@pod-0.shop", cfg)
	if got := c.Peer().Addr; got != n.Addr().String() {
		t.Errorf("connected to %s, want %s", got, n.Addr())
	}
	// Where none does, the first one's error is given.
	cfg = resolve([]netip.Addr{netip.MustParseAddr("127.78.0.9"), netip.MustParseAddr("127.78.0.8")}, nil)
	_, err := dist.Dial(within(t), "shop@pod-0.shop", cfg)
	if got := want(t, err, dist.StageConnect, dist.CausePortRefused); !strings.HasPrefix(got.Addr, "127.78.0.9:") {
		t.Errorf("got the error of %s, want that of 127.78.0.9", got.Addr)
	}
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "shop", "@host", "shop@", "a@b@c", "a b@c", "a@b\n", "a@" + strings.Repeat("h", 300), "a@\xff"} {
		_, err := dist.Dial(within(t), name, dist.Config{Cookie: secret})
		want(t, err, dist.StageName, dist.CauseBadName)
	}
	for name, cfg := range map[string]dist.Config{
		"no cookie":     {},
		"a peer's name": {Cookie: secret, Name: "shop@127.0.0.1"},
		"bad own name":  {Cookie: secret, Name: "shop"},
	} {
		_, err := dist.Dial(within(t), "shop@127.0.0.1", cfg)
		t.Log(name, err)
		want(t, err, dist.StageName, dist.CauseBadConfig)
	}
}

func TestCanceledDial(t *testing.T) {
	t.Parallel()
	n := erltest.Start(t, erltest.Options{Name: "shop@127.0.0.1", Cookie: secret, Faults: erltest.Faults{Mute: true}})
	ctx, cancel := context.WithCancel(within(t))
	done := make(chan error, 1)
	go func() {
		_, err := dist.Dial(ctx, "shop@127.0.0.1", dist.Config{Cookie: secret, Port: int(n.Addr().Port())})
		done <- err
	}()
	eventually(t, "the node is dialled", func() bool { return n.Accepted() > 0 })
	cancel()
	err := <-done
	stage := dist.StageStatus
	var canceled *dist.Error
	if errors.As(err, &canceled) && canceled.Stage == dist.StageConnect {
		stage = dist.StageConnect // the node has accepted, and who dials was not told yet
	}
	want(t, err, stage, dist.CauseCanceled)

	_, err = dist.Dial(ctx, "shop@127.0.0.1", dist.Config{Cookie: secret})
	want(t, err, dist.StageEPMD, dist.CauseCanceled)
}

// Who only asks for the name needs no cookie, and learns of any name.
func TestIdentify(t *testing.T) {
	t.Parallel()
	e := erltest.StartEPMD(t)
	for _, tt := range []struct {
		faults erltest.Faults
		want   string
		cause  dist.Cause
	}{
		{want: "shop@127.0.0.1"},
		{faults: erltest.Faults{OtherName: "shop@pod-7"}, want: "shop@pod-7"},
		{faults: erltest.Faults{WrongCookie: true}, want: "shop@127.0.0.1"},
		{faults: erltest.Faults{NoNames: true}, want: "shop@127.0.0.1"},
		{faults: erltest.Faults{OldFlags: true}, want: "shop@127.0.0.1"},
		{faults: erltest.Faults{NotAllowed: true}, cause: dist.CauseNotAllowed},
		{faults: erltest.Faults{Mute: true}, cause: dist.CauseFrozen},
	} {
		n, err := erltest.New(erltest.Options{Name: "shop@127.0.0.1", Cookie: secret, EPMD: e, Faults: tt.faults})
		if err != nil {
			t.Fatal(err)
		}
		got, err := dist.Identify(within(t), "shop@127.0.0.1", shortly(dist.Config{EPMDPort: e.Port()}))
		n.Close()
		if tt.want == "" {
			want(t, err, dist.StageStatus, tt.cause)
		} else if err != nil || got.Name != tt.want || got.Addr != n.Addr().String() {
			t.Errorf("%+v: got %+v, %v; want %s", tt.faults, got, err, tt.want)
		}
	}
}

// A node's challenge is not answered unless the node is the one asked for: the
// answer could be used to guess the cookie.
func TestNoAnswerToAnotherName(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	heard := make(chan []byte, 1)
	go func() {
		defer close(heard)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(patience))
		head := make([]byte, 2)
		if _, err := c.Read(head); err != nil {
			return
		}
		c.Read(make([]byte, head[1]))
		c.Write(named("GIVEN@phial"))
		c.Write(challengeOf("evil@127.0.0.1"))
		rest := make([]byte, 64)
		k, _ := c.Read(rest)
		heard <- rest[:k]
	}()
	_, err = dist.Dial(within(t), "shop@127.0.0.1", dist.Config{Cookie: secret, Port: l.Addr().(*net.TCPAddr).Port})
	want(t, err, dist.StageChallenge, dist.CauseNameMismatch)
	if b := <-heard; len(b) != 0 {
		t.Errorf("%d bytes were sent to a node of another name", len(b))
	}
}
