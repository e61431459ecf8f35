package mesh

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func member(name string, peers ...string) Member {
	return Member{Name: name, Status: Started, Peers: peers, ConnectAll: Yes, Hidden: No}
}

// everybody reaches everybody, but for the given ways.
func reachAll(members []Member, but ...Link) map[Link]Tri {
	r := map[Link]Tri{}
	for _, x := range members {
		for _, y := range members {
			r[Link{x.Name, y.Name}] = TriOf(!slices.Contains(but, Link{x.Name, y.Name}))
		}
	}
	return r
}

func TestPlanJoin(t *testing.T) {
	const d = "shop@10.0.0.4"
	tests := []struct {
		name    string
		self    string
		members []Member
		but     []Link
		change  func(*JoinInput)
		act     JoinAct
		dial    []string
		reason  string // a part of it
	}{
		{name: "two singletons: the second joins the first", self: b, members: []Member{member(a), member(b)}, act: Join, dial: []string{a}},
		{name: "and the first waits to be joined", self: a, members: []Member{member(a), member(b)}, act: Stay, reason: "others join"},
		{name: "alone", self: a, members: []Member{member(a)}, act: Stay, reason: "alone"},
		{name: "joined", self: a, members: []Member{member(a, b), member(b, a)}, act: Stay, reason: "joined"},
		{name: "the whole island", self: c, members: []Member{member(a, b), member(b, a), member(c)}, act: Join, dial: []string{a, b}},
		{name: "or none: one way is closed", self: c, members: []Member{member(a, b), member(b, a), member(c)}, but: []Link{{a, c}},
			act: Refuse, reason: a + " does not reach " + c},
		{name: "a member that nobody lists is not reached", self: c, members: []Member{member(a, b), member(c)}, act: Refuse, reason: "not yet seen"},
		{name: "not seen yet is not reached", self: b, members: []Member{member(a), member(b)}, change: func(in *JoinInput) { delete(in.Reach, Link{a, b}) },
			act: Refuse, reason: a + " was not yet seen to reach " + b},
		{name: "the smaller joins the larger, whatever its name", self: a, members: []Member{member(a), member(b, c), member(c, b)}, act: Join, dial: []string{b, c}},
		{name: "one at a time: the larger island's turn is first", self: d, members: []Member{member(a), member(b), member(c), member(d)}, act: Hold, reason: "turn of " + b},
		{name: "one for each island", self: d, members: []Member{member(a, "x@1.1.1.1"), member("x@1.1.1.1", a), member(c, d), member(d, c)}, act: Hold, reason: "turn of " + c},
		{name: "a turn that was waited for in vain passes", self: c, members: []Member{member(a), member(b), member(c)},
			change: func(in *JoinInput) { in.Passed = []string{b} }, act: Join, dial: []string{a}},
		{name: "another's dial is under way", self: c, members: []Member{member(a), member(b), member(c)},
			change: func(in *JoinInput) { in.Dials = []Dial{{By: b, Targets: []string{a}, Ago: time.Second}} }, act: Hold, reason: "told to connect"},
		{name: "and is over once its links are up", self: c, members: []Member{member(a, b), member(b, a), member(c)},
			change: func(in *JoinInput) { in.Dials = []Dial{{By: b, Targets: []string{a}, Ago: time.Second}} }, act: Join, dial: []string{a, b}},
		{name: "one that failed backs off", self: b, members: []Member{member(a), member(b)},
			change: func(in *JoinInput) { in.Dials = []Dial{{By: b, Targets: []string{a}, Ago: 5 * time.Second, Failed: 2}} }, act: Hold, reason: "next attempt in 3s"},
		{name: "and tries again", self: b, members: []Member{member(a), member(b)},
			change: func(in *JoinInput) { in.Dials = []Dial{{By: b, Targets: []string{a}, Ago: 8 * time.Second, Failed: 2}} }, act: Join, dial: []string{a}},
		{name: "a booting peer is not dialled", self: b, members: []Member{{Name: a, Status: Booting}, member(b)}, act: Stay, reason: "alone"},
		{name: "a stopping one neither", self: b, members: []Member{{Name: a, Status: Stopping}, member(b)}, act: Stay, reason: "alone"},
		{name: "one that drains inside an island has to be reached, and is not dialled", self: c,
			members: []Member{member(a, b), {Name: b, Status: Stopping, Peers: []string{a}}, member(c)}, act: Join, dial: []string{a}},
		{name: "self is booting", self: b, members: []Member{member(a), {Name: b, Status: Booting}}, act: Hold, reason: "booting"},
		{name: "never", self: b, members: []Member{member(a), member(b)}, change: func(in *JoinInput) { in.Never = true }, act: Stay, reason: "left to the app"},
		{name: "held", self: b, members: []Member{member(a), member(b)}, change: func(in *JoinInput) { in.Hold = true }, act: Hold, reason: "held"},
		{name: "self has -connect_all false", self: b, members: []Member{member(a), {Name: b, Status: Started, ConnectAll: No}}, act: Stay, reason: "left alone"},
		{name: "a peer with -connect_all false is left alone", self: b, members: []Member{{Name: a, Status: Started, ConnectAll: No}, member(b)}, act: Stay, reason: "alone"},
		{name: "a hidden peer is left alone", self: b, members: []Member{{Name: a, Status: Started, Hidden: Yes}, member(b)}, act: Stay, reason: "alone"},
		{name: "d is out of a's reach; joining c would keep c out", self: d, members: []Member{member(a, b), member(b, a), member(c), member(d)},
			but: []Link{{d, a}, {a, d}}, act: Refuse, reason: d + " does not reach " + a},
		{name: "where c is out too, the two may join", self: d, members: []Member{member(a, b), member(b, a), member(c), member(d)},
			but: []Link{{d, a}, {c, a}}, act: Join, dial: []string{c}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := JoinInput{Self: tt.self, Members: tt.members, Reach: reachAll(tt.members, tt.but...)}
			if tt.change != nil {
				tt.change(&in)
			}
			got := PlanJoin(in)
			if got.Act != tt.act || !strings.Contains(got.Reason, tt.reason) {
				t.Errorf("%v: %s; want %v: …%s…", got.Act, got.Reason, tt.act, tt.reason)
			}
			if d := cmp.Diff(tt.dial, got.Dial); d != "" {
				t.Errorf("dial (-want +got):\n%s", d)
			}
		})
	}
}

func TestBackOffIsBounded(t *testing.T) {
	last := time.Duration(0)
	for failed := range 20 {
		d := backOff(failed)
		if d < last || d < LookAgain || d > MaxBackOff {
			t.Errorf("after %d failures: %s (before: %s)", failed, d, last)
		}
		last = d
	}
}

// A cold start of many ends in one mesh, one joiner at a time, each decision made from
// what all can see.
func TestManyStartTogether(t *testing.T) {
	const n = 12
	w := newSim(n, nil)
	for range 2 * n {
		w.round(t, PlanJoin)
	}
	if up, all := w.links(), n*(n-1)/2; up != all {
		t.Errorf("%d of %d links after %d looks", up, all, 2*n)
	}
}
