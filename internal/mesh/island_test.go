package mesh

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// viewOf reads "c! d e": c serves and reports links to d and e. A ? in place of the !
// makes c willing alone, a ~ after the name makes its view old, nothing makes it boot.
func viewOf(text string) GateView {
	name, peers, _ := strings.Cut(text, " ")
	v := GateView{Serving: strings.Contains(name, "!"), Willing: strings.ContainsAny(name, "!?"), Peers: strings.Fields(peers)}
	if strings.Contains(name, "~") {
		v.Age = ViewFresh + time.Second
	}
	v.Node = strings.TrimRight(name, "!?~")
	return v
}

func viewsOf(texts ...string) []GateView {
	var out []GateView
	for _, t := range texts {
		out = append(out, viewOf(t))
	}
	return out
}

func TestIslands(t *testing.T) {
	tests := []struct {
		name    string
		links   string
		views   []string
		own     int
		rivals  string
		unknown bool
		outside bool
	}{
		{"alone, and nobody is in sight", "", nil, 1, "", false, false},
		{"a whole mesh", "b c", []string{"b! a c", "c! a b"}, 3, "", false, false},
		{"alone beside two", "", []string{"b! c", "c! b"}, 1, "b c", false, true},
		{"a tie", "", []string{"b!"}, 1, "", false, true},
		{"two ties", "b", []string{"b! a", "c! d", "d! c"}, 2, "", false, true},
		{"the largest of two islands", "", []string{"b! c", "c! b", "d! e f", "e! d f", "f! d e"}, 1, "d e f", false, true},
		{"of equal ones that with the lesser name", "", []string{"d! e", "e! d", "b! c", "c! b"}, 1, "b c", false, true},
		{"who boots does not count", "", []string{"b! c", "c b"}, 1, "", false, true},
		{"who stands aside does not count there", "", []string{"b! c", "c? b"}, 1, "", false, true},
		{"who stands aside counts in the own island", "b", []string{"b? a", "c! d", "d! c"}, 2, "", false, true},
		{"who boots does not count in the own island", "b", []string{"b a", "c! d", "d! c"}, 1, "c d", false, true},
		{"an old view of another island does not count", "", []string{"b! c", "c!~ b"}, 1, "", false, true},
		{"a member with an old view counts", "b", []string{"b~ a", "c! d", "d! c"}, 2, "", true, true},
		{"one end alone reports the link: no other island", "", []string{"b! c", "c!"}, 1, "", false, true},
		{"one end alone reports the link: the own island", "", []string{"b! a c", "c! b"}, 3, "", false, false},
		{"what an old view of a member reports is not known", "b", []string{"b!~ a c", "c! d e", "d! c e", "e! c d"}, 2, "c d e", true, true},
		{"an old view from outside joins nobody", "", []string{"b!~ a", "c! d", "d! c"}, 1, "c d", false, true},
		{"a member without any view", "b", []string{"c! d e", "d! c e", "e! c d"}, 2, "c d e", true, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var w viewGraph
			in := GateInput{Self: "a", Links: strings.Fields(tt.links), Views: viewsOf(tt.views...)}
			for range 2 { // the second time with memory of the first
				s := w.split(in)
				if s.own != tt.own || s.unknown != tt.unknown || s.outside != tt.outside || !slices.Equal(s.rivals, strings.Fields(tt.rivals)) {
					t.Errorf("%+v, want own %d, rivals [%s], unknown %v, outside %v", s, tt.own, tt.rivals, tt.unknown, tt.outside)
				}
			}
		})
	}
}

// Names of replicas that are gone do not pile up.
func TestIslandsForgetNames(t *testing.T) {
	var w viewGraph
	for i := range 1000 {
		name := strings.Repeat("x", i+1)
		if s := w.split(GateInput{Self: "a", Views: viewsOf(name+"! y", "y! "+name)}); len(s.rivals) != 2 {
			t.Fatalf("after %d names: %+v", i, s)
		}
	}
	if len(w.names) > 2*forgetNames {
		t.Errorf("%d names are kept", len(w.names))
	}
}
