package mesh

import (
	"fmt"
	"slices"
	"time"
)

// quorum is what a replica remembers that serves only in a majority.
type quorum struct {
	noMajority bool // closed for want of one
	hadOne     bool
	lacking    bool // none since lackAt
	lackAt     time.Duration
}

// majority decides by the number of listed replicas in the own island. It may close
// every replica there is: that is what Quorum means.
func (g *Gate) majority(in GateInput, reason string) (bool, string) {
	own, all := g.quorate(in)
	switch {
	case all == 0: // discovery has never answered: the last answer stands
		return !g.noMajority, reason
	case 2*own > all:
		g.noMajority, g.lacking, g.hadOne = false, false, true
		return true, reason
	case !g.lacking:
		g.lacking, g.lackAt = true, in.Now
	}
	if !g.hadOne && !g.restored || in.Now-g.lackAt >= PartitionFor && in.Now >= g.graceEnd {
		g.noMajority = true
	}
	if !g.noMajority {
		return true, reason
	}
	return false, fmt.Sprintf("closed by Quorum: %d of %d listed replicas are on this island, no majority; without one anywhere nobody serves", own, all)
}

// quorate counts the listed replicas that the own island holds and could serve, and all
// that are listed, the own one among both.
func (g *Gate) quorate(in GateInput) (own, all int) {
	if len(g.listed) == 0 {
		return 0, 0
	}
	w := &g.views
	own, all = 1, 1
	for i, n := range g.listed {
		if n == in.Self || slices.Contains(g.listed[:i], n) {
			continue
		}
		all++
		if v := slices.IndexFunc(in.Views, func(v GateView) bool { return v.Node == n }); w.ourOwn(n) && (v < 0 || in.Views[v].counts()) {
			own++
		}
	}
	return own, all
}
