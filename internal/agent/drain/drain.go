package drain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/probe"
)

// Node is what a drain does to a node. A method returns when its context ends, if not
// earlier; those without a long task of the node's have a deadline of their own as well.
// Done is closed when the node is not to be reached any more. A *probe.Drain is one.
type Node interface {
	Done() <-chan struct{}
	Survey(ctx context.Context) (probe.Inventory, error)
	Hook(ctx context.Context, module, function string) (string, error)
	PauseJobs(ctx context.Context, j probe.JobRunner) error
	ResumeJobs(ctx context.Context, j probe.JobRunner) error
	Jobs(ctx context.Context, j probe.JobRunner) (probe.Jobs, error)
	Terminate(ctx context.Context, c probe.Child) error
	Restart(ctx context.Context, c probe.Child) error
	Sockets(ctx context.Context, drainers []probe.Child) (int, error)
	InFlight(ctx context.Context, servers []probe.Server, tell bool) (probe.Traffic, error)
	KeepAlive(ctx context.Context, s probe.Server, on bool) error
	Permdown(ctx context.Context, t probe.Tracker) error
	Suspend(ctx context.Context, s probe.Server) error
	Resume(ctx context.Context, s probe.Server) error
}

var _ Node = (*probe.Drain)(nil)

// Hook is a function of the application, without arguments.
type Hook struct{ Module, Function string }

// Config says how a drain is made.
type Config struct {
	EndpointDelay time.Duration // nothing is touched for so long
	Budget        time.Duration // for all that comes after it
	Hook          *Hook         // nil: the application has none
	HookTimeout   time.Duration // 0: half of the budget
	// Suspend closes the listeners when all else is done. After the endpoint delay that
	// only turns a connection that is reset at the end into one that is refused.
	Suspend bool
	// KeepClients leaves keep-alive clients as they are. Otherwise servers tell them,
	// where they have a way, not to send another request on their connection.
	KeepClients bool
	// Linger is how long, once keep-alive clients are told, the drain goes on although
	// nothing is in flight, while there are connections: a client hears it with its next
	// answer, and one that asks every second is to have asked once.
	Linger time.Duration
	Poll   time.Duration // how often work is counted; 0: DefaultPoll
}

// Numbers of a drain.
const (
	DefaultPoll = 250 * time.Millisecond
	// quiet is how many counts in a row must find no work: a request may be on its way
	// between two of a client's.
	quiet = 2
	// load is how many times as long as a count took nothing is counted: with thousands
	// of connections it costs the node tens of milliseconds.
	load = 10
	// Of the budget this part, and not more than lastMost, is kept for what comes last.
	lastPart = 10
	lastMost = 2 * time.Second
)

var (
	errGone     = errors.New("the node ended, or its connection")
	errNoNode   = errors.New("the node was not reached")
	errUnpaused = errors.New("queues still take jobs: the signal did not arrive")
)

// run is a drain under way.
type run struct {
	node   Node
	conf   Config
	report *Report
	tell   func(Event)
	begun  time.Time
	has    probe.Inventory
	linger time.Time

	mu    sync.Mutex // of events, and of what follows
	tasks [2]int     // under way, by kind
}

// The kinds of tasks that go on while work is counted.
const (
	pipelines = iota
	drainers
)

// Run drains a node and returns when nothing is in flight, or when the endpoint delay
// and the budget are over, or soon after ctx ends or the node does. The endpoint delay is
// left whatever the state of the node, which may be nil for one that was not reached:
// requests are on their way to it. Progress is called by one goroutine at a time; nil:
// nobody is told.
func Run(ctx context.Context, node Node, conf Config, progress func(Event)) *Report {
	if conf.Poll <= 0 {
		conf.Poll = DefaultPoll
	}
	if conf.HookTimeout <= 0 {
		conf.HookTimeout = conf.Budget / 2
	}
	if progress == nil {
		progress = func(Event) {}
	}
	r := &run{node: node, conf: conf, tell: progress, begun: time.Now(), report: &Report{Steps: []Step{}}}
	r.step(ctx, StepDelay, "", func(ctx context.Context, _ *Step) error { return sleep(ctx, conf.EndpointDelay) })
	if ctx.Err() != nil {
		r.report.Outcome = Cancelled
	} else {
		r.report.Outcome = r.drain(ctx)
	}
	r.report.TookMS = r.elapsed()
	r.report.sort()
	return r.report
}

// drain is what comes after the endpoint delay.
func (r *run) drain(ctx context.Context) Outcome {
	if r.node == nil {
		r.ended(Step{Name: StepSurvey, Outcome: Gone, Error: errNoNode.Error()})
		return Gone
	}
	ctx, gone := context.WithCancelCause(ctx)
	defer gone(nil)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		select {
		case <-r.node.Done():
			gone(errGone)
		case <-stop:
		}
	}()
	all, cancel := context.WithDeadline(ctx, r.begun.Add(r.conf.EndpointDelay+r.conf.Budget))
	defer cancel()
	most, cancel := context.WithDeadline(ctx, r.begun.Add(r.conf.EndpointDelay+r.conf.Budget-min(r.conf.Budget/lastPart, lastMost)))
	defer cancel()

	r.survey(most)
	r.hook(most)
	var tasks sync.WaitGroup
	r.jobs(most)
	r.terminate(most, &tasks, StepPipeline, pipelines, r.has.Pipelines)
	r.terminate(most, &tasks, StepSockets, drainers, r.has.Drainers)
	r.keepAlive(most)
	outcome := r.work(most)
	tasks.Wait()
	r.presence(all)
	r.suspend(all)
	return outcome
}

// step does one thing and notes how it went. Where there is no time left for it, that is
// noted.
func (r *run) step(ctx context.Context, name, subject string, f func(ctx context.Context, s *Step) error) Step {
	s := Step{Name: name, Subject: subject}
	begun := time.Now()
	err := context.Cause(ctx)
	if err != nil {
		err = fmt.Errorf("not begun: %w", err)
	} else {
		r.event(Event{Phase: Began, Step: s})
		err = f(ctx, &s)
	}
	s.TookMS = time.Since(begun).Milliseconds()
	s.end(ctx, err)
	r.ended(s)
	return s
}

// skip notes that there was nothing to do.
func (r *run) skip(name, detail string) {
	r.ended(Step{Name: name, Outcome: Skipped, Detail: detail})
}

func (r *run) ended(s Step) {
	r.mu.Lock()
	r.report.Steps = append(r.report.Steps, s)
	r.mu.Unlock()
	r.event(Event{Phase: Ended, Step: s})
}

func (r *run) event(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.ElapsedMS = r.elapsed()
	r.tell(e)
}

func (r *run) elapsed() int64 { return time.Since(r.begun).Milliseconds() }

// undoable notes how to take back what is about to be done: also a call that is not
// answered may have been heard.
func (r *run) undoable(name, subject string, f func(context.Context) error) {
	r.report.mu.Lock()
	defer r.report.mu.Unlock()
	r.report.undo = append(r.report.undo, undo{name, subject, f})
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("after a part of %s: %w", d, context.Cause(ctx))
	case <-t.C:
		return nil
	}
}
