package probe

import (
	"sync"

	"github.com/phialdev/phial/erlang/etf"
)

// interner keeps one copy of each name: a thousand nodes name the same thousand peers.
type interner struct {
	mu sync.Mutex
	m  map[string]string
}

func newInterner() *interner { return &interner{m: map[string]string{}} }

func (i *interner) name(s string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if known, ok := i.m[s]; ok {
		return known
	}
	i.m[s] = s
	return s
}

// atoms gives a list's atoms as strings, and what stands as text (net_kernel's allowed
// nodes may) too. Never nil.
func (i *interner) atoms(t etf.Term) []string {
	out := make([]string, 0, t.Len())
	for e := range t.Elems() {
		if a, ok := e.Atom(); ok {
			out = append(out, i.name(string(a)))
		} else if s, ok := e.Text(); ok {
			out = append(out, i.name(s))
		}
	}
	return out
}
