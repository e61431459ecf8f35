package advise

import (
	"slices"
	"strconv"
	"strings"
)

// together is the signal of a pattern.
const together Signal = "together"

// pattern is several signals that decide together, whatever else there is: of each group one has to be there.
type pattern struct {
	facts   []Signal // one of them is seen in the project
	answers []answer // all of them are given
	way     Way
	what    string
	reason  string
}

// answer is one that a pattern wants.
type answer struct {
	signals  []Signal // any of these
	question string
	value    string // one that gives such a signal
	text     string
}

var patterns = []pattern{{
	core,
	[]answer{
		{[]Signal{nodesFixed}, "nodes", "fixed", "the number of nodes is fixed"},
		{[]Signal{countFew}, "count", "3", "there are " + strconv.Itoa(fewNodes) + " at most"},
		{[]Signal{trafficHeavy}, "traffic", "heavy", "they talk all the time"},
	},
	Machines,
	"A small fixed set of nodes, heavy traffic between them, and state or names that live in the mesh.",
	"A small fixed set of nodes that talk all the time and hold state together gains nothing from being moved about: stay on machines. " +
		"What Kubernetes is good at (to add, replace and move pods) is what such a set never needs, and each pod that is moved takes names, state and links with it.",
}}

func (p pattern) matches(seen []Seen) bool {
	return has(seen, p.facts...) && !slices.ContainsFunc(p.answers, func(a answer) bool { return !has(seen, a.signals...) })
}

// of are those of what was seen that make the pattern.
func (p pattern) of(seen []Seen) (all []Seen) {
	for _, s := range seen {
		if slices.Contains(p.facts, s.Signal) || slices.ContainsFunc(p.answers, func(a answer) bool { return slices.Contains(a.signals, s.Signal) }) {
			all = append(all, s)
		}
	}
	return all
}

// open is what would complete a pattern: its facts are seen, and what is answered so far does not speak against it. Of one
// answer alone the questions tell.
func (p pattern) open(seen []Seen, a Answers) (change Change, ok bool) {
	if !has(seen, p.facts...) {
		return Change{}, false
	}
	var texts, flags []string
	for _, want := range p.answers {
		switch {
		case has(seen, want.signals...):
		case a.get(want.question) != "":
			return Change{}, false
		default:
			texts = append(texts, want.text)
			flags = append(flags, "--"+want.question+" "+want.value)
		}
	}
	if len(flags) < 2 {
		return Change{}, false
	}
	text := strings.Join(texts[:len(texts)-1], ", ") + " and " + texts[len(texts)-1]
	return Change{If: text, Flag: strings.Join(flags, " "), Open: true, To: p.way}, true
}
