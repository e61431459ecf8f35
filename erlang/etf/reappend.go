package etf

import "encoding/binary"

// Append appends the term without a version byte, in the forms that a current BEAM writes: so it
// may differ in its bytes from what was decoded, but is an equal term. The zero Term appends nothing.
func (t Term) Append(dst []byte) []byte {
	n := t.node()
	switch n.kind {
	case kInt:
		return AppendInt(dst, int64(n.num))
	case kBig:
		var sign byte
		if n.flag&flagNegative != 0 {
			sign = 1
		}
		return append(appendBigHeader(dst, int(n.n), sign), t.doc.text(n)...)
	case kFloat:
		return binary.BigEndian.AppendUint64(append(dst, tagNewFloat), n.num)
	case kAtom:
		if n.flag&flagCached != 0 {
			return AppendAtom(dst, t.doc.atoms[uint32(n.num)])
		}
		return appendAtomText(dst, t.doc.text(n))
	case kBinary:
		return AppendBinary(dst, t.doc.text(n))
	case kBits:
		return AppendBitString(dst, BitString{Bytes: t.doc.text(n), Bits: uint8(n.num >> 32)})
	case kNil:
		return AppendNil(dst)
	case kString:
		dst = append(dst, tagString, byte(n.n>>8), byte(n.n))
		return append(dst, t.doc.text(n)...)
	case kTuple:
		return t.appendChildren(AppendTupleHeader(dst, int(n.n)), n.first(), n.n)
	case kList, kImproper:
		dst = AppendListHeader(dst, t.Len())
		for c := t.cells(); ; {
			e, ok := c.next()
			if !ok {
				break
			}
			dst = e.Append(dst)
		}
		if tail, ok := t.Tail(); ok {
			return tail.Append(dst)
		}
		return AppendNil(dst)
	case kMap:
		return t.appendChildren(AppendMapHeader(dst, int(n.n)), n.first(), 2*n.n)
	case kPid:
		dst = t.child(n, 0).Append(append(dst, tagNewPid))
		return t.appendNumbers(dst, n, 1)
	case kPort:
		id := t.doc.nodes[n.first()+1].num
		if id > maxV3Port {
			dst = t.child(n, 0).Append(append(dst, tagV4Port))
			dst = binary.BigEndian.AppendUint32(dst, uint32(id>>32))
		} else {
			dst = t.child(n, 0).Append(append(dst, tagNewPort))
		}
		return t.appendNumbers(dst, n, 1)
	case kRef:
		dst = append(dst, tagNewerReference, 0, byte(n.n-2))
		return t.appendNumbers(t.child(n, 0).Append(dst), n, 1)
	case kExport:
		return t.appendChildren(append(dst, tagExport), n.first(), n.n)
	case kFun:
		dst = append(dst, tagNewFun)
		start := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = append(dst, t.doc.src[n.num>>32:][:funFixed]...)
		dst = t.appendChildren(dst, n.first(), n.n)
		binary.BigEndian.PutUint32(dst[start:], uint32(len(dst)-start))
		return dst
	}
	return dst
}

func (t Term) appendChildren(dst []byte, first, n uint32) []byte {
	for i := first; i < first+n; i++ {
		dst = Term{doc: t.doc, i: i}.Append(dst)
	}
	return dst
}

// appendNumbers appends the children from the given one on as 32-bit numbers.
func (t Term) appendNumbers(dst []byte, n node, from uint32) []byte {
	for i := from; i < n.n; i++ {
		dst = binary.BigEndian.AppendUint32(dst, t.number(n, i))
	}
	return dst
}
