package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// DefaultWait is how long a verb waits for replicas to settle.
const DefaultWait = 2 * time.Minute

// Wait waits until nothing is on its way any more, at most so long, and shows on
// a terminal how far it is. That the time ran out is no error: the status says
// what is still missing.
func Wait(ctx context.Context, s *term.IO, c *local.Client, most time.Duration) (local.Status, error) {
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	progress := s.Line()
	st, err := c.WaitSettled(limited, func(st local.Status) {
		progress.Set("%d of %d ready", st.Ready(), len(st.Pods))
	})
	progress.Clear()
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return st, nil
	}
	return st, err
}

// Carry runs work, shows how the replicas stand meanwhile, waits until they have
// settled and says how they stand then.
func Carry(ctx context.Context, s *term.IO, c *local.Client, work func() error) error {
	if err := While(ctx, s, c, work); err != nil {
		return err
	}
	st, err := Wait(ctx, s, c, DefaultWait)
	if err != nil {
		return err
	}
	return Settled(s, st)
}

// Settled says in a line how the app stands. Its error, [term.Findings], means
// that a replica is not ready.
func Settled(s *term.IO, st local.Status) error {
	line := fmt.Sprintf("%s: %d of %d replicas ready", st.Name, st.Ready(), len(st.Pods))
	if st.URL != "" {
		line += ", " + st.URL
	}
	s.Notef("%s", line)
	bad := NotReady(s, st)
	if len(bad) == 0 {
		return nil
	}
	s.Notef("See `phial mesh` and `phial logs %s`; `phial down` stops the app.", bad[0])
	return term.Found()
}

// NotReady says of each replica that is not ready why, and gives their names.
func NotReady(s *term.IO, st local.Status) (names []string) {
	for _, p := range st.Pods {
		if !p.Ready {
			names = append(names, p.Name)
			s.Notef("%s is not ready: %s", p.Name, why(p))
		}
	}
	return names
}

func why(p local.Pod) string {
	if p.Reason != "" {
		return p.Reason
	}
	return string(p.Phase)
}
