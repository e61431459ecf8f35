package mesh

import (
	"fmt"
	"slices"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
)

// maxMesh bounds the replicas of one mesh that are followed, since each is held against
// every other. What is larger is not known, and is said to be.
const maxMesh = 320

// beyond notes what is larger than what is followed, and gives that as a clause.
func (p *predictor) beyond(format string, a ...any) string {
	why := fmt.Sprintf(format, a...) + fmt.Sprintf(", and Phial follows no more than %d of one mesh", maxMesh)
	if !slices.Contains(p.out.Beyond, why) {
		p.out.Beyond = append(p.out.Beyond, why)
	}
	return why
}

// islands are the connected parts, as links come up.
type islands struct {
	of      []int   // of each replica the least of its island
	members [][]int // of an island, by its least, in order; nil for those that are not the least
}

func newIslands(n int) *islands {
	s := &islands{of: make([]int, n), members: make([][]int, n)}
	for i := range n {
		s.of[i], s.members[i] = i, []int{i}
	}
	return s
}

func (s *islands) join(i, j int) {
	a, b := min(s.of[i], s.of[j]), max(s.of[i], s.of[j])
	if a == b {
		return
	}
	for _, k := range s.members[b] {
		s.of[k] = a
	}
	s.members[a] = append(s.members[a], s.members[b]...)
	slices.Sort(s.members[a])
	s.members[b] = nil
}

func (s *islands) same(i, j int) bool { return s.of[i] == s.of[j] }

// around are all of the island of one.
func (s *islands) around(i int) []int { return s.members[s.of[i]] }

// join is what agents do, one replica after the other: it joins an island that it found
// somebody of, all of it, or none of it.
func (p *predictor) join() {
	for i := range p.in.Replicas {
		found, looked := p.agents[i]
		if !looked {
			continue
		}
		var others, met []int
		for _, t := range found {
			switch j := t.replica; {
			case j < 0 || j == i:
			case p.islands.same(i, j):
				if !slices.Contains(met, j) {
					met = append(met, j)
				}
			case p.in.Replicas[j].NoNode == "":
				others = append(others, j)
			}
		}
		if len(others) == 0 && !slices.ContainsFunc(found, func(t target) bool { return t.replica != i }) {
			p.say(i, Passed, "", "its agent finds nobody to join")
		}
		if len(met) > 0 {
			p.say(i, Passed, "", "its agent finds it joined to %s", p.ids(met))
		}
		if why, code, from := p.in.Replicas[i].aloof(); why != "" && len(others) > 0 {
			p.blame(i, code, from, "its agent leaves it alone: %s%s", why, at(from))
			for _, j := range others {
				p.mark(i, j, No, Obstacle{From: p.in.Replicas[i].ID, To: p.in.Replicas[j].ID, Code: code, Text: "agents leave it alone: " + why, At: []string{from}})
			}
			continue
		}
		slices.SortStableFunc(others, func(a, b int) int { return len(p.islands.around(b)) - len(p.islands.around(a)) })
		for _, j := range others {
			if !p.islands.same(i, j) {
				p.joinIsland(i, j)
			}
		}
	}
}

// aloof says why agents join a node to nobody; empty: they do.
func (r *Replica) aloof() (why string, code finding.Code, from string) {
	switch {
	case r.NoNode != "":
	case r.Hidden:
		return "it is a hidden node", finding.HiddenNode, r.HiddenAt
	case r.ConnectAll == No:
		return "it runs with connect_all false, and chooses its links itself", finding.PartialByChoice, r.ConnectAt
	}
	return "", "", ""
}

// joinIsland joins the islands of two replicas if every pair of them would hold.
func (p *predictor) joinIsland(i, j int) {
	ours, others := slices.Clone(p.islands.around(i)), slices.Clone(p.islands.around(j))
	if n := len(ours) + len(others); n > maxMesh {
		why := p.beyond("%s would be one of %d", p.in.Replicas[i].ID, n)
		p.mark(i, j, Unknown, Obstacle{From: p.in.Replicas[i].ID, To: p.in.Replicas[j].ID, Text: why})
		p.say(i, Unseen, "", "whether its agent joins it to %s is not known: %s", p.ids(others), why)
		return
	}
	state, why := Yes, Obstacle{}
	for _, b := range others { // an island with such a node is left alone as well
		if text, code, from := p.in.Replicas[b].aloof(); text != "" {
			why = Obstacle{From: p.in.Replicas[b].ID, To: p.in.Replicas[i].ID, Code: code, Text: p.in.Replicas[b].ID + " is left alone: " + text, At: []string{from}}
			p.mark(i, j, No, why)
			p.blame(i, code, from, "its agent keeps it apart from %s, because %s", p.ids(others), why.Text)
			return
		}
	}
	for _, a := range ours {
		for _, b := range others {
			for _, way := range [][2]int{{a, b}, {b, a}} {
				if up, o := p.reach(way[0], way[1], p.in.Replicas[way[1]].Node.Value); up != Yes && (state == Yes || up == No) {
					state, why = up, o
				}
			}
		}
	}
	for _, a := range ours {
		for _, b := range others {
			p.mark(a, b, state, why)
		}
	}
	switch state {
	case Yes:
		p.say(i, Passed, "", "its agent joins it to %s", p.ids(others))
	case No:
		p.blame(i, why.Code, firstPlace(why.At), "its agent keeps it apart from %s, because %s", p.ids(others), why.Text)
	case Unknown:
		p.say(i, Unseen, firstPlace(why.At), "whether its agent joins it to %s is not known, because %s", p.ids(others), why.Text)
	}
}

func (p *predictor) ids(all []int) string {
	var names []string
	for _, j := range all {
		names = append(names, p.in.Replicas[j].ID)
	}
	return some(names)
}

// spread is what global does: nodes that are connected to one and the same connect to
// each other, by the names that they have. No island grows by it.
func (p *predictor) spread() {
	for _, island := range p.islands.members {
		if len(island) > maxMesh {
			p.beyond("%s is one of %d that are connected, whose links to each other are not all looked at", p.in.Replicas[island[0]].ID, len(island))
			continue
		}
		for k, i := range island {
			for _, j := range island[k+1:] {
				p.meet(i, j)
			}
		}
	}
}

// meet is how two of one island come to be connected.
func (p *predictor) meet(i, j int) {
	a, b := &p.in.Replicas[i], &p.in.Replicas[j]
	l, before := p.links[pairOf(i, j)]
	if before && l.up == Yes || a.ConnectAll == No || b.ConnectAll == No || a.Hidden || b.Hidden {
		return
	}
	state, o := No, Obstacle{}
	for _, way := range [][2]int{{i, j}, {j, i}} {
		name := p.in.Replicas[way[1]].Node.Value
		k, found, why := p.resolve(way[0], beam.HostOf(name))
		if found == Yes && k == way[1] {
			found, why = p.reach(way[0], way[1], name)
		}
		if o.Text == "" {
			o = why
		}
		state = better(state, found)
	}
	if state == Yes || !before {
		p.mark(i, j, state, o)
	}
}
