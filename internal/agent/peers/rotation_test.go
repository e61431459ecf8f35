package peers

import (
	"sync"
	"sync/atomic"
	"testing"
)

// The Secret is changed: it reaches the server and its callers in any order, and no
// call fails.
func TestRotation(t *testing.T) {
	for name, order := range map[string][]int{"server first": {0, 1, 2}, "server last": {1, 2, 0}, "between": {1, 0, 2}} {
		t.Run(name, func(t *testing.T) {
			keys := []*Keys{holds(t, 1), holds(t, 1), holds(t, 1)} // of the server and two callers
			r := serve(t, keys[0], generous())
			kept := []*Client{r.caller(t, keys[1], "127.0.0.2"), r.caller(t, keys[2], "127.0.0.3")}
			all := func() {
				t.Helper()
				for i, c := range kept {
					asked(t, c)
					fresh := r.caller(t, keys[i+1], "127.0.0.4")
					asked(t, fresh)
					fresh.Close()
				}
			}
			for next := 2; next <= 4; next++ {
				all()
				for _, i := range order {
					keys[i].Set(testKey(t, next))
					all()
				}
			}
			// Who was left behind is out, over an old connection as over a new one.
			late := holds(t, 4)
			old := r.caller(t, late, "127.0.0.5")
			asked(t, old)
			keys[0].Set(testKey(t, 5))
			asked(t, old)
			keys[0].Forget()
			wantKind(t, old.Call(t.Context(), "peer", "echo", 1, nil), NotAuthenticated, "")
			late.Set(testKey(t, 5))
			late.Forget()
			asked(t, old)
		})
	}
}

// Calls that are under way while the key changes do not fail either.
func TestRotationUnderLoad(t *testing.T) {
	server, caller := holds(t, 1), holds(t, 1)
	r := serve(t, server, generous())
	c := r.caller(t, caller, "127.0.0.1")
	var stop atomic.Bool
	var rounds [3]atomic.Int32
	var all sync.WaitGroup
	for i := range rounds {
		all.Go(func() {
			for !stop.Load() {
				asked(t, c)
				rounds[i].Add(1)
			}
		})
	}
	settle := func() { // every call that was under way has ended
		for i := range rounds {
			was := rounds[i].Load()
			eventually(t, "calls go on", func() bool { return rounds[i].Load() > was+1 })
		}
	}
	for n := 2; n < 12; n++ {
		first, second := server, caller
		if n%2 == 0 {
			first, second = caller, server
		}
		first.Set(testKey(t, n))
		settle()
		second.Set(testKey(t, n))
		settle()
	}
	stop.Store(true)
	all.Wait()
}
