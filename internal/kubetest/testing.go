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
		if err := end(c); err != nil {
			tb.Error(err)
		}
	})
	return c
}

// StartNode gives a test a node of its own, on which pods run, under the terms of [Start]. It needs root. If the test
// fails, it says where what tells why is kept: see [Node.SaveEvidence].
func StartNode(tb testing.TB, opts ...Option) *Node {
	tb.Helper()
	notShort(tb)
	n, err := RunNode(tb.Context(), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Logf("a node of Kubernetes %s on cgroups of version %d: %s", n.Programs.Version, n.version, n.Times())
	tb.Cleanup(func() {
		if err := end(n); err != nil {
			tb.Error(err)
		}
	})
	keepEvidence(tb, n)
	return n
}

func notShort(tb testing.TB) {
	tb.Helper()
	if testing.Short() {
		tb.Skip("needs a real Kubernetes API server, and -short was asked for")
	}
}

// keepEvidence saves what tells why a test failed, if it does. It goes to the directory that PHIAL_EVIDENCE names, or to
// that of temporary files.
func keepEvidence(tb testing.TB, n *Node) {
	tb.Helper()
	tb.Cleanup(func() {
		if !tb.Failed() {
			return
		}
		dir := evidenceDir(tb.Name())
		ctx, cancel := context.WithTimeout(context.WithoutCancel(tb.Context()), patient(evidenceTimeout))
		defer cancel()
		if err := n.SaveEvidence(ctx, dir); err != nil {
			tb.Logf("not all of the evidence could be had: %v", err)
		}
		tb.Logf("what the node tells of the failure is in %s", dir)
	})
}

// ending is what has to be ended by somebody.
type ending interface {
	Ended() error
	Close() error
}

func end(e ending) error { return errors.Join(e.Ended(), e.Close()) }

// share is the one of its kind in a test binary. The first to ask starts it.
type share[T ending] struct {
	started bool
	one     T
	err     error
}

func (s *share[T]) get(tb testing.TB, start func(context.Context, ...Option) (T, error), opts ...Option) T {
	tb.Helper()
	notShort(tb)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if !shared.stops {
		tb.Fatal("what tests share is stopped by kubetest.Main, which the package's TestMain has to call")
	}
	if !s.started {
		s.started = true
		// Not the test's context: it outlives the test.
		s.one, s.err = start(context.WithoutCancel(tb.Context()), opts...)
	}
	if s.err != nil {
		tb.Fatal(s.err)
	}
	return s.one
}

func (s *share[T]) end() error {
	if s.started && s.err == nil {
		return end(s.one)
	}
	return nil
}

// shared is what the tests of a binary share.
var shared struct {
	mu      sync.Mutex
	stops   bool // Main is there to stop it
	cluster share[*Cluster]
	node    share[*Node]
}

// Main runs the tests of a package that use [Shared] or [SharedNode], and stops what they shared. TestMain calls it:
//
//	func TestMain(m *testing.M) { os.Exit(kubetest.Main(m)) }
func Main(m *testing.M) (status int) {
	shared.mu.Lock()
	shared.stops = true
	shared.mu.Unlock()
	defer func() {
		shared.mu.Lock()
		defer shared.mu.Unlock()
		if err := errors.Join(shared.node.end(), shared.cluster.end()); err != nil {
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
	return shared.cluster.get(tb, Run)
}

// SharedNode gives the node that all tests of a package use, under the terms of [Shared] and [StartNode]. The tests keep
// to namespaces of their own, and don't run in parallel if they cut its network. Kube-proxy has its default periods.
func SharedNode(tb testing.TB) *Node {
	tb.Helper()
	n := shared.node.get(tb, RunNode)
	keepEvidence(tb, n)
	return n
}
