package mesh

import "slices"

// viewGraph finds islands in the views of other agents. It keeps its memory between
// calls, and nothing else.
//
// A link that only one end reports is seen by the end that has not noticed a cut yet,
// or in a view that is older than the link. Closing has to be sure, so such a link
// counts where that keeps a gate open and nowhere else: it joins others to the own
// island, which is never taken for too small, and it joins nobody to another island,
// which is never taken for too large. A member of the own island without a fresh view
// counts as able to serve, and it may have links that nobody knows of: such an island is
// not known in full. A member of another one has to show by a fresh view that it serves.
type viewGraph struct {
	ids   map[string]int
	says  []bits // by id; of fresh views, and of the own replica
	view  []int  // by id: index of its fresh view; -1 none
	ours  bits
	taken bits
	queue []int
	names []string // by id
	told  []int    // ids in the order in which the input names them
	last  []int    // told of the time before, which is mostly the same

	// Of the last split, where no graph was needed.
	direct bool
	self   string
	links  []string
}

// split is how the replicas are parted, as one of them sees it.
type split struct {
	own     int      // replicas of the own island that serve or could, itself included
	rivals  []string // serving members of the largest other island, sorted; none unless they are more than own
	unknown bool     // the own island may be larger than own: there is a member without a fresh view
	outside bool     // there is a fresh view from outside the own island
}

// tell notes the number of the next name.
func (w *viewGraph) tell(name string) {
	k := len(w.told)
	if k < len(w.last) && w.names[w.last[k]] == name {
		w.told = append(w.told, w.last[k])
		return
	}
	i, ok := w.ids[name]
	if !ok {
		i = len(w.names)
		w.ids[name] = i
		w.names = append(w.names, name)
	}
	w.told = append(w.told, i)
}

const forgetNames = 64 // names of replicas that are gone are dropped above this number

// whole answers without a graph for the mesh as it should be: the own node is linked to
// every replica that there is a view of, and to nobody else.
func (w *viewGraph) whole(in GateInput) (s split, ok bool) {
	w.self, w.links, w.direct = in.Self, in.Links, false
	if len(in.Links) != len(in.Views) {
		return s, false
	}
	s.own = 1
	for i := range in.Views {
		v := &in.Views[i]
		if !slices.Contains(in.Links, v.Node) {
			return s, false
		}
		if v.counts() {
			s.own++
		}
	}
	w.direct = true
	return s, true
}

// number gives every name of the input a number, and each fresh view an empty row.
func (w *viewGraph) number(in GateInput) {
	if w.ids == nil || len(w.names) > forgetNames+2*len(in.Views) {
		w.ids, w.names, w.told = make(map[string]int, len(in.Views)+1), w.names[:0], w.told[:0]
	}
	w.told, w.last = w.last[:0], w.told
	w.tell(in.Self)
	for _, p := range in.Links {
		w.tell(p)
	}
	for i := range in.Views {
		if v := &in.Views[i]; v.fresh() {
			w.tell(v.Node)
			for _, p := range v.Peers {
				w.tell(p)
			}
		}
	}
	n := len(w.names)
	words := (n + 63) / 64
	for len(w.says) < n {
		w.says = append(w.says, nil)
	}
	w.view = w.view[:0]
	for i := range n {
		w.says[i] = cleared(w.says[i], words)
		w.view = append(w.view, -1)
	}
	w.ours, w.taken = cleared(w.ours, words), cleared(w.taken, words)
}

func cleared(b bits, words int) bits {
	b = slices.Grow(b[:0], words)[:words]
	clear(b)
	return b
}

// split finds the own island and the largest other one.
func (w *viewGraph) split(in GateInput) split {
	if s, ok := w.whole(in); ok {
		return s
	}
	w.number(in)
	self := w.told[0]
	next := w.row(self, w.told[1:], len(in.Links))
	for i := range in.Views {
		if v := &in.Views[i]; v.fresh() {
			w.view[next[0]] = i
			next = w.row(next[0], next[1:], len(v.Peers))
		}
	}
	w.island()
	s := split{}
	s.own, s.unknown = w.size(in, self)
	best := 0
	for id, i := range w.view {
		if i < 0 || w.ours.has(id) {
			continue
		}
		s.outside = true
		if !w.taken.has(id) {
			if members := w.other(in, id); len(members) > best || len(members) == best && best > 0 && members[0] < s.rivals[0] {
				s.rivals, best = members, len(members)
			}
		}
	}
	if best <= s.own {
		s.rivals = nil
	}
	return s
}

// row notes whom a node reports, the first n of ids, and gives the rest.
func (w *viewGraph) row(id int, ids []int, n int) []int {
	for _, o := range ids[:n] {
		w.says[id].set(o)
	}
	return ids[n:]
}

// island marks the own island: whoever a member reports, and whoever reports a member.
func (w *viewGraph) island() {
	w.ours.set(w.told[0])
	for grew := true; grew; {
		grew = false
		for id := range w.view {
			row := w.says[id]
			if !w.ours.has(id) && row.meets(w.ours) {
				w.ours.set(id)
				grew = true
			}
			if w.ours.has(id) {
				grew = w.ours.add(row) || grew
			}
		}
	}
}

// size counts the own island.
func (w *viewGraph) size(in GateInput, self int) (n int, unknown bool) {
	n = 1
	for id, i := range w.view {
		if id == self || !w.ours.has(id) {
			continue
		}
		if i < 0 {
			unknown = true
		}
		if i < 0 || in.Views[i].counts() {
			n++
		}
	}
	return n, unknown
}

// other gives the serving members of another island, sorted; both ends report its links.
func (w *viewGraph) other(in GateInput, from int) []string {
	var serving []string
	w.taken.set(from)
	for w.queue = append(w.queue[:0], from); len(w.queue) > 0; {
		id := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		if v := &in.Views[w.view[id]]; v.Serving && !v.Draining {
			serving = append(serving, v.Node)
		}
		for o, i := range w.view {
			if i >= 0 && !w.taken.has(o) && !w.ours.has(o) && w.says[id].has(o) && w.says[o].has(id) {
				w.taken.set(o)
				w.queue = append(w.queue, o)
			}
		}
	}
	slices.Sort(serving)
	return serving
}

// ourOwn reports whether a replica is in the own island, as the last split saw it.
func (w *viewGraph) ourOwn(name string) bool {
	if w.direct {
		return name == w.self || slices.Contains(w.links, name)
	}
	id, ok := w.ids[name]
	return ok && id < len(w.view) && w.ours.has(id)
}

// meets reports whether two sets have a member in common.
func (b bits) meets(o bits) bool {
	for i, x := range b {
		if x&o[i] != 0 {
			return true
		}
	}
	return false
}

// add adds a set, and reports whether that made a difference.
func (b bits) add(o bits) bool {
	grew := false
	for i, x := range o {
		if n := b[i] | x; n != b[i] {
			b[i], grew = n, true
		}
	}
	return grew
}
