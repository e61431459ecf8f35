package mesh

import (
	"slices"
	"testing"
	"time"
)

// twisted is a Gate with something wrong.
type twisted struct {
	*Gate
	before  func(*twisted, *GateInput)         // twists what it sees
	after   func(*twisted, GateInput) bool     // closes it where it is open
	grant   func(*twisted, *LeanRequest) bool  // says yes to everything
	restart func(*twisted, *GateDecision)      // twists what a new worker is told
	answer  func(*twisted, *GateDecision) bool // answers itself
	since   time.Duration
	closed  bool
}

func (b *twisted) Decide(in GateInput) GateDecision {
	if b.before != nil {
		in.Views = slices.Clone(in.Views)
		b.before(b, &in)
	}
	d := b.Gate.Decide(in)
	if b.answer != nil && b.answer(b, &d) {
		b.Answer(LeanAnswer{From: d.Ask.To, To: in.Self, Worker: d.Ask.Worker, ID: d.Ask.ID}, in.Now)
		d = b.Gate.Decide(in)
	}
	if d.Open && !in.Draining && b.after != nil && b.after(b, in) {
		d.Open, d.View.Serving, d.Reason = false, false, "closed by mistake"
	}
	return d
}

func (b *twisted) Grant(r LeanRequest, now time.Duration) LeanAnswer {
	if b.grant != nil && b.grant(b, &r) {
		return LeanAnswer{From: b.self, To: r.From, Worker: r.Worker, ID: r.ID}
	}
	return b.Gate.Grant(r, now)
}

func (b *twisted) Restore(d GateDecision, now time.Duration) {
	if b.restart != nil {
		b.restart(b, &d)
	}
	b.Gate.Restore(d, now)
}

// badGates are those that the simulation has to catch, and by which check.
var badGates = []struct {
	name string
	by   string
	make twisted
}{
	{"all listed peers must be connected", "zero", twisted{after: func(_ *twisted, in GateInput) bool {
		return slices.ContainsFunc(in.Listed, func(n string) bool { return n != in.Self && !slices.Contains(in.Links, n) })
	}}},
	{"closes on empty discovery", "zero", twisted{after: func(_ *twisted, in GateInput) bool {
		return in.Listed != nil && len(in.Listed) == 0
	}}},
	{"closes on a tie", "unfounded", twisted{before: phantom, grant: func(_ *twisted, r *LeanRequest) bool {
		r.Own--
		return false
	}}},
	{"closes on a tie without asking", "zero", twisted{before: phantom,
		answer: func(_ *twisted, d *GateDecision) bool { return d.Ask != nil }}},
	{"counts booting and draining peers", "unfounded", twisted{before: func(_ *twisted, in *GateInput) {
		for i := range in.Views {
			in.Views[i].Serving, in.Views[i].Draining = true, false
		}
	}}},
	{"closes without asking", "zero", twisted{
		answer: func(_ *twisted, d *GateDecision) bool { return d.Ask != nil }}},
	{"trusts stale views for ever", "unfounded", twisted{before: func(_ *twisted, in *GateInput) {
		for i := range in.Views {
			in.Views[i].Age = 0
		}
	}}},
	{"closes when views are lost", "zero", twisted{after: func(_ *twisted, in GateInput) bool {
		return len(in.Views) > 0 && !slices.ContainsFunc(in.Views, func(v GateView) bool { return v.fresh() })
	}}},
	{"grants while it leans, asks or drains", "zero", twisted{grant: func(*twisted, *LeanRequest) bool { return true }}},
	{"drains without waiting for leaners", "gap", twisted{before: func(b *twisted, in *GateInput) {
		if in.Draining {
			b.leaners = nil
		}
	}}},
	{"closes at first sight", "hasty", twisted{before: func(b *twisted, in *GateInput) {
		b.seen, b.seenAt = true, in.Now-PartitionFor
	}}},
	{"a restarted worker forgets", "zero", twisted{restart: func(_ *twisted, d *GateDecision) { *d = GateDecision{} }}},
	{"never opens again", "stuck", twisted{after: func(b *twisted, _ GateInput) bool {
		b.closed = b.closed || b.asks > 0
		return b.closed
	}}},
	{"leans as long as it is alone", "none", twisted{after: func(b *twisted, in GateInput) bool { return b.asks > 0 && len(in.Links) == 0 }}},
	{"never closes", "late", twisted{before: func(_ *twisted, in *GateInput) { in.OnPartition = PartitionServe }}},
	{"opens late", "shut", twisted{before: func(b *twisted, in *GateInput) {
		if in.Status != Started {
			b.since = in.Now
		}
		if in.AppReady = No; in.Now-b.since > 6*time.Second {
			in.AppReady = Yes
		}
	}}},
	{"a majority where the largest should do", "zero", twisted{before: func(_ *twisted, in *GateInput) { in.OnPartition = PartitionQuorum }}},
}

// phantom makes each island but the own one larger by one.
func phantom(_ *twisted, in *GateInput) {
	const ghost = "s@10.0.0.9"
	for i := range in.Views {
		v := &in.Views[i]
		if v.Serving && !slices.Contains(in.Links, v.Node) {
			v.Peers = append(slices.Clone(v.Peers), ghost)
			in.Views = append(in.Views, GateView{Node: ghost, Serving: true, Willing: true, Peers: []string{v.Node}})
			return
		}
	}
}

// The simulation has to catch gates that are wrong.
func TestGateSimulationCatchesBadGates(t *testing.T) {
	t.Parallel()
	const within = 50_000 // histories
	gates := badGates
	if raced { // as for the good one: make test catches all of them without it
		gates = gates[:6]
	}
	for _, tt := range gates {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			mk := func() gater {
				b := tt.make
				b.Gate = new(Gate)
				return &b
			}
			stats, bad, why, ran := simulate(1, within, mk, tt.by)
			if bad == nil {
				t.Fatalf("%d histories, and none of them catches it (%d closings for an island)", within, stats.answers["closing for an island"])
			}
			small, last := shrink(*bad, kindOf(why), mk)
			t.Logf("caught after %d histories, %d events shrunk to %d with %d replicas: %s", ran, len(bad.events), len(small.events), small.replicas, last)
			w := &world{judged: []string{tt.by}}
			if f := w.run(small, newSimStats(), newGate, nil); f != "" {
				t.Errorf("the good gate fails the same history: %s", f)
			}
			if len(small.events) > 20 {
				t.Errorf("shrunk to %d events only:\n%s", len(small.events), small)
			}
		})
	}
}
