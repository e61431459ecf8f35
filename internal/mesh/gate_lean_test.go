package mesh

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// alone is a replica whose node is linked to nobody, with two that serve in sight.
func alone(now time.Duration) GateInput {
	in := ready()
	in.Now, in.Self, in.Worker = now, "a", "w1"
	in.Views = viewsOf("b! c", "c! b")
	in.Listed = []string{"a", "b", "c"}
	return in
}

// asked lets a replica open and then ask.
func asked(t *testing.T) (*Gate, *LeanRequest) {
	t.Helper()
	g := new(Gate)
	for now := time.Duration(0); now <= PartitionFor; now += time.Second / 2 {
		if d := g.Decide(alone(now)); !d.Open {
			t.Fatalf("closed after %s: %s", now, d.Reason)
		} else if d.Ask != nil {
			return g, d.Ask
		}
	}
	t.Fatal("nobody was asked")
	return nil, nil
}

// leaned lets it close.
func leaned(t *testing.T) *Gate {
	t.Helper()
	g, r := asked(t)
	g.Answer(answerTo(r), PartitionFor)
	if d := g.Decide(alone(PartitionFor)); d.Open || d.LeansOn != "b" || !d.Opened || d.View.Serving || !d.View.Willing {
		t.Fatalf("%+v after the grant", d)
	}
	return g
}

func answerTo(r *LeanRequest) LeanAnswer {
	return LeanAnswer{From: r.To, To: r.From, Worker: r.Worker, ID: r.ID}
}

func TestGateClosesOnAGrantAlone(t *testing.T) {
	tests := []struct {
		name   string
		change func(*LeanAnswer)
		late   time.Duration
		closes bool
	}{
		{"granted", func(*LeanAnswer) {}, 0, true},
		{"just in time", func(*LeanAnswer) {}, GrantValid, true},
		{"late", func(*LeanAnswer) {}, GrantValid + 1, false},
		{"refused", func(a *LeanAnswer) { a.Refused = RefusedAsking }, 0, false},
		{"another request's", func(a *LeanAnswer) { a.ID-- }, 0, false},
		{"another worker's", func(a *LeanAnswer) { a.Worker = "w0" }, 0, false},
		{"another anchor's", func(a *LeanAnswer) { a.From = "c" }, 0, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, r := asked(t)
			a := answerTo(r)
			tt.change(&a)
			now := PartitionFor + tt.late
			g.Answer(a, now)
			if d := g.Decide(alone(now)); d.Open == tt.closes {
				t.Errorf("%+v, want closed %v", d, tt.closes)
			}
		})
	}
}

func TestGateRefusesToBeLeanedOn(t *testing.T) {
	anchor := func() (GateInput, LeanRequest) {
		in := ready()
		in.Now, in.Self, in.Links = time.Minute, "b", []string{"c"}
		in.Views = viewsOf("a!", "c! b")
		return in, LeanRequest{From: "a", To: "b", ID: 1, Own: 1}
	}
	tests := []struct {
		want   Refusal
		change func(*Gate, *GateInput, *LeanRequest)
	}{
		{"", func(*Gate, *GateInput, *LeanRequest) {}},
		{RefusedDraining, func(_ *Gate, in *GateInput, _ *LeanRequest) { in.Draining = true }},
		{RefusedNotServing, func(_ *Gate, in *GateInput, _ *LeanRequest) { in.Incarnation, in.Status = "2", Booting }},
		{RefusedNotServing, func(g *Gate, in *GateInput, _ *LeanRequest) { in.Status = StatusUnknown }},
		{RefusedNotServing, func(g *Gate, in *GateInput, _ *LeanRequest) { in.Now -= 2 * GrantLook }},
		{RefusedRestarted, func(g *Gate, in *GateInput, _ *LeanRequest) {
			g.Restore(GateDecision{Open: true, Opened: true, Incarnation: "1"}, in.Now)
		}},
		{RefusedAsking, func(g *Gate, in *GateInput, _ *LeanRequest) {
			in.Views = append(in.Views, viewsOf("d! e f", "e! d f", "f! d e")...)
			g.open, g.seen, g.seenAt, g.incarnation = true, true, in.Now-PartitionFor, "1"
		}},
		{RefusedLinked, func(_ *Gate, in *GateInput, _ *LeanRequest) { in.Links = []string{"a", "c"} }},
		{RefusedNotLarger, func(_ *Gate, _ *GateInput, r *LeanRequest) { r.Own = 2 }},
		{RefusedQuorum, func(_ *Gate, in *GateInput, _ *LeanRequest) { in.OnPartition = PartitionQuorum }},
	}
	for _, tt := range tests {
		t.Run(string(tt.want), func(t *testing.T) {
			g := new(Gate)
			in, r := anchor()
			g.Decide(in)
			tt.change(g, &in, &r)
			g.Decide(in)
			if a := g.Grant(r, time.Minute); a.Refused != tt.want || a.To != "a" || a.ID != 1 {
				t.Errorf("%+v, want refused %q", a, tt.want)
			}
		})
	}
}

// Who leans is no anchor.
func TestGateThatLeansRefuses(t *testing.T) {
	g := leaned(t)
	if a := g.Grant(LeanRequest{From: "z", ID: 1}, PartitionFor); a.Refused != RefusedNotServing {
		t.Errorf("%+v", a)
	}
}

// For GrantHold after it granted, an anchor asks nobody.
func TestGateHoldsAfterAGrant(t *testing.T) {
	g, r := asked(t)
	refused := answerTo(r)
	refused.Refused = RefusedAsking
	g.Answer(refused, PartitionFor)
	if a := g.Grant(LeanRequest{From: "z", ID: 1, Own: 0}, PartitionFor); a.Refused != "" {
		t.Fatalf("%+v", a)
	}
	for _, after := range []time.Duration{0, GrantHold - 1} {
		if d := g.Decide(alone(PartitionFor + after)); d.Ask != nil {
			t.Errorf("asks %s after it granted", after)
		}
	}
	if d := g.Decide(alone(PartitionFor + GrantHold)); d.Ask == nil {
		t.Error("asks nobody when the grant is over")
	}
}

func TestGateOpensAgain(t *testing.T) {
	const now = PartitionFor + time.Second
	tests := []struct {
		name   string
		change func(*GateInput)
		open   bool
	}{
		{"the larger island is there", func(*GateInput) {}, false},
		{"the anchor drains", func(in *GateInput) { in.Views = viewsOf("b c", "c! b") }, true},
		{"the anchor drains, and others are enough", func(in *GateInput) { in.Views = viewsOf("b c d", "c! b d", "d! b c") }, false},
		{"linked again", func(in *GateInput) { in.Links = []string{"b"} }, true},
		{"views are old", func(in *GateInput) { in.Views = viewsOf("b!~ c", "c!~ b") }, false},
		{"views are gone", func(in *GateInput) { in.Views = nil }, false},
		{"views are gone and the anchor is not listed", func(in *GateInput) { in.Views, in.Listed = nil, []string{"a", "c"} }, true},
		{"discovery lists nobody else", func(in *GateInput) { in.Listed = []string{"a"} }, true},
		{"discovery is empty", func(in *GateInput) { in.Views, in.Listed = nil, nil }, false},
		{"the node is silent", func(in *GateInput) { in.Status, in.Links = StatusUnknown, nil }, false},
		{"views are gone for long", func(in *GateInput) { in.Views, in.Now = nil, now+BlindFor }, true},
		{"islands count no longer", func(in *GateInput) { in.OnPartition = PartitionServe }, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := leaned(t)
			in := alone(now)
			tt.change(&in)
			d := g.Decide(in)
			if d.Open != tt.open || d.Reason == "" {
				t.Errorf("%+v, want open %v", d, tt.open)
			}
			left := slices.ContainsFunc(d.Leave, func(l LeanLeave) bool { return l.To == "b" })
			if left != tt.open {
				t.Errorf("takes leave of b: %v, want %v", left, tt.open)
			}
		})
	}
}

// Who is released asks another; nobody says yes: it opens.
func TestGateReleased(t *testing.T) {
	g := leaned(t)
	g.Released("b")
	in := alone(PartitionFor + time.Second)
	in.Views = viewsOf("b! c d", "c! b d", "d! b c")
	d := g.Decide(in)
	if d.Open || d.Ask == nil || d.Ask.To == "b" {
		t.Fatalf("%+v, want another asked", d)
	}
	in.Now += SwapFor
	if d = g.Decide(in); !d.Open {
		t.Errorf("%+v, want open after %s", d, SwapFor)
	}
}

func TestGateDrainWaitsForLeaners(t *testing.T) {
	in := alone(time.Minute)
	in.Views, in.Worker = nil, ""
	grant := LeanRequest{From: "z", Worker: "w", ID: 7, Own: 0}
	tests := []struct {
		name  string
		leave *LeanLeave
		after time.Duration
		open  bool
	}{
		{"at once", nil, 0, true},
		{"until it left", &LeanLeave{From: "z", Worker: "w", ID: 7}, 0, false},
		{"a leave from before the grant", &LeanLeave{From: "z", Worker: "w", ID: 6}, 0, true},
		{"a leave of another worker", &LeanLeave{From: "z", Worker: "v", ID: 9}, 0, true},
		{"not for ever", nil, DrainHold, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g, in := new(Gate), in
			g.Decide(in)
			if a := g.Grant(grant, in.Now); a.Refused != "" {
				t.Fatalf("%+v", a)
			}
			in.Draining = true
			d := g.Decide(in)
			if !d.Open || d.View.Serving || !slices.Equal(d.Release, []string{"z"}) {
				t.Fatalf("%+v, want open, and z released", d)
			}
			if tt.leave != nil {
				g.Left(*tt.leave)
			}
			in.Now += tt.after
			if d = g.Decide(in); d.Open != tt.open || !strings.HasPrefix(d.Reason, "draining") {
				t.Errorf("%+v, want open %v", d, tt.open)
			}
		})
	}
}

func TestGateRestored(t *testing.T) {
	in := alone(time.Minute)
	in.Incarnation, in.Status, in.Views, in.Links = "", StatusUnknown, nil, nil
	g := leaned(t)
	last := g.Decide(alone(PartitionFor + 1))
	for name, last := range map[string]GateDecision{
		"open":   {Open: true, Opened: true, Joined: true, Incarnation: "1"},
		"closed": last,
		"shut":   {Incarnation: "1"},
	} {
		g := new(Gate)
		g.Restore(last, time.Minute)
		if d := g.Decide(in); d.Open != last.Open || d.LeansOn != last.LeansOn {
			t.Errorf("%s: %+v, want %+v", name, d, last)
		}
	}
	g = new(Gate)
	g.Restore(GateDecision{Open: true, Opened: true, Incarnation: "1"}, 0)
	for now := time.Duration(0); now < WorkerGrace; now += time.Second / 2 {
		if d := g.Decide(alone(now)); d.Ask != nil || !d.Open {
			t.Errorf("%+v %s after a restart", d, now)
		}
	}
	if d := g.Decide(alone(max(WorkerGrace, PartitionFor))); d.Ask == nil {
		t.Error("asks nobody after its grace")
	}
}

func TestGateQuorum(t *testing.T) {
	five := []string{"a", "b", "c", "d", "e"}
	tests := []struct {
		name   string
		links  string
		views  []string
		listed []string
		open   bool
	}{
		{"three of five", "b c", []string{"b! a c", "c! a b"}, five, true},
		{"three of five, without a view of them", "b c", nil, five, true},
		{"two of five", "b", []string{"b! a"}, five, false},
		{"two of four", "b", []string{"b! a"}, five[:4], false},
		{"two of three, after a scale down", "b", []string{"b! a"}, five[:3], true},
		{"a booting one is no help", "b", []string{"b a"}, five[:3], false},
		{"nobody else is listed", "", nil, five[:1], true},
		{"discovery never answered", "", nil, nil, true},
		{"the own name is not listed", "b", []string{"b! a"}, five[1:3], true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := alone(0)
			in.OnPartition, in.Links, in.Views, in.Listed = PartitionQuorum, []string{"b", "c"}, viewsOf("b! a c", "c! a b"), nil
			g := new(Gate)
			g.Decide(in)
			g.hadOne = true
			in.Links, in.Views, in.Listed = strings.Fields(tt.links), viewsOf(tt.views...), tt.listed
			in.Now = time.Second
			if d := g.Decide(in); !d.Open {
				t.Errorf("closed at once: %s", d.Reason)
			}
			in.Now += PartitionFor
			if d := g.Decide(in); d.Open != tt.open || !d.Open && !strings.Contains(d.Reason, "nobody serves") {
				t.Errorf("%+v, want open %v", d, tt.open)
			}
		})
	}
}
