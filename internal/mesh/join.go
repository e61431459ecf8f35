package mesh

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// LookAgain is how long after a node was told to connect its links are judged:
// connect_node's `true` is not 'joined', since OTP 25 may take a mesh apart some
// 0.4 s later.
const LookAgain = 2 * time.Second

// MaxBackOff bounds the pause between two attempts of one joiner.
const MaxBackOff = time.Minute

// JoinInput is what one replica's joiner knows when it decides.
type JoinInput struct {
	Self    string
	Members []Member     // every replica that discovery lists or that a member is connected to, Self included
	Reach   map[Link]Tri // A's own network towards B: EPMD, handshake and cookie work; Unknown when absent
	Why     map[Link]string
	Dials   []Dial   // what any replica was told lately, Self included
	Passed  []string // replicas whose turn was waited for in vain (their joiner is gone)
	Never   bool     // clustered.join: Never
	Hold    bool     // joining is held, as around a change of cookie
}

// Member is one replica as it says itself.
type Member struct {
	Name       string
	Status     Status   // StatusUnknown: not reached
	Peers      []string // connected visible peers
	ConnectAll Tri
	Hidden     Tri
}

// Dial is a replica's last order to connect.
type Dial struct {
	By      string
	Targets []string
	Ago     time.Duration
	Failed  int // attempts in a row that ended without all links
}

// JoinAct is what to do.
type JoinAct uint8

// What a joiner may be told.
const (
	Stay   JoinAct = iota // nothing is to be done
	Hold                  // not now: look again after After
	Join                  // connect to each of Dial
	Refuse                // joining would harm, or cannot work; look again after After
)

func (a JoinAct) String() string {
	return [...]string{"stay", "hold", "join", "refuse"}[a]
}

// JoinDecision is the answer of PlanJoin.
type JoinDecision struct {
	Act     JoinAct
	Dial    []string // started members of the island to join, sorted; with Act Join only
	Island  []string // the whole island that is joined, or that cannot be
	Blocked []Link   // of a refusal: A does not reach B
	Reason  string
	After   time.Duration // when to look again; 0 = at the caller's own pace
}

// PlanJoin decides whether Self's node is to connect to anybody now.
//
// It never disconnects. It joins a whole island or none: each member of Self's island
// must reach each member of the other, both ways, by what was seen and not by what is
// hoped; one bad pair makes OTP 25 and later take both islands apart. Smaller islands
// join larger ones, equal ones the one with the lesser name. An island that cannot
// join the best may join another that cannot either, but never one that still can: it
// would keep that one out. One replica in all acts at a time, in an order that everybody
// computes alike. Nodes that are booting or stopping are not dialled; hidden nodes and
// those with -connect_all false are left alone, with the islands they stand in.
func PlanJoin(in JoinInput) JoinDecision {
	w := newJoinWorld(in)
	self, ok := w.member[in.Self]
	switch {
	case in.Never:
		return JoinDecision{Reason: "joining is left to the app"}
	case in.Hold:
		return JoinDecision{Act: Hold, After: LookAgain, Reason: "joining is held"}
	case !ok || self.Status == StatusUnknown:
		return JoinDecision{Act: Hold, After: LookAgain, Reason: "the node does not answer"}
	case self.Status != Started:
		return JoinDecision{Act: Hold, After: LookAgain, Reason: "the node is " + self.Status.String()}
	case self.Hidden == Yes:
		return JoinDecision{Reason: "a hidden node is left alone"}
	case self.ConnectAll == No:
		return JoinDecision{Reason: "a node with -connect_all false is left alone"}
	}
	own := w.islandOf(in.Self)
	if own.leaveAlone {
		return JoinDecision{Reason: "its island holds a node that is left alone"}
	}
	if d, wait := w.after(in); wait {
		return d
	}
	plan := w.plan(own)
	switch plan.Act {
	case Join:
		return w.turn(in, own, plan)
	case Stay:
		switch {
		case len(own.names) > 1 && len(w.targets) == 1:
			plan.Reason = "joined"
		case len(own.names) == 1 && len(w.targets) == 1:
			plan.Reason = "alone: no other replica is alive"
		default:
			plan.Reason = "others join this island"
		}
	}
	return plan
}

// after judges what was told before: nobody is told anything while a dial is under
// way, and one that failed is followed by a pause.
func (w *joinWorld) after(in JoinInput) (JoinDecision, bool) {
	for _, d := range in.Dials {
		missing := w.unlinked(d)
		if len(missing) == 0 {
			continue
		}
		if d.Ago < LookAgain {
			return JoinDecision{Act: Hold, After: LookAgain - d.Ago,
				Reason: fmt.Sprintf("%s was told to connect %s ago and has no link yet to %s", d.By, d.Ago, some(missing))}, true
		}
		if pause := backOff(d.Failed); d.By == in.Self && d.Ago < pause {
			return JoinDecision{Act: Hold, After: pause - d.Ago,
				Reason: fmt.Sprintf("told to connect %s ago, and no link to %s came up; next attempt in %s", d.Ago, some(missing), pause-d.Ago)}, true
		}
	}
	return JoinDecision{}, false
}

func backOff(failed int) time.Duration {
	d := LookAgain
	for range failed {
		if d *= 2; d >= MaxBackOff {
			return MaxBackOff
		}
	}
	return d
}

func (w *joinWorld) unlinked(d Dial) []string {
	var out []string
	for _, t := range d.Targets {
		if m, alive := w.member[t]; alive && m.Status == Started && !w.linked[LinkOf(d.By, t)] {
			out = append(out, t)
		}
	}
	return out
}

// turn lets one island act at a time, and one replica for it.
func (w *joinWorld) turn(in JoinInput, own *joinIsland, plan JoinDecision) JoinDecision {
	for _, i := range w.targets { // best first: the larger island grows before the smaller
		actor := i.actor(in.Passed)
		if i != own && (actor == "" || w.plan(i).Act != Join) {
			continue
		}
		if actor == in.Self {
			return plan
		}
		return JoinDecision{Act: Hold, After: LookAgain / 4, Island: plan.Island, Reason: "it is the turn of " + actor}
	}
	return JoinDecision{Act: Hold, After: LookAgain, Island: plan.Island, Reason: "nobody of this island may act"}
}

// joinWorld is a JoinInput indexed.
type joinWorld struct {
	member  map[string]Member
	linked  map[Link]bool
	reach   map[Link]Tri
	why     map[Link]string
	islands []*joinIsland
	of      map[string]*joinIsland
	targets []*joinIsland // those that can be joined at all, best first
	plans   map[*joinIsland]JoinDecision
}

type joinIsland struct {
	names      []string // sorted
	started    []string
	leaveAlone bool
}

func newJoinWorld(in JoinInput) *joinWorld {
	w := &joinWorld{member: map[string]Member{}, linked: map[Link]bool{}, reach: in.Reach, why: in.Why,
		of: map[string]*joinIsland{}, plans: map[*joinIsland]JoinDecision{}}
	for _, m := range in.Members {
		w.member[m.Name] = m
	}
	for _, m := range in.Members {
		for _, p := range m.Peers {
			if p == m.Name {
				continue
			}
			if _, known := w.member[p]; !known { // in an island, and nobody knows it: it will not be reached
				w.member[p] = Member{Name: p}
			}
			w.linked[LinkOf(m.Name, p)] = true
		}
	}
	next := map[string][]string{}
	for l := range w.linked {
		next[l.A] = append(next[l.A], l.B)
		next[l.B] = append(next[l.B], l.A)
	}
	for _, name := range keys(w.member) {
		if w.of[name] != nil {
			continue
		}
		i := &joinIsland{}
		w.of[name] = i
		for queue := []string{name}; len(queue) > 0; queue = queue[1:] {
			i.add(w.member[queue[0]])
			for _, p := range next[queue[0]] {
				if w.of[p] == nil {
					w.of[p] = i
					queue = append(queue, p)
				}
			}
		}
		slices.Sort(i.names)
		slices.Sort(i.started)
		w.islands = append(w.islands, i)
		if len(i.started) > 0 && !i.leaveAlone {
			w.targets = append(w.targets, i)
		}
	}
	slices.SortFunc(w.targets, func(a, b *joinIsland) int {
		return cmp.Or(-cmp.Compare(len(a.names), len(b.names)), cmp.Compare(a.names[0], b.names[0]))
	})
	return w
}

func (i *joinIsland) add(m Member) {
	i.names = append(i.names, m.Name)
	if m.Status == Started {
		i.started = append(i.started, m.Name)
	}
	if m.Hidden == Yes || m.ConnectAll == No {
		i.leaveAlone = true
	}
}

// actor is who dials for an island: the first started replica whose turn was not
// waited for in vain.
func (i *joinIsland) actor(passed []string) string {
	for _, n := range i.started {
		if !slices.Contains(passed, n) {
			return n
		}
	}
	return ""
}

func (w *joinWorld) islandOf(name string) *joinIsland { return w.of[name] }

// plan gives what an island would do if it had the turn.
func (w *joinWorld) plan(own *joinIsland) JoinDecision {
	if d, known := w.plans[own]; known {
		return d
	}
	d := w.planNow(own)
	w.plans[own] = d
	return d
}

func (w *joinWorld) planNow(own *joinIsland) JoinDecision {
	var refused *JoinDecision
	var above []*joinIsland // better islands that own cannot join
	for _, t := range w.targets {
		if t == own {
			break
		}
		// Joining one that could join a better island would keep it out.
		if slices.ContainsFunc(above, func(b *joinIsland) bool { s, _ := w.joinable(t, b); return s != No }) {
			continue
		}
		s, blocked := w.joinable(own, t)
		if s == Yes {
			return JoinDecision{Act: Join, Dial: t.started, Island: t.names,
				Reason: "every replica of the island " + some(t.names) + " is reached, both ways"}
		}
		if refused == nil {
			refused = &JoinDecision{Act: Refuse, Island: t.names, Blocked: blocked, After: LookAgain, Reason: w.refusal(t, s, blocked)}
		}
		if s == Unknown { // wait for what is not seen yet
			break
		}
		above = append(above, t)
	}
	if refused != nil {
		return *refused
	}
	return JoinDecision{Act: Stay}
}

func (w *joinWorld) refusal(t *joinIsland, s Tri, blocked []Link) string {
	verb := " does not reach "
	if s == Unknown {
		verb = " was not yet seen to reach "
	}
	var list []string
	for _, l := range blocked {
		text := l.A + verb + l.B
		if why := w.why[l]; why != "" {
			text += " (" + why + ")"
		}
		list = append(list, text)
	}
	return "joins " + some(t.names) + " as a whole or not at all: " + some(list)
}

// joinable: No if one pair is seen not to reach, Unknown if one is not seen, else Yes;
// with the pairs that say so.
func (w *joinWorld) joinable(a, b *joinIsland) (Tri, []Link) {
	var no, unknown []Link
	for _, x := range a.names {
		for _, y := range b.names {
			for _, l := range []Link{{x, y}, {y, x}} {
				switch w.reach[l] {
				case No:
					no = append(no, l)
				case Unknown:
					unknown = append(unknown, l)
				}
			}
		}
	}
	switch {
	case len(no) > 0:
		return No, no
	case len(unknown) > 0:
		return Unknown, unknown
	}
	return Yes, nil
}
