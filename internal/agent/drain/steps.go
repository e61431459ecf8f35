package drain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/probe"
)

// survey looks at what there is. Where the node tells nothing at all it is asked again,
// for as long as there is time: it may be frozen for a moment, or starved.
func (r *run) survey(ctx context.Context) {
	r.step(ctx, StepSurvey, "", func(ctx context.Context, s *Step) (err error) {
		for {
			r.has, err = r.node.Survey(ctx)
			s.Before = len(r.has.Servers) + len(r.has.Jobs) + len(r.has.Pipelines) + len(r.has.Drainers) + len(r.has.Trackers)
			s.After = s.Before
			if err == nil || s.Before > 0 {
				return err
			}
			if sleep(ctx, r.conf.Poll) != nil {
				return err
			}
		}
	})
}

func (r *run) hook(ctx context.Context) {
	h := r.conf.Hook
	if h == nil {
		r.skip(StepHook, "the application has none")
		return
	}
	ctx, cancel := context.WithTimeout(ctx, r.conf.HookTimeout)
	defer cancel()
	r.step(ctx, StepHook, h.Module+"."+h.Function, func(ctx context.Context, s *Step) (err error) {
		s.Detail, err = r.node.Hook(ctx, h.Module, h.Function)
		return err
	})
}

// jobs pauses all Obans at once, and looks whether they have heard it: the signal goes
// by way of the database.
func (r *run) jobs(ctx context.Context) {
	if len(r.has.Jobs) == 0 {
		r.skip(StepJobs, "no Oban")
		return
	}
	var wg sync.WaitGroup
	for _, j := range r.has.Jobs {
		wg.Go(func() {
			r.step(ctx, StepJobs, j.Name, func(ctx context.Context, s *Step) error {
				before, _ := r.node.Jobs(ctx, j) // what it says of itself is counted again later
				r.undoable(StepJobs, j.Name, func(ctx context.Context) error { return r.node.ResumeJobs(ctx, j) })
				err := r.node.PauseJobs(ctx, j)
				s.Before, s.After = before.Running, before.Running
				if err != nil {
					return err
				}
				return r.paused(ctx, j, s)
			})
		})
	}
	wg.Wait()
}

// paused waits a little for the queues to have heard the signal.
func (r *run) paused(ctx context.Context, j probe.JobRunner, s *Step) error {
	const tries = 8
	for range tries {
		now, err := r.node.Jobs(ctx, j)
		if err != nil {
			return err
		}
		if s.After = now.Running; now.Unpaused == 0 {
			return nil
		}
		if err := sleep(ctx, r.conf.Poll); err != nil {
			return err
		}
	}
	return errUnpaused
}

// terminate begins to terminate children, all at once, and goes on.
func (r *run) terminate(ctx context.Context, tasks *sync.WaitGroup, name string, kind int, children []probe.Child) {
	if len(children) == 0 {
		r.skip(name, map[int]string{pipelines: "no Broadway", drainers: "no socket drainers"}[kind])
		return
	}
	r.count(kind, len(children))
	for _, c := range children {
		tasks.Go(func() {
			defer r.count(kind, -1)
			r.step(ctx, name, c.Name, func(ctx context.Context, s *Step) error {
				count := func() int { return 1 }
				if kind == drainers {
					count = func() int { n, _ := r.node.Sockets(ctx, []probe.Child{c}); return n }
				}
				s.Before = count()
				s.After = s.Before
				r.undoable(name, c.Name, func(ctx context.Context) error { return r.node.Restart(ctx, c) })
				err := r.node.Terminate(ctx, c)
				switch {
				case err != nil:
				case kind == drainers:
					s.After = count()
				default:
					s.After = 0
				}
				return err
			})
		})
	}
}

func (r *run) count(kind, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks[kind] += by
}

// keepAlive tells the servers that can be told as a whole. Those connections of cowboy's
// that are busy are told to close with the answer under way, too, while work is counted.
func (r *run) keepAlive(ctx context.Context) {
	told := false
	for _, srv := range r.has.Servers {
		if r.conf.KeepClients || !srv.Tells() {
			continue
		}
		told = true
		r.step(ctx, StepKeepAlive, srv.String(), func(ctx context.Context, _ *Step) error {
			r.undoable(StepKeepAlive, srv.String(), func(ctx context.Context) error { return r.node.KeepAlive(ctx, srv, true) })
			return r.node.KeepAlive(ctx, srv, false)
		})
	}
	if !told {
		r.skip(StepKeepAlive, "no server that can be told")
		return
	}
	r.linger = time.Now().Add(r.conf.Linger)
}

// work counts until there is none, and gives how the drain as a whole has ended.
func (r *run) work(ctx context.Context) Outcome {
	return r.step(ctx, StepWork, "", func(ctx context.Context, s *Step) error {
		calm := 0
		for first := true; ; first = false {
			begun := time.Now()
			w, err := r.look(ctx)
			if ctx.Err() == nil {
				r.counted(w, first)
				s.Before, s.After = r.report.Before.Left(), w.Left()
			}
			if calm++; err != nil || w.Left() > 0 {
				calm = 0
			}
			if calm >= quiet && (w.Connections == 0 || !time.Now().Before(r.linger)) {
				return nil
			}
			wait := sleep(ctx, max(r.conf.Poll, load*time.Since(begun)))
			if wait != nil && calm >= quiet && errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil // it lingered for as long as there was time
			}
			if wait != nil {
				return errors.Join(fmt.Errorf("%d left: %w", s.After, context.Cause(ctx)), err)
			}
		}
	}).Outcome
}

// counted notes a count, and tells of it where it differs from the last.
func (r *run) counted(w Work, first bool) {
	last := r.report.After
	if r.report.After = w; first {
		r.report.Before = w
	}
	if first || w != last {
		r.event(Event{Phase: Progress, Step: Step{Name: StepWork}, Work: &w})
	}
}

// look counts what is in flight.
func (r *run) look(ctx context.Context) (Work, error) {
	traffic, err := r.node.InFlight(ctx, r.has.Servers, !r.conf.KeepClients)
	errs := []error{err}
	w := Work{Requests: traffic.Requests, Connections: traffic.Connections}
	r.report.Told += traffic.Told
	for _, j := range r.has.Jobs {
		jobs, err := r.node.Jobs(ctx, j)
		errs = append(errs, err)
		w.Jobs += jobs.Running
	}
	r.mu.Lock()
	w.Pipelines, w.Drainers = r.tasks[pipelines], r.tasks[drainers]
	r.mu.Unlock()
	err = errors.Join(errs...)
	w.Unknown = err != nil
	return w, err
}

func (r *run) presence(ctx context.Context) {
	if len(r.has.Trackers) == 0 {
		r.skip(StepPresence, "no trackers")
	}
	var wg sync.WaitGroup
	for _, t := range r.has.Trackers {
		wg.Go(func() {
			r.step(ctx, StepPresence, t.Name, func(ctx context.Context, _ *Step) error { return r.node.Permdown(ctx, t) })
		})
	}
	wg.Wait()
}

func (r *run) suspend(ctx context.Context) {
	if !r.conf.Suspend {
		r.skip(StepSuspend, "not asked for")
		return
	}
	for _, srv := range r.has.Servers {
		r.step(ctx, StepSuspend, srv.String(), func(ctx context.Context, s *Step) error {
			r.undoable(StepSuspend, srv.String(), func(ctx context.Context) error { return r.node.Resume(ctx, srv) })
			return r.node.Suspend(ctx, srv)
		})
	}
}
