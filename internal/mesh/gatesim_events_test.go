package mesh

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// eventKind is what can happen.
type eventKind uint8

const (
	evPartition eventKind = iota
	evPartitionAll
	evIsolate
	evCutPair
	evCutOneWay
	evFlap
	evAgentsCut
	evAgentsOneWay
	evAgentsSplit
	evHeal
	evRestart
	evMute
	evDrain
	evRollOut
	evDrainMany
	evKill
	evScaleUp
	evWorkerCrash
	evFreeze
	evLossy
	evSlow
	evLookupEmpty
	evLookupFails
	evLookupStale
	eventKinds
)

var eventNames = [eventKinds]string{"partition of nodes", "partition of nodes and agents", "one node alone", "cut between two nodes",
	"one-way cut between two nodes", "links flap", "agents of two cut", "agents one-way cut", "agents split", "network heals",
	"node restarts", "node mute", "drain", "rolling update", "drain of several", "pod killed", "scale up", "worker crashes", "worker frozen",
	"messages lost", "messages slow", "discovery empty", "discovery fails", "discovery stale"}

// weights says how often each happens, in proportion.
var weights = [eventKinds]int{8, 4, 8, 3, 3, 4, 4, 5, 4, 4, 7, 3, 6, 3, 3, 4, 8, 7, 6, 4, 4, 3, 3, 4}

// event is one thing that happens.
type event struct {
	after time.Duration // the event before it
	kind  eventKind
	a, b  int
	group set
	lasts time.Duration
}

func (e event) String() string {
	s := fmt.Sprintf("+%-6s %s", e.after, eventNames[e.kind])
	switch e.kind {
	case evDrainMany:
		s += fmt.Sprintf(": {%s}, %s", strings.Join(names[e.group], " "), e.lasts)
	case evPartition, evPartitionAll, evAgentsSplit:
		s += fmt.Sprintf(": {%s} from the rest", strings.Join(names[e.group], " "))
	case evCutPair, evCutOneWay, evAgentsCut, evAgentsOneWay:
		s += fmt.Sprintf(": %s to %s", replicaName(e.a), replicaName(e.b))
	case evHeal:
	case evLossy, evSlow:
		s += fmt.Sprintf(" for %s", e.lasts)
	default:
		s += fmt.Sprintf(": %s, %s", replicaName(e.a), e.lasts)
	}
	return s
}

// history is all that happens to some replicas.
type history struct {
	seed     uint64
	replicas int
	policy   OnPartition
	events   []event
}

func (h history) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "seed %d, %d replicas, %s, %d events:\n", h.seed, h.replicas, h.policy, len(h.events))
	for _, e := range h.events {
		fmt.Fprintf(&b, "  %s\n", e)
	}
	return b.String()
}

const eventsEach = 50 // that find something to happen to

// generate makes the history of a seed, in a slice that it may have been given.
func generate(seed uint64, events []event) history {
	rng := rand.New(rand.NewPCG(seed, 7))
	h := history{seed: seed, replicas: 2 + rng.IntN(most-1), policy: PartitionLargestOnly, events: events[:0]}
	switch x := rng.IntN(20); {
	case x < 2:
		h.policy = PartitionQuorum
	case x < 3:
		h.policy = PartitionServe
	}
	total := 0
	for _, n := range weights {
		total += n
	}
	for range 3 * eventsEach {
		k, x := evPartition, rng.IntN(total)
		for x >= weights[k] {
			x -= weights[k]
			k++
		}
		e := event{kind: k, a: rng.IntN(h.replicas), b: rng.IntN(h.replicas), group: set(rng.IntN(1 << h.replicas))}
		if k == evDrainMany && rng.IntN(2) == 0 {
			e.group = 1<<most - 1&^(1<<e.a) // all but one
		}
		switch gap := rng.IntN(1000); {
		case gap < 650:
			e.after = time.Duration(rng.IntN(10)) * tick
		case gap < 900:
			e.after = time.Duration(10+rng.IntN(50)) * tick
		case gap < 997:
			e.after = time.Duration(60+rng.IntN(160)) * tick
		default:
			e.after = 40 * time.Second
		}
		if e.lasts = time.Duration(4+rng.IntN(40)) * tick; rng.IntN(3) == 0 {
			e.lasts = time.Duration(rng.IntN(200)) * tick
		}
		h.events = append(h.events, e)
	}
	return h
}

// pick gives the first replica from a on that is as wanted; -1 for none.
func (w *world) pick(a int, wanted func(*replica) bool) int {
	for k := range most {
		if i := (a + k) % most; wanted(&w.r[i]) {
			return i
		}
	}
	return -1
}

func here(r *replica) bool { return r.present && !r.told }

// happen lets an event happen, and reports whether anything did.
func (w *world) happen(e event) bool {
	w.calm = false
	switch e.kind {
	case evAgentsCut, evAgentsOneWay, evAgentsSplit, evPartitionAll, evHeal, evLossy, evSlow:
		w.brokeAt = max(w.brokeAt, w.now)
	}
	switch e.kind {
	case evPartition, evPartitionAll, evAgentsSplit, evIsolate, evCutPair, evCutOneWay, evAgentsCut, evAgentsOneWay, evHeal, evFlap:
		return w.happenToLinks(e)
	case evLossy:
		w.loss, w.lossEnd = 10+w.chance(0, 0, 50)%60, w.now+e.lasts+time.Second
		return true
	case evSlow:
		w.slow, w.lossEnd = true, w.now+e.lasts+time.Second
		return true
	case evScaleUp:
		i := w.pick(e.a, func(r *replica) bool { return !r.present })
		if i < 0 {
			return false
		}
		w.start(i, e.lasts/4)
		return true
	}
	if e.kind == evDrainMany {
		return w.drain(e.group, e.lasts)
	}
	return w.happenToReplica(e)
}

// crash notes that one that serves is taken away, and not by a gate.
func (w *world) crash(i int) {
	if (w.serving() &^ w.told()).has(i) {
		w.crashedAt[i] = w.now
	}
}

// drain tells several replicas to drain, but not the last one that nobody told.
func (w *world) drain(some set, lasts time.Duration) bool {
	drained := false
	for i := range w.r {
		r := &w.r[i]
		if !some.has(i) || !here(r) || (w.present()&^w.told()).len() < 2 {
			continue
		}
		r.told, r.toldAt, r.stopAt = true, w.now, w.now+3*time.Second
		r.goneAt, r.next = r.stopAt+lasts/2, w.now
		drained = true
	}
	return drained
}

func (w *world) happenToReplica(e event) bool {
	i := w.pick(e.a, func(r *replica) bool {
		switch e.kind {
		case evRestart, evMute:
			return r.node == runs
		case evWorkerCrash, evFreeze:
			return r.awake(w.now)
		}
		return here(r)
	})
	if i < 0 {
		return false
	}
	r := &w.r[i]
	switch e.kind {
	case evRestart:
		w.crash(i)
		r.node, r.links, r.bootAt = down, 0, w.now+tick+e.lasts/4
	case evMute:
		r.mute = w.now + e.lasts
	case evDrain, evRollOut:
		if (w.present() &^ w.told()).len() < 2 {
			return false
		}
		w.drain(1<<i, e.lasts)
		if j := w.pick(e.b, func(r *replica) bool { return !r.present }); e.kind == evRollOut && j >= 0 {
			w.start(j, e.lasts/4)
		}
	case evKill:
		if (w.present() &^ w.told()).len() < 2 {
			return false
		}
		w.crash(i)
		w.vanish(i)
	case evWorkerCrash:
		r.upAt = w.now + tick + e.lasts/2
		w.brokeAt = max(w.brokeAt, r.upAt)
	case evFreeze:
		r.frozen = w.now + e.lasts
		w.brokeAt = max(w.brokeAt, r.frozen)
	case evLookupEmpty:
		r.disc, r.discEnd = lookupEmpty, w.now+2*e.lasts
	case evLookupFails:
		r.disc, r.discEnd = lookupFails, w.now+2*e.lasts
	case evLookupStale:
		r.disc, r.discEnd = lookupStale, w.now+3*e.lasts
	}
	return true
}

func (w *world) happenToLinks(e event) bool {
	switch e.kind {
	case evHeal:
		w.beam, w.agents = [most]set{}, [most]set{}
		return true
	case evIsolate:
		e.group = 1 << e.a
	case evFlap:
		for j := range w.r {
			w.r[e.a].links.put(j, false)
		}
		return w.r[e.a].present
	}
	all := w.present()
	pair := e.kind == evCutPair || e.kind == evCutOneWay || e.kind == evAgentsCut || e.kind == evAgentsOneWay
	if pair && e.a == e.b || all.len() < 2 {
		return false
	}
	if g := e.group & all; g == 0 || g == all {
		e.group = 1 << all.first()
	}
	for i := range w.r {
		for j := range w.r {
			across := e.group.has(i) != e.group.has(j)
			one := i == e.a && j == e.b && i != j
			both := one || i == e.b && j == e.a && i != j
			switch e.kind {
			case evPartition, evIsolate:
				w.beam[i].put(j, across)
			case evPartitionAll:
				w.beam[i].put(j, across)
				w.agents[i].put(j, across)
			case evAgentsSplit:
				w.agents[i].put(j, across)
			case evCutPair:
				w.beam[i].put(j, w.beam[i].has(j) || both)
			case evCutOneWay:
				w.beam[i].put(j, w.beam[i].has(j) || one)
			case evAgentsCut:
				w.agents[i].put(j, w.agents[i].has(j) || both)
			case evAgentsOneWay:
				w.agents[i].put(j, w.agents[i].has(j) || one)
			}
		}
	}
	return true
}

// run lets a history happen, and then the world heal.
func (w *world) run(h history, stats *simStats, mk func() gater, trace func(string, ...any)) string {
	ring, scratch, judged := w.ring, w.scratch, w.judged
	for i := range ring {
		ring[i] = ring[i][:0]
	}
	inbox := [most][]message{}
	for i := range inbox {
		inbox[i] = w.r[i].inbox[:0]
	}
	*w = world{judged: judged, brokeAt: never, seed: h.seed, policy: h.policy, make: mk, ring: ring, scratch: scratch, stats: stats, trace: trace, zeroAt: never, zeroKnow: never}
	for i := range w.r {
		w.r[i].inbox, w.crashedAt[i] = inbox[i], never
	}
	for i := range h.replicas {
		w.start(i, time.Duration(i%3)*300*time.Millisecond)
	}
	w.wait(5 * time.Second)
	enough := eventsEach + int(h.seed%8)
	w.effective, w.ran = 0, 0
	for _, e := range h.events {
		if w.effective == enough {
			break
		}
		w.ran++
		if w.wait(e.after); w.fail != "" {
			break
		}
		if trace != nil {
			trace("EVENT %s", e)
		}
		if w.happen(e) {
			stats.events[e.kind]++
			w.effective++
		}
	}
	if w.fail == "" {
		stats.fewest = min(stats.fewest, w.effective)
		w.heal()
	}
	return w.fail
}

//go:norace
func (w *world) wait(d time.Duration) {
	for end := w.now + d; w.now < end && w.fail == ""; {
		w.step()
	}
}
