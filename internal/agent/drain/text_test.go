package drain

import "testing"

func TestTexts(t *testing.T) {
	work := Work{Requests: 2, Pipelines: 1, Drainers: 3, Connections: 9}
	for want, got := range map[string]string{
		"hook Shop.drain: done after 3ms: :ok":                     Step{Name: "hook", Subject: "Shop.drain", Outcome: Done, TookMS: 3, Detail: ":ok"}.String(),
		"jobs Oban: failed after 2s, 4 of 4 left: unheard":         Step{Name: "jobs", Subject: "Oban", Outcome: Failed, TookMS: 2000, Before: 4, After: 4, Error: "unheard"}.String(),
		"work: done after 1.5s, 0 of 2 left":                       Step{Name: "work", Outcome: Done, TookMS: 1500, Before: 2}.String(),
		"presence Shop.Presence: timed-out after 0s: not answered": Step{Name: "presence", Subject: "Shop.Presence", Outcome: TimedOut, Error: "not answered"}.String(),
		"2 requests, 1 pipeline, 3 socket drainers in flight":      work.String(),
		"nothing in flight, as far as could be counted":            Work{Unknown: true}.String(),
		"hook Shop.drain":     Event{Phase: Began, Step: Step{Name: "hook", Subject: "Shop.drain"}}.String(),
		"work: done after 0s": Event{Phase: Ended, Step: Step{Name: "work", Outcome: Done}, Work: &work}.String(),
		"2 requests, 1 pipeline, 3 socket drainers in flight; 9 connections open": Event{Phase: Progress, Work: &work}.String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
