package mesh

import (
	"fmt"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// Prediction is the mesh that an intent would give.
type Prediction struct {
	Replicas []Predicted // as in the intent
	// Links are of every two of one workload, and of every two of which one looked for the
	// other, in the order of the replicas. Of others only the first is here that tells what
	// one of the two lacks: neither of them dials, or one may dial anybody, and is in Doubts.
	Links []PredictedLink
	// Islands are the connected parts by replica, the largest first.
	Islands [][]string
	// Doubts say what was not known and could make the islands others than these; none:
	// they are sure.
	Doubts []string
	// Beyond says which meshes are larger than what is followed, and what that leaves open.
	Beyond []string
}

// Predicted is what happens at one replica, told step by step.
type Predicted struct {
	ID    string      `json:"replica"`
	Node  string      `json:"node,omitempty"` // empty: not known, or there is none
	Steps []Narration `json:"steps"`
}

// Narration is one sentence of what a replica does, and how that ends. Unseen: not known.
type Narration struct {
	State State        `json:"state"`
	Text  string       `json:"text"`
	Code  finding.Code `json:"code,omitempty"` // of what it fails at
	At    Place        `json:"at,omitzero"`    // where what it tells of stands; the zero Place: in no file
}

// PredictedLink says of two replicas whether they would be connected.
type PredictedLink struct {
	A, B string
	Up   Tri
	Why  []Obstacle // what is in the way of a link that is not up, by either end
}

// Obstacle is what one dial, or one lookup, would fail at.
type Obstacle struct {
	From, To string       // replicas; To is empty for a lookup
	Dialled  string       // the name that is dialled, if one is
	Code     finding.Code // of what is not known: what it would be; empty: nothing is said of it
	Text     string       // for a person, a clause
	At       []string     // where what decides it stands
	Slip     Slip
}

// Predict gives the mesh of an intent: who finds whom, by which name, and whether they
// let each other in. What it can't know is unknown, and so is what hangs on that. Its cost
// grows with the pairs that meet, not with all that there are.
func Predict(in Intent) Prediction {
	return predict(&in).out
}

func predict(in *Intent) *predictor {
	n := len(in.Replicas)
	p := &predictor{
		in: in, index: newIndex(in), islands: newIslands(n), links: map[pair]*dialled{},
		unclear: make([]Obstacle, n), stray: make([]*Obstacle, n), agents: map[int][]target{},
	}
	p.out.Replicas = make([]Predicted, n)
	for i := range in.Replicas {
		p.out.Replicas[i].ID = in.Replicas[i].ID
		p.name(i)
	}
	for i := range in.Replicas {
		for w := range in.Replicas[i].Ways {
			p.way(i, &in.Replicas[i].Ways[w])
		}
		if len(in.Replicas[i].Ways) == 0 && in.Replicas[i].NoNode == "" {
			p.say(i, Passed, "", "it looks for nobody: no discovery is set up")
		}
	}
	p.join()
	p.spread()
	p.finish()
	return p
}

type predictor struct {
	in      *Intent
	index   *index
	out     Prediction
	islands *islands
	links   map[pair]*dialled // what is absent was not dialled
	agents  map[int][]target  // what the agent of each found
	// Of each replica: why it may dial whom it pleases, which could not be read, and the
	// first dial that leads to no replica.
	unclear []Obstacle
	stray   []*Obstacle
}

// pair is two replicas by their numbers, the lower first.
type pair [2]int

func pairOf(i, j int) pair { return pair{min(i, j), max(i, j)} }

// dialled is what has come of a pair, and why it is not up, if it is not.
type dialled struct {
	up  Tri
	why []Obstacle
}

// say tells a step. From is where what it tells of stands.
func (p *predictor) say(i int, state State, from, format string, a ...any) {
	p.tell(i, Narration{State: state, Text: fmt.Sprintf(format, a...)}, from)
}

// blame says what fails, and what that is called.
func (p *predictor) blame(i int, code finding.Code, from, format string, a ...any) {
	p.tell(i, Narration{State: Failed, Text: fmt.Sprintf(format, a...), Code: code}, from)
}

func (p *predictor) tell(i int, n Narration, from string) {
	n.At, _ = ParsePlace(from)
	s := &p.out.Replicas[i].Steps
	*s = append(*s, n)
}

// at names where something stands, in brackets; nothing where that is not known.
func at(from string) string {
	if from == "" {
		return ""
	}
	return " (" + from + ")"
}

// placeOf is where a setting stands that is not known, unless the reason says so.
func placeOf(s Setting) string {
	if strings.Contains(s.Why, s.From) {
		return ""
	}
	return s.From
}

func (p *predictor) name(i int) {
	switch r := &p.in.Replicas[i]; {
	case r.NoNode != "":
		p.blame(i, finding.Code(r.Code), r.Node.From, "no node: %s%s", r.NoNode, at(r.Node.From))
	case !r.Node.Known():
		p.say(i, Unseen, r.Node.From, "its node's name is not known: %s%s", r.Node.Why, at(placeOf(r.Node)))
	default:
		p.out.Replicas[i].Node = r.Node.Value
		p.say(i, Passed, r.Node.From, "will be named %s%s", r.Node.Value, at(r.Node.From))
	}
	if r := &p.in.Replicas[i]; r.Twin.there() {
		p.blame(i, codeTwoNodes, r.Twin.At, "one of two nodes of its pod does not boot: %s%s", r.Twin.Why, at(r.Twin.At))
	}
}

// mark takes over what a dial comes to. A link that is up stays up.
func (p *predictor) mark(i, j int, up Tri, o Obstacle) {
	if i == j {
		return
	}
	l, before := p.links[pairOf(i, j)]
	if !before {
		l = &dialled{up: up}
		p.links[pairOf(i, j)] = l
	}
	if l.up = better(l.up, up); l.up == Yes {
		p.islands.join(i, j)
	}
	if up != Yes {
		l.why = append(l.why, o)
	}
}

// way lets a replica look and dial by one of its ways.
func (p *predictor) way(i int, w *Way) {
	r := &p.in.Replicas[i]
	switch {
	case r.NoNode != "":
		return
	case w.Idle != "" && slices.ContainsFunc(r.Ways, func(o Way) bool { return o.Idle == "" }):
		p.say(i, Passed, w.From, "%s dials nobody: %s%s; another way does", w.Name, w.Idle, at(w.From))
		return
	case w.Idle != "":
		p.blame(i, w.idleCode(), w.From, "%s dials nobody: %s%s", w.Name, w.Idle, at(w.From))
		return
	case w.Unclear != "":
		p.say(i, Unseen, w.From, "whom %s dials is not known: %s%s", w.Name, w.Unclear, at(w.From))
		p.doubt(i, Obstacle{Text: w.Unclear + at(placeOf(NotKnown(w.Unclear, w.From))), At: []string{w.From}})
		return
	}
	found := p.lookUp(i, w)
	if len(found) > maxMesh {
		why := p.beyond("%s finds %d replicas", w.Name, len(found))
		p.say(i, Unseen, "", "whom %s dials is not known: %s", w.Name, why)
		p.doubt(i, Obstacle{Text: why})
		return
	}
	if w.Agent {
		p.agents[i] = found
		return
	}
	for _, t := range found {
		if t.replica == i {
			continue
		}
		if !w.Base.Known() && t.name == "" {
			p.say(i, Unseen, w.Base.From, "which name %s dials at %s is not known: %s%s", w.Name, t.host, w.Base.Why, at(placeOf(w.Base)))
			o := Obstacle{Text: "which name " + w.Name + " dials is not known: " + w.Base.Why + at(placeOf(w.Base)), At: []string{w.Base.From}}
			if w.Base.Why == r.Node.Why { // it is its own
				o.Code, o.Slip = finding.Code(r.Code), r.Slip
			}
			p.doubt(i, o)
			continue
		}
		name := t.name
		if name == "" {
			name = w.Base.Value + "@" + t.host
		}
		p.dial(i, name, w.Base.From)
	}
}

// doubt notes why a replica may dial whom it pleases.
func (p *predictor) doubt(i int, o Obstacle) {
	o.From = p.in.Replicas[i].ID
	p.unclear[i] = o
}

// dial dials a name from one replica and tells how that ends.
func (p *predictor) dial(i int, name, from string) {
	host := beam.HostOf(name)
	j, state, o := p.resolve(i, host)
	o.From, o.Dialled = p.in.Replicas[i].ID, name
	o.At = append(o.At, from)
	switch {
	case state == Yes && j == i:
		return // itself
	case state == Yes && j < 0:
		p.say(i, Passed, "", "will dial %s: one of those that the others stand for", name)
		return
	}
	if state == Yes {
		state, o = p.reach(i, j, name)
		o.At = append(o.At, from)
	}
	if j >= 0 {
		o.To = p.in.Replicas[j].ID
		p.mark(i, j, state, o)
	} else if p.stray[i] == nil && state == No {
		p.stray[i] = &o
	}
	switch state {
	case Yes:
		p.say(i, Passed, "", "will dial %s: accepted", name)
	case No:
		p.blame(i, o.Code, firstPlace(o.At), "will dial %s: refused, because %s", name, o.Text)
	case Unknown:
		p.say(i, Unseen, firstPlace(o.At), "will dial %s: how that ends is not known, because %s", name, o.Text)
		if j < 0 {
			p.doubt(i, o)
		}
	}
}
