package mesh

import (
	"encoding/json"
	"strings"
	"testing"
)

// Peers and hidden peers are null where the node could not say, and a list where it could.
func TestReportTellsNoneFromNotKnown(t *testing.T) {
	tests := []struct {
		name string
		node Node
		want string
	}{
		{"none", node(a), `"peers":[],"hidden":[]`},
		{"one", with(node(a, b), func(n *Node) { n.Hidden = []string{c} }), `"peers":["` + b + `"],"hidden":["` + c + `"]`},
		{"not reached", unreached(a, CauseFrozen), `"peers":null,"hidden":null`},
		{"visible ones not told", with(node(a), func(n *Node) { n.Unanswered = []string{AskPeers} }), `"peers":null,"hidden":[]`},
		{"hidden ones not told", with(node(a), func(n *Node) { n.Unanswered = []string{AskHidden} }), `"peers":[],"hidden":null`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b, err := json.Marshal(NewReport(Observation{Nodes: []Node{tt.node}}))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), tt.want) {
				t.Errorf("no %s in %s", tt.want, b)
			}
		})
	}
}

func TestAlone(t *testing.T) {
	tests := []struct {
		name  string
		nodes []Node
		want  bool
	}{
		{"one that knows nobody", []Node{node(a)}, true},
		{"one that knows another", []Node{node(a, b)}, false},
		{"one that knows a hidden one", []Node{with(node(a), func(n *Node) { n.Hidden = []string{b} })}, false},
		{"one that did not say", []Node{with(node(a), func(n *Node) { n.Unanswered = []string{AskPeers} })}, false},
		{"one that was not reached", []Node{unreached(a, CauseFrozen)}, false},
		{"two", []Node{node(a), node(b)}, false},
		{"nobody", nil, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := NewReport(Observation{Nodes: tt.nodes}).Alone(); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}
