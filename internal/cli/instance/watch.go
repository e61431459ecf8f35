package instance

import (
	"context"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// While runs work and meanwhile says, on a terminal in one line, how the app's
// replicas stand; each replica that has been started anew gets a line of its own,
// on a terminal or not.
func While(ctx context.Context, s *term.IO, c *local.Client, work func() error) error {
	started := map[string]time.Time{} // of each replica, when it was last seen ready
	if st, err := c.Status(ctx); err == nil {
		back(started, st) // before the work begins
	}
	watch, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { follow(watch, s, c, started) })
	err := work()
	stop()
	done.Wait()
	return err
}

func follow(ctx context.Context, s *term.IO, c *local.Client, started map[string]time.Time) {
	line := s.Line()
	defer line.Clear()
	for done := false; ; {
		// The last look comes after the work, for the replica that was last.
		if st, err := c.Status(context.WithoutCancel(ctx)); err == nil {
			for _, name := range back(started, st) {
				s.Notef("%s is back and ready", name)
			}
			line.Set("%d of %d ready, %d running", st.Ready(), len(st.Pods), running(st))
		}
		if done {
			return
		}
		select {
		case <-ctx.Done():
			done = true
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// back gives the replicas that are ready with another process than when they were
// ready last, and remembers the new one.
func back(started map[string]time.Time, st local.Status) (names []string) {
	for _, p := range st.Pods {
		if !p.Ready {
			continue
		}
		if was, known := started[p.Name]; known && !was.Equal(p.StartedAt) {
			names = append(names, p.Name)
		}
		started[p.Name] = p.StartedAt
	}
	return names
}

func running(st local.Status) int {
	n := 0
	for _, p := range st.Pods {
		if p.Phase != local.PhaseStopped {
			n++
		}
	}
	return n
}
