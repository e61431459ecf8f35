package probe

import (
	"slices"

	"github.com/phialdev/phial/erlang/etf"
)

type etfTerm = etf.Term

func atom(s string) etf.Atom { return etf.Atom(s) }

func sameStrings(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}
