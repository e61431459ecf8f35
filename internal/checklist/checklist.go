// Package checklist says whether a team is ready to run its app: a line for each thing that has to be so, passed, failed
// or not known, with the evidence and the command that would settle it. It is pure: what was seen and what was run is
// handed to it.
package checklist

import (
	"slices"

	"github.com/phialdev/phial/internal/advise"
	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// State is how a line stands.
type State string

// The states. The zero value is none of them: a line says which it is.
const (
	Passed   State = "passed"
	Failed   State = "failed"
	NotKnown State = "not known"
)

// Report is the whole list.
type Report struct {
	Lines []Line `json:"lines"`
	// Elsewhere counts the errors and warnings of phial check that no line is about.
	Elsewhere int `json:"elsewhere"`
}

// Count gives the number of lines of a state.
func (r Report) Count(s State) int {
	n := 0
	for _, l := range r.Lines {
		if l.State == s {
			n++
		}
	}
	return n
}

// Line is one thing that has to be so. It is failed where an item is, and else not known where one is.
type Line struct {
	ID       string `json:"id"`
	Title    string `json:"title"`
	State    State  `json:"state"`
	Items    []Item `json:"evidence"`
	Commands []Step `json:"commands"` // that would settle it; none where it has passed
}

// Item is one piece of evidence.
type Item struct {
	State State         `json:"state"`
	Text  string        `json:"text"`
	Code  finding.Code  `json:"code,omitempty"` // of phial check
	At    *advise.Place `json:"at,omitempty"`
}

// Step is a command, and what it is good for.
type Step struct {
	Command string `json:"command"`
	Why     string `json:"why"`
}

// Input is all that there is to go by.
type Input struct {
	Project *project.Project
	Dir     string // the project as it is typed; empty for the current directory
	App     *App   // of phial.yaml; nil: there is none
	// Workloads run the release: those of the plan of phial.yaml, and of manifests.
	Workloads []Workload
	Headless  []Service // that list one of them
	Idle      []Service // headless ones that list no pod of any workload
	Mesh      *Mesh     // what would come of it all; nil: that was not worked out
	Around    *Around   // the repository that the project is a part of; nil: it is one, or none was seen
	NoHTTP    bool      // nothing in the project serves HTTP
	Checked   *Checked  // what phial check found; nil: it did not run
	Trial     *Trial    // nil: it was not asked for
	Builds    *Builds   // nil: they were not asked for
}

// App is what phial.yaml says, with defaults.
type App struct {
	Name      string
	Clustered bool
	Declared  bool // the type stands there
	Identity  beam.Identity
	Discovery beam.Discovery
	Agent     bool
	Type      advise.Place
	Refused   []Found // what an API server would say
}

// Workload is something that runs the release on Kubernetes.
type Workload struct {
	Label string
	At    advise.Place
	// Served says that a Service sends it requests; Meshed, that a headless one lists it.
	Served, Meshed bool
	// Probes and the grace period; nil where they are not there.
	Readiness, Liveness, Startup *advise.Place
	Grace                        *Number
	Cookie                       Cookie
	// Query is what dns_cluster is told to look up, where that stands literally.
	Query   string
	QueryAt advise.Place
}

// Number is one that is set.
type Number struct {
	Value int
	At    advise.Place
}

// Cookie is where a workload's nodes have their cookie from.
type Cookie struct {
	Secret string // NAME/KEY; empty: from none that was seen
	// Literal says that it stands in a manifest.
	Literal bool
	At      advise.Place
	// Unseen says that there may be one that was not seen: envFrom, or a file.
	Unseen bool
}

// Service is a headless one.
type Service struct {
	Label, Name string
	At          advise.Place
}

// Found is what phial check found.
type Found struct {
	Code finding.Code
	// Counts says that it is an error or a warning.
	Counts bool
	Text   string
	At     advise.Place
}

// Checked is a run of phial check.
type Checked struct{ Found []Found }

// of gives what was found of some families, or codes.
func (c *Checked) of(names ...string) (items []Item) {
	if c == nil {
		return nil
	}
	for _, f := range c.Found {
		if f.Counts && (slices.Contains(names, f.Code.Family()) || slices.Contains(names, string(f.Code))) {
			at := f.At
			items = append(items, Item{Failed, f.Text, f.Code, &at})
		}
	}
	return items
}

// Trial is what `phial checklist --run` ran.
type Trial struct {
	Command  string // that was run
	Error    string // why it could not run; empty: it did
	Replicas int
	Mesh     bool   // one full mesh, or, Stateless, every replica ready
	MeshText string // what was seen
	Faults   []Fault
}

// Fault is one that was made at a replica and mended.
type Fault struct {
	Name string
	// Noticed says that the replica was taken out of traffic, or started anew; Recovered, that it came back.
	Noticed, Recovered bool
	Text               string
}

// Builds are two builds of one image.
type Builds struct {
	Error   string
	Digests []string
}

// New makes the list.
func New(in Input) Report {
	c := &list{Input: in, facts: advise.FactsOf(in.Project)}
	r := Report{}
	said := map[Item]bool{}
	for _, l := range lines {
		b := &builder{list: c}
		l.look(b)
		for _, i := range b.items {
			i.At = nil
			said[i] = true
		}
		r.Lines = append(r.Lines, b.line(l.id, l.title))
	}
	if c.Checked != nil {
		for _, f := range c.Checked.Found {
			if f.Counts && !said[Item{State: Failed, Text: f.Text, Code: f.Code}] {
				r.Elsewhere++
			}
		}
	}
	return r
}

// list is what the lines share.
type list struct {
	Input
	facts advise.Facts
}

// lines is the list in its order.
var lines = []struct {
	id, title string
	look      func(*builder)
}{
	{"release", "the release is configured", release},
	{"image", "images are reproducible", image},
	{"clustering", "clustering is decided", clustering},
	{"discovery", "headless Service and discovery are configured", discovery},
	{"replicas", "several replicas were run together on this machine", replicas},
	{"probes", "probes are in place", probes},
	{"failures", "probes were tested against real failures", failures},
	{"grace", "the grace period is set", grace},
	{"load", "the grace period was validated under load", load},
	{"cookie", "the cookie is in a Secret, and the same everywhere", cookie},
	{"ci", "CI builds releases and pushes versioned images", ci},
}

// builder gathers a line.
type builder struct {
	*list
	items    []Item
	commands []Step
}

func (b *builder) add(s State, at *advise.Place, text string) {
	b.items = append(b.items, Item{State: s, Text: text, At: at})
}

func (b *builder) pass(at *advise.Place, text string) { b.add(Passed, at, text) }

func (b *builder) fail(at *advise.Place, text string) { b.add(Failed, at, text) }

func (b *builder) unknown(text string) { b.add(NotKnown, nil, text) }

// settle names a command that would settle what is open; the project's directory stands between its two parts.
func (b *builder) settle(before, after, why string) {
	if b.Dir != "" {
		before += " " + b.Dir
	}
	b.command(before+after, why)
}

// command names one that takes no directory. One that is named already is not named again for another reason.
func (b *builder) command(command, why string) {
	if !slices.ContainsFunc(b.commands, func(s Step) bool { return s.Command == command }) {
		b.commands = append(b.commands, Step{command, why})
	}
}

// trialFlags are what phial try needs to run the app, behind its directory.
func (b *builder) trialFlags() string {
	if b.NoHTTP && b.App == nil {
		return " --no-http"
	}
	return ""
}

// found adds what phial check found.
func (b *builder) found(names ...string) {
	items := b.Checked.of(names...)
	b.items = append(b.items, items...)
	if len(items) > 0 {
		b.settle("phial check", "", "each finding says what to do")
	}
}

func (b *builder) line(id, title string) Line {
	l := Line{ID: id, Title: title, State: Passed, Items: b.items, Commands: b.commands}
	for _, i := range b.items {
		if i.State == Failed || i.State == NotKnown && l.State == Passed {
			l.State = i.State
		}
	}
	if len(b.items) == 0 {
		l.State = NotKnown
	}
	switch {
	case l.State == Passed:
		l.Commands = []Step{}
	case l.Commands == nil:
		b.settle("phial checklist", "", "again, when that is mended")
		l.Commands = b.commands
	}
	return l
}

func at(p project.Pos) *advise.Place { return &advise.Place{File: p.File, Line: p.Line, Column: p.Col} }

func file(name string) *advise.Place { return &advise.Place{File: name} }
