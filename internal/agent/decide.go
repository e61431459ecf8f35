package agent

import (
	"slices"
	"time"

	"github.com/phialdev/phial/internal/mesh"
)

// decide works out the new state from what the other loops have found out.
func (a *Agent) decide() {
	a.mu.Lock()
	draining := a.draining
	f := a.wakeJoiner(draining)
	n := a.now
	a.mu.Unlock()
	v := n.view
	s := State{Status: v.Status, Peers: v.Peers, Stopping: v.Status == mesh.Stopping, Booted: a.bootedBy(v)}
	if n.hasBooted && !n.lostAt.IsZero() && time.Since(n.lostAt) >= silentAfter {
		s.Silent = n.lostAt
	}
	s.Join, s.Joined = f.says, f.joined
	d := a.askGate(n, f, draining)
	s.Ready, s.Reason = d.Open, d.Reason
	switch {
	case d.Opened && !d.Open, draining: // the gate knows best why
	case d.Open && !s.Silent.IsZero():
		s.Reason = "ready, but the node does not answer since " + s.Silent.Format(time.TimeOnly)
	case d.Open && !s.Joined && s.Join != "" && !a.conf.Never:
		s.Reason = s.Join
	case d.Open:
	case v.Status == mesh.StatusUnknown && n.why != nil:
		s.Reason = unreached(a.conf.Node, n.why)
	case n.portErr != nil:
		s.Reason = n.portErr.Error()
	case s.Booted && s.Join != "":
		s.Reason = s.Join
	}
	s.Waiting = waiting(s, n, f)
	a.publish(s)
}

// wakeJoiner lets the loop that joins know of what concerns it, and gives what it
// has found. mu is held.
func (a *Agent) wakeJoiner(draining bool) found {
	n := &a.now
	booted := a.bootedBy(n.view) && !draining
	switch {
	case booted && !n.booted:
		n.found = found{says: "booted; looking for peers", busy: true, known: n.found.known}
		signal(a.joiner.kicked)
	case booted && !slices.Equal(n.peers, n.view.Peers):
		signal(a.joiner.kicked)
	}
	n.peers, n.booted = n.view.Peers, booted
	return n.found.with(n.view)
}

// gateInput is what the gate is told.
func (a *Agent) gateInput(n now, f found, draining bool) mesh.GateInput {
	v := n.view
	in := mesh.GateInput{Incarnation: n.incarnation, Status: v.Status,
		PortAccepts: mesh.Yes, AppReady: mesh.Yes, Clustered: !a.conf.Never && !a.conf.Unjoined,
		Peers: f.peers, PeerAlive: f.alive, Draining: draining,
		Now: time.Since(a.began), Self: a.conf.Node, Worker: a.conf.Worker, OnPartition: a.conf.OnPartition,
		Links: a.replicas(f, v.Peers), Views: a.conf.Peers.Views(), Listed: listed(f, a.conf.Node)}
	if v.Status == mesh.Started {
		in.MissingApps = a.missing(v)
	}
	if time.Since(n.seenAt) > viewStale {
		in.Status = mesh.StatusUnknown
	}
	if a.conf.HTTPAccepts != nil {
		switch {
		case !n.portAsked:
			in.PortAccepts = mesh.Unknown
		case n.portErr != nil:
			in.PortAccepts = mesh.No
		}
	}
	return in
}

// askGate has the gate decide, and sends what it wants to be sent.
func (a *Agent) askGate(n now, f found, draining bool) mesh.GateDecision {
	in := a.gateInput(n, f, draining)
	a.gateMu.Lock()
	d := a.gate.Decide(in)
	a.decision = d
	a.gateMu.Unlock()
	if d.Ask != nil {
		a.conf.Peers.Ask(*d.Ask, a.answer)
	}
	if len(d.Release) > 0 {
		a.conf.Peers.Release(d.Release)
	}
	if len(d.Leave) > 0 {
		a.conf.Peers.Leave(d.Leave)
	}
	return d
}

// answer takes the answer to what the gate asked.
func (a *Agent) answer(ans mesh.LeanAnswer) {
	a.gateMu.Lock()
	a.gate.Answer(ans, time.Since(a.began))
	a.gateMu.Unlock()
	signal(a.wake)
}

// Grant answers another agent that asks whether its replica may lean on this one.
func (a *Agent) Grant(r mesh.LeanRequest) mesh.LeanAnswer {
	a.gateMu.Lock()
	defer a.gateMu.Unlock()
	return a.gate.Grant(r, time.Since(a.began))
}

// Released takes word that this replica cannot lean on another any longer.
func (a *Agent) Released(from string) {
	a.gateMu.Lock()
	a.gate.Released(from)
	a.gateMu.Unlock()
	signal(a.wake)
}

// Left takes word that another replica does not lean on this one.
func (a *Agent) Left(m mesh.LeanLeave) {
	a.gateMu.Lock()
	a.gate.Left(m)
	a.gateMu.Unlock()
	signal(a.wake)
}

// replicas are those of the node's peers that are of this app.
func (a *Agent) replicas(f found, peers []string) []string {
	if f.known == nil {
		return sameBase(a.conf.Node, peers)
	}
	return slices.DeleteFunc(slices.Clone(peers), func(p string) bool { return !slices.Contains(f.known, p) })
}

// listed are all replicas that discovery lists, the own one among them; nil while it
// has said nothing.
func listed(f found, self string) []string {
	if f.known == nil {
		return nil
	}
	return append([]string{self}, f.known...)
}

// waiting says whether the node is on its way to something better by itself.
func waiting(s State, n now, f found) bool {
	switch {
	case s.Stopping:
		return true
	case n.view.Status == mesh.Booting:
		return true
	case n.view.Status == mesh.StatusUnknown:
		return n.why == nil || booting(n.why)
	case s.Booted:
		return f.busy
	}
	return false
}
