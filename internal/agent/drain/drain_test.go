package drain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/phialdev/phial/internal/probe"
)

// fake is a node whose calls take a millisecond, unless said otherwise.
type fake struct {
	mu   sync.Mutex
	said []string

	has       probe.Inventory
	surveyErr error
	frozen    bool          // nothing is answered
	requests  time.Duration // until then after the start of the test requests are in flight
	jobs      time.Duration
	deaf      bool          // Oban does not hear that it is paused
	pipeline  time.Duration // how long it takes to drain
	hook      time.Duration
	hookErr   error
	countErr  error
	begun     time.Time
	paused    bool
	done      chan struct{}
}

func newFake() *fake {
	return &fake{begun: time.Now(), done: make(chan struct{})}
}

// full has one of everything.
func full() *fake {
	f := newFake()
	f.has = probe.Inventory{
		Servers:   []probe.Server{{Kind: probe.ServerCowboy, Name: "web"}, {Kind: probe.ServerHTTPD, Name: "admin"}},
		Jobs:      []probe.JobRunner{{Name: "Oban"}},
		Pipelines: []probe.Child{{Name: "Pipeline"}},
		Drainers:  []probe.Child{{Name: "LiveView"}},
		Trackers:  []probe.Tracker{{Name: "Presence"}},
	}
	return f
}

// say notes a call, and takes its time.
func (f *fake) say(ctx context.Context, what string, d time.Duration) error {
	f.mu.Lock()
	f.said = append(f.said, what)
	f.mu.Unlock()
	if f.frozen {
		d = time.Hour
	}
	select {
	case <-f.done:
		return errors.New("the connection ended")
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(max(d, time.Millisecond)):
		return nil
	}
}

func (f *fake) words() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.DeleteFunc(slices.Compact(slices.Clone(f.said)), func(s string) bool { return s == "count" || s == "jobs" })
}

func (f *fake) Done() <-chan struct{} { return f.done }

func (f *fake) Survey(ctx context.Context) (probe.Inventory, error) {
	if err := f.say(ctx, "survey", 0); err != nil {
		return probe.Inventory{}, err
	}
	return f.has, f.surveyErr
}

func (f *fake) Hook(ctx context.Context, module, function string) (string, error) {
	return "ok", errors.Join(f.say(ctx, "hook "+module+"."+function, f.hook), f.hookErr)
}

func (f *fake) PauseJobs(ctx context.Context, j probe.JobRunner) error {
	f.mu.Lock()
	f.paused = !f.deaf
	f.mu.Unlock()
	return f.say(ctx, "pause "+j.Name, 0)
}

func (f *fake) ResumeJobs(ctx context.Context, j probe.JobRunner) error {
	return f.say(ctx, "resume "+j.Name, 0)
}

func (f *fake) Jobs(ctx context.Context, _ probe.JobRunner) (j probe.Jobs, err error) {
	err = f.say(ctx, "jobs", 0)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.paused {
		j.Unpaused = 1
	}
	if time.Since(f.begun) < f.jobs {
		j.Running = 1
	}
	return j, err
}

func (f *fake) Terminate(ctx context.Context, c probe.Child) error {
	return f.say(ctx, "terminate "+c.Name, f.pipeline)
}

func (f *fake) Restart(ctx context.Context, c probe.Child) error {
	return f.say(ctx, "restart "+c.Name, 0)
}

func (f *fake) Sockets(ctx context.Context, _ []probe.Child) (int, error) {
	return 7, f.say(ctx, "count", 0)
}

func (f *fake) InFlight(ctx context.Context, _ []probe.Server, tell bool) (t probe.Traffic, err error) {
	err = errors.Join(f.say(ctx, "count", 0), f.countErr)
	t.Connections = 5 // they never leave
	if time.Since(f.begun) < f.requests {
		t.Requests = 2
		if tell {
			t.Told = 1
		}
	}
	return t, err
}

func (f *fake) KeepAlive(ctx context.Context, s probe.Server, on bool) error {
	return f.say(ctx, fmt.Sprintf("keep-alive %s %t", s.Name, on), 0)
}

func (f *fake) Permdown(ctx context.Context, t probe.Tracker) error {
	return f.say(ctx, "permdown "+t.Name, 0)
}

func (f *fake) Suspend(ctx context.Context, s probe.Server) error {
	return f.say(ctx, "suspend "+s.Name, 0)
}

func (f *fake) Resume(ctx context.Context, s probe.Server) error {
	return f.say(ctx, "resume "+s.Name, 0)
}

var tenAndTwenty = Config{EndpointDelay: 10 * time.Second, Budget: 20 * time.Second, Hook: &Hook{"Shop.Drainer", "drain"}}

// outcomes gives each step's name and outcome, in the order in which they ended.
func (r *Report) outcomes() string {
	var out []string
	for _, s := range r.Steps {
		out = append(out, s.Name+" "+string(s.Outcome))
	}
	return strings.Join(out, ", ")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	everything := "endpoint-delay done, survey done, hook done, jobs done, pipeline done, sockets done, keep-alive done, keep-alive done, work done, presence done, suspend skipped"
	for name, tt := range map[string]struct {
		node   func() *fake
		change func(c *Config)
		took   time.Duration // to within half a second
		want   Outcome
		steps  string
	}{
		"nothing there": {newFake, func(c *Config) { c.Hook = nil }, 10 * time.Second, Done,
			"endpoint-delay done, survey done, hook skipped, jobs skipped, pipeline skipped, sockets skipped, keep-alive skipped, work done, presence skipped, suspend skipped"},
		"all there, idle":   {full, nil, 10 * time.Second, Done, everything},
		"requests end":      {func() *fake { f := full(); f.requests = 16 * time.Second; return f }, nil, 16 * time.Second, Done, everything},
		"jobs end":          {func() *fake { f := full(); f.jobs = 15 * time.Second; return f }, nil, 15 * time.Second, Done, everything},
		"a pipeline drains": {func() *fake { f := full(); f.pipeline = 7 * time.Second; return f }, nil, 17 * time.Second, Done, everything},
		"suspend": {full, func(c *Config) { c.Suspend = true }, 10 * time.Second, Done,
			strings.Replace(everything, "suspend skipped", "suspend done, suspend done", 1)},
		"clients are kept": {full, func(c *Config) { c.KeepClients = true }, 10 * time.Second, Done,
			strings.Replace(everything, "keep-alive done, keep-alive done", "keep-alive skipped", 1)},
		"the budget is out": {func() *fake { f := full(); f.requests = time.Hour; return f }, nil, 28 * time.Second, TimedOut,
			strings.Replace(everything, "work done", "work timed-out", 1)},
		"a pipeline does not end": {func() *fake { f := full(); f.pipeline = time.Hour; return f }, nil, 28 * time.Second, TimedOut, ""},
		"the hook fails": {func() *fake { f := full(); f.hookErr = errors.New("broken"); return f }, nil, 10 * time.Second, Done,
			strings.Replace(everything, "hook done", "hook failed", 1)},
		"the hook hangs": {func() *fake { f := full(); f.hook = time.Hour; return f }, nil, 20 * time.Second, Done,
			strings.Replace(everything, "hook done", "hook timed-out", 1)},
		"Oban does not hear": {func() *fake { f := full(); f.deaf = true; return f }, nil, 12 * time.Second, Done,
			strings.Replace(everything, "jobs done", "jobs failed", 1)},
		"the survey is half of it": {func() *fake { f := full(); f.surveyErr = errors.New("no Oban"); return f }, nil, 10 * time.Second, Done,
			strings.Replace(everything, "survey done", "survey failed", 1)},
		"what can't be counted is no zero": {func() *fake { f := full(); f.countErr = errors.New("odd"); return f }, nil, 28 * time.Second, TimedOut, ""},
		"frozen": {func() *fake { f := full(); f.frozen = true; return f }, nil, 28 * time.Second, TimedOut,
			"endpoint-delay done, survey timed-out, hook timed-out, jobs skipped, pipeline skipped, sockets skipped, keep-alive skipped, work timed-out, presence skipped, suspend skipped"},
		"dead":      {func() *fake { f := full(); close(f.done); return f }, nil, 10 * time.Second, Gone, ""},
		"no budget": {full, func(c *Config) { c.Budget = 0 }, 10 * time.Second, TimedOut, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conf, begun := tenAndTwenty, time.Now()
				if tt.change != nil {
					tt.change(&conf)
				}
				f := tt.node()
				r := Run(t.Context(), f, conf, nil)
				took := time.Since(begun)
				if took < tt.took || took > tt.took+time.Second {
					t.Errorf("it took %s, want %s and little more", took, tt.took)
				}
				if took < conf.EndpointDelay || took > conf.EndpointDelay+conf.Budget+100*time.Millisecond {
					t.Errorf("it took %s, against a delay of %s and a budget of %s", took, conf.EndpointDelay, conf.Budget)
				}
				if r.Outcome != tt.want {
					t.Errorf("outcome %s, want %s", r.Outcome, tt.want)
				}
				if got := r.outcomes(); tt.steps != "" && got != tt.steps {
					t.Errorf("steps\n%s\nwant\n%s", got, tt.steps)
				}
			})
		})
	}
}

// What is done, in its order, and not before the endpoint delay is over.
func TestOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := full()
		f.requests, f.pipeline = 14*time.Second, 2*time.Second
		conf := tenAndTwenty
		conf.Suspend = true
		var events []Event
		r := Run(t.Context(), f, conf, func(e Event) {
			if e.Step.Name == StepDelay && len(f.words()) > 0 {
				t.Errorf("touched in the endpoint delay: %v", f.words())
			}
			events = append(events, e)
		})
		got := f.words()
		slices.Sort(got[3:7]) // they go on at the same time
		want := []string{"survey", "hook Shop.Drainer.drain", "pause Oban", "keep-alive admin false", "keep-alive web false", "terminate LiveView", "terminate Pipeline",
			"permdown Presence", "suspend web", "suspend admin"}
		if !slices.Equal(got, want) {
			t.Errorf("did %q\nwant %q", got, want)
		}
		if r.Before != (Work{Requests: 2, Pipelines: 1, Drainers: 1, Connections: 5}) || r.After != (Work{Connections: 5}) {
			t.Errorf("work before %+v, after %+v", r.Before, r.After)
		}
		if r.Told == 0 || r.TookMS < 14000 {
			t.Errorf("told %d, took %d ms", r.Told, r.TookMS)
		}
		if last := events[len(events)-1]; last.Phase != Ended || last.Step.Name != StepSuspend || last.ElapsedMS < 14000 {
			t.Errorf("the last event: %+v", last)
		}
		if n := len(slices.DeleteFunc(events, func(e Event) bool { return e.Phase != Progress })); n < 3 || n > 4 {
			t.Errorf("%d events of progress, want one for each number that changed", n)
		}
	})
}

func TestNoNode(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		r := Run(t.Context(), nil, tenAndTwenty, nil)
		if took := time.Since(begun); took != 10*time.Second || r.Outcome != Gone {
			t.Errorf("%s after %s", r.Outcome, took)
		}
		if steps := r.Undo(t.Context()); len(steps) > 0 {
			t.Errorf("undone: %+v", steps)
		}
	})
}

// A node that ends in the middle ends the drain.
func TestNodeEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := full()
		f.requests = time.Hour
		time.AfterFunc(15*time.Second, func() { close(f.done) })
		begun := time.Now()
		r := Run(t.Context(), f, tenAndTwenty, nil)
		if took := time.Since(begun); took > 16*time.Second || r.Outcome != Gone {
			t.Errorf("%s after %s", r.Outcome, took)
		}
		if r.Before.Requests != 2 || r.After.Requests != 2 {
			t.Errorf("work before %+v, after %+v", r.Before, r.After)
		}
	})
}

func TestCancelAndUndo(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		after time.Duration
		want  []string // undone
	}{
		"in the delay": {5 * time.Second, nil},
		"in the hook":  {11 * time.Second, nil},
		"at work":      {15 * time.Second, []string{"keep-alive admin true", "keep-alive web true", "restart LiveView", "restart Pipeline", "resume Oban"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := full()
				f.requests, f.pipeline, f.hook = time.Hour, time.Hour, 2*time.Second
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Hour, nil)
				defer cancel()
				time.AfterFunc(tt.after, cancel)
				begun := time.Now()
				r := Run(ctx, f, tenAndTwenty, nil)
				if took := time.Since(begun); took > tt.after+time.Second || r.Outcome != Cancelled {
					t.Errorf("%s after %s", r.Outcome, took)
				}
				f.mu.Lock()
				f.said = nil
				f.mu.Unlock()
				steps := r.Undo(t.Context())
				got := f.words()
				slices.Sort(got)
				if !slices.Equal(got, tt.want) || len(steps) != len(tt.want) {
					t.Errorf("undid %q, want %q", got, tt.want)
				}
				for _, s := range steps {
					if s.Outcome != Done {
						t.Errorf("%+v", s)
					}
				}
				if again := r.Undo(t.Context()); len(again) > 0 {
					t.Errorf("undone twice: %+v", again)
				}
			})
		})
	}
}

func TestReportIsJSON(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := full()
		f.hookErr = errors.New("broken")
		b, err := json.Marshal(Run(t.Context(), f, tenAndTwenty, nil))
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"outcome":"done"`, `"after":{"requests":0,"jobs":0,"pipelines":0,"drainers":0,"connections":5}`,
			`{"name":"hook","subject":"Shop.Drainer.drain","outcome":"failed","detail":"ok","error":"broken","tookMs":1,"before":0,"after":0}`,
			`{"name":"sockets","subject":"LiveView","outcome":"done","tookMs":3,"before":7,"after":7}`} {
			if !strings.Contains(string(b), want) {
				t.Errorf("%s\nhas no %s", b, want)
			}
		}
	})
}
