package drain

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Names of the steps, in their order.
const (
	StepDelay     = "endpoint-delay" // load balancers hear that the replica has left
	StepSurvey    = "survey"         // what the node runs
	StepHook      = "hook"           // the team's own function
	StepJobs      = "jobs"           // Oban takes no more
	StepPipeline  = "pipeline"       // Broadway drains
	StepSockets   = "sockets"        // Phoenix's socket drainers
	StepKeepAlive = "keep-alive"     // clients are told not to keep their connections
	StepWork      = "work"           // what is in flight ends
	StepPresence  = "presence"       // trackers tell the others that they are gone
	StepSuspend   = "suspend"        // listeners close
)

var order = []string{StepDelay, StepSurvey, StepHook, StepJobs, StepPipeline, StepSockets, StepKeepAlive, StepWork, StepPresence, StepSuspend}

// Outcome is how a step, or a drain, has ended.
type Outcome string

// The outcomes. Of a drain as a whole, Done means that no work was left.
const (
	Done      Outcome = "done"
	Skipped   Outcome = "skipped"   // there was nothing to do
	Failed    Outcome = "failed"    // and the rest went on
	TimedOut  Outcome = "timed-out" // its time, or the budget, was out
	Cancelled Outcome = "cancelled"
	Gone      Outcome = "gone" // the node was not, or no longer, to be reached
)

// Work is what a node has under way.
type Work struct {
	Requests    int `json:"requests"`
	Jobs        int `json:"jobs"`
	Pipelines   int `json:"pipelines"` // still draining
	Drainers    int `json:"drainers"`  // of sockets, still at it
	Connections int `json:"connections"`
	// Unknown says that something could not be counted, and Requests and Jobs may be more.
	Unknown bool `json:"unknown,omitempty"`
}

// Left is how much of it is waited for: connections are not.
func (w Work) Left() int { return w.Requests + w.Jobs + w.Pipelines + w.Drainers }

// Step is one step of a drain, on one thing where there are several.
type Step struct {
	Name    string  `json:"name"`
	Subject string  `json:"subject,omitempty"` // which pipeline, endpoint, tracker …
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"`
	Error   string  `json:"error,omitempty"`
	TookMS  int64   `json:"tookMs"`
	// Before and After are how much there was of what the step is about: running jobs,
	// sockets, work in flight.
	Before int `json:"before"`
	After  int `json:"after"`
}

// Report is what a drain did.
type Report struct {
	Outcome Outcome `json:"outcome"`
	TookMS  int64   `json:"tookMs"`
	Before  Work    `json:"before"` // when work was first counted, after the endpoint delay
	After   Work    `json:"after"`  // when it was last counted
	Told    int     `json:"told"`   // how often a connection was told to close with an answer
	Steps   []Step  `json:"steps"`  // in their order; several of one name by subject

	mu   sync.Mutex
	undo []undo
}

// sort puts the steps, of which some went on at the same time, in their order.
func (r *Report) sort() {
	slices.SortStableFunc(r.Steps, func(a, b Step) int {
		return cmp.Or(slices.Index(order, a.Name)-slices.Index(order, b.Name), cmp.Compare(a.Subject, b.Subject))
	})
}

// Phase is where in a step an event comes from.
type Phase string

// The phases.
const (
	Began    Phase = "began"
	Progress Phase = "progress" // of StepWork, with each count that differs from the last
	Ended    Phase = "ended"
)

// Event tells of a step as it happens. Step is whole where the phase is Ended.
type Event struct {
	Phase     Phase `json:"phase"`
	ElapsedMS int64 `json:"elapsedMs"` // since the drain began
	Step      Step  `json:"step"`
	Work      *Work `json:"work,omitempty"` // of Progress
}

// undo takes back one thing that was done.
type undo struct {
	name, subject string
	f             func(context.Context) error
}

// Undo takes back what can be: the drain was cancelled, and the node is to work on. It
// is the caller who opens the gate again, before or after. What was done by the hook and
// what trackers have said stays so, and so do connections that were told to close. It
// does all at once, and a second call does nothing.
func (r *Report) Undo(ctx context.Context) []Step {
	r.mu.Lock()
	todo := slices.Clone(r.undo)
	r.undo = nil
	r.mu.Unlock()
	steps := make([]Step, len(todo))
	var wg sync.WaitGroup
	for i, u := range todo {
		wg.Go(func() {
			begun := time.Now()
			err := u.f(ctx)
			steps[i] = Step{Name: u.name, Subject: u.subject, TookMS: time.Since(begun).Milliseconds()}
			steps[i].end(ctx, err)
		})
	}
	wg.Wait()
	return steps
}

// end fills in how a step ended, from the error that it ended with.
func (s *Step) end(ctx context.Context, err error) {
	switch {
	case err == nil:
		s.Outcome = Done
		return
	case errors.Is(context.Cause(ctx), errGone):
		s.Outcome = Gone
	case errors.Is(ctx.Err(), context.Canceled):
		s.Outcome = Cancelled
	case ctx.Err() != nil, errors.Is(err, context.DeadlineExceeded):
		s.Outcome = TimedOut
	default:
		s.Outcome = Failed
	}
	s.Error = err.Error()
}
