package report

import (
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/check"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/mesh"
)

// The sentences say how many replicas there are, how many were followed, and where none has a node.
func TestMeshSummary(t *testing.T) {
	replica := func(id, node string, code finding.Code) mesh.Predicted {
		state := mesh.Passed
		if node == "" {
			state = mesh.Failed
		}
		return mesh.Predicted{ID: id, Node: node, Steps: []mesh.Narration{{State: state, Text: "its name", Code: code}}}
	}
	up := []mesh.Predicted{replica("a-0", "a@1", ""), replica("a-1", "a@2", "")}
	down := []mesh.Predicted{replica("a-0", "", "PHX-09"), replica("a-1", "", "PHX-09")}
	apart, whole := [][]string{{"a-0"}, {"a-1"}}, [][]string{{"a-0", "a-1"}}
	for _, c := range []struct {
		name     string
		replicas []mesh.Predicted
		group    check.Group
		want     string
	}{
		{"whole", up, check.Group{Meant: "x", Replicas: 2, Islands: whole}, "Predicted mesh: one of 2."},
		{"whole, of many", up, check.Group{Meant: "x", Replicas: 80, Islands: whole}, "Predicted mesh: one of 80; 2 of the 80 replicas were followed, and stand for the others."},
		{"apart", up, check.Group{Meant: "x", Replicas: 2, Islands: apart}, "Predicted mesh: 2 islands: a-0 | a-1."},
		{"apart, of many", up, check.Group{Meant: "x", Replicas: 9, Islands: apart}, "Predicted mesh: 2 islands: a-0 | a-1; 2 of the 9 replicas were followed, and stand for the others."},
		{"not known", up, check.Group{Meant: "x", Replicas: 2, Islands: apart, Doubts: []string{"it is computed"}}, "Predicted mesh: not known, since it is computed."},
		{"none is meant", up, check.Group{Replicas: 80, Islands: apart}, "No mesh is meant: 80 replicas, each for itself."},
		{"none boots", down, check.Group{Meant: "x", Replicas: 2, Islands: apart}, "Predicted mesh: none, since no replica has a node that could be in one."},
		{"one boots", []mesh.Predicted{up[0], down[1]}, check.Group{Meant: "x", Replicas: 2, Islands: apart}, "Predicted mesh: 2 islands: a-0 | a-1."},
		{"without distribution by choice", []mesh.Predicted{replica("a-0", "", ""), replica("a-1", "", "")}, check.Group{Replicas: 2, Islands: apart}, "No mesh is meant: 2 replicas, each for itself."},
		{"one replica", up[:1], check.Group{Meant: "x", Replicas: 1, Islands: apart[:1]}, "Predicted mesh: one replica."},
		{"one that does not boot", down[:1], check.Group{Meant: "x", Replicas: 1, Islands: apart[:1]}, "Predicted mesh: none, since no replica has a node that could be in one."},
	} {
		if got := strings.Join(meshSummary(check.Mesh{Groups: []check.Group{c.group}, Replicas: c.replicas}), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestMeshSummaryOfOverlays(t *testing.T) {
	m := check.Mesh{
		Groups:   []check.Group{{Meant: "x", Replicas: 2, Islands: [][]string{{"a-0", "a-1"}}}},
		Replicas: []mesh.Predicted{{ID: "a-0", Node: "a@1"}, {ID: "a-1", Node: "a@2"}},
		Overlays: []check.Overlay{{Dir: "k8s/prod", Key: "namePrefix", At: "k8s/prod/kustomization.yaml:2:1"}, {Dir: "k8s/prod", Key: "patches"}},
	}
	const want = "Predicted mesh: one of 2. That is without what kustomizations change (namePrefix at k8s/prod/kustomization.yaml:2:1 and 1 more): " +
		"kustomize build k8s/prod | phial check . - looks at what comes out."
	if got := strings.Join(meshSummary(m), " "); got != want {
		t.Errorf("%s", got)
	}
}
