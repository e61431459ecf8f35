package mesh

import (
	"fmt"
	"slices"
	"time"
)

// leaning is the side of a replica that closes for an island.
type leaning struct {
	own  int // replicas of its island that serve or could, itself included
	seen bool
	// seenAt is since when a larger island is in sight.
	seenAt time.Duration

	on       string // the anchor; empty: it does not lean
	heardAt  time.Duration
	dropped  bool // the anchor told it to go
	swapping bool // the anchor is lost since swapAt
	swapAt   time.Duration

	asks    uint64 // requests so far
	ask     LeanRequest
	asking  bool
	unsent  bool
	granted bool
	askedAt time.Duration
	tried   int // requests since the larger island came in sight
	leave   []LeanLeave
}

// watch is what an open replica does about islands.
func (g *Gate) watch(in GateInput, s split, reason string) (bool, string) {
	if len(s.rivals) == 0 || s.unknown {
		g.seen = false
		g.stopAsking()
		return true, reason
	}
	if !g.seen {
		g.seen, g.seenAt, g.tried = true, in.Now, 0
	}
	if g.mayClose(in.Now) {
		g.on, g.heardAt = g.ask.To, in.Now
		g.asking, g.swapping, g.dropped = false, false, false
		return false, island(s, g.on)
	}
	if in.Now-g.seenAt >= PartitionFor {
		g.askOne(s.rivals, in.Now)
	}
	return true, reason
}

// lean is what a replica does that is closed for an island.
func (g *Gate) lean(in GateInput, s split) (bool, string) {
	switch {
	case g.views.ourOwn(g.on), g.listsNobodyElse():
		return g.reopen("open again: the island that it stood aside for is its own")
	case !s.outside && (g.dropped || g.gone(g.on)):
		return g.reopen("open again: its anchor is gone, and nobody else is in sight")
	case !s.outside && in.Now-g.heardAt > BlindFor:
		return g.reopen(fmt.Sprintf("open again: no view of another island for %s", BlindFor))
	case !s.outside:
		return false, "closed for an island, and without a view of others that stands"
	}
	g.heardAt = in.Now
	if len(s.rivals) == 0 {
		return g.reopen("open again: no island in sight is larger")
	}
	if !g.dropped && slices.Contains(s.rivals, g.on) {
		g.swapping = false
		g.stopAsking()
		return false, island(s, g.on)
	}
	return g.swap(in, s)
}

// swap looks for another anchor.
func (g *Gate) swap(in GateInput, s split) (bool, string) {
	if g.mayClose(in.Now) {
		g.takeLeave(g.on, g.asks-1)
		g.on, g.asking, g.swapping, g.dropped = g.ask.To, false, false, false
		return false, island(s, g.on)
	}
	if !g.swapping {
		g.swapping, g.swapAt, g.tried = true, in.Now, 0
	}
	rivals := s.rivals
	if g.dropped {
		rivals = slices.DeleteFunc(rivals, func(n string) bool { return n == g.on })
	}
	if in.Now-g.swapAt >= SwapFor || len(rivals) == 0 || in.Now < g.graceEnd {
		return g.reopen("open again: its anchor does not serve any longer, and no other said yes")
	}
	g.askOne(rivals, in.Now)
	return false, "closed for an island; another anchor is asked"
}

func island(s split, anchor string) string {
	return fmt.Sprintf("closed: an island of %d serves, larger than this one of %d; %s is there", len(s.rivals), s.own, anchor)
}

func (g *Gate) reopen(reason string) (bool, string) {
	g.stand()
	return true, reason
}

// stand ends leaning and what was on the way to it.
func (g *Gate) stand() {
	g.seen, g.swapping, g.dropped = false, false, false
	g.stopAsking()
	if g.on != "" {
		g.takeLeave(g.on, g.asks)
		g.on = ""
	}
}

// gone says that discovery's last answer does not hold a replica.
func (g *Gate) gone(name string) bool {
	return len(g.listed) > 0 && !slices.Contains(g.listed, name)
}

// listsNobodyElse says that discovery's last answer names nobody outside the own island.
func (g *Gate) listsNobodyElse() bool {
	for _, n := range g.listed {
		if !g.views.ourOwn(n) {
			return false
		}
	}
	return len(g.listed) > 0
}

// askOne asks the next of these anchors, unless one is being asked.
func (g *Gate) askOne(anchors []string, now time.Duration) {
	if g.asking {
		if now-g.askedAt <= GrantValid && !g.granted {
			return
		}
		g.stopAsking()
	}
	if now < g.graceEnd || g.holds(now) {
		return
	}
	g.asks++
	g.ask = LeanRequest{From: g.self, To: anchors[g.tried%len(anchors)], Worker: g.worker, ID: g.asks, Own: g.own}
	g.asking, g.unsent, g.granted, g.askedAt = true, true, false, now
	g.tried++
}

// stopAsking gives a request up. Who was asked may have granted it.
func (g *Gate) stopAsking() {
	if g.asking && !g.unsent {
		g.takeLeave(g.ask.To, g.ask.ID)
	}
	g.asking, g.unsent, g.granted = false, false, false
}

func (g *Gate) takeLeave(from string, id uint64) {
	g.leave = append(g.leave, LeanLeave{From: g.self, To: from, Worker: g.worker, ID: id})
}

// mayClose says that a grant is at hand and still good.
func (g *Gate) mayClose(now time.Duration) bool {
	return g.asking && g.granted && now-g.askedAt <= GrantValid
}

// Answer takes the answer to a request; Decide then acts on it. An answer to anything
// but the last request is nothing.
func (g *Gate) Answer(a LeanAnswer, now time.Duration) {
	if !g.asking || g.unsent || a.ID != g.ask.ID || a.Worker != g.ask.Worker || a.From != g.ask.To {
		return
	}
	switch {
	case a.Refused != "":
		g.asking = false
	case now-g.askedAt > GrantValid:
		g.stopAsking()
	default:
		g.granted = true
	}
}

// Released takes an anchor's word that it cannot be leaned on any longer.
func (g *Gate) Released(from string) {
	if g.asking && g.ask.To == from {
		g.stopAsking()
	}
	if g.on == from {
		g.dropped = true // another anchor, or open: that is when leave is taken
		return
	}
	g.takeLeave(from, g.asks)
}

// post empties what is to be sent.
func (g *Gate) post(in GateInput) (ask *LeanRequest, leave []LeanLeave, release []string) {
	if g.asking && g.unsent {
		g.unsent = false
		r := g.ask
		ask = &r
	}
	if len(g.leave) > 0 {
		leave, g.leave = g.leave, nil
	}
	if in.Draining && len(g.leaners) > 0 {
		for _, l := range g.leaners {
			release = append(release, l.node)
		}
	}
	return ask, leave, release
}
