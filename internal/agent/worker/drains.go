package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent/drain"
	"github.com/phialdev/phial/internal/agent/metrics"
	"github.com/phialdev/phial/internal/agent/supervisor"
	"github.com/phialdev/phial/internal/probe"
)

const (
	// undoTime bounds the taking back of a drain.
	undoTime = 10 * time.Second
	// linger is how long keep-alive clients have to hear that they should go.
	linger = 3 * time.Second
)

// drains is the drain that the supervisor ordered last, and what came of it.
type drains struct {
	mu       sync.Mutex
	order    *supervisor.DrainOrder // nil: none, or undone
	progress Progress
	done     bool
	report   *drain.Report
	cancel   context.CancelFunc
	ended    chan struct{} // closed when cancel has taken effect
	begun    int           // drains that were begun
	undone   int
}

// Progress is how far a drain has come, for who waits for it.
type Progress struct {
	Line      string        `json:"line"`
	ElapsedMS int64         `json:"elapsedMs"`
	Work      *drain.Work   `json:"work,omitempty"`
	Report    *drain.Report `json:"report,omitempty"` // when it is over
}

// order does what the supervisor orders.
func (w *worker) order(ctx context.Context, o supervisor.Order) {
	switch {
	case o.Undo:
		w.undoDrain(ctx)
	case o.Drain != nil:
		w.startDrain(ctx, *o.Drain)
	}
}

func (w *worker) startDrain(ctx context.Context, o supervisor.DrainOrder) {
	d := &w.drains
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.order != nil && d.order.ID == o.ID {
		return // it is under way
	}
	ctx, cancel := context.WithCancel(ctx)
	d.order, d.done, d.report, d.cancel, d.ended = &o, false, nil, cancel, make(chan struct{})
	d.progress = Progress{Line: "the gate is closed; waiting for load balancers to hear of it"}
	d.begun++
	w.agent.Drain()
	go func() {
		defer close(d.ended)
		w.drain(ctx, o)
	}()
}

// drain drains the node. Of the endpoint delay is left what has not passed since the
// order, which may have been given to the worker before.
func (w *worker) drain(ctx context.Context, o supervisor.DrainOrder) {
	d := &w.drains
	over := o.Since.Add(w.conf.EndpointDelay())
	session := w.reach(ctx, over)
	var node drain.Node // nil stays nil
	if session != nil {
		defer session.Close()
		node = session.Drain()
	}
	conf := drain.Config{EndpointDelay: time.Until(over), Budget: w.conf.DrainTimeout() - max(0, time.Since(over)), Linger: linger}
	if h := w.conf.Hook; h.Module != "" {
		conf.Hook = &drain.Hook{Module: h.Module, Function: h.Function}
	}
	report := drain.Run(ctx, node, conf, func(e drain.Event) { w.progress(o.ID, e) })
	if report.Outcome == drain.Cancelled {
		d.mu.Lock()
		d.report = report // for the undoing
		d.mu.Unlock()
		return
	}
	w.log.Info("the drain is over", "outcome", report.Outcome, "took", time.Duration(report.TookMS)*time.Millisecond,
		"requests", report.After.Requests, "jobs", report.After.Jobs, "connections", report.After.Connections)
	d.mu.Lock()
	d.report, d.done = report, true
	d.progress = Progress{Line: overLine(report), ElapsedMS: report.TookMS, Report: report}
	d.mu.Unlock()
	w.tell()
}

// reach connects to the own node, while there is time.
func (w *worker) reach(ctx context.Context, until time.Time) *probe.Session {
	if w.network.blind {
		return nil
	}
	for said := false; ; said = true {
		s, _, err := w.network.session(ctx, w.conf.Node)
		if err == nil {
			return s
		}
		if !said {
			w.log.Warn("the node to drain is not reached", "error", err)
		}
		if ctx.Err() != nil || time.Now().After(until) {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// progress takes what a drain tells.
func (w *worker) progress(id string, e drain.Event) {
	d := &w.drains
	line := e.String()
	d.mu.Lock()
	mine := d.order != nil && d.order.ID == id
	if mine {
		d.progress = Progress{Line: line, ElapsedMS: e.ElapsedMS, Work: e.Work}
	}
	d.mu.Unlock()
	if !mine || e.Step.Outcome == drain.Skipped {
		return
	}
	level := slog.LevelInfo
	if e.Step.Outcome == drain.Failed || e.Step.Outcome == drain.TimedOut {
		level = slog.LevelWarn
	}
	w.log.Log(context.Background(), level, "draining: "+line, "elapsed", time.Duration(e.ElapsedMS)*time.Millisecond)
	w.tell()
}

// undoDrain takes back the drain that is under way, or over.
func (w *worker) undoDrain(ctx context.Context) {
	d := &w.drains
	d.mu.Lock()
	order, cancel, ended := d.order, d.cancel, d.ended
	d.mu.Unlock()
	if order == nil {
		return
	}
	cancel()
	<-ended
	d.mu.Lock()
	report := d.report
	d.order, d.done, d.report, d.progress = nil, false, nil, Progress{}
	d.undone++
	d.mu.Unlock()
	if report != nil {
		ctx, cancel := context.WithTimeout(ctx, undoTime)
		defer cancel()
		for _, s := range report.Undo(ctx) {
			w.log.Info("undoing the drain", "step", s.Name, "subject", s.Subject, "outcome", s.Outcome, "error", s.Error)
		}
	}
	w.agent.Undrain()
	w.log.Info("the drain was undone: the gate opens again when all is well")
	w.tell()
}

// stop ends a drain that is under way, without undoing it: the next worker goes on.
func (d *drains) stop() {
	d.mu.Lock()
	cancel, ended := d.cancel, d.ended
	d.mu.Unlock()
	if cancel != nil {
		cancel()
		<-ended
	}
}

// fill puts the drain into a word to the supervisor.
func (d *drains) fill(word *supervisor.Word) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.order == nil {
		return
	}
	word.Draining, word.Drained, word.DrainID = true, d.done, d.order.ID
	if text, err := json.Marshal(d.progress); err == nil {
		word.Drain = text
	}
}

// state says whether a drain is under way, and whether it is over.
func (d *drains) state() (draining, drained bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.order != nil, d.done
}

func (d *drains) metrics(t *metrics.Text) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Counter("phial_drains_total", "Drains that this worker began.", metrics.Value(float64(d.begun)))
	t.Counter("phial_drains_undone_total", "Drains that were taken back.", metrics.Value(float64(d.undone)))
	t.Gauge("phial_drain_done", "Whether the drain that was ordered is over.", metrics.Bool(d.done))
	t.Gauge("phial_drain_elapsed_seconds", "For how long the node has drained, or had.", metrics.Value(float64(d.progress.ElapsedMS)/1e3))
	w := d.progress.Work
	if d.report != nil {
		w = &d.report.After
	}
	if w == nil {
		return
	}
	t.Gauge("phial_drain_work", "Work in flight at the last count of the drain.",
		metrics.Value(float64(w.Requests), "kind", "requests"), metrics.Value(float64(w.Jobs), "kind", "jobs"),
		metrics.Value(float64(w.Pipelines), "kind", "pipelines"), metrics.Value(float64(w.Drainers), "kind", "sockets"))
	t.Gauge("phial_drain_connections", "Open connections at the last count of the drain, idle ones included.", metrics.Value(float64(w.Connections)))
}

func overLine(r *drain.Report) string {
	took := time.Duration(r.TookMS) * time.Millisecond
	switch r.Outcome {
	case drain.Done:
		return fmt.Sprintf("drained in %s; %d connections open", took, r.After.Connections)
	case drain.Gone:
		return fmt.Sprintf("the node was not, or no longer, reached; the endpoint delay was left (%s)", took)
	}
	return fmt.Sprintf("%s after %s; left: %s", r.Outcome, took, r.After)
}
