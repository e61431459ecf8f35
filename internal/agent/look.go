package agent

import (
	"context"
	"slices"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// The pace of looking. A boot is watched closely, so that the mesh stands
// soon after it; one look costs the node well under a millisecond.
const (
	paceBoot    = 50 * time.Millisecond
	paceSettled = time.Second
	paceLost    = 250 * time.Millisecond // the node does not answer, and not because it boots
	lookTimeout = 2 * time.Second        // for one question; a node that is frozen must not stop the loop
	bootWatch   = 2 * time.Minute        // after that long a boot is watched at paceLost
	silentAfter = 3 * time.Second        // without an answer; one look that a busy machine delays is no silence
)

// look asks the node how it is, and notes since when it does not say.
func (a *Agent) look(ctx context.Context) {
	begun := time.Now()
	a.ask(ctx)
	switch {
	case a.lostWhy == nil, refuses(a.lostWhy): // no is an answer
		a.lostAt = time.Time{}
	case gone(a.lostWhy): // and so is that nobody is there
		a.lostAt = time.Time{}
		a.startOver("")
	case a.lostAt.IsZero():
		a.lostAt = begun
	}
}

// ask asks the node how it is, over a connection that is kept.
func (a *Agent) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	conn := a.now.conn // written by this loop alone
	if conn == nil {
		var err error
		if conn, err = a.conf.Network.Open(ctx, a.conf.Node); err != nil {
			if refuses(err) {
				a.refused++
			}
			a.saw(nil, View{}, err)
			return
		}
		a.refused = 0
	}
	view, err := conn.Look(ctx)
	if err != nil {
		conn.Close()
		conn = nil
	}
	a.saw(conn, view, err)
}

// saw notes what the node said, or why it did not.
func (a *Agent) saw(conn Node, v View, err error) {
	if err != nil {
		v = View{}
	}
	a.lostWhy = err
	a.mu.Lock()
	a.now.conn, a.now.view = conn, v
	a.mu.Unlock()
	if v.Incarnation != "" && v.Incarnation != a.last {
		a.startOver(v.Incarnation)
	}
}

// startOver forgets the node's former life, if it had one.
func (a *Agent) startOver(incarnation string) {
	if a.last == incarnation {
		return
	}
	former := a.last
	a.last = incarnation
	if former == "" {
		return
	}
	a.booted, a.begun = false, time.Now()
	a.conf.Board.Forget(a.conf.Node)
	a.mu.Lock()
	a.now.booted, a.now.found = false, found{}
	a.mu.Unlock()
}

// silent gives since when a node that had booted does not answer.
func (a *Agent) silent() time.Time {
	if !a.booted || a.lostAt.IsZero() || time.Since(a.lostAt) < silentAfter {
		return time.Time{}
	}
	return a.lostAt
}

// decide works out the new state and how soon to look again.
func (a *Agent) decide(ctx context.Context) (pace time.Duration) {
	a.mu.Lock()
	v, draining, wasReady := a.now.view, a.draining, a.state.Ready
	a.mu.Unlock()
	s := State{Peers: v.Peers, Stopping: v.Status == mesh.Stopping, Silent: a.silent()}
	missing := missingApps(a.conf.Apps, v.Apps)
	if v.Status != mesh.Started {
		missing = nil
	}
	s.Booted = v.Status == mesh.Started && len(missing) == 0
	in := mesh.GateInput{Incarnation: a.last, Status: v.Status, MissingApps: missing,
		PortAccepts: mesh.Yes, AppReady: mesh.Yes, Clustered: !a.conf.Never && !a.conf.Unjoined, Draining: draining}
	var portErr error
	if a.conf.HTTPAccepts != nil && s.Booted && !wasReady && !draining {
		if portErr = a.conf.HTTPAccepts(ctx); portErr != nil {
			in.PortAccepts = mesh.No
		}
	}
	found := a.tell(s.Booted && !draining, v)
	in.Peers, in.PeerAlive = found.peers, found.alive
	s.Join, s.Joined = found.says, found.joined
	d := a.gate.Decide(in)
	s.Ready, s.Reason = d.Open, d.Reason
	switch {
	case d.Open && !s.Silent.IsZero():
		s.Reason = "ready, but the node does not answer since " + s.Silent.Format(time.TimeOnly)
	case d.Open && !s.Joined && s.Join != "" && !a.conf.Never:
		s.Reason = s.Join
	case d.Open || draining:
	case v.Status == mesh.StatusUnknown && a.lostWhy != nil:
		s.Reason = unreached(a.conf.Node, a.lostWhy)
	case portErr != nil:
		s.Reason = portErr.Error()
	case s.Booted && s.Join != "":
		s.Reason = s.Join
	}
	s.Waiting = a.waiting(s, v, found)
	a.publish(s)
	return a.pace(s, v, portErr)
}

// tell lets the loop that joins know whether there is something to join, and
// gives what it has found.
func (a *Agent) tell(booted bool, v View) found {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case booted && !a.now.booted:
		a.now.found = found{says: "booted; looking for peers", busy: true}
		signal(a.joiner.kicked)
	case booted && !slices.Equal(a.now.peers, v.Peers):
		signal(a.joiner.kicked)
	}
	a.now.peers = v.Peers
	if booted {
		a.booted = true
	}
	a.now.booted = booted
	return a.now.found.with(v)
}

// pace is how soon to look again.
func (a *Agent) pace(s State, v View, portErr error) time.Duration {
	switch {
	case refuses(a.lostWhy):
		return slower(a.refused)
	case s.Ready && v.Status == mesh.Started, s.Booted && portErr == nil:
		return paceSettled
	case v.Status == mesh.StatusUnknown && !booting(a.lostWhy), time.Since(a.begun) > bootWatch:
		return paceLost
	}
	return paceBoot
}

// waiting says whether the node is on its way to something better by itself.
func (a *Agent) waiting(s State, v View, f found) bool {
	switch {
	case s.Stopping:
		return true
	case v.Status == mesh.Booting:
		return true
	case v.Status == mesh.StatusUnknown:
		return booting(a.lostWhy)
	case s.Booted:
		return f.busy
	}
	return false
}

func missingApps(want, have []string) []string {
	var out []string
	for _, app := range want {
		if !slices.Contains(have, app) {
			out = append(out, app)
		}
	}
	return out
}
