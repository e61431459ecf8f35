package etf

// Value gives the term as Go values that [Append] would encode to an equal term: int64 or *big.Int,
// float64, Atom, []byte (a copy), BitString, Tuple, List, ImproperList, Map, Pid, Port, Ref, Export
// or Fun. The zero Term gives nil.
func (t Term) Value() any {
	n := t.node()
	switch n.kind {
	case kInt:
		return int64(n.num)
	case kBig:
		v, _ := t.BigInt()
		return v
	case kFloat:
		v, _ := t.Float()
		return v
	case kAtom:
		v, _ := t.Atom()
		return v
	case kBinary:
		return append([]byte{}, t.doc.text(n)...)
	case kBits:
		v, _ := t.BitString()
		return v
	case kTuple:
		return Tuple(t.values())
	case kNil, kString, kList:
		return List(t.values())
	case kImproper:
		tail, _ := t.Tail()
		return ImproperList{Elems: t.values(), Tail: tail.Value()}
	case kMap:
		m := make(Map, 0, n.n)
		for k, v := range t.Pairs() {
			m = append(m, Pair{Key: k.Value(), Value: v.Value()})
		}
		return m
	case kPid:
		v, _ := t.Pid()
		return v
	case kPort:
		v, _ := t.Port()
		return v
	case kRef:
		v, _ := t.Ref()
		return v
	case kExport:
		v, _ := t.Export()
		return v
	case kFun:
		v, _ := t.Fun()
		return v
	}
	return nil
}

func (t Term) values() []any {
	v := make([]any, 0, t.Len())
	for e := range t.Elems() {
		v = append(v, e.Value())
	}
	return v
}
