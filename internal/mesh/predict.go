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
	Replicas []Predicted     // as in the intent
	Links    []PredictedLink // of every pair, in the order of the replicas
	// Islands are the connected parts by replica, the largest first.
	Islands [][]string
	// Doubts say what was not known and could make the islands others than these; none:
	// they are sure.
	Doubts []string
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
	Code     finding.Code // empty: nothing is wrong, it is only not known
	Text     string       // for a person, a clause
	At       []string     // where what decides it stands
}

// Predict gives the mesh of an intent: who finds whom, by which name, and whether they
// let each other in. What it can't know is unknown, and so is what hangs on that.
func Predict(in Intent) Prediction {
	p := &predictor{in: &in, up: map[Link]Tri{}, why: map[Link][]Obstacle{}, unclear: map[string]string{}, agents: map[int][]target{}, stray: map[string]Obstacle{}}
	p.out.Replicas = make([]Predicted, len(in.Replicas))
	for i := range in.Replicas {
		p.out.Replicas[i].ID = in.Replicas[i].ID
		p.name(i)
	}
	for i := range in.Replicas {
		for w := range in.Replicas[i].Ways {
			p.way(i, &in.Replicas[i].Ways[w])
		}
		if len(in.Replicas[i].Ways) == 0 && in.Replicas[i].NoNode == "" {
			p.say(i, Passed, "it looks for nobody: no discovery is set up")
		}
	}
	p.join()
	p.spread()
	p.finish()
	return p.out
}

type predictor struct {
	in  *Intent
	out Prediction
	up  map[Link]Tri // by IDs; what is absent was not dialled
	why map[Link][]Obstacle
	// unclear are replicas that may dial whom they please: it could not be read.
	unclear map[string]string
	agents  map[int][]target // what the agent of each found
	// stray is the first dial of each that leads to no replica.
	stray map[string]Obstacle
}

func (p *predictor) say(i int, state State, format string, a ...any) {
	s := &p.out.Replicas[i].Steps
	*s = append(*s, Narration{State: state, Text: fmt.Sprintf(format, a...)})
}

// blame says what fails, and what that is called.
func (p *predictor) blame(i int, code finding.Code, format string, a ...any) {
	s := &p.out.Replicas[i].Steps
	*s = append(*s, Narration{State: Failed, Text: fmt.Sprintf(format, a...), Code: code})
}

// at names where something stands, in brackets; nothing where that is not known.
func at(from string) string {
	if from == "" {
		return ""
	}
	return " (" + from + ")"
}

func (p *predictor) name(i int) {
	switch r := &p.in.Replicas[i]; {
	case r.NoNode != "":
		p.blame(i, finding.Code(r.Code), "no node: %s%s", r.NoNode, at(r.Node.From))
	case !r.Node.Known():
		p.say(i, Unseen, "its node's name is not known: %s%s", r.Node.Why, at(r.Node.From))
	default:
		p.out.Replicas[i].Node = r.Node.Value
		p.say(i, Passed, "will be named %s%s", r.Node.Value, at(r.Node.From))
	}
}

// mark takes over what a dial comes to. A link that is up stays up.
func (p *predictor) mark(i, j int, up Tri, o Obstacle) {
	l := LinkOf(p.in.Replicas[i].ID, p.in.Replicas[j].ID)
	old, dialled := p.up[l]
	if !dialled {
		p.up[l] = up
	} else {
		p.up[l] = better(old, up)
	}
	if up != Yes {
		p.why[l] = append(p.why[l], o)
	}
}

// way lets a replica look and dial by one of its ways.
func (p *predictor) way(i int, w *Way) {
	r := &p.in.Replicas[i]
	switch {
	case r.NoNode != "":
		return
	case w.Idle != "" && slices.ContainsFunc(r.Ways, func(o Way) bool { return o.Idle == "" }):
		p.say(i, Passed, "%s dials nobody: %s%s; another way does", w.Name, w.Idle, at(w.From))
		return
	case w.Idle != "":
		p.blame(i, w.idleCode(), "%s dials nobody: %s%s", w.Name, w.Idle, at(w.From))
		return
	case w.Unclear != "":
		p.say(i, Unseen, "whom %s dials is not known: %s%s", w.Name, w.Unclear, at(w.From))
		p.doubt(i, w.Unclear)
		return
	}
	found := p.lookUp(i, w)
	if w.Agent {
		p.agents[i] = found
		return
	}
	for _, t := range found {
		if t.replica == i {
			continue
		}
		if !w.Base.Known() && t.name == "" {
			p.say(i, Unseen, "which name %s dials at %s is not known: %s%s", w.Name, t.host, w.Base.Why, at(w.Base.From))
			p.doubt(i, w.Base.Why)
			continue
		}
		name := t.name
		if name == "" {
			name = w.Base.Value + "@" + t.host
		}
		p.dial(i, name, w.Base.From)
	}
}

func (p *predictor) doubt(i int, why string) {
	p.unclear[p.in.Replicas[i].ID] = why
}

// dial dials a name from one replica and tells how that ends.
func (p *predictor) dial(i int, name, from string) {
	host := beam.HostOf(name)
	j, state, o := p.resolve(i, host)
	o.From, o.Dialled = p.in.Replicas[i].ID, name
	o.At = append(o.At, from)
	if state == Yes && j == i {
		return // itself
	}
	if state == Yes {
		state, o = p.reach(i, j, name)
		o.At = append(o.At, from)
	}
	if j >= 0 {
		o.To = p.in.Replicas[j].ID
		p.mark(i, j, state, o)
	} else if _, before := p.stray[o.From]; !before && state == No {
		p.stray[o.From] = o
	}
	switch state {
	case Yes:
		p.say(i, Passed, "will dial %s: accepted", name)
	case No:
		p.blame(i, o.Code, "will dial %s: refused, because %s", name, o.Text)
	case Unknown:
		p.say(i, Unseen, "will dial %s: how that ends is not known, because %s", name, o.Text)
		if j < 0 {
			p.doubt(i, o.Text)
		}
	}
}

// join is what agents do, one replica after the other: it joins an island that it found
// somebody of, all of it, or none of it.
func (p *predictor) join() {
	for i := range p.in.Replicas {
		found, looked := p.agents[i]
		if !looked {
			continue
		}
		parts := p.parts()
		var others []int
		for _, t := range found {
			if j := t.replica; j >= 0 && parts[j] != parts[i] && p.in.Replicas[j].NoNode == "" {
				others = append(others, j)
			}
		}
		if len(others) == 0 && !slices.ContainsFunc(found, func(t target) bool { return t.replica != i }) {
			p.say(i, Passed, "its agent finds nobody to join")
		}
		var met []int
		for _, t := range found {
			if j := t.replica; j >= 0 && j != i && parts[j] == parts[i] && !slices.Contains(met, j) {
				met = append(met, j)
			}
		}
		if len(met) > 0 {
			p.say(i, Passed, "its agent finds it joined to %s", p.ids(met))
		}
		slices.SortStableFunc(others, func(a, b int) int { return count(parts, parts[b]) - count(parts, parts[a]) })
		for _, j := range others {
			if now := p.parts(); now[j] != now[i] {
				p.joinIsland(i, j, now)
			}
		}
	}
}

// joinIsland joins the islands of two replicas if every pair of them would hold.
func (p *predictor) joinIsland(i, j int, parts []int) {
	state, why := Yes, Obstacle{}
	var pairs [][2]int
	var others []int
	for a := range parts {
		for b := range parts {
			if parts[a] != parts[i] || parts[b] != parts[j] {
				continue
			}
			pairs = append(pairs, [2]int{a, b})
			if a == i {
				others = append(others, b)
			}
			for _, way := range [][2]int{{a, b}, {b, a}} {
				if up, o := p.reach(way[0], way[1], p.in.Replicas[way[1]].Node.Value); up != Yes && (state == Yes || up == No) {
					state, why = up, o
				}
			}
		}
	}
	for _, pair := range pairs {
		p.mark(pair[0], pair[1], state, why)
	}
	slices.Sort(others)
	switch state {
	case Yes:
		p.say(i, Passed, "its agent joins it to %s", p.ids(others))
	case No:
		p.blame(i, why.Code, "its agent keeps it apart from %s, because %s", p.ids(others), why.Text)
	case Unknown:
		p.say(i, Unseen, "whether its agent joins it to %s is not known, because %s", p.ids(others), why.Text)
	}
}

func count(parts []int, of int) (n int) {
	for _, q := range parts {
		if q == of {
			n++
		}
	}
	return n
}

func (p *predictor) ids(all []int) string {
	var names []string
	for _, j := range all {
		names = append(names, p.in.Replicas[j].ID)
	}
	return some(names)
}

// spread is what global does: nodes that are connected to one and the same connect to
// each other, by the names that they have.
func (p *predictor) spread() {
	n := len(p.in.Replicas)
	for again := true; again; {
		again = false
		parts := p.parts()
		for i := range n {
			for j := i + 1; j < n; j++ {
				a, b := &p.in.Replicas[i], &p.in.Replicas[j]
				l := LinkOf(a.ID, b.ID)
				if parts[i] != parts[j] || p.up[l] == Yes || a.ConnectAll == No || b.ConnectAll == No || a.Hidden || b.Hidden {
					continue
				}
				state, o := No, Obstacle{}
				for _, pair := range [][2]int{{i, j}, {j, i}} {
					name := p.in.Replicas[pair[1]].Node.Value
					k, found, why := p.resolve(pair[0], beam.HostOf(name))
					if found == Yes && k == pair[1] {
						found, why = p.reach(pair[0], pair[1], name)
					}
					if o.Text == "" {
						o = why
					}
					state = better(state, found)
				}
				if state == Yes {
					p.up[l], again = Yes, true
				} else if _, dialled := p.up[l]; !dialled {
					p.mark(i, j, state, o)
				}
			}
		}
	}
}

// parts gives each replica the least index of its island.
func (p *predictor) parts() []int {
	n := len(p.in.Replicas)
	part := make([]int, n)
	for i := range part {
		part[i] = i
	}
	root := func(i int) int {
		for part[i] != i {
			i = part[i]
		}
		return i
	}
	for i := range n {
		for j := range i {
			if p.up[LinkOf(p.in.Replicas[i].ID, p.in.Replicas[j].ID)] == Yes {
				a, b := root(i), root(j)
				part[max(a, b)] = min(a, b)
			}
		}
	}
	for i := range part {
		part[i] = root(i)
	}
	return part
}

// finish puts links, islands and doubts together.
func (p *predictor) finish() {
	all := p.in.Replicas
	parts := p.parts()
	islands := map[int][]string{}
	for i := range all {
		islands[parts[i]] = append(islands[parts[i]], all[i].ID)
		for j := i + 1; j < len(all); j++ {
			up, why := p.verdict(i, j)
			if up == Unknown && parts[i] != parts[j] {
				for _, o := range why {
					if !slices.Contains(p.out.Doubts, o.Text) {
						p.out.Doubts = append(p.out.Doubts, o.Text)
					}
				}
			}
			p.out.Links = append(p.out.Links, PredictedLink{A: all[i].ID, B: all[j].ID, Up: up, Why: why})
		}
	}
	for _, island := range islands {
		p.out.Islands = append(p.out.Islands, island)
	}
	slices.SortFunc(p.out.Islands, func(a, b []string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a[0], b[0])
	})
}
