package mesh

import (
	"slices"
	"time"
)

// anchoring is the side of a replica that others lean on.
type anchoring struct {
	leaners    []leaner
	hasGranted bool
	grantedAt  time.Duration
	drainAt    time.Duration
}

// leaner is who leans on a replica, or was told that it may.
type leaner struct {
	node   string
	worker string
	id     uint64 // of the request; 0: known from its view alone
	at     time.Duration
	seen   time.Duration // when it was last heard of
}

// Grant answers a request to lean on this replica.
func (g *Gate) Grant(r LeanRequest, now time.Duration) LeanAnswer {
	a := LeanAnswer{From: g.self, To: r.From, Worker: r.Worker, ID: r.ID, Refused: g.refusal(r, now)}
	if a.Refused != "" {
		return a
	}
	g.hasGranted, g.grantedAt = true, now
	l := leaner{node: r.From, worker: r.Worker, id: r.ID, at: now, seen: now}
	if i := g.leaner(r.From); i >= 0 {
		g.leaners[i] = l
	} else {
		g.leaners = append(g.leaners, l)
	}
	return a
}

func (g *Gate) refusal(r LeanRequest, now time.Duration) Refusal {
	switch {
	case g.draining:
		return RefusedDraining
	case !g.open || g.on != "" || !g.up || now-g.lookedAt > GrantLook:
		return RefusedNotServing
	case g.policy == PartitionQuorum:
		return RefusedQuorum
	case now < g.graceEnd:
		return RefusedRestarted
	case g.asking && now-g.askedAt <= GrantValid:
		return RefusedAsking
	case slices.Contains(g.views.links, r.From):
		return RefusedLinked
	case g.own <= r.Own:
		return RefusedNotLarger
	}
	return ""
}

// holds says that a grant may still be on its way.
func (g *Gate) holds(now time.Duration) bool {
	return g.hasGranted && now-g.grantedAt < GrantHold || g.restored && now-g.bornAt < GrantHold
}

func (g *Gate) leaner(node string) int {
	return slices.IndexFunc(g.leaners, func(l leaner) bool { return l.node == node })
}

// Left takes the leave of a replica that leaned on this one, or asked to. One that is
// older than the last grant says nothing of that.
func (g *Gate) Left(m LeanLeave) {
	if i := g.leaner(m.From); i >= 0 {
		if l := g.leaners[i]; l.id == 0 || l.worker == m.Worker && l.id <= m.ID {
			g.leaners = slices.Delete(g.leaners, i, i+1)
		}
	}
}

// meet brings the list of those who lean on this replica up to date by their views.
func (g *Gate) meet(in GateInput) {
	for i := range in.Views {
		v := &in.Views[i]
		if !v.fresh() || v.LeansOn == "" && len(g.leaners) == 0 {
			continue
		}
		told := in.Now - v.Age
		at := g.leaner(v.Node)
		switch {
		case v.LeansOn == in.Self && at < 0:
			g.leaners = append(g.leaners, leaner{node: v.Node, at: told, seen: told})
		case v.LeansOn == in.Self:
			g.leaners[at].seen = max(told, g.leaners[at].seen)
		case at >= 0 && told >= g.leaners[at].at+GrantValid:
			g.leaners = slices.Delete(g.leaners, at, at+1)
		}
	}
	if len(g.leaners) > 0 {
		g.leaners = slices.DeleteFunc(g.leaners, func(l leaner) bool { return in.Now-l.seen > leanerFor })
	}
}

// drain closes the gate, but first lets those who lean on it go.
func (g *Gate) drain(now time.Duration) (open bool, reason string) {
	served := g.open && g.on == "" && !g.noMajority
	if !g.draining {
		g.draining, g.drainAt = true, now
	}
	g.stand()
	if served && (len(g.leaners) > 0 && now-g.drainAt < DrainHold || g.restored && now-g.bornAt < GrantHold) {
		return true, "draining, once those who lean on it have another"
	}
	g.open = false
	return false, "draining"
}
