package checklist

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/phialdev/phial/internal/checklist"
	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/target"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/cli/up"
	"github.com/phialdev/phial/internal/engine/local"
)

// How long a fault may take to be noticed, and its mending to be.
const (
	noticeWithin  = 30 * time.Second
	recoverWithin = instance.DefaultWait
	every         = 100 * time.Millisecond
)

// trial runs the app, looks at its mesh, and breaks a replica. What keeps it from running is not known to be wrong with
// the app; only an interruption is an error.
func trial(ctx context.Context, s *term.IO, o options, noHTTP bool) (*checklist.Trial, error) {
	command := "phial checklist"
	if o.dir != "." {
		command += " " + term.Word(o.dir)
	}
	t := &checklist.Trial{Command: command + " --run"}
	err := runOnce(ctx, s, o, noHTTP, t)
	if ctx.Err() != nil {
		return nil, term.ErrInterrupted
	}
	if err != nil {
		t.Error = err.Error()
	}
	return t, nil
}

func runOnce(ctx context.Context, s *term.IO, o options, noHTTP bool, t *checklist.Trial) error {
	eng, err := engine(s, o, noHTTP)
	if err != nil {
		return err
	}
	// A state directory of its own lets it stand beside an app that is up.
	state, err := os.MkdirTemp("", "phial-checklist-")
	if err != nil {
		return fmt.Errorf("make a directory for the trial: %w", err)
	}
	defer os.RemoveAll(state)
	eng.StateDir = state
	runCtx, stop := context.WithCancel(ctx)
	defer stop()
	started, ended := make(chan local.Status, 1), make(chan error, 1)
	eng.Started = func(st local.Status) { started <- st }
	eng.Progress = func(line string) { s.Notef("%s", line) }
	eng.Kill = term.SecondInterrupt(ctx)
	go func() { ended <- local.Run(runCtx, eng) }()
	select {
	case err := <-ended:
		if err == nil {
			err = errors.New("the engine ended before it had started")
		}
		return err
	case st := <-started:
		err = drill(runCtx, s, state, st, t)
	}
	stop()
	if end := <-ended; err == nil && end != nil && !errors.Is(end, context.Canceled) {
		err = end
	}
	return err
}

// engine is told what `phial try` would be, and whether there is HTTP where no phial.yaml says so.
func engine(s *term.IO, o options, noHTTP bool) (local.Options, error) {
	var f up.Flags
	cmd := &cobra.Command{Use: "try"}
	cmd.SetErr(s.Err)
	f.Add(cmd)
	var args []string
	if o.replicas > 0 {
		args = append(args, "--replicas", strconv.Itoa(o.replicas))
	}
	if o.envFile != "" {
		args = append(args, "--env-file", o.envFile)
	}
	if err := cmd.ParseFlags(args); err != nil {
		return local.Options{}, err
	}
	eng, err := f.Options([]string{o.dir})
	if eng.App == nil {
		eng.NoHTTP = noHTTP
	}
	return eng, err
}

// drill looks at the mesh, and breaks the last replica in one way after the other.
func drill(ctx context.Context, s *term.IO, state string, st local.Status, t *checklist.Trial) error {
	c, err := local.FindIn(state, st.Name)
	if err != nil {
		return err
	}
	if st, err = instance.Wait(ctx, s, c, instance.DefaultWait); err != nil {
		return err
	}
	instance.NotReady(s, st)
	t.Replicas = len(st.Pods)
	ready := st.Ready() == len(st.Pods)
	full, text, clustered := ready, fmt.Sprintf("%d of %d ready", st.Ready(), len(st.Pods)), false
	switch on, err := target.OpenApp(ctx, c, nil); {
	case errors.Is(err, target.ErrNoMesh):
	case err != nil:
		return err
	default:
		r, err := on.Look(ctx)
		if err != nil {
			return err
		}
		clustered = true
		if full = ready && r.Full(); r.Full() {
			text += "; their nodes are one full mesh"
		} else {
			text += "; their nodes are not one full mesh"
		}
	}
	t.Mesh, t.MeshText = full, text
	if !ready {
		return nil // it is broken as it is
	}
	pod := st.Pods[len(st.Pods)-1].Name
	faults := []local.Fault{local.FaultKill, local.FaultFreeze}
	if clustered && len(st.Pods) > 1 {
		faults = append(faults, local.FaultCookie)
	}
	for _, f := range faults {
		made, err := fault(ctx, s, c, pod, f)
		if err != nil {
			return err
		}
		t.Faults = append(t.Faults, made)
		if !made.Recovered {
			break // the next would be made at a replica that is broken already
		}
	}
	return nil
}

// fault breaks a replica, waits until that is noticed, and mends it.
func fault(ctx context.Context, s *term.IO, c *local.Client, pod string, f local.Fault) (checklist.Fault, error) {
	made := checklist.Fault{Name: "phial break " + pod + " " + string(f)}
	before, err := c.Status(ctx)
	if err != nil {
		return made, err
	}
	was, _ := before.Pod(pod)
	if _, err := c.Break(ctx, pod, f); err != nil {
		return made, err
	}
	how, stays := "", "it stayed in traffic"
	if f == local.FaultCookie {
		// To break it is to start it anew, so what counts is where it ends up.
		st, err := instance.Wait(ctx, s, c, recoverWithin)
		if err != nil {
			return made, err
		}
		p, _ := st.Pod(pod)
		made.Noticed = !p.Ready
		how, stays = "it was kept out of traffic", "a replica that no other can reach went into traffic"
	} else {
		made.Noticed, err = until(ctx, c, noticeWithin, func(st local.Status) bool {
			p, ok := st.Pod(pod)
			how = noticed(was, p)
			return ok && how != ""
		})
		if err != nil {
			return made, err
		}
	}
	if _, err := c.Mend(ctx, pod); err != nil {
		return made, err
	}
	made.Recovered, err = until(ctx, c, recoverWithin, func(st local.Status) bool {
		p, ok := st.Pod(pod)
		return ok && p.Ready && p.SilentSince.IsZero() && st.Ready() == len(st.Pods) && st.Settled
	})
	switch {
	case !made.Noticed:
		made.Text = "not noticed: " + stays
	case !made.Recovered:
		made.Text = fmt.Sprintf("%s; not ready %s after it was mended", how, recoverWithin)
	default:
		made.Text = how + "; ready again after it was mended"
	}
	return made, err
}

// noticed says what became of a replica that was broken; empty: nothing yet.
func noticed(was, is local.Pod) string {
	switch {
	case is.Restarts > was.Restarts:
		return "it was started anew"
	case !is.Ready:
		return "it was taken out of traffic"
	case !is.SilentSince.IsZero():
		return "it gets traffic last, for its node does not answer"
	}
	return ""
}

// until asks again and again; that the time is over is no error.
func until(ctx context.Context, c *local.Client, within time.Duration, is func(local.Status) bool) (bool, error) {
	limit := time.NewTimer(within)
	defer limit.Stop()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		st, err := c.Status(ctx)
		if err != nil {
			return false, err
		}
		if is(st) {
			return true, nil
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-limit.C:
			return false, nil
		case <-tick.C:
		}
	}
}
