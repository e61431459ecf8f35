package supervisor

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"sync"
	"time"
)

// board is what the supervisor knows: the last Word, the drain under way, and which
// worker to tell.
type board struct {
	log      *slog.Logger
	sayAgain time.Duration

	mu       sync.Mutex
	last     *Word           // without its Keep; nil: nothing was decided yet
	heard    time.Time       // when it came
	keep     json.RawMessage // of the last Word that had one
	drain    *drain          // under way or done; nil: none
	worker   *worker         // that runs; nil: none does
	restarts uint64
	changed  chan struct{} // closed and made anew at every Word

	said   string // of the gate, in the log
	saidAt time.Time
	open   bool
}

func (b *board) init(log *slog.Logger, sayAgain time.Duration) {
	b.log, b.sayAgain, b.changed = log, sayAgain, make(chan struct{})
}

// view is what the board shows of the gate.
type view struct {
	open, booted, draining, decided bool
	age                             time.Duration // of the decision; 0: none
	reason                          string
	restarts                        uint64
	worker                          int // process ID; 0: there is none
}

func (b *board) view() view {
	b.mu.Lock()
	defer b.mu.Unlock()
	v := view{draining: b.drain != nil, restarts: b.restarts, reason: "nothing is decided yet"}
	if b.worker != nil {
		v.worker = b.worker.pid
	}
	if b.last != nil {
		v.decided, v.booted, v.reason = true, b.last.Booted, b.last.Reason
		v.open = b.last.Ready && b.drain == nil
		v.age = time.Since(b.heard)
	}
	return v
}

// hear takes a Word of a worker. One that came late, from a worker that is gone, says
// nothing about now.
func (b *board) hear(from *worker, w Word) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.worker != from {
		return
	}
	if len(w.Keep) > 0 && !bytes.Equal(w.Keep, []byte("null")) {
		b.keep = w.Keep
	}
	w.Keep = nil
	b.last, b.heard = &w, time.Now()
	close(b.changed)
	b.changed = make(chan struct{})
	b.sayGate()
}

// sayGate logs that the gate has opened or closed, and now and then why it is still
// closed.
func (b *board) sayGate() {
	open := b.last.Ready && b.drain == nil
	reason := clip(b.last.Reason)
	flip := open != b.open
	switch {
	case flip && open:
		b.log.Info("gate opened", "reason", reason)
	case flip && b.drain == nil: // a drain has said so itself
		b.log.Warn("gate closed", "reason", reason)
	case !flip && (open || b.drain != nil || reason == b.said || time.Since(b.saidAt) < b.sayAgain):
		return
	case !flip:
		b.log.Info("gate is closed", "reason", reason)
	}
	b.open, b.said, b.saidAt = open, reason, time.Now()
}

// clip bounds what is logged of a worker's words.
func clip(s string) string {
	const most = 400
	if len(s) > most {
		return s[:most] + " ..."
	}
	return s
}

// attach makes a worker the one to tell, and hands over what the one before left.
func (b *board) attach(w *worker) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.worker = w
	o := Order{Keep: b.keep, Last: b.last}
	if b.drain != nil {
		o.Drain = &b.drain.DrainOrder
	}
	w.tell(o)
}

// detach says that a worker is gone.
func (b *board) detach(again bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.worker = nil
	if again {
		b.restarts++
	}
}

// quiet gives how long no Word has come, counted from a time on at most.
func (b *board) quiet(from time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.heard.After(from) {
		from = b.heard
	}
	return time.Since(from)
}

// next gives the last Word, and a channel that is closed when another comes.
func (b *board) next() (*Word, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, b.changed
}
