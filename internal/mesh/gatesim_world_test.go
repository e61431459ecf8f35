package mesh

import (
	"fmt"
	mathbits "math/bits"
	"time"
)

// gater is what the simulation runs: the Gate, or one of the bad ones.
type gater interface {
	Decide(GateInput) GateDecision
	Grant(LeanRequest, time.Duration) LeanAnswer
	Answer(LeanAnswer, time.Duration)
	Released(string)
	Left(LeanLeave)
	Restore(GateDecision, time.Duration)
}

const (
	most     = 7 // replicas
	tick     = 50 * time.Millisecond
	pace     = 500 * time.Millisecond // between two decisions of one agent
	ringSize = 64                     // steps that a message can take
	never    = -time.Hour
)

// set is a set of replicas.
type set uint8

func (s set) has(i int) bool { return s&(1<<i) != 0 }
func (s set) len() int       { return mathbits.OnesCount8(uint8(s)) }
func (s set) first() int     { return mathbits.TrailingZeros8(uint8(s)) }

func (s *set) put(i int, in bool) {
	if *s &^= 1 << i; in {
		*s |= 1 << i
	}
}

// names gives the names of every set of replicas, made once.
var names = func() (all [1 << most][]string) {
	for s := range all {
		for i := range most {
			if set(s).has(i) {
				all[s] = append(all[s], replicaName(i))
			}
		}
	}
	return all
}()

func replicaName(i int) string { return fmt.Sprintf("s@10.0.0.%d", i+1) }

// number is the replica of a name; most or more for one that no replica has.
func number(name string) int {
	if name == "" {
		return most
	}
	return int(name[len(name)-1] - '1')
}

// incarnations and workers have names made once, too.
var numbers = func() (all [256]string) {
	for i := range all {
		all[i] = fmt.Sprint(i)
	}
	return all
}()

// simNode is the state of a BEAM node.
type simNode uint8

const (
	down simNode = iota
	boots
	runs
)

// held is a view of another replica that an agent has, or that is on its way to it.
type held struct {
	view  GateView
	peers set
	asked time.Duration
	at    time.Duration // when it arrives
}

// replica is one pod: a node, its agent's worker, and the supervisor that answers probes.
type replica struct {
	i       int
	present bool

	node    simNode
	life    int           // incarnation of the node
	bootAt  time.Duration // when it begins to boot, or has started
	mute    time.Duration // until then the node does not answer its agent
	links   set           // whom the node thinks it is connected to
	drop    [most]time.Duration
	told    bool // to drain
	toldAt  time.Duration
	goneAt  time.Duration
	stopAt  time.Duration
	openLfe int // the life in which its gate first opened

	gate   gater
	worker int
	upAt   time.Duration // the worker is down until then
	frozen time.Duration // until then
	next   time.Duration // decision
	offset time.Duration // of its clock
	known  string        // incarnation that the worker has seen last
	last   GateDecision  // what the supervisor answers
	inbox  []message     // while frozen

	view    GateView
	peers   set // in view
	views   [most]held
	coming  [most]held
	has     set
	pulls   set
	disc    discovery
	discEnd time.Duration
	listed  set // discovery's last good answer
	everSaw bool

	checks
}

// discovery is what is wrong with a lookup.
type discovery uint8

const (
	lookupGood discovery = iota
	lookupEmpty
	lookupFails
	lookupStale
)

type messageKind uint8

const (
	msgAsk messageKind = iota
	msgAnswer
	msgRelease
	msgLeave
)

// message is on its way. It goes over a connection that dialler opened.
type message struct {
	kind     messageKind
	from, to int
	dialler  int
	ask      LeanRequest
	answer   LeanAnswer
	leave    LeanLeave
}

// world is one history as it runs.
type world struct {
	seed    uint64
	policy  OnPartition
	make    func() gater
	now     time.Duration
	r       [most]replica
	beam    [most]set // beam[i] has j: i cannot send to j
	agents  [most]set // agents[i] has j: i's agent cannot open a connection to j's
	relink  [most][most]time.Duration
	loss    uint64 // of messages, percent
	lossEnd time.Duration
	slow    bool
	calm    bool // links are as they should be
	ring    [ringSize][]message
	scratch []GateView
	stats   *simStats
	fail    string
	trace   func(string, ...any)

	crashedAt [most]time.Duration // when a replica that served crashed last
	brokeAt   time.Duration       // when something happened to agents last
	judged    []string            // checks that count; none: all
	zeroAt    time.Duration       // nobody serves since
	zeroKnow  time.Duration       // and one that could was told enough to open since
	ran       int                 // events
	effective int                 // of them found something to happen to
}

// chance draws from the seed, the time and what for, so that taking an event out of a
// history leaves the rest of it as it was.
//
//go:norace
func (w *world) chance(i, j, what int) uint64 {
	x := w.seed ^ uint64(w.now)*0x9e3779b97f4a7c15 ^ uint64(i*64+j*512+what*8191)*0xbf58476d1ce4e5b9
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// between draws a time.
func (w *world) between(from, to time.Duration, i, j, what int) time.Duration {
	return (from + time.Duration(w.chance(i, j, what)%uint64(to-from+1))).Truncate(tick)
}

//go:norace
func (w *world) present() (s set) {
	for i := range w.r {
		s.put(i, w.r[i].present)
	}
	return s
}

// serving are those whose gate is open over a node that runs.
//
//go:norace
func (w *world) serving() (s set) {
	for i := range w.r {
		r := &w.r[i]
		s.put(i, r.present && r.last.Open && r.node == runs)
	}
	return s
}

//go:norace
func (w *world) told() (s set) {
	for i := range w.r {
		s.put(i, w.r[i].told)
	}
	return s
}

// willing are those that could serve.
//
//go:norace
func (w *world) willing() (s set) {
	for i := range w.r {
		r := &w.r[i]
		s.put(i, r.present && r.node == runs && r.openLfe == r.life && !r.told)
	}
	return s
}

func (r *replica) awake(now time.Duration) bool {
	return r.present && now >= r.upAt && now >= r.frozen
}

// start puts a new pod in a slot.
func (w *world) start(i int, bootIn time.Duration) {
	r := &w.r[i]
	life, worker := r.life, r.worker
	*r = replica{i: i, present: true, life: life + 1, worker: worker + 1, node: boots, bootAt: w.now + bootIn,
		offset: time.Duration(i) * 17 * time.Second, inbox: r.inbox[:0], gate: w.make(), next: w.now + tick}
	r.reset(w.now)
	w.calm = false
}

// vanish takes a pod away.
func (w *world) vanish(i int) {
	w.r[i].present, w.r[i].node, w.r[i].links, w.r[i].told = false, down, 0, false
	w.r[i].last = GateDecision{}
	w.calm = false
}

// step lets one tick pass.
//
//go:norace
func (w *world) step() {
	w.now += tick
	if w.lossEnd != 0 && w.now >= w.lossEnd {
		w.loss, w.slow, w.lossEnd, w.brokeAt = 0, false, 0, max(w.brokeAt, w.now)
	}
	for i := range w.r {
		if w.r[i].present {
			w.live(i)
		}
	}
	if !w.calm && w.now%(4*tick) == 0 {
		w.upkeep()
	}
	w.deliver()
	for k := range w.r {
		i := (k + int(w.now/tick)) % most
		if r := &w.r[i]; r.awake(w.now) && w.now >= r.next {
			w.decide(i)
		}
	}
	if w.now%(5*tick) == 0 {
		w.watchZero()
	}
}

// live moves a pod's life on.
//
//go:norace
func (w *world) live(i int) {
	r := &w.r[i]
	switch {
	case r.told && w.now >= r.goneAt:
		w.vanish(i)
		return
	case r.node == down && w.now >= r.bootAt:
		r.node, r.bootAt, r.life = boots, w.now+w.between(300*time.Millisecond, 2500*time.Millisecond, i, 0, 1), r.life+1
		w.calm = false
	case r.node == boots && w.now >= r.bootAt:
		r.node = runs
		w.calm = false
	}
	if r.upAt != 0 && w.now >= r.upAt {
		r.upAt = 0
		w.restoreWorker(i)
	}
	if len(r.inbox) > 0 && r.awake(w.now) {
		for _, m := range r.inbox {
			w.handle(m)
		}
		r.inbox = r.inbox[:0]
	}
}

// restoreWorker starts a worker anew, with what the supervisor knows.
func (w *world) restoreWorker(i int) {
	r := &w.r[i]
	r.gate, r.known, r.worker = w.make(), "", r.worker+1
	r.gate.Restore(r.last, w.now+r.offset)
	r.has, r.pulls, r.everSaw, r.view, r.next = 0, 0, false, GateView{}, w.now
	w.stats.answers["restored worker"]++
}

// upkeep lets nodes notice cuts, and the joiners mend what is whole again.
//
//go:norace
func (w *world) upkeep() {
	w.calm = true
	for i := range w.r {
		a := &w.r[i]
		for j := range w.r {
			b := &w.r[j]
			if i == j || !a.links.has(j) {
				a.drop[j] = 0
				continue
			}
			whole := b.links.has(i) && !w.beam[i].has(j) && !w.beam[j].has(i)
			switch {
			case whole:
				a.drop[j] = 0
			case a.drop[j] == 0:
				a.drop[j] = w.now + w.between(tick, 3*time.Second, i, j, 2)
				if b.node == down && !w.beam[j].has(i) {
					a.drop[j] = w.now + w.between(tick, 300*time.Millisecond, i, j, 2)
				}
				w.calm = false
			case w.now >= a.drop[j]:
				a.links.put(j, false)
				w.calm = false
			default:
				w.calm = false
			}
		}
		for j := i + 1; j < most; j++ {
			w.mend(i, j)
		}
	}
}

//go:norace
func (w *world) mend(i, j int) {
	a, b := &w.r[i], &w.r[j]
	able := a.node == runs && b.node == runs && !a.links.has(j) && !b.links.has(i)
	if able {
		w.calm = false
	}
	switch {
	case !able || w.beam[i].has(j) || w.beam[j].has(i):
		w.relink[i][j] = 0
	case w.relink[i][j] == 0:
		w.relink[i][j] = w.now + w.between(500*time.Millisecond, 3*time.Second, i, j, 3)
	case w.now >= w.relink[i][j]:
		a.links.put(j, true)
		b.links.put(i, true)
		w.relink[i][j] = 0
	}
}
