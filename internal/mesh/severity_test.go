package mesh

import (
	"slices"
	"testing"

	"github.com/phialdev/phial/internal/finding"
)

func TestGravestFindingFirst(t *testing.T) {
	const hidden, slow, quick, gone = "a@10.0.0.1", "b@10.0.0.2", "c@10.0.0.3", "d@10.0.0.4"
	up := func(name string, tick int, peers ...string) Node {
		return Node{Name: name, Reached: true, Peers: peers, Status: Started, Flags: Flags{NetTicktime: tick}}
	}
	h := up(hidden, 60)
	h.Flags.Hidden = Yes
	var got []finding.Severity
	for _, f := range Diagnose(Observation{Expected: []string{hidden, slow, quick, gone}, Nodes: []Node{h,
		up(slow, 60, quick), up(quick, 15, slow), {Name: gone, Failure: &Failure{Stage: KindCookie, Cause: CauseCookie}}}}) {
		got = append(got, f.Severity)
	}
	if want := []finding.Severity{finding.Error, finding.Warning, finding.Info}; !slices.Equal(slices.Compact(slices.Clone(got)), want) {
		t.Errorf("severities %v, want errors, then warnings, then the rest", got)
	}
}
