package views

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/agent/peers"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

// Methods by which agents ask one another.
const (
	MethodView    = "view"    // nothing → View
	MethodLean    = "lean"    // mesh.LeanRequest → mesh.LeanAnswer
	MethodRelease = "release" // Release → nothing
	MethodLeave   = "leave"   // mesh.LeanLeave → nothing
)

// Release says that nobody can lean on a replica any longer.
type Release struct {
	From string `json:"from"`
}

const (
	roundEvery = time.Second
	perSecond  = 20 // views asked for, while all is well
	atOnce     = 16 // questions under way
	askTime    = time.Second
	muteFor    = 3 * time.Second // who did not answer is not asked again for that long
	sayTime    = time.Second     // for a word to another agent
	upFor      = 5 * time.Second // a view tells whether its node is up for that long
)

// Table asks the other agents for their views, and keeps them. It is the agent's Peers.
type Table struct {
	self  string
	call  peers.Caller
	known func() []string // replicas to ask, the own one left out
	well  func() bool     // nothing hangs on views now: they may be older
	log   *slog.Logger

	mu  sync.Mutex
	all map[string]*entry
}

type entry struct {
	view    View
	asked   time.Time // when the view was asked for; zero: there is none
	next    time.Time // when to ask again
	why     string    // of the last failure
	pending bool
}

// NewTable makes a table for the agent beside a node. known lists whom to ask; well
// says that nothing hangs on the views now.
func NewTable(self string, call peers.Caller, known func() []string, well func() bool, log *slog.Logger) *Table {
	return &Table{self: self, call: call, known: known, well: well, log: log, all: map[string]*entry{}}
}

// Run asks until ctx ends.
func (t *Table) Run(ctx context.Context) {
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	slots := make(chan struct{}, atOnce)
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		for _, node := range t.due(time.Now()) {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			asking.Go(func() {
				defer func() { <-slots }()
				t.ask(ctx, node)
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// due lists whom to ask now, and forgets who is not listed any more.
func (t *Table) due(now time.Time) []string {
	known, every := t.known(), roundEvery
	if t.well() {
		every = max(every, time.Duration(len(known))*time.Second/perSecond)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for node := range t.all {
		if !slices.Contains(known, node) {
			delete(t.all, node)
		}
	}
	var due []string
	for _, node := range known {
		e := t.all[node]
		if e == nil {
			e = &entry{}
			t.all[node] = e
		}
		if !e.pending && !now.Before(e.next) {
			e.pending = true
			e.next = now.Add(every - roundEvery/10) // a tick is never early by that much
			due = append(due, node)
		}
	}
	return due
}

func (t *Table) ask(ctx context.Context, node string) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	asked := time.Now()
	var v View
	err := t.call.Call(ctx, beam.HostOf(node), MethodView, struct{}{}, &v)
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.all[node]
	if e == nil {
		return // forgotten meanwhile
	}
	e.pending = false
	switch {
	case err != nil:
		e.next = time.Now().Add(muteFor - roundEvery)
		e.why = err.Error()
	case v.Node != node:
		e.why = "the agent there is that of " + v.Node
	default:
		e.view, e.asked, e.why = v, asked, ""
	}
}

// Heard gives what was heard of every known replica, by name.
func (t *Table) Heard() []Heard {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]Heard, 0, len(t.all))
	for node, e := range t.all {
		h := Heard{View: e.view, AgeSeconds: -1, Error: e.why}
		h.Node = node
		if !e.asked.IsZero() {
			h.AgeSeconds = time.Since(e.asked).Seconds()
		}
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Heard) int { return strings.Compare(a.Node, b.Node) })
	return out
}

// Up says whether the agent of a node said a moment ago that its node has started, and
// whom that is connected to.
func (t *Table) Up(node string) (peers []string, up bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e := t.all[node]
	if e == nil {
		return nil, false
	}
	return e.view.Gate.Peers, !e.asked.IsZero() && time.Since(e.asked) < upFor && e.view.Status == mesh.Started.String() && e.view.SilentSeconds == 0
}

// Views gives the newest view of each other replica, of any age.
func (t *Table) Views() []mesh.GateView {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []mesh.GateView
	for _, e := range t.all {
		if e.asked.IsZero() {
			continue
		}
		v := e.view.Gate
		v.Age = time.Since(e.asked)
		out = append(out, v)
	}
	return out
}

// Ask sends a request, and calls answer if one comes.
func (t *Table) Ask(r mesh.LeanRequest, answer func(mesh.LeanAnswer)) {
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), mesh.GrantValid)
		defer cancel()
		var a mesh.LeanAnswer
		if err := t.call.Call(ctx, beam.HostOf(r.To), MethodLean, r, &a); err == nil {
			answer(a)
		}
	}()
}

// Release tells replicas that they cannot lean on this one any longer.
func (t *Table) Release(to []string) {
	for _, node := range to {
		go t.say(node, MethodRelease, Release{From: t.self})
	}
}

// Leave tells replicas that this one does not lean on them.
func (t *Table) Leave(all []mesh.LeanLeave) {
	for _, m := range all {
		go t.say(m.To, MethodLeave, m)
	}
}

// say tells another agent something. What is lost, the gates make up for.
func (t *Table) say(node, method string, what any) {
	ctx, cancel := context.WithTimeout(context.Background(), sayTime)
	defer cancel()
	if err := t.call.Call(ctx, beam.HostOf(node), method, what, nil); err != nil {
		t.log.Debug("a word to another agent was lost", "to", node, "what", method, "error", err)
	}
}
