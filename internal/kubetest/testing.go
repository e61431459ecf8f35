package kubetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// Start gives a test a control plane of its own, which ends with it. Without the programs it builds them first. With
// "go test -short" the test is left out; where the control plane can't be had otherwise, the test fails.
func Start(tb testing.TB, opts ...Option) *Cluster {
	tb.Helper()
	notShort(tb)
	c, err := Run(tb.Context(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := c.Ended(); err != nil {
			tb.Error(err)
		}
		if err := c.Close(); err != nil {
			tb.Error(err)
		}
	})
	return c
}

func notShort(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a real Kubernetes API server, and -short was asked for")
	}
}

// shared is the one control plane of a test binary.
var shared struct {
	mu      sync.Mutex
	stops   bool // Main is there to stop it
	cluster *Cluster
	err     error
}

// Main runs the tests of a package that use [Shared], and stops what they shared. TestMain calls it:
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
func Main(m *testing.M) (status int) {
	shared.mu.Lock()
	shared.stops = true
	shared.mu.Unlock()
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if shared.cluster == nil {
			return
		}
		if err := errors.Join(shared.cluster.Ended(), shared.cluster.Close()); err != nil {
			fmt.Fprintln(os.Stderr, "kubetest:", err)
			status = max(status, 1)
		}
	}()
	return m.Run()
}

// Shared gives the control plane that all tests of a package use. The first to ask starts it, without controllers; so
// the tests keep to names of their own. The package's TestMain has to call [Main].
func Shared(tb testing.TB) *Cluster {
	tb.Helper()
	notShort(tb)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.stops {
		tb.Fatal("kubetest.Shared: the package's TestMain has to call kubetest.Main, which stops what is shared")
	}
	if shared.cluster == nil && shared.err == nil {
		// Not the test's context: it outlives the test.
		shared.cluster, shared.err = Run(context.WithoutCancel(tb.Context()))
	}
	if shared.err != nil {
		tb.Fatal(shared.err)
	}
	return shared.cluster
}
