package dist_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
)

// patience is how long a test waits for what has to come; nothing is measured by
// it.
const patience = 30 * time.Second

var secret = dist.NewCookie("a-cookie-for-tests")

// TestMain fails the package if a test left a goroutine of this library behind.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := leftovers(); code == 0 && left != "" {
		fmt.Fprintf(os.Stderr, "goroutines left behind:\n%s\n", left)
		code = 1
	}
	os.Exit(code)
}

// leftovers waits for the goroutines of the library to end and gives those that
// do not.
func leftovers() string {
	var left []string
	for end := time.Now().Add(patience); time.Now().Before(end); {
		left = ours()
		if len(left) == 0 {
			return ""
		}
		runtime.Gosched()
	}
	return strings.Join(left, "\n\n")
}

func ours() []string {
	buf := make([]byte, 8<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var out []string
	for _, g := range strings.Split(string(buf), "\n\n") {
		if strings.Contains(g, "erlang/dist.(") || strings.Contains(g, "erlang/erltest.(") {
			out = append(out, g)
		}
	}
	return out
}

// eventually polls until what is asked for is so.
func eventually(tb testing.TB, what string, ok func() bool) {
	tb.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); !ok(); <-tick.C {
		if time.Now().After(end) {
			tb.Fatalf("never: %s", what)
		}
	}
}

func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	tb.Cleanup(cancel)
	return ctx
}

// connect dials a node that has to be there.
func connect(tb testing.TB, node string, cfg dist.Config) *dist.Conn {
	tb.Helper()
	if cfg.Cookie.IsZero() {
		cfg.Cookie = secret
	}
	c, err := dist.Dial(within(tb), node, cfg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// want checks an error's stage and cause.
func want(tb testing.TB, err error, stage dist.Stage, cause dist.Cause) *dist.Error {
	tb.Helper()
	var e *dist.Error
	if !errors.As(err, &e) {
		tb.Fatalf("got error %v, want a *dist.Error at stage %v with cause %v", err, stage, cause)
	}
	if e.Stage != stage || e.Cause != cause {
		tb.Fatalf("got %v/%v (%v), want %v/%v", e.Stage, e.Cause, e, stage, cause)
	}
	return e
}
