package mesh

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// checks is what the simulation remembers of a replica to judge its gate.
type checks struct {
	largerAt time.Duration // when a larger island truly served last
	sightAt  time.Duration // since when its views show a larger island without a break
	lookedAt time.Duration // its last decision
	smallAt  time.Duration // since when it sees a larger island without a break
	joinedAt time.Duration // since when nothing is in the way of its first opening
}

func (c *checks) reset(now time.Duration) {
	*c = checks{largerAt: never, sightAt: now, smallAt: now, joinedAt: now}
}

// The bounds that are checked.
const (
	closesWithin = 10 * time.Second
	opensWithin  = 5 * time.Second
	zeroWithin   = 5 * time.Second
	blindWithin  = BlindFor + 5*time.Second
	healsWithin  = 14 * time.Second
	truthWithin  = 6 * time.Second // a closing rests on what was true then
	// A grant rests on a look at the anchor's node; a crash after that is nobody's decision.
	crashSeen   = GrantLook + GrantValid
	hastyWithin = PartitionFor - 500*time.Millisecond
)

func (w *world) failed(format string, a ...any) {
	if kind, _, _ := strings.Cut(format, ":"); w.fail == "" && (len(w.judged) == 0 || slices.Contains(w.judged, kind)) {
		w.fail = fmt.Sprintf("at %s: ", w.now) + fmt.Sprintf(format, a...)
	}
}

// check judges a decision.
//
//go:norace
func (w *world) check(i int, in GateInput, was GateDecision) {
	r := &w.r[i]
	if r.last.Open && in.Incarnation == numbers[r.life&255] { // else the worker has not heard of the restart
		r.openLfe = r.life
	}
	own, rivals := 1, set(0)
	if w.policy != PartitionLargestOnly || in.Status != Started || r.has&^r.links == 0 {
		r.sightAt = w.now
	} else {
		if w.truth(i) {
			r.largerAt = w.now
		}
		if own, rivals = w.sees(i); rivals.len() <= own {
			r.sightAt = w.now
		}
	}
	if was.Open && !r.last.Open && !r.told && r.node != boots && (was.Incarnation == in.Incarnation || in.Incarnation == "") {
		w.closed(i)
	}
	if was.Open && !r.last.Open && r.told {
		w.drained(i)
	}
	w.checkCloses(i, own, rivals)
	w.checkOpens(i, in)
}

// closed judges a gate that closed though nobody took the replica away.
func (w *world) closed(i int) {
	r := &w.r[i]
	switch w.policy {
	case PartitionServe:
		w.failed("stays: %s closed under Serve: %s", replicaName(i), r.last.Reason)
		return
	case PartitionQuorum:
		w.stats.answers["closing by Quorum"]++
		return
	}
	w.stats.answers["closing for an island"]++
	others := false
	for j := range w.r {
		o := &w.r[j]
		if j == i {
			continue
		}
		serves := o.present && o.last.Open && o.node == runs && (!o.told || w.now-o.toldAt <= GrantValid)
		others = others || serves || w.now-w.crashedAt[j] <= crashSeen
	}
	if !others {
		w.failed("zero: %s closed and nobody else serves: %s", replicaName(i), r.last.Reason)
	}
	if w.now-r.largerAt > truthWithin {
		w.failed("unfounded: %s closed and no larger island serves: %s", replicaName(i), r.last.Reason)
	}
	a := number(r.last.LeansOn)
	if w.now-r.sightAt < hastyWithin {
		w.failed("hasty: %s closed %s after it saw a larger island", replicaName(i), w.now-r.sightAt)
	}
	for n := 0; a < most; n++ {
		if a == i || n > most {
			w.failed("cycle: %s leans on itself", replicaName(i))
			return
		}
		a = number(w.r[a].last.LeansOn)
	}
}

// drained judges a gate that closed because it was told to drain: whoever leans on it
// and can be told so has to be open by then, if nobody else is.
func (w *world) drained(i int) {
	leaner := -1
	for j := range w.r {
		o := &w.r[j]
		if !o.present || o.node != runs {
			continue
		}
		if o.last.Open {
			return
		}
		k := number(o.last.LeansOn)
		if k >= most || o.told || !o.awake(w.now) || w.now < o.mute || w.now-w.brokeAt < DrainHold+time.Second {
			continue
		}
		if a := &w.r[k]; a.told && a.node == runs && a.awake(w.now) && !w.agents[k].has(j) && !w.agents[j].has(k) {
			leaner = j
		}
	}
	w.stats.answers["last one drained"]++
	if leaner >= 0 {
		w.failed("gap: %s drained, %s leans and nobody serves", replicaName(i), replicaName(leaner))
	}
}

// graph is who is linked to whom.
type graph [most]set

// reach gives whoever is connected to from, within some.
//
//go:norace
func (g *graph) reach(from, within set) set {
	for {
		all := from
		for s := from; s != 0; s &= s - 1 {
			all |= g[s.first()] & within
		}
		if all == from {
			return all
		}
		from = all
	}
}

// largest gives the island with the most of some members.
//
//go:norace
func (g *graph) largest(nodes, count set) (best set) {
	for nodes != 0 {
		part := g.reach(1<<nodes.first(), nodes)
		if nodes &^= part; (part & count).len() > best.len() {
			best = part & count
		}
	}
	return best
}

// truth says whether a larger island serves in truth: the own island as small as it can
// be taken for, the other as large.
//
//go:norace
func (w *world) truth(i int) bool {
	var both, either graph
	for j := range w.r {
		for s := w.r[j].links; s != 0; s &= s - 1 {
			k := s.first()
			either[j].put(k, true)
			either[k].put(j, true)
			both[j].put(k, w.r[k].links.has(j))
		}
	}
	own := both.reach(1<<i, ^set(0))
	rivals := either.largest((1<<most-1)&^own, w.serving()&^w.told())
	return rivals.len() > max((own&w.willing()).len(), 1)
}

// sees says what the views of an agent show: the own island's size and the members of
// the largest other one. It is another program than viewGraph's, on purpose.
//
//go:norace
func (w *world) sees(i int) (own int, rivals set) {
	r := &w.r[i]
	var says, ours, both graph
	var fresh, willing, serving set
	for s := r.has; s != 0; s &= s - 1 {
		j := s.first()
		if h := &r.views[j]; w.now-h.asked <= ViewFresh {
			says[j] = h.peers
			fresh.put(j, true)
			willing.put(j, h.view.Willing && !h.view.Draining)
			serving.put(j, h.view.Serving && !h.view.Draining)
		}
	}
	says[i] = r.links
	for s := fresh | 1<<i; s != 0; s &= s - 1 {
		j := s.first()
		for s := says[j]; s != 0; s &= s - 1 {
			k := s.first()
			ours[j].put(k, true)
			ours[k].put(j, true)
			both[j].put(k, says[k].has(j))
		}
	}
	island := ours.reach(1<<i, ^set(0))
	if island&^fresh&^(1<<i) != 0 {
		return most, 0 // not known in full
	}
	return 1 + (island & willing).len(), both.largest(fresh&^island, serving)
}

// checkCloses holds a replica to closing in time when it sees a larger island and one
// there can be leaned on.
//
//go:norace
func (w *world) checkCloses(i, own int, rivals set) {
	r := &w.r[i]
	stood := w.now-r.lookedAt > 3*pace
	r.lookedAt = w.now
	if stood || !r.last.Open || r.told || rivals.len() <= own || w.loss > 0 || w.slow {
		r.smallAt = w.now
		return
	}
	able := false
	for j := range w.r {
		if o := &w.r[j]; rivals.has(j) && o.awake(w.now) && !o.told && o.node == runs && w.now >= o.mute && !w.agents[i].has(j) && o.last.Open {
			size, larger := w.sees(j)
			able = able || size > own && larger.len() <= size && !w.r[j].links.has(i)
		}
	}
	if !able {
		r.smallAt = w.now
	}
	if w.now-r.smallAt > closesWithin {
		w.failed("late: %s sees a larger island since %s and is open", replicaName(i), r.smallAt)
	}
}

// checkOpens holds a replica to its first opening in time.
//
//go:norace
func (w *world) checkOpens(i int, in GateInput) {
	r := &w.r[i]
	joined := in.Status == Started && !r.told && w.policy != PartitionQuorum && (in.Peers > 0 || in.PeerAlive == No)
	if !joined || r.openLfe == r.life {
		r.joinedAt = w.now
	}
	if w.now-r.joinedAt > opensWithin {
		w.failed("shut: %s has joined at %s and never opened: %s", replicaName(i), r.joinedAt, r.last.Reason)
	}
}

// watchZero holds the replicas to serving again in time.
//
//go:norace
func (w *world) watchZero() {
	serving := w.serving() &^ w.told()
	if w.policy == PartitionQuorum || serving != 0 {
		w.zeroAt, w.zeroKnow = never, never
		return
	}
	could, informed := false, false
	for i, willing := 0, w.willing(); i < most; i++ {
		r := &w.r[i]
		if !willing.has(i) || !r.awake(w.now) || w.now < r.mute {
			continue
		}
		could = true
		for j := range w.r {
			fresh := r.has.has(j) && w.now-r.views[j].asked <= ViewFresh
			informed = informed || fresh && !r.links.has(j)
		}
	}
	w.zeroAt = since(w.zeroAt, could, w.now)
	w.zeroKnow = since(w.zeroKnow, could && informed, w.now)
	if w.zeroKnow != never {
		w.stats.longestZero = max(w.stats.longestZero, w.now-w.zeroKnow)
		if w.now-w.zeroKnow > zeroWithin {
			w.failed("none: nobody serves since %s, though one could", w.zeroKnow)
		}
	}
	if w.zeroAt != never {
		w.stats.longestBlind = max(w.stats.longestBlind, w.now-w.zeroAt)
		if w.now-w.zeroAt > blindWithin {
			w.failed("none: nobody serves since %s, though one could, blind as it is", w.zeroAt)
		}
	}
}

func since(at time.Duration, holds bool, now time.Duration) time.Duration {
	switch {
	case !holds:
		return never
	case at == never:
		return now
	}
	return at
}

// heal ends all that is wrong, and wants everybody to be open soon after.
func (w *world) heal() {
	w.beam, w.agents, w.loss, w.slow, w.calm = [most]set{}, [most]set{}, 0, false, false
	for i := range w.r {
		r := &w.r[i]
		r.frozen, r.mute, r.disc = min(r.frozen, w.now), min(r.mute, w.now), lookupGood
		r.upAt = min(r.upAt, w.now+tick)
	}
	for end := w.now + healsWithin; w.now < end && w.fail == ""; {
		w.wait(time.Second)
		if w.calm && w.shut() == 0 {
			return
		}
	}
	if s := w.shut(); s != 0 {
		w.failed("stuck: the network is whole and %s closed", strings.Join(names[s], ", "))
	}
}

// shut are those that should be open in a whole network.
func (w *world) shut() (s set) {
	for i := range w.r {
		r := &w.r[i]
		s.put(i, r.present && !r.told && (r.node != runs || !r.last.Open))
	}
	return s
}
