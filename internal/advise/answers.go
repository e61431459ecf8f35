package advise

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Answers are what only a team knows. Empty, and 0, is not known, and counts for nothing.
type Answers struct {
	Nodes      string // "fixed" or "varying"
	Count      int    // of nodes; where it varies, at most
	Traffic    string // between nodes: "none", "some" or "heavy"
	Latency    string // that messages between nodes bear: "relaxed" or "strict"
	Regions    int
	Zones      int
	Kubernetes string // somebody runs it already: "yes" or "no"
	BinPacking string // it shares machines with other work: "yes" or "no"
}

const (
	fewNodes  = 8
	manyNodes = 60
	maxNumber = 100_000
)

// DontKnow is an answer, too: the same as none.
const DontKnow = "unknown"

// Question is one that only a team can answer.
type Question struct {
	Name    string   `json:"name"` // of the flag
	Text    string   `json:"text"`
	Choices []Choice `json:"choices"` // of a number, those from which on it counts
	Number  bool     `json:"number,omitempty"`
	Answer  string   `json:"answer,omitempty"` // empty: nobody has answered
	// Default is what the project lets one expect; it counts only when a person takes it.
	Default string `json:"default,omitempty"`
}

// Choice is one answer there may be.
type Choice struct {
	Value string `json:"value"`
	Text  string `json:"text"`
}

// catalogue is every question in the order in which it is asked.
var catalogue = []Question{
	{Name: "nodes", Text: "Is the number of nodes fixed, or does it vary with the load?", Choices: []Choice{
		{"fixed", "the number of nodes is fixed"}, {"varying", "the number of nodes varies with the load"}}},
	{Name: "count", Text: "How many nodes are there, at most?", Number: true, Choices: []Choice{
		{"1", "there is one node"}, {"3", "there are few nodes, " + strconv.Itoa(fewNodes) + " at most"}, {"12", "there are more than a few nodes"}, {"60", "there are 60 nodes or more"}}},
	{Name: "traffic", Text: "How much do nodes say to one another?", Choices: []Choice{
		{"none", "nodes say nothing to one another"}, {"some", "nodes talk now and then"}, {"heavy", "nodes talk all the time"}}},
	{Name: "latency", Text: "How fast must a message between nodes be there?", Choices: []Choice{
		{"relaxed", "some tens of milliseconds do not matter"}, {"strict", "each millisecond between nodes is felt"}}},
	{Name: "regions", Text: "In how many regions does it run?", Number: true, Choices: []Choice{
		{"1", "it runs in one region"}, {"2", "it runs in several regions"}}},
	{Name: "zones", Text: "Over how many zones of a region?", Number: true, Choices: []Choice{
		{"1", "it runs in one zone"}, {"3", "it runs in several zones"}}},
	{Name: "kubernetes", Text: "Does somebody run Kubernetes for you already?", Choices: []Choice{
		{"yes", "somebody runs Kubernetes already"}, {"no", "nobody runs Kubernetes yet"}}},
	{Name: "bin-packing", Text: "Does it share machines with other work?", Choices: []Choice{
		{"yes", "it shares machines with other work"}, {"no", "machines are its own"}}},
}

// Questions are those that there are, with the answers given so far, and what the facts let one expect.
func Questions(f Facts, a Answers) []Question { return a.questions(f) }

func (a Answers) questions(f Facts) []Question {
	all := slices.Clone(catalogue)
	for i := range all {
		all[i].Answer = a.get(all[i].Name)
		if all[i].Name == "kubernetes" && f.has(manifests) {
			all[i].Default = "yes"
		}
	}
	return all
}

func (a Answers) get(name string) string {
	switch name {
	case "nodes":
		return a.Nodes
	case "count":
		return number(a.Count)
	case "traffic":
		return a.Traffic
	case "latency":
		return a.Latency
	case "regions":
		return number(a.Regions)
	case "zones":
		return number(a.Zones)
	case "kubernetes":
		return a.Kubernetes
	case "bin-packing":
		return a.BinPacking
	}
	return ""
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Set takes an answer as a person gives it. [DontKnow] takes one back.
func (a *Answers) Set(name, value string) error {
	i := slices.IndexFunc(catalogue, func(q Question) bool { return q.Name == name })
	if i < 0 {
		return fmt.Errorf("there is no question %q", name)
	}
	q := catalogue[i]
	value = strings.ToLower(strings.TrimSpace(value))
	n := 0
	switch {
	case value == DontKnow:
		value = ""
	case q.Number:
		var err error
		if n, err = strconv.Atoi(value); err != nil || n < 1 || n > maxNumber {
			return fmt.Errorf("want a number of at least 1, or %s", DontKnow)
		}
	case !slices.ContainsFunc(q.Choices, func(c Choice) bool { return c.Value == value }):
		return fmt.Errorf("want %s or %s", strings.Join(q.Values(), ", "), DontKnow)
	}
	switch name {
	case "nodes":
		a.Nodes = value
	case "count":
		a.Count = n
	case "traffic":
		a.Traffic = value
	case "latency":
		a.Latency = value
	case "regions":
		a.Regions = n
	case "zones":
		a.Zones = n
	case "kubernetes":
		a.Kubernetes = value
	case "bin-packing":
		a.BinPacking = value
	}
	return nil
}

// Values are the answers that a question takes; none of a number.
func (q Question) Values() []string {
	if q.Number {
		return nil
	}
	var all []string
	for _, c := range q.Choices {
		all = append(all, c.Value)
	}
	return all
}

// seen are the signals of what was answered.
func (a Answers) seen() (all []Seen) {
	add := func(s Signal, format string, args ...any) {
		all = append(all, Seen{Signal: s, What: "answered: " + fmt.Sprintf(format, args...)})
	}
	word := func(value string, signals map[string]Signal, name string) {
		if s, ok := signals[value]; ok {
			add(s, "%s %s", name, value)
		}
	}
	word(a.Nodes, map[string]Signal{"fixed": nodesFixed, "varying": nodesVarying}, "nodes")
	switch {
	case a.Count == 1:
		add(countOne, "count 1")
	case a.Count > 0 && a.Count <= fewNodes:
		add(countFew, "count %d", a.Count)
	case a.Count >= manyNodes:
		add(countMany, "count %d", a.Count)
	}
	word(a.Traffic, map[string]Signal{"none": trafficNone, "some": trafficSome, "heavy": trafficHeavy}, "traffic")
	word(a.Latency, map[string]Signal{"relaxed": latencyRelaxed, "strict": latencyStrict}, "latency")
	if a.Regions > 1 {
		add(regionsSeveral, "regions %d", a.Regions)
	}
	if a.Zones > 1 {
		add(zonesSeveral, "zones %d", a.Zones)
	}
	word(a.Kubernetes, map[string]Signal{"yes": kubernetesYes, "no": kubernetesNo}, "kubernetes")
	word(a.BinPacking, map[string]Signal{"yes": packingYes, "no": packingNo}, "bin-packing")
	return all
}
