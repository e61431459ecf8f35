package up

import (
	"context"
	"errors"
	"sync"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// foreground runs the engine in this process, with the replicas' output on
// standard output and what the engine does on standard error.
func foreground(ctx context.Context, s *term.IO, o local.Options) error {
	watch, stop := context.WithCancel(ctx)
	var announced sync.WaitGroup
	o.Out, o.Color = s.Out, s.Colour
	o.Progress = func(line string) { s.Notef("%s", line) }
	o.Kill = term.SecondInterrupt(ctx)
	started := false // written and read by Run's goroutine, this one
	o.Started = func(st local.Status) {
		started = true
		announced.Go(func() { announce(watch, s, st.Name) })
	}
	err := local.Run(ctx, o)
	stop()
	announced.Wait()
	switch {
	case ctx.Err() != nil && !started:
		return term.ErrInterrupted
	case errors.Is(err, context.Canceled):
		return nil // Ctrl-C is how it ends
	}
	return err
}

// announce says when the replicas are ready, or what keeps them from it.
func announce(ctx context.Context, s *term.IO, name string) {
	c, err := local.Find(name)
	if err != nil {
		return
	}
	limited, cancel := context.WithTimeout(ctx, instance.DefaultWait)
	defer cancel()
	st, err := c.WaitSettled(limited, nil)
	if err != nil || ctx.Err() != nil {
		return
	}
	if err := instance.Settled(s, st); err == nil {
		s.Notef("`phial mesh` shows who sees whom; Ctrl-C stops everything.")
	}
}
