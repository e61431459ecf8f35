package instance

import (
	"slices"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/engine/local"
)

func TestBack(t *testing.T) {
	at := func(s int) time.Time { return time.Unix(int64(s), 0) }
	started := map[string]time.Time{}
	for i, c := range []struct {
		pods []local.Pod
		want []string
	}{
		{[]local.Pod{{Name: "a", Ready: true, StartedAt: at(1)}, {Name: "b"}}, nil},
		{[]local.Pod{{Name: "a", StartedAt: at(1)}, {Name: "b", Ready: true, StartedAt: at(2)}}, nil}, // b is new, not back
		{[]local.Pod{{Name: "a", StartedAt: at(3)}, {Name: "b", Ready: true, StartedAt: at(2)}}, nil},
		{[]local.Pod{{Name: "a", Ready: true, StartedAt: at(3)}, {Name: "b", Ready: true, StartedAt: at(4)}}, []string{"a", "b"}},
		{[]local.Pod{{Name: "a", Ready: true, StartedAt: at(3)}}, nil},
	} {
		if got := back(started, local.Status{Pods: c.pods}); !slices.Equal(got, c.want) {
			t.Errorf("look %d: %v are back, want %v", i, got, c.want)
		}
	}
}
