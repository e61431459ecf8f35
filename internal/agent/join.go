package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/mesh"
)

const (
	paceAgain   = 2 * time.Second  // mesh.LookAgain: after a join that was refused
	paceRefuse  = 10 * time.Second // to which the pace of who is refused slows down
	peerMax     = 15 * time.Second // to which looking at a peer slows down that does not answer, or refuses
	turnTimeout = 10 * time.Second // for the wait for the turn and all of a join
	stayBusy    = 5                // times that a join is left to the others before they count as kept from it
	listFor     = 35 * time.Second // in which a list without the own replica may be an old one: clusters commonly keep DNS answers for 30 s
	hearFor     = 5 * time.Second  // in which agents of replicas that give no answer may yet be heard
	atOnce      = 16               // looks and walks under way at one time
)

var errNobody = errors.New("no replica is listed")

// joiner brings one node into the mesh and keeps an eye on whether it is.
type joiner struct {
	conf   *Config
	kicked chan struct{} // there is something new: step now

	listed  bool // discovery has answered at least once
	silent  map[string]silence
	refused int       // in a row
	stayed  int       // in a row: the plan left the join to the others
	nextTry time.Time // after a refusal
	knocker knocker
	since   time.Time // of this incarnation, as far as joining goes
	// selfListed says that discovery's last list has the own replica in it.
	selfListed bool

	found // by the last step
}

// found is what a step of joining has found out.
type found struct {
	peers  int      // connected replicas
	alive  mesh.Tri // another replica is alive
	joined bool     // no replica that is alive is missing
	busy   bool     // a join is to come
	says   string
	known  []string // replicas that discovery lists, the own one left out
}

// with counts the connected replicas anew, by what the node says now: others may
// have joined it since.
func (f found) with(v View) found {
	if len(f.known) == 0 || v.Status != mesh.Started {
		return f
	}
	missing := without(f.known, v.Peers)
	f.peers = len(f.known) - len(missing)
	if len(missing) == 0 && !f.joined {
		f.joined, f.busy, f.alive, f.says = true, false, mesh.Yes, saysJoined
	}
	return f
}

const saysJoined = "joined"

// silence is a peer that did not answer, and when to ask it again.
type silence struct {
	next  time.Time
	pause time.Duration
}

// join steps until ctx ends, whenever the node is there to be joined.
func (a *Agent) join(ctx context.Context) {
	j := &a.joiner
	incarnation := ""
	for ctx.Err() == nil {
		pace := paceSettled
		a.mu.Lock()
		at := a.now
		a.mu.Unlock()
		if at.booted && at.conn != nil {
			if at.view.Incarnation != incarnation {
				incarnation = at.view.Incarnation
				j.refused, j.stayed, j.nextTry, j.since = 0, 0, time.Time{}, time.Now()
			}
			pace = j.step(ctx, at.conn, at.view)
			a.mu.Lock()
			if a.now.booted && a.now.view.Incarnation == incarnation {
				a.now.found = j.found
			}
			a.mu.Unlock()
			signal(a.again)
		}
		select {
		case <-ctx.Done():
		case <-j.kicked:
		case <-a.conf.Board.Changed():
			// Another agent's node was told to connect: what kept this one
			// out may be gone. Not more often than a boot is watched, though.
			j.nextTry = time.Time{}
			sleep(ctx, min(pace, paceBoot))
		case <-time.After(pace):
		}
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// step looks for replicas that are alive and not linked, and joins them if
// that harms nobody. It gives the time until the next step.
func (j *joiner) step(ctx context.Context, own Node, v View) time.Duration {
	self := j.conf.Node
	j.busy = false
	if j.conf.Never {
		j.joined, j.alive = true, mesh.No
		j.say("joining is left to the app")
		return paceAgain
	}
	err := j.discover(ctx)
	j.conf.Board.Judge(self, func(t string) bool { return slices.Contains(v.Peers, t) })
	if !j.listed {
		j.peers = len(sameBase(self, v.Peers))
		j.joined, j.alive = j.peers > 0, mesh.Unknown
		j.say("peers cannot be found: " + err.Error())
		return paceLost
	}
	missing := j.missing(v)
	j.peers = len(j.known) - len(missing)
	if len(missing) == 0 {
		return j.settled(ctx)
	}
	if pause := time.Until(j.nextTry); pause > 0 {
		return pause
	}
	views := j.lookAt(ctx, missing)
	var up, unsure []string
	for _, m := range missing {
		if _, says := j.up(m); says || views[m].Status == mesh.Started {
			up = append(up, m)
		} else if views[m].unsure {
			unsure = append(unsure, m)
		}
	}
	j.alive = mesh.TriOf(len(up) > 0 || j.peers > 0)
	if why := j.tooEarly(unsure); len(up) == 0 && j.peers == 0 && why != "" {
		j.alive, j.joined, j.busy = mesh.Unknown, false, true
		j.say("whether others are alive is not known yet: " + why)
		return paceLost
	}
	if len(up) == 0 {
		j.joined = true
		if j.peers == 0 {
			j.say("alone: no other replica is alive")
		} else {
			j.say("joined; not up: " + some(missing))
		}
		return paceAgain / 4
	}
	j.joined = false
	return j.join(ctx, own)
}

// tooEarly says why nobody that is alive was found and this says nothing yet; empty: it
// says that there is nobody. What gives no answer may be cut off from here, and its agent
// not heard yet; and a list without the own replica is older than that.
func (j *joiner) tooEarly(unsure []string) string {
	age := time.Since(j.since)
	switch {
	case len(unsure) > 0 && age < hearFor:
		return "no answer from " + some(unsure)
	case !j.selfListed && age < listFor:
		return "discovery's list is an old one, without this replica"
	}
	return ""
}

// settled is a step that finds every listed replica linked.
func (j *joiner) settled(ctx context.Context) time.Duration {
	j.joined, j.refused, j.stayed, j.nextTry = true, 0, 0, time.Time{}
	if j.alive = mesh.TriOf(len(j.known) > 0); j.alive == mesh.No {
		j.say("alone: no other replica is listed")
		return paceAgain
	}
	if blocked := j.knocker.round(ctx, j.conf.Knock, j.known); blocked != "" {
		j.say("joined, but " + blocked)
	} else {
		j.say(saysJoined)
	}
	return paceAgain
}

// join plans with everything seen anew while nobody else joins, and does what
// the plan says.
func (j *joiner) join(ctx context.Context, own Node) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, turnTimeout)
	defer cancel()
	if !j.conf.Board.Lock(ctx, j.known) {
		j.busy = true
		j.say("joining waits: it is the turn of another replica")
		return paceLost
	}
	connected := false
	defer func() { j.conf.Board.Unlock(connected) }()
	in, err := j.survey(ctx, own)
	if err != nil {
		j.say("the node does not answer: " + err.Error())
		return paceLost
	}
	d := mesh.PlanJoin(in)
	switch d.Act {
	case mesh.Join:
		j.refused, connected = 0, true
		return j.connect(ctx, own, d)
	case mesh.Refuse:
		j.refused++
		j.say("not joined: " + d.Reason)
		pause := min(paceAgain<<min(j.refused-1, 4), paceRefuse)
		j.nextTry = time.Now().Add(pause)
		return pause
	case mesh.Hold:
		j.busy = true
		j.say("joining waits: " + d.Reason)
		return min(max(d.After, paceBoot), paceAgain)
	case mesh.Stay: // the others come to this one, unless something keeps them
		j.busy = j.stayed < stayBusy
		pause := min(paceLost<<min(j.stayed, 8), paceRefuse)
		j.stayed++
		j.nextTry = time.Now().Add(pause)
		j.say(d.Reason + inTheWay(in, j.known))
		return pause
	}
	return paceLost
}

// inTheWay says what keeps the own node and others apart, as far as it was seen.
func inTheWay(in mesh.JoinInput, others []string) string {
	var list []string
	for _, o := range others {
		for _, l := range []mesh.Link{{A: in.Self, B: o}, {A: o, B: in.Self}} {
			if in.Reach[l] == mesh.No {
				list = append(list, fmt.Sprintf("%s does not reach %s (%s)", l.A, l.B, in.Why[l]))
				break
			}
		}
	}
	if len(list) == 0 {
		return ""
	}
	return "; " + some(list)
}

// survey sees how every replica is and who reaches whom.
func (j *joiner) survey(ctx context.Context, own Node) (mesh.JoinInput, error) {
	v, err := lookWithin(ctx, own)
	if err != nil {
		return mesh.JoinInput{}, err
	}
	names := union(append(j.known, j.conf.Node), v.Peers)
	var in mesh.JoinInput
	for range 3 {
		in = j.conf.Network.JoinView(ctx, names)
		// Nodes that discovery does not list, but that somebody is connected
		// to, belong to the islands as well.
		more := names
		for _, m := range in.Members {
			more = union(more, m.Peers)
		}
		if len(more) == len(names) {
			break
		}
		names = more
	}
	for i := range in.Members {
		m := &in.Members[i]
		if peers, up := j.up(m.Name); up && m.Status == mesh.StatusUnknown {
			m.Status, m.Peers = mesh.Started, peers // it is there, and something is in the way
		}
	}
	in.Self, in.Dials = j.conf.Node, j.conf.Board.List()
	in.Hold = j.conf.Hold != nil && j.conf.Hold()
	for _, m := range in.Members {
		if m.Name != in.Self {
			in.Passed = append(in.Passed, m.Name) // the board's token stands for the turn
		}
	}
	return in, nil
}

// up is what the agent of a node says.
func (j *joiner) up(node string) (peers []string, up bool) {
	if j.conf.Up == nil || node == j.conf.Node {
		return nil, false
	}
	return j.conf.Up(node)
}

// slower is the pace after so many refusals in a row.
func slower(refused int) time.Duration { return min(paceAgain<<min(refused-1, 4), paceRefuse) }

// connect tells the node to connect to each replica of the plan, and looks
// whether it did.
func (j *joiner) connect(ctx context.Context, own Node, d mesh.JoinDecision) time.Duration {
	self := j.conf.Node
	j.conf.Board.Told(self, d.Dial)
	for _, target := range d.Dial {
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		err := own.Connect(ctx, target)
		cancel()
		if err != nil {
			j.say(fmt.Sprintf("joining: %s: %v", target, err))
			break
		}
	}
	j.busy = true
	v, err := lookWithin(ctx, own)
	if err != nil {
		return paceLost
	}
	if left := without(d.Dial, v.Peers); len(left) > 0 {
		j.say("told to connect; no link yet to " + some(left))
		return paceLost
	}
	missing := j.missing(v)
	j.peers = len(j.known) - len(missing)
	j.joined = len(missing) == 0
	j.say("joined " + some(d.Island))
	return paceAgain // true is not 'joined': look again
}

// discover asks who is there. No news changes nothing.
func (j *joiner) discover(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	names, err := j.conf.Discover(ctx)
	if err == nil && len(names) == 0 {
		err = errNobody
	}
	if err != nil {
		return err
	}
	j.selfListed = slices.Contains(names, j.conf.Node)
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == j.conf.Node })
	slices.Sort(names)
	j.known, j.listed = slices.Compact(names), true
	return nil
}

func (j *joiner) missing(v View) []string { return without(j.known, v.Peers) }

// glance is what a look at another node gave.
type glance struct {
	View
	unsure bool // no answer came, which says nothing of whether it is alive
}

// lookAt asks several nodes how they are. One that does not answer has the
// zero View, and is asked less and less often.
func (j *joiner) lookAt(ctx context.Context, names []string) map[string]glance {
	out := make(map[string]glance, len(names))
	var mu sync.Mutex
	each(names, func(name string) {
		mu.Lock()
		wait := time.Now().Before(j.silent[name].next)
		out[name] = glance{unsure: wait}
		mu.Unlock()
		if wait || name == j.conf.Node {
			return
		}
		ctx, cancel := context.WithTimeout(ctx, lookTimeout)
		defer cancel()
		v, err := j.lookOnce(ctx, name)
		mu.Lock()
		defer mu.Unlock()
		out[name] = glance{v, err != nil && unsure(err)}
		if err == nil || ctx.Err() == nil && !refuses(err) {
			delete(j.silent, name) // it answered, or said no at once: asking costs nothing
			return
		}
		if j.silent == nil {
			j.silent = map[string]silence{}
		}
		pause := min(max(2*j.silent[name].pause, paceAgain), peerMax)
		j.silent[name] = silence{next: time.Now().Add(pause), pause: pause}
	})
	return out
}

// lookWithin looks at the own node for a bounded time: who holds the token
// holds up everybody.
func lookWithin(ctx context.Context, own Node) (View, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	return own.Look(ctx)
}

func (j *joiner) lookOnce(ctx context.Context, name string) (View, error) {
	n, err := j.conf.Network.Open(ctx, name)
	if err != nil {
		return View{}, err
	}
	defer n.Close()
	return n.Look(ctx)
}

// say keeps what joining says, and logs it when it is something else.
func (j *joiner) say(line string) {
	if j.says != line {
		j.says = line
		j.conf.Log(line)
	}
}

// each calls f for every item, several at a time, and waits for all.
func each[T any](items []T, f func(T)) {
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, item := range items {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			f(item)
		})
	}
	wg.Wait()
}

func union(a, b []string) []string {
	out := slices.Concat(a, b)
	slices.Sort(out)
	return slices.Compact(out)
}

func without(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// sameBase gives the names with the same part before the @.
func sameBase(self string, names []string) []string {
	base := beam.BaseOf(self) + "@"
	var out []string
	for _, name := range names {
		if strings.HasPrefix(name, base) {
			out = append(out, name)
		}
	}
	return out
}

// some names a few and counts the rest.
func some(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
