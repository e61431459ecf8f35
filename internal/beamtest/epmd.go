package beamtest

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/testkit"
)

// RealEPMD runs the epmd program of this OTP until the test ends, and gives host:port of it. The program listens on
// 127.0.0.1 only.
func (o OTP) RealEPMD(tb testing.TB) string {
	tb.Helper()
	const tries = 5 // somebody may take the port between our looking and its listening
	for range tries {
		if addr, ok := o.tryEPMD(tb); ok {
			return addr
		}
	}
	tb.Fatalf("epmd of %s does not answer", o)
	return ""
}

func (o OTP) tryEPMD(tb testing.TB) (addr string, ok bool) {
	tb.Helper()
	l, err := listen("127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	addr = l.Addr().String()
	port := l.Addr().(*net.TCPAddr).Port
	l.Close()

	home, _ := o.home(tb)
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	cmd, err := o.command(ctx, home, nil, "epmd", "-address", "127.0.0.1", "-port", strconv.Itoa(port))
	if err != nil {
		tb.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		testkit.Supervised(cmd, cmd.Run) //nolint:errcheck // ended by us, or it does not answer
	}()
	tb.Cleanup(func() {
		cancel()
		<-done
	})
	for end := time.Now().Add(bootTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := new(epmd.Client).Names(ctx, addr); err == nil {
			return addr, true
		}
		select {
		case <-done:
			return "", false
		default:
		}
	}
	return "", false
}
