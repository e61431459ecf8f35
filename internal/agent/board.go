package agent

import (
	"context"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// A Board is where the agents of one app take turns in joining, and tell what
// each told its node last.
type Board interface {
	// Lock waits for the turn, against whoever else may join the replicas that
	// are known; false when ctx ended first, or nobody gave it.
	Lock(ctx context.Context, known []string) bool
	// Unlock gives the turn back, and wakes the others where a node was told to
	// connect: what kept them out may be gone.
	Unlock(connected bool)
	// Changed is closed when another node was told to connect.
	Changed() <-chan struct{}
	// Told notes that a node is told to connect.
	Told(by string, targets []string)
	// Judge notes that the links of a node's last dial stand, once it is time to say so.
	Judge(by string, linked func(string) bool)
	// Forget drops what a node was told in a former life.
	Forget(by string)
	// List gives every node's last dial.
	List() []mesh.Dial
}

// noBoard lets everybody join at any time.
type noBoard struct{}

func (noBoard) Lock(context.Context, []string) bool { return true }
func (noBoard) Unlock(bool)                         {}
func (noBoard) Changed() <-chan struct{}            { return nil }
func (noBoard) Told(string, []string)               {}
func (noBoard) Judge(string, func(string) bool)     {}
func (noBoard) Forget(string)                       {}
func (noBoard) List() []mesh.Dial                   { return nil }

// Shared is the Board of agents in one process.
type Shared struct {
	token chan struct{}
	Dials

	mu     sync.Mutex
	change chan struct{} // closed and made anew when a node was told to connect
}

// NewShared makes a board for the agents of one app.
func NewShared() *Shared {
	return &Shared{token: make(chan struct{}, 1), change: make(chan struct{})}
}

// Lock takes the one token.
func (b *Shared) Lock(ctx context.Context, _ []string) bool {
	select {
	case b.token <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// Unlock gives it back.
func (b *Shared) Unlock(connected bool) {
	<-b.token
	if !connected {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.change)
	b.change = make(chan struct{})
}

// Changed is closed when a node was told to connect.
func (b *Shared) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.change
}

// Dials is what nodes were told last. The zero value is ready.
type Dials struct {
	mu  sync.Mutex
	all map[string]dial
}

type dial struct {
	targets []string
	at      time.Time
	failed  int
	stood   bool // all links were there LookAgain later
}

// Told notes that a node is told to connect.
func (b *Dials) Told(by string, targets []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := dial{targets: targets, at: time.Now()}
	if last, ok := b.all[by]; ok && !last.stood {
		d.failed = last.failed + 1
	}
	if b.all == nil {
		b.all = map[string]dial{}
	}
	b.all[by] = d
}

// Judge notes that the links of a node's last dial stand, once it is time to say so.
func (b *Dials) Judge(by string, linked func(string) bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d, ok := b.all[by]
	if !ok || d.stood || time.Since(d.at) < mesh.LookAgain {
		return
	}
	for _, t := range d.targets {
		if !linked(t) {
			return
		}
	}
	d.stood = true
	b.all[by] = d
}

// Forget drops what a node was told in a former life.
func (b *Dials) Forget(by string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.all, by)
}

// List gives every node's last dial.
func (b *Dials) List() []mesh.Dial {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]mesh.Dial, 0, len(b.all))
	for by, d := range b.all {
		out = append(out, mesh.Dial{By: by, Targets: d.targets, Ago: time.Since(d.at), Failed: d.failed})
	}
	return out
}
