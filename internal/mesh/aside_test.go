package mesh

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/phialdev/phial/internal/finding"
)

func TestAside(t *testing.T) {
	out := func(nodes ...Node) Observation {
		return passing(Observation{Expected: []string{a, b, c}, Nodes: append([]Node{node(a, b), node(b, a)}, nodes...)})
	}
	for name, tt := range map[string]struct {
		o      Observation
		phases map[string]Phase
		want   []string
		links  ReportLinks
	}{
		"nobody":                     {out(unreached(c, CauseEPMDRefused)), nil, []string{"NET-15 " + c}, ReportLinks{3, 1, 0}},
		"one that leaves":            {out(unreached(c, CauseEPMDRefused)), map[string]Phase{c: Leaving}, nil, ReportLinks{1, 1, 0}},
		"one that leaves, connected": {out(node(c)), map[string]Phase{c: Leaving}, nil, ReportLinks{1, 1, 0}},
		"one that starts":            {out(unreached(c, CauseEPMDFiltered)), map[string]Phase{c: Starting}, nil, ReportLinks{1, 1, 0}},
		"one that starts, wrongly":   {out(unreached(c, CauseCookie)), map[string]Phase{c: Starting}, []string{"COO-01 " + c}, ReportLinks{3, 1, 0}},
		"one that leaves, wrongly":   {out(unreached(c, CauseCookie)), map[string]Phase{c: Leaving}, nil, ReportLinks{1, 1, 0}},
		"one that is stuck":          {out(unreached(c, CauseFrozen)), map[string]Phase{c: Stuck}, nil, ReportLinks{1, 1, 0}},
		"a hub whose links go": {passing(Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a), node(b, c), node(c, b)}}), map[string]Phase{b: Leaving, c: Leaving},
			nil, ReportLinks{0, 0, 0}},
		"a hub that keeps one link": {passing(Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a), node(b, c), node(c, b)}}), map[string]Phase{c: Leaving},
			[]string{"DSC-15 " + a}, ReportLinks{1, 0, 0}},
		"a link's end": {passing(Observation{Expected: []string{a, b}, Nodes: []Node{node(a, b), node(b)}}), map[string]Phase{b: Starting}, nil, ReportLinks{0, 0, 0}},
		"some of those kept out of": {Observation{Expected: []string{a, b}, Nodes: []Node{unreached(a, CauseEPMDFiltered), unreached(b, CauseEPMDFiltered)}},
			map[string]Phase{b: Leaving}, []string{"NET-28 " + a + ", " + b}, ReportLinks{0, 0, 0}},
		"one that nobody knows": {out(node(c)), map[string]Phase{"shop@10.0.0.9": Leaving}, []string{"DSC-15 " + c}, ReportLinks{3, 1, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			whole := NewReport(tt.o)
			before := NewReport(tt.o)
			got := whole.Aside(tt.phases)
			if d := cmp.Diff(append([]string{}, tt.want...), codes(got.Findings)); d != "" {
				t.Errorf("(-want +got):\n%s\n%+v", d, got.Findings)
			}
			if got.Links != tt.links {
				t.Errorf("links %+v, want %+v", got.Links, tt.links)
			}
			if d := cmp.Diff(before, whole); d != "" {
				t.Errorf("the report itself has changed:\n%s", d)
			}
		})
	}
	r := NewReport(passing(Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a), node(b, c), node(c, b)}})).Aside(map[string]Phase{c: Leaving})
	if f := r.Findings[0]; f.Evidence[len(f.Evidence)-1] != "missing link: "+a+" -- "+b || !slices.Equal(f.Links, [][2]string{{a, b}}) {
		t.Errorf("%+v", f)
	}
}

// Whoever is set aside is in no island and in no link that counts; what is left is what a
// look at the others alone would have counted; and nothing is found that was not.
func TestAsideCountsTheOthers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := observations(t)
		whole := NewReport(o)
		phases := map[string]Phase{}
		for _, n := range whole.Nodes {
			if p := rapid.SampledFrom([]Phase{Counts, Counts, Starting, Leaving, Stuck, Gone}).Draw(t, "phase"); p != Counts {
				phases[n.Name] = p
			}
		}
		r := whole.Aside(phases)
		if len(r.Nodes) != len(whole.Nodes) {
			t.Fatalf("%d nodes of %d", len(r.Nodes), len(whole.Nodes))
		}
		var others Observation
		for i, n := range r.Nodes {
			if n.Phase != Counts {
				continue
			}
			if g := Build(o); g.Node(whole.Nodes[i].Name) != nil {
				others.Nodes = append(others.Nodes, *g.Node(whole.Nodes[i].Name))
			} else {
				others.Expected = append(others.Expected, n.Name)
			}
		}
		want := NewReport(others)
		if d := cmp.Diff(want.Islands, r.Islands); d != "" {
			t.Fatalf("islands (-want +got):\n%s", d)
		}
		if want.Links != r.Links {
			t.Fatalf("links %+v, want %+v", r.Links, want.Links)
		}
		for _, f := range r.Findings {
			same := func(w finding.Finding) bool { return w.Code == f.Code && w.Subject == f.Subject }
			if !slices.ContainsFunc(whole.Findings, same) {
				t.Fatalf("%v was not found before", f)
			}
			for _, l := range f.Links {
				if phases[l[0]] != Counts && phases[l[0]] != Starting || phases[l[1]] != Counts && phases[l[1]] != Starting {
					t.Fatalf("%v has the link %v", f, l)
				}
			}
		}
		if d := cmp.Diff(whole, whole.Aside(nil)); d != "" {
			t.Fatalf("with nobody aside it is another report:\n%s", d)
		}
	})
}

// What KeptOut is told takes the place of what was found of the same nodes, and of nothing
// else.
func TestReportKeptOut(t *testing.T) {
	o := Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a), unreached(b, CauseEPMDFiltered), unreached(c, CauseCookie)}}
	r := NewReport(o).KeptOut("pod looker", []string{b, c}, "a policy says so")
	if d := cmp.Diff([]string{"NET-28 " + b, "COO-01 " + c}, codes(r.Findings)); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	if f := r.Findings[0]; f.Evidence[0] != "a policy says so" || !slices.Contains(f.Evidence, "missing link: "+a+" -- "+b) {
		t.Errorf("%+v", f)
	}
	if d := cmp.Diff(NewReport(o), NewReport(o).KeptOut("pod looker", nil)); d != "" {
		t.Errorf("nobody is kept out:\n%s", d)
	}
}
