// Package advise says how an app should run: stateless behind an ingress, clustered, as Kafka pipelines, or on plain
// machines without Kubernetes; with the evidence for and against each way, and what would change the answer. It is
// pure: the same facts and answers give the same advice, and what nobody knows counts for nothing.
package advise

import (
	"cmp"
	"slices"
	"strings"

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

// Title is what a way is called in a sentence, of an app that serves HTTP or does not.
func (w Way) Title(http bool) string {
	switch w {
	case Stateless:
		if !http {
			return "stateless on Kubernetes"
		}
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
	Low    Confidence = "low"    // the next way is close, there is nothing to go by, or an answer is not what was seen
	Medium Confidence = "medium" // an answer that is open, or a fact that could not be read, may change it
	High   Confidence = "high"   // no open answer changes it
)

// lead is the distance to the next way from which on a recommendation is more than a guess.
// A way that is nearer than near may as well be right, whatever is known.
const (
	lead = 3
	near = 2
)

// Advice is what came of facts and answers.
type Advice struct {
	Name string `json:"name"` // of the app; empty where it is not known
	// Recommended is empty where there is nothing to run.
	Recommended Way        `json:"recommended"`
	Confidence  Confidence `json:"confidence"`
	Reason      string     `json:"reason"`
	Doubt       string     `json:"doubt,omitempty"` // where an answer and what was seen speak against each other
	// Beside are the pipelines of an app that is recommended to run in another way.
	Beside    bool       `json:"pipelinesBeside,omitempty"`
	Fit       *Fit       `json:"clustered,omitempty"` // how it would be clustered on Kubernetes
	Ways      []Verdict  `json:"ways"`                // the heaviest first, or what is decided
	Questions []Question `json:"questions"`
	Changes   []Change   `json:"changes"` // each gives another recommendation
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
	Reason string  `json:"reason"`
	Seen   []Sight `json:"seen"`
}

// Sight is what was seen, and where.
type Sight struct {
	What string  `json:"what"`
	At   []Place `json:"at"` // none of what a person has answered
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

// Change is something that would change the recommendation.
type Change struct {
	If   string `json:"if"`             // in words
	Flag string `json:"flag,omitempty"` // the answer, or several together, as flags; empty for a fact
	Open bool   `json:"open,omitempty"` // nobody has answered that yet
	To   Way    `json:"to"`

	Question string `json:"-"` // that alone would be answered otherwise; empty: several would, or a fact
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
	adv.Reason = reason(best, seen)
	adv.Doubt = doubt(f, a)
	adv.Confidence = confidence(adv, f)
	fit := f.Fit
	adv.Fit = &fit
	return adv
}

// weigh gives a verdict on every way, the heaviest first.
func weigh(seen []Seen) []Verdict {
	all := make([]Verdict, 0, len(Ways()))
	for _, w := range Ways() {
		v := Verdict{Way: w, Title: w.Title(has(seen, http)), Missing: missing(w, seen), For: []Evidence{}, Against: []Evidence{}}
		for _, r := range rowsOf(w) {
			if !has(seen, r.signal) {
				continue
			}
			e := Evidence{r.signal, r.weight, r.reason, sights(seen, r.signal)}
			v.Score += int(r.weight)
			if r.weight > 0 {
				v.For = append(v.For, e)
			} else {
				v.Against = append(v.Against, e)
			}
		}
		for _, p := range patterns {
			if p.way == w && p.matches(seen) {
				v.Decided = true
				v.For = append(v.For, Evidence{together, Deciding, p.what, sights(p.of(seen))})
			}
		}
		for _, side := range [][]Evidence{v.For, v.Against} {
			slices.SortStableFunc(side, func(a, b Evidence) int { return cmp.Compare(abs(b.Weight), abs(a.Weight)) })
		}
		all = append(all, v)
	}
	slices.SortStableFunc(all, func(a, b Verdict) int {
		return cmp.Or(flag(a.Missing != "")-flag(b.Missing != ""), flag(b.Decided)-flag(a.Decided), cmp.Compare(b.Score, a.Score))
	})
	return all
}

// sights are what gives some signals; without any it is everything.
func sights(seen []Seen, signals ...Signal) []Sight {
	all := []Sight{}
	for _, s := range seen {
		if len(signals) == 0 || slices.Contains(signals, s.Signal) {
			all = append(all, Sight{s.What, places(s.At)})
		}
	}
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
				all = append(all, Change{If: c.Text, Flag: "--" + q.Name + " " + c.Value, Open: q.Answer == "", To: to, Question: q.Name})
			}
		}
	}
	for _, p := range patterns {
		if c, ok := p.open(slices.Concat(f.sorted(), a.seen()), a); ok && c.To != now {
			all = append(all, c)
		}
	}
	var tried []Signal
	for _, s := range f.sorted() {
		if slices.Contains(tried, s.Signal) {
			continue
		}
		tried = append(tried, s.Signal)
		rest := f
		rest.Seen = slices.DeleteFunc(f.sorted(), func(o Seen) bool { return o.Signal == s.Signal })
		if to := recommended(rest, a); to != now {
			all = append(all, Change{If: without(f.sorted(), s.Signal), To: to})
		}
	}
	return all
}

// without says in words that nothing gives a signal.
func without(seen []Seen, s Signal) string {
	if s == nothingShared {
		return "something ties nodes together that was not seen"
	}
	var all []string
	for _, t := range sights(seen, s) {
		all = append(all, t.What)
	}
	return "without this: " + strings.Join(all, "; ")
}

// doubt says where an answer and the project speak against each other.
func doubt(f Facts, a Answers) string {
	tied := f.Tied()
	switch {
	case a.Traffic == "none" && len(tied) > 0:
		return "It was answered that nodes say nothing to one another, and yet there is " + tied[0].What + "."
	case (a.Traffic == "some" || a.Traffic == "heavy") && f.has(nothingShared):
		return "It was answered that nodes talk to one another, but nothing seen lets them: look whether that is so."
	}
	return ""
}

// confidence goes by how far the next way is, and by what is not known.
func confidence(adv Advice, f Facts) Confidence {
	best, next := adv.Ways[0], adv.Ways[1]
	ahead := best.Score - next.Score
	if next.Missing != "" {
		ahead = max(ahead, lead)
	}
	open := slices.ContainsFunc(adv.Changes, func(c Change) bool {
		// Where nothing seen lets nodes talk, that they do would be news.
		return c.Open && (c.Question != "traffic" || !f.has(nothingShared))
	})
	switch {
	case best.Decided:
		return High
	case adv.Doubt != "" || len(best.For) == 0 || ahead < lead && (open || ahead < near):
		return Low
	case ahead < lead || open || len(f.Notes) > 0:
		return Medium
	}
	return High
}

// reason is the one that decides, or weighs most.
func reason(v Verdict, seen []Seen) string {
	for _, p := range patterns {
		if p.way == v.Way && p.matches(seen) {
			return p.reason
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
