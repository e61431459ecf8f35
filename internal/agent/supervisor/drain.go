package supervisor

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// drain is one drain, from its order until it is undone. That it is over does not open
// the gate: the pod is to leave.
type drain struct {
	DrainOrder
	begun   time.Time     // Since, on this process's own clock
	ordered time.Time     // when this process heard of it
	over    chan struct{} // closed when there is nothing more to wait for
	outcome string        // how it ended, in words for people; set before over is closed
	undone  chan struct{} // closed when it is taken back
}

// startDrain closes the gate and orders a drain, unless there is one already. The
// endpoint delay counts from since, if that is not zero: from when whoever asks began.
func (s *supervisor) startDrain(ctx context.Context, since time.Time) *drain {
	now := time.Now()
	begun := now
	if ago := now.Round(0).Sub(since); !since.IsZero() && ago > 0 {
		begun = now.Add(-min(ago, s.drainBudget()))
	}
	b := &s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drain != nil {
		return b.drain
	}
	d := &drain{
		DrainOrder: DrainOrder{ID: rand.Text()[:12], Since: begun.Round(0).UTC()},
		begun:      begun, ordered: now, over: make(chan struct{}), undone: make(chan struct{}),
	}
	b.drain, b.open = d, false
	worker := "told"
	if b.worker != nil {
		b.worker.tell(Order{Drain: &d.DrainOrder})
	} else {
		worker = "there is none now; the next one is told"
	}
	set := s.conf.Settings
	s.log.Warn("gate closed: drain begun", "drain", d.ID, "endpoint delay", set.EndpointDelay(),
		"budget", set.DrainTimeout(), "worker", worker)
	s.drains.Go(func() { s.follow(ctx, d) })
	return d
}

// undoDrain takes a drain back; false: there was none.
func (s *supervisor) undoDrain() bool {
	b := &s.board
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.drain == nil {
		return false
	}
	s.log.Warn("drain undone", "drain", b.drain.ID)
	close(b.drain.undone)
	b.drain = nil
	if b.worker != nil {
		b.worker.tell(Order{Undo: true})
	}
	return true
}

func (s *supervisor) drainBudget() time.Duration {
	return s.conf.Settings.EndpointDelay() + s.conf.Settings.DrainTimeout()
}

// follow waits for the end of a drain and logs how far it has come. It ends in any case
// when its budget does.
func (s *supervisor) follow(ctx context.Context, d *drain) {
	var said string
	var saidAt time.Time
	for {
		last, changed := s.board.next()
		if line := d.progress(last); line != "" && line != said && time.Since(saidAt) >= s.time.sayAgain/2 {
			s.log.Info("draining", "drain", d.ID, "progress", clip(line))
			said, saidAt = line, time.Now()
		}
		outcome, again := s.judge(d, last)
		if outcome != "" {
			s.log.Info("drain is over", "drain", d.ID, "outcome", outcome, "after", round(time.Since(d.begun)))
			d.outcome = outcome
			close(d.over)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-d.undone:
			return
		case <-changed:
		case <-time.After(again):
		}
	}
}

// judge says how a drain has ended, or when to look again. It is never over before the
// endpoint delay is, whoever says so.
func (s *supervisor) judge(d *drain, last *Word) (outcome string, again time.Duration) {
	delay := s.conf.Settings.EndpointDelay()
	passed := time.Since(d.begun)
	switch quiet := s.board.quiet(d.ordered); {
	case passed < delay:
		return "", delay - passed
	case last != nil && last.Drained && last.DrainID == d.ID:
		return "drained", 0
	case passed >= s.drainBudget():
		return fmt.Sprintf("not all work has ended, and the %s for it are over", s.conf.Settings.DrainTimeout()), 0
	case quiet >= s.time.silence:
		return "the endpoint delay was left; no worker answers, so nothing else was drained", 0
	default:
		return "", max(min(s.drainBudget()-passed, s.time.silence-quiet), time.Millisecond)
	}
}

// progress is what a Word says of a drain, in words for people; empty: nothing.
func (d *drain) progress(w *Word) string {
	if w == nil || w.DrainID != d.ID {
		return ""
	}
	var told struct {
		Line string `json:"line"`
	}
	if json.Unmarshal(w.Drain, &told) == nil && told.Line != "" {
		return told.Line
	}
	return w.Reason
}

var errEnds = errors.New("the agent ends")

// report tells a client how a drain goes until it is over, and every second that
// somebody is there.
func (s *supervisor) report(ctx context.Context, d *drain, tell func(Reply) error) error {
	left := s.conf.Settings.EndpointDelay() - time.Since(d.begun)
	first := "the gate is closed; the endpoint delay is over"
	if left > 0 {
		first = fmt.Sprintf("the gate is closed; %s for load balancers to hear of it", round(left))
	}
	if err := tell(Reply{Text: first}); err != nil {
		return err
	}
	alive := time.NewTicker(Pace)
	defer alive.Stop()
	var said string
	for {
		last, changed := s.board.next()
		if line := d.progress(last); line != "" && line != said {
			said = line
			if err := tell(Reply{Text: line, Drain: last.Drain}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return tell(Reply{Error: errEnds.Error(), Done: true})
		case <-d.undone:
			return tell(Reply{Text: "the drain was undone", Done: true})
		case <-d.over:
			return tell(Reply{Text: fmt.Sprintf("%s, after %s", d.outcome, round(time.Since(d.begun))), Done: true})
		case <-changed:
		case <-alive.C:
			if err := tell(Reply{}); err != nil {
				return err
			}
		}
	}
}
