// Package turns lets the agents of one app join one at a time, though nobody is in
// charge: who wants the turn asks the first few replicas, in an order that all
// compute alike, and the first of them that two ask at once decides between them.
//
// It is a courtesy, not a lock that safety rests on: who can reach nobody takes its
// turn alone, and mesh.PlanJoin parts nobody even so.
package turns

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent"
	"github.com/phialdev/phial/internal/agent/peers"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// Methods by which agents ask one another.
const (
	MethodAsk  = "turn"      // Ask → Answer
	MethodDone = "turn-over" // Done → nothing
)

const (
	witnesses = 3                // replicas that have to agree, of those that answer
	holds     = 15 * time.Second // a turn that nobody gave back; a join takes less
	callTime  = 500 * time.Millisecond
	skipTime  = 10 * time.Second // who did not answer is not asked again for that long
	atOnce    = 16               // calls under way that tell of a turn that is over
)

// Ask is who wants the turn.
type Ask struct {
	By string `json:"by"` // node name
}

// Answer says whether it may.
type Answer struct {
	Granted bool   `json:"granted"`
	Holder  string `json:"holder,omitempty"` // who has it, if it may not
	Dial    *Told  `json:"dial,omitempty"`   // the last of who answers
}

// Told is a node's last order to connect.
type Told struct {
	By      string        `json:"by"`
	Targets []string      `json:"targets"`
	Ago     time.Duration `json:"ago"` // nanoseconds
	Failed  int           `json:"failed,omitempty"`
}

// Done gives the turn back.
type Done struct {
	By        string `json:"by"`
	Connected bool   `json:"connected,omitempty"` // its node was told to connect
}

// Turns is one agent's part. It is the agent's Board.
type Turns struct {
	agent.Dials // of the own node
	self        string
	call        peers.Caller

	mu      sync.Mutex
	holder  string
	until   time.Time
	change  chan struct{}
	known   []string // asked by the last Lock
	granted []string // that gave us the turn we have
	mute    map[string]time.Time
	others  map[string]heard
}

type heard struct {
	told Told
	at   time.Time
}

// New makes the part of the agent beside a node.
func New(self string, call peers.Caller) *Turns {
	return &Turns{self: self, call: call, change: make(chan struct{}), mute: map[string]time.Time{}, others: map[string]heard{}}
}

// Give answers another agent's MethodAsk.
func (t *Turns) Give(a Ask) Answer {
	ans := Answer{}
	for _, d := range t.Dials.List() {
		ans.Dial = &Told{By: d.By, Targets: d.Targets, Ago: d.Ago, Failed: d.Failed}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder != "" && t.holder != a.By && time.Now().Before(t.until) {
		ans.Holder = t.holder
		return ans
	}
	t.holder, t.until = a.By, time.Now().Add(holds)
	ans.Granted = true
	return ans
}

// Over takes another agent's MethodDone.
func (t *Turns) Over(d Done) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.holder == d.By {
		t.holder = ""
	}
	if d.Connected && d.By != t.self {
		close(t.change)
		t.change = make(chan struct{})
	}
}

// Lock waits for the turn until ctx ends.
func (t *Turns) Lock(ctx context.Context, known []string) bool {
	order := slices.Compact(slices.Sorted(slices.Values(append([]string{t.self}, known...))))
	t.mu.Lock()
	t.known = order
	t.mu.Unlock()
	for {
		if t.try(ctx, order) {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(50*time.Millisecond + rand.N(100*time.Millisecond)):
		}
	}
}

// try asks once. What was granted is given back where somebody refused.
func (t *Turns) try(ctx context.Context, order []string) bool {
	var granted []string
	for _, node := range order {
		if len(granted) == witnesses || ctx.Err() != nil {
			break
		}
		answer, answered := t.ask(ctx, node)
		switch {
		case answered && answer.Granted:
			granted = append(granted, node)
		case answered:
			t.tell(context.WithoutCancel(ctx), granted, false)
			return false
		}
	}
	if ctx.Err() != nil {
		t.tell(context.WithoutCancel(ctx), granted, false)
		return false
	}
	t.mu.Lock()
	t.granted = granted
	t.mu.Unlock()
	return true
}

// ask asks one replica. Who does not answer is left out for a while: the turn is
// not worth waiting for the dead.
func (t *Turns) ask(ctx context.Context, node string) (Answer, bool) {
	if node == t.self {
		return t.Give(Ask{t.self}), true
	}
	t.mu.Lock()
	mute := time.Now().Before(t.mute[node])
	t.mu.Unlock()
	if mute {
		return Answer{}, false
	}
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	var a Answer
	err := t.call.Call(ctx, beam.HostOf(node), MethodAsk, Ask{t.self}, &a)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.mute[node] = time.Now().Add(skipTime)
		return Answer{}, false
	}
	delete(t.mute, node)
	if a.Dial != nil {
		t.others[a.Dial.By] = heard{*a.Dial, time.Now()}
	}
	return a, true
}

// Unlock gives the turn back. Where the node was told to connect, all are told.
func (t *Turns) Unlock(connected bool) {
	t.mu.Lock()
	to := t.granted
	if connected {
		to = t.known
	}
	t.granted = nil
	t.mu.Unlock()
	t.tell(context.Background(), to, connected)
}

// tell says that the turn is over. Who does not hear it finds the turn free when its
// time is up.
func (t *Turns) tell(ctx context.Context, nodes []string, connected bool) {
	d := Done{By: t.self, Connected: connected}
	t.Over(d)
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, node := range nodes {
		t.mu.Lock()
		mute := time.Now().Before(t.mute[node])
		t.mu.Unlock()
		if node == t.self || mute {
			continue
		}
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			_ = t.call.Call(ctx, beam.HostOf(node), MethodDone, d, nil) // see above
		})
	}
	all.Wait()
}

// Changed is closed when another node was told to connect.
func (t *Turns) Changed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.change
}

// List gives the own node's last dial, and those that others told of.
func (t *Turns) List() []mesh.Dial {
	out := t.Dials.List()
	t.mu.Lock()
	defer t.mu.Unlock()
	for by, h := range t.others {
		age := time.Since(h.at)
		if age > time.Minute {
			delete(t.others, by)
			continue
		}
		out = append(out, mesh.Dial{By: by, Targets: h.told.Targets, Ago: h.told.Ago + age, Failed: h.told.Failed})
	}
	return out
}
