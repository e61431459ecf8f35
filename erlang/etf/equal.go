package etf

import "bytes"

// Equal says whether t and u are the same term, as =:= of OTP 27 and later does: 1 and 1.0 differ, and
// so do 0.0 and -0.0. The order in which a map's pairs came does not count, nor the form in which a term came.
func (t Term) Equal(u Term) bool {
	n, m := t.node(), u.node()
	if n.kind != m.kind {
		return listLike(n.kind) && listLike(m.kind) && t.equalLists(u)
	}
	switch n.kind {
	case kInvalid, kNil:
		return true
	case kInt, kFloat:
		return n.num == m.num
	case kAtom:
		return t.doc.atomsEqual(n, u.doc, m)
	case kBinary, kBig, kString:
		return n.n == m.n && n.flag == m.flag && bytes.Equal(t.doc.text(n), u.doc.text(m))
	case kBits:
		used := uint8(n.num >> 32)
		if n.n != m.n || used != uint8(m.num>>32) {
			return false
		}
		a, b, last := t.doc.text(n), u.doc.text(m), n.n-1
		return bytes.Equal(a[:last], b[:last]) && (a[last]^b[last])&lastByteMask(used) == 0
	case kList, kImproper:
		if (n.flag|m.flag)&flagChained == 0 && n.n != m.n {
			return false
		}
		return t.equalLists(u)
	}
	if n.n != m.n {
		return false
	}
	if n.kind == kMap {
		return t.equalMaps(u)
	}
	if n.kind == kFun && !bytes.Equal(t.doc.src[n.num>>32:][:funFixed], u.doc.src[m.num>>32:][:funFixed]) {
		return false
	}
	for i := range n.n {
		if !t.child(n, i).Equal(u.child(m, i)) {
			return false
		}
	}
	return true
}

func listLike(k kind) bool { return k == kString || k == kList }

func (t Term) equalLists(u Term) bool {
	a, b := t.cells(), u.cells()
	for {
		x, okx := a.next()
		y, oky := b.next()
		if okx != oky {
			return false
		}
		if !okx {
			break
		}
		if !x.Equal(y) {
			return false
		}
	}
	x, okx := t.Tail()
	y, oky := u.Tail()
	return okx == oky && (!okx || x.Equal(y))
}

// equalMaps compares two maps of the same size.
func (t Term) equalMaps(u Term) bool {
	n := t.Len()
	var x keyIndex
	for i := range n {
		k, v := t.Pair(i)
		j := i
		if other, _ := u.Pair(i); !k.Equal(other) { // most often the order is the same
			if x.table == nil {
				x = newKeyIndex(nil, n)
				for j := range n {
					o, _ := u.Pair(j)
					h := spread(o.hash())
					_, place := x.find(u, o, h)
					x.put(place, h, j)
				}
			}
			if j, _ = x.find(u, k, spread(k.hash())); j < 0 {
				return false
			}
		}
		if _, w := u.Pair(j); !v.Equal(w) {
			return false
		}
	}
	return true
}
