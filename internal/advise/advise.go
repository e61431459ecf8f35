// Package advise says how an app should run: stateless behind an ingress, clustered, as Kafka pipelines, or on plain
// machines without Kubernetes; with the evidence for and against each way, and what would change the answer. It is
// pure: the same facts and answers give the same advice, and what nobody knows counts for nothing.
package advise

import (
	"cmp"
	"slices"

	"github.com/phialdev/phial/internal/project"
)

// Way is a way to run an app.
type Way string

// The ways. Of two that weigh the same the earlier one is recommended: it asks less of a team.
const (
	Stateless Way = "stateless"
	Clustered Way = "clustered"
	Pipelines Way = "pipelines"
	Machines  Way = "machines"
)

// Ways lists them all.
func Ways() []Way { return []Way{Stateless, Clustered, Pipelines, Machines} }

// Title is what a way is called in a sentence.
func (w Way) Title() string {
	switch w {
	case Stateless:
		return "stateless on Kubernetes, behind an ingress"
	case Clustered:
		return "clustered on Kubernetes"
	case Pipelines:
		return "as Kafka pipelines on Kubernetes"
	case Machines:
		return "on plain machines, with the BEAM's own distribution"
	}
	return "not at all"
}

// Confidence says how much it takes to change a recommendation.
type Confidence string

// The confidences.
const (
	Low    Confidence = "low"    // the next way is close, or there is nothing to go by
	Medium Confidence = "medium" // an answer that is open, or a fact that could not be read, may change it
	High   Confidence = "high"   // no open answer changes it by itself
)

// lead is the distance to the next way from which on a recommendation is more than a guess.
const lead = 3

// Advice is what came of facts and answers.
type Advice struct {
	Name string `json:"name"` // of the app; empty where it is not known
	// Recommended is empty where there is nothing to run.
	Recommended Way        `json:"recommended"`
	Confidence  Confidence `json:"confidence"`
	Reason      string     `json:"reason"`
	// Beside are the pipelines of an app that is recommended to run in another way.
	Beside    bool       `json:"pipelinesBeside,omitempty"`
	Fit       *Fit       `json:"clustered,omitempty"` // how it would be clustered on Kubernetes
	Ways      []Verdict  `json:"ways"`                // the heaviest first
	Questions []Question `json:"questions"`
	Changes   []Change   `json:"changes"` // each by itself gives another recommendation
	Notes     []Note     `json:"notes"`   // what could not be read
}

// Verdict is what speaks for and against a way.
type Verdict struct {
	Way     Way        `json:"way"`
	Title   string     `json:"title"`
	Score   int        `json:"score"`
	Decided bool       `json:"decided,omitempty"` // by several facts together, whatever else there is
	Missing string     `json:"missing,omitempty"` // why it is no choice at all
	For     []Evidence `json:"for"`
	Against []Evidence `json:"against"`
}

// Evidence is one thing that speaks for or against a way.
type Evidence struct {
	Signal Signal  `json:"signal"`
	Weight Weight  `json:"weight"`
	What   string  `json:"what"`
	Reason string  `json:"reason"`
	At     []Place `json:"at"` // none of what a person has answered
}

// Place is where it stands in the project. Line and Column are 0 for a file as a whole.
type Place struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func (p Place) String() string {
	return project.Pos{File: p.File, Line: p.Line, Col: p.Column}.String()
}

// Note is something that could not be read.
type Note struct {
	At   Place  `json:"at"`
	Text string `json:"text"`
}

// Change is something that would change the recommendation, alone.
type Change struct {
	If   string `json:"if"`             // in words
	Flag string `json:"flag,omitempty"` // the answer, as a flag; empty for a fact
	Open bool   `json:"open,omitempty"` // it is a question that nobody has answered yet
	To   Way    `json:"to"`
}

// Advise weighs facts and answers.
func Advise(f Facts, a Answers) Advice {
	adv := Advice{Name: f.Name, Ways: []Verdict{}, Questions: a.questions(f), Changes: []Change{}, Notes: slices.Concat([]Note{}, f.Notes)}
	seen := slices.Concat(f.sorted(), a.seen())
	adv.Ways = weigh(seen)
	if f.Library {
		adv.Confidence, adv.Reason = Medium, "Nothing starts here: no application callback, no release, no server. It is a library, and runs where it is used."
		if len(f.Notes) > 0 {
			adv.Confidence = Low
		}
		return adv
	}
	best := adv.Ways[0]
	adv.Recommended = best.Way
	adv.Beside = best.Way != Pipelines && has(seen, kafka)
	adv.Changes = changes(f, a, best.Way)
	adv.Reason = reason(best)
	adv.Confidence = confidence(adv, f)
	fit := f.Fit
	adv.Fit = &fit
	return adv
}

// weigh gives a verdict on every way, the heaviest first.
func weigh(seen []Seen) []Verdict {
	all := make([]Verdict, 0, len(Ways()))
	for _, w := range Ways() {
		v := Verdict{Way: w, Title: w.Title(), For: []Evidence{}, Against: []Evidence{}}
		for _, s := range seen {
			for _, r := range rowsOf(s.Signal, w) {
				e := Evidence{s.Signal, r.weight, s.What, r.reason, places(s.At)}
				v.Score += int(r.weight)
				if r.weight > 0 {
					v.For = append(v.For, e)
				} else {
					v.Against = append(v.Against, e)
				}
			}
		}
		for _, p := range patterns {
			if p.way == w && p.matches(seen) {
				v.Decided = true
				v.For = append(v.For, Evidence{together, Deciding, p.what, p.reason, []Place{}})
			}
		}
		for _, side := range [][]Evidence{v.For, v.Against} {
			slices.SortStableFunc(side, func(a, b Evidence) int { return cmp.Compare(abs(b.Weight), abs(a.Weight)) })
		}
		if need, ok := needs[w]; ok && !has(seen, need.signals...) {
			v.Missing = need.missing
		}
		all = append(all, v)
	}
	slices.SortStableFunc(all, func(a, b Verdict) int {
		return cmp.Or(flag(a.Missing != "")-flag(b.Missing != ""), flag(b.Decided)-flag(a.Decided), cmp.Compare(b.Score, a.Score))
	})
	return all
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func has(seen []Seen, signals ...Signal) bool {
	return slices.ContainsFunc(seen, func(s Seen) bool { return slices.Contains(signals, s.Signal) })
}

func recommended(f Facts, a Answers) Way { return weigh(slices.Concat(f.sorted(), a.seen()))[0].Way }

// changes tries every other answer, and does without every fact, one at a time.
func changes(f Facts, a Answers, now Way) []Change {
	all := []Change{}
	for _, q := range a.questions(f) {
		for _, c := range q.Choices {
			if c.Value == q.Answer {
				continue
			}
			other := a
			if err := other.Set(q.Name, c.Value); err != nil {
				continue // a choice of ours is one that Set takes; a test holds it to that
			}
			if to := recommended(f, other); to != now {
				all = append(all, Change{If: c.Text, Flag: "--" + q.Name + " " + c.Value, Open: q.Answer == "", To: to})
			}
		}
	}
	for _, s := range f.sorted() {
		without := f
		without.Seen = slices.DeleteFunc(f.sorted(), func(o Seen) bool { return o.Signal == s.Signal })
		if to := recommended(without, a); to != now {
			all = append(all, Change{If: "without this: " + s.What, To: to})
		}
	}
	return all
}

// confidence goes by how far the next way is, and by what is not known.
func confidence(adv Advice, f Facts) Confidence {
	best, next := adv.Ways[0], adv.Ways[1]
	if next.Way == Pipelines && adv.Beside { // it does not stand against the other: the app runs both
		next = adv.Ways[2]
	}
	ahead := best.Score - next.Score
	if next.Missing != "" {
		ahead = max(ahead, lead)
	}
	open := slices.ContainsFunc(adv.Changes, func(c Change) bool { return c.Open })
	switch {
	case best.Decided:
		return High
	case len(best.For) == 0 || ahead < lead && (open || ahead < 1):
		return Low
	case ahead < lead || open || len(f.Notes) > 0:
		return Medium
	}
	return High
}

// reason is the one that weighs most.
func reason(v Verdict) string {
	for _, e := range v.For {
		if e.Weight == Deciding {
			return e.Reason
		}
	}
	if len(v.For) == 0 {
		return "Nothing speaks for any way; this one asks the least."
	}
	for _, e := range v.For {
		if e.Signal != declaredClustered && e.Signal != declaredStateless { // why they decided so is the better reason
			return e.Reason
		}
	}
	return v.For[0].Reason
}

func abs(w Weight) Weight { return max(w, -w) }

func places(at []project.Pos) []Place {
	all := make([]Place, 0, len(at))
	for _, p := range at {
		all = append(all, Place{p.File, p.Line, p.Col})
	}
	return all
}
