package spell

import (
	"testing"

	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	fields := []string{"replicas", "image", "env", "envFrom", "http", "health", "vm"}
	for _, c := range []struct{ name, want string }{
		{"replica", "replicas"},
		{"relpicas", "replicas"},
		{"Image", "image"},
		{"envfrom", "envFrom"},
		{"evn", "env"},
		{"port", ""},
		{"", "vm"[:0]},
		{"nonsense", ""},
	} {
		if got := Nearest(c.name, fields); got != c.want {
			t.Errorf("Nearest(%q) is %q, want %q", c.name, got, c.want)
		}
	}
	if a, b := Nearest("ax", []string{"az", "ab"}), Nearest("ax", []string{"ab", "az"}); a != b {
		t.Errorf("the order of names decides: %q and %q", a, b)
	}
}

// A distance is one: nought from itself alone, the same both ways.
func TestDistance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[abc]{0,6}`)
		a, b := word.Draw(t, "a"), word.Draw(t, "b")
		d := distance(a, b)
		if (d == 0) != (a == b) || d != distance(b, a) || d > max(len(a), len(b)) {
			t.Fatalf("%q and %q: %d and %d", a, b, d, distance(b, a))
		}
	})
}

func TestList(t *testing.T) {
	for want, names := range map[string][]string{"": nil, "a": {"a"}, "a or b": {"a", "b"}, "a, b or c": {"a", "b", "c"}, "a, b, c …": {"a", "b", "c", "d"}} {
		if got := List(names, "or", 3); got != want {
			t.Errorf("%v is %q, want %q", names, got, want)
		}
	}
}
