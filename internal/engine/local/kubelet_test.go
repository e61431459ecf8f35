package local

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/agent"
)

// Without an agent the gate is what the probes answer: closed until the startup probe
// has passed, open with the readiness probe, closed again after as many failures as the
// probe says, and for good by draining.
func TestKubelet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		starts, ready := errors.New("boots"), error(nil)
		var last agent.State
		set := func(f func()) { mu.Lock(); defer mu.Unlock(); f() }
		answer := func(err *error) *check {
			return &check{every: 5 * time.Second, within: time.Second, bad: 3, good: 1, ask: func(context.Context) error {
				mu.Lock()
				defer mu.Unlock()
				return *err
			}}
		}
		k := &kubelet{startup: answer(&starts), ready: answer(&ready), drain: make(chan struct{}),
			changed: func(s agent.State) { set(func() { last = s }) }}
		ended := make(chan struct{})
		go func() { defer close(ended); k.Run(t.Context()) }()
		is := func(after time.Duration, what string, booted, open bool) {
			t.Helper()
			time.Sleep(after)
			set(func() {
				if last.Booted != booted || last.Ready != open {
					t.Errorf("%s: %+v", what, last)
				}
			})
		}
		is(time.Minute, "it boots", false, false)
		set(func() { starts = nil })
		is(time.Second, "started", true, true)
		set(func() { ready = errors.New("busy") })
		is(9*time.Second, "two failures", true, true)
		is(6*time.Second, "three", true, false)
		set(func() { ready = nil })
		is(time.Second, "well again", true, true)
		k.Drain()
		<-ended
	})
}

func TestKubeletWithoutProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var last agent.State
		k := &kubelet{drain: make(chan struct{}), changed: func(s agent.State) { last = s }}
		ended := make(chan struct{})
		go func() { defer close(ended); k.Run(t.Context()) }()
		synctest.Wait()
		if !last.Ready {
			t.Errorf("it runs: %+v", last)
		}
		k.Drain()
		<-ended
	})
}
