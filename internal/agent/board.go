package agent

import (
	"context"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// Board is what the agents of one app share where they can: one token, so that
// one joins at a time, and what each told its node last. The methods of a nil
// Board let everybody join at any time.
type Board struct {
	token chan struct{}

	mu     sync.Mutex
	dials  map[string]dial
	change chan struct{} // closed and made anew when a node was told to connect
}

type dial struct {
	targets []string
	at      time.Time
	failed  int
	stood   bool // all links were there LookAgain later
}

// NewBoard makes a board for the agents of one app.
func NewBoard() *Board {
	return &Board{token: make(chan struct{}, 1), dials: map[string]dial{}, change: make(chan struct{})}
}

// lock takes the token; false when ctx ended first.
func (b *Board) lock(ctx context.Context) bool {
	if b == nil {
		return true
	}
	select {
	case b.token <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// unlock gives the token back, and wakes the others where a node was told to
// connect: what kept them out may be gone.
func (b *Board) unlock(connected bool) {
	if b == nil {
		return
	}
	<-b.token
	if !connected {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.change)
	b.change = make(chan struct{})
}

func (b *Board) changed() <-chan struct{} {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change
}

// told notes that a node is told to connect.
func (b *Board) told(by string, targets []string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d := dial{targets: targets, at: time.Now()}
	if last, ok := b.dials[by]; ok && !last.stood {
		d.failed = last.failed + 1
	}
	b.dials[by] = d
}

// judge notes that the links of a node's last dial stand, once it is time to say so.
func (b *Board) judge(by string, linked func(string) bool) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.dials[by]
	if !ok || d.stood || time.Since(d.at) < mesh.LookAgain {
		return
	}
	for _, t := range d.targets {
		if !linked(t) {
			return
		}
	}
	d.stood = true
	b.dials[by] = d
}

// forget drops what a node was told in a former life.
func (b *Board) forget(by string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.dials, by)
}

// list gives every node's last dial.
func (b *Board) list() []mesh.Dial {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]mesh.Dial, 0, len(b.dials))
	for by, d := range b.dials {
		out = append(out, mesh.Dial{By: by, Targets: d.targets, Ago: time.Since(d.at), Failed: d.failed})
	}
	return out
}
