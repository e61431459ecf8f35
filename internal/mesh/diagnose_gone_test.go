package mesh

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of three nodes the third is not reached; what it is told to be depends on who answers
// in its place.
func TestDiagnoseWhoAnswersInItsPlace(t *testing.T) {
	const other = "store@10.0.0.3"
	tests := []struct {
		name    string
		cause   Cause
		change  func(o *Observation, f *Failure)
		want    string
		says    []string // of cause, fix and evidence together
		silence []string
	}{
		{"another base name answers", CauseNotRegistered, func(_ *Observation, f *Failure) {
			f.Known, f.Others = []string{"store"}, []string{other}
		}, "NAM-03 " + c, []string{"registered there: store", other + " answers there", c + " itself is down"}, nil},
		{"another base name that nobody answers to", CauseNotRegistered, func(_ *Observation, f *Failure) {
			f.Known = []string{"store"}
		}, "NET-15 " + c, []string{"EPMD at 10.0.0.3 runs and does not know shop; others registered there: store", "no node that was asked is connected"}, nil},
		{"one that is named by another host", CauseNotRegistered, func(_ *Observation, f *Failure) {
			f.Known, f.Others = []string{"store"}, []string{"store@pod-3.internal"}
		}, "NET-15 " + c, []string{"store@pod-3.internal answers there"}, nil},
		{"one that is expected itself", CauseNotRegistered, func(o *Observation, f *Failure) {
			f.Known, f.Others = []string{"store"}, []string{other}
			o.Expected = append(o.Expected, other)
			o.Nodes = append(o.Nodes, node(other, a, b))
			o.Nodes[0].Peers, o.Nodes[1].Peers = []string{b, other}, []string{a, other}
		}, "NET-15 " + c, []string{"others registered there: store"}, nil},
		{"one that a member knows", CauseNotRegistered, func(o *Observation, f *Failure) {
			f.Known, f.Others = []string{"store"}, []string{other}
			o.Followed = true
			o.Nodes[0].Peers = []string{b, other}
		}, "NET-15 " + c, []string{"others registered there: store"}, nil},
		{"its own base name at another host", CauseNotRegistered, func(_ *Observation, f *Failure) {
			f.Others = []string{"shop@pod-3.internal"}
		}, "NAM-02 " + c, nil, nil},
		{"its own base name on a port that was tried", CauseEPMDRefused, func(_ *Observation, f *Failure) {
			f.Others, f.Tried = []string{"shop@pod-3.internal"}, []uint16{9100}
		}, "NAM-02 " + c, nil, nil},
		{"another app on a port that was tried", CauseEPMDRefused, func(_ *Observation, f *Failure) {
			f.Others, f.Tried, f.Addr = []string{other}, []uint16{9101, 9100, 9102}, "10.0.0.3:4370"
		}, "NET-15 " + c, []string{"EPMD's port, 10.0.0.3:4370, refuses connections, and no node of that name answers on ports 9100 to 9102",
			"--epmd-port", "see that EPMD runs beside it", other + " answers there"}, []string{"nothing accepts"}},
		{"nothing known to try", CauseEPMDRefused, func(_ *Observation, f *Failure) { f.Addr = "10.0.0.3:4369" },
			"NET-15 " + c, []string{"no distribution port is known to try without it"}, nil},
		{"ports apart", CauseEPMDRefused, func(_ *Observation, f *Failure) { f.Tried = []uint16{9100, 9200} },
			"NET-15 " + c, []string{"ports 9100, 9200"}, nil},
		{"one port", CauseEPMDRefused, func(_ *Observation, f *Failure) { f.Tried = []uint16{9100} },
			"NET-15 " + c, []string{"answers on port 9100"}, nil},
		{"the release's own tools", CauseNotRegistered, func(_ *Observation, f *Failure) {
			f.Known, f.Others = []string{"rem-1-shop"}, []string{"rem-1-shop@10.0.0.3"}
		}, "NET-15 " + c, nil, []string{"others registered"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Observation{Expected: []string{a, b, c}, Nodes: []Node{node(a, b), node(b, a), unreached(c, tt.cause)}}
			tt.change(&o, o.Nodes[2].Failure)
			got := Diagnose(o)
			if d := cmp.Diff([]string{tt.want}, codes(got)); d != "" {
				t.Fatalf("(-want +got):\n%s", d)
			}
			text := got[0].Cause + "\n" + got[0].Fix + "\n" + strings.Join(got[0].Evidence, "\n")
			for _, s := range tt.says {
				if !strings.Contains(text, s) {
					t.Errorf("says nothing of %q:\n%s", s, text)
				}
			}
			for _, s := range tt.silence {
				if strings.Contains(text, s) {
					t.Errorf("says %q:\n%s", s, text)
				}
			}
		})
	}
}
