package epmd

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
)

// Registered is an entry that a server holds.
type Registered struct {
	Entry
	Owner    netip.Addr // the replica's address it belongs to; invalid in the shared namespace
	Creation uint32
	seq      uint64 // order of registration
	count    uint32 // from which Creation is made
}

var (
	errTaken = errors.New("the name is taken")
	errFull  = errors.New("the server holds as many names as it may")
)

const (
	firstCreation = 4    // smaller ones are the 1 to 3 of old nodes
	maxRetired    = 1000 // names whose last creation is remembered after they have gone
)

type ownedName struct {
	owner netip.Addr
	name  string
}

// registry is the table of names. A name is unique for its owner.
type registry struct {
	mu       sync.Mutex
	byName   map[string][]*Registered // newest last
	count    int
	seq      uint64
	owners   map[netip.Addr]bool  // every address that has owned a name
	retired  map[ownedName]uint32 // last count of names that have gone
	creation uint32               // of the latest new name; 0 before the first
}

func (g *registry) add(owner netip.Addr, e Entry, limit int) (*Registered, error) {
	if err := e.check(); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.find(e.Name, owner, true) != nil {
		return nil, errTaken
	}
	if g.count >= limit {
		return nil, errFull
	}
	if g.byName == nil {
		g.byName = map[string][]*Registered{}
		g.owners = map[netip.Addr]bool{}
		g.retired = map[ownedName]uint32{}
		g.creation = rand.Uint32()
	}
	g.seq++
	count := g.nextCreation(ownedName{owner, e.Name})
	r := &Registered{Entry: e, Owner: owner, Creation: count, seq: g.seq, count: count}
	r.Extra = slices.Clone(e.Extra)
	if e.Highest < versionX {
		r.Creation = count%3 + 1
	}
	g.byName[e.Name] = append(g.byName[e.Name], r)
	g.count++
	if owner.IsValid() {
		g.owners[owner] = true
	}
	return r, nil
}

// nextCreation differs from the last one of the same name, so that a restarted node is told from its former self, and
// from those of a server's former life by its random start.
func (g *registry) nextCreation(key ownedName) uint32 {
	if last, ok := g.retired[key]; ok {
		delete(g.retired, key)
		return max(last+1, firstCreation)
	}
	g.creation = max(g.creation+1, firstCreation)
	return g.creation
}

func (g *registry) remove(r *Registered) {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := g.byName[r.Name]
	i := slices.Index(list, r)
	if i < 0 {
		return
	}
	if list = slices.Delete(list, i, i+1); len(list) == 0 {
		delete(g.byName, r.Name)
	} else {
		g.byName[r.Name] = list
	}
	g.count--
	if len(g.retired) >= maxRetired {
		for key := range g.retired { // whichever comes: an attacker who churns names must not choose
			delete(g.retired, key)
			break
		}
	}
	g.retired[ownedName{r.Owner, r.Name}] = r.count
}

// find gives the entry of that name which belongs to owner; or, not exactly, the oldest of that name. mu is held.
func (g *registry) find(name string, owner netip.Addr, exactly bool) *Registered {
	for _, r := range g.byName[name] {
		if !exactly || r.Owner == owner {
			return r
		}
	}
	return nil
}

func (g *registry) lookup(name string, owner netip.Addr, exactly bool) (Registered, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if r := g.find(name, owner, exactly); r != nil {
		return *r, true
	}
	return Registered{}, false
}

// list gives the entries of one owner, or all, the newest first as epmd does.
func (g *registry) list(owner netip.Addr, exactly bool) []Registered {
	g.mu.Lock()
	all := make([]Registered, 0, g.count)
	for _, same := range g.byName {
		for _, r := range same {
			if !exactly || r.Owner == owner {
				all = append(all, *r)
			}
		}
	}
	g.mu.Unlock()
	slices.SortFunc(all, func(a, b Registered) int { return cmp.Compare(b.seq, a.seq) })
	return all
}

func (g *registry) hasOwned(a netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.owners[a]
}
