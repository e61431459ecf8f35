package try

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/report"
)

type options struct {
	path string
	wait time.Duration
	logs bool
	json bool
}

// Result is the JSON of `phial try`.
type Result struct {
	OK       bool         `json:"ok"`
	Mesh     *mesh.Report `json:"mesh"` // null: the replicas should be none
	Requests []Request    `json:"requests"`
	// SettledMS is how long it took from the replicas' start until nothing was
	// on its way any more, in milliseconds.
	SettledMS int64 `json:"settledMs"`
}

func try(ctx context.Context, s *term.IO, eng local.Options, o options) error {
	// A state directory of its own lets it stand beside an app that is up.
	state, err := os.MkdirTemp("", "phial-try-")
	if err != nil {
		return fmt.Errorf("make a directory for the trial: %w", err)
	}
	defer os.RemoveAll(state)
	eng.StateDir = state

	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	started := make(chan local.Status, 1)
	ended := make(chan error, 1)
	eng.Started = func(st local.Status) { started <- st }
	eng.Progress = func(line string) { s.Notef("%s", line) }
	eng.Kill = term.SecondInterrupt(ctx)
	if o.logs {
		eng.Out, eng.Color = s.Err, s.Progress
	}
	go func() { ended <- local.Run(runCtx, eng) }()

	var res Result
	var looked error
	select {
	case err := <-ended:
		return notStarted(ctx, err)
	case st := <-started:
		res, looked = look(runCtx, s, state, st, o)
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	if ctx.Err() != nil {
		return term.ErrInterrupted
	}
	if looked != nil {
		return looked
	}
	if o.json {
		if err := s.WriteJSON(res); err != nil {
			return err
		}
	}
	if !res.OK {
		return term.Found()
	}
	return nil
}

func notStarted(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return term.ErrInterrupted
	}
	if err == nil {
		return errors.New("the engine ended before it had started")
	}
	return err
}

// look waits for the mesh, shows it, and asks every replica.
func look(ctx context.Context, s *term.IO, state string, st local.Status, o options) (Result, error) {
	c, err := local.FindIn(state, st.Name)
	if err != nil {
		return Result{}, err
	}
	begin := time.Now()
	st, err = instance.Wait(ctx, s, c, o.wait)
	if err != nil {
		return Result{}, err
	}
	res := Result{SettledMS: time.Since(begin).Milliseconds()}
	instance.NotReady(s, st)
	t, err := target.OpenApp(ctx, c, nil)
	switch {
	case errors.Is(err, target.ErrNoMesh):
		res.OK = st.Ready() == len(st.Pods)
	case err != nil:
		return res, err
	default:
		r, err := t.Look(ctx)
		if err != nil {
			return res, err
		}
		res.Mesh, res.OK = &r, r.Full()
	}
	res.Requests = ask(ctx, st.Pods, o.path)
	res.OK = res.OK && answered(res.Requests)
	if o.json {
		return res, nil
	}
	if res.Mesh != nil {
		report.Mesh(s.Out, *res.Mesh, t.Style(s))
	} else {
		fmt.Fprintf(s.Out, "%s is %s: its replicas are no mesh.\n", st.Name, st.Type)
	}
	if len(res.Requests) > 0 {
		fmt.Fprintln(s.Out)
		showRequests(s, res.Requests)
	}
	if st.Ready() < len(st.Pods) {
		showLogs(s, c, st)
	}
	return res, nil
}

// showLogs shows the end of what a replica that never started wrote: with the
// trial its files go.
func showLogs(s *term.IO, c *local.Client, st local.Status) {
	for _, p := range st.Pods {
		if p.Ready || p.Restarts == 0 {
			continue
		}
		s.Notef("\n%s ended by itself, %d times; the last that it wrote:", p.Name, p.Restarts)
		lines, err := c.LastLines(p.Name, 10)
		if err != nil {
			s.Notef("  (%v)", err)
		}
		for _, l := range lines {
			s.Notef("  %s", l)
		}
	}
}
