package local

import (
	"path/filepath"
	"testing"
	"time"
)

// A replica that another's fault has kept out has not settled when that fault has
// just been put right: its agent looks again only after a while. One that is itself
// broken, or that keeps crashing, is not waited for.
func TestMendedIsOnItsWay(t *testing.T) {
	e := portEngine(t, 4, IdentityAddress)
	var err error
	if e.log, err = openLog(filepath.Join(t.TempDir(), "engine.log")); err != nil {
		t.Fatal(err)
	}
	defer e.log.Close()
	e.opts.Progress = func(string) {}
	long := time.Now().Add(-time.Hour)
	for _, r := range e.replicas {
		r.phase, r.reason, r.since = PhaseRunning, "not joined", long
	}
	out, frozen, broken, crashes := e.replicas[0], e.replicas[1], e.replicas[2], e.replicas[3]
	frozen.faults[FaultFreeze], broken.faults[FaultCookie], crashes.failures = true, true, 2
	mend := func(pod string) {
		t.Helper()
		if _, err := e.mend(t.Context(), pod); err != nil {
			t.Fatal(err)
		}
	}
	mend(out.name)
	if !out.settled(time.Now()) {
		t.Error("nothing was put right, and somebody is waited for")
	}
	mend(frozen.name)
	if out.mended.IsZero() {
		t.Fatal("the replica that was kept out is not waited for")
	}
	for what, c := range map[string]struct {
		r     *replica
		after time.Duration // the mend
		want  bool
	}{
		"kept out, just mended":  {out, 0, false},
		"kept out, a while ago":  {out, mendedAfter - 1, false},
		"kept out all the same":  {out, mendedAfter, true},
		"itself broken":          {broken, 0, true},
		"keeps crashing":         {crashes, 0, true},
		"thawed, not joined yet": {frozen, 0, false},
	} {
		if got := c.r.settled(out.mended.Add(c.after)); got != c.want {
			t.Errorf("%s: settled: %v, want %v", what, got, c.want)
		}
	}
	out.ready = true
	if !out.settled(out.mended) {
		t.Error("ready, and still waited for")
	}
}
