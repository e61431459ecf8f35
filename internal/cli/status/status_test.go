package status

import (
	"testing"

	"github.com/phialdev/phial/internal/engine/local"
)

func TestAnswers(t *testing.T) {
	const nobody = "tally is to answer at http://127.0.0.1:4000, and no replica is ready to yet"
	for want, pods := range map[string][]local.Pod{
		nobody:                                   {{Name: "tally-0"}, {Name: "tally-1"}, {Name: "tally-import-0", Pipeline: "import", Ready: true}},
		"tally answers at http://127.0.0.1:4000": {{Name: "tally-0"}, {Name: "tally-1", Ready: true}},
	} {
		if got := answers(local.Status{Name: "tally", URL: "http://127.0.0.1:4000", Pods: pods}); got != want {
			t.Errorf("%v: %q, want %q", pods, got, want)
		}
	}
}
