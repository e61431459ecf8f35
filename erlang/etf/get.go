package etf

import "math/big"

// Get gives what a map or a proplist holds under key. The key is a Go value as [Append] takes it (a
// string is a binary: an atom is asked for as Atom("name")), or a Term. As in the module proplists, a
// proplist is a list in which {Key, Value} counts for Key, and a bare atom for itself with the value
// true; the first one counts, and elements of any other form are passed over.
func (t Term) Get(key any) (Term, bool) {
	switch t.node().kind {
	case kMap:
		for k, v := range t.Pairs() {
			if k.is(key) {
				return v, true
			}
		}
	case kList:
		for e := range t.Elems() {
			switch n := e.node(); {
			case n.kind == kTuple && n.n == 2 && e.At(0).is(key):
				return e.At(1), true
			case n.kind == kAtom && e.is(key):
				return atomTrue, true
			}
		}
	}
	return Term{}, false
}

var atomTrue = Term{doc: &doc{nodes: []node{{n: 4, kind: kAtom}}, src: []byte("true")}}

// is says whether t is the term that the Go value stands for.
func (t Term) is(key any) bool {
	switch key := key.(type) {
	case Atom:
		return t.IsAtom(key)
	case string:
		n := t.node()
		return n.kind == kBinary && string(t.doc.text(n)) == key
	case int:
		v, ok := t.Int()
		return ok && v == int64(key)
	case int64:
		v, ok := t.Int()
		return ok && v == key
	case Term:
		return t.Equal(key)
	case *big.Int:
		v, ok := t.BigInt()
		return ok && key != nil && v.Cmp(key) == 0
	}
	b, err := Append(nil, key)
	if err != nil {
		return false
	}
	d := Decoder{Alias: true, MaxDepth: maxDepthCap}
	u, _, err := d.DecodeBare(b)
	return err == nil && t.Equal(u)
}
