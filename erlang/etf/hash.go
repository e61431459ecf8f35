package etf

import (
	"hash/maphash"
	"math/bits"
)

var hashSeed = maphash.MakeSeed()

// hashKey is as unknown to a sender as hashSeed.
var hashKey = maphash.Bytes(hashSeed, nil) | 1

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^hashKey, b^0x9e3779b97f4a7c15)
	return hi ^ lo
}

func hashBytes(b []byte) uint64 { return maphash.Bytes(hashSeed, b) }

// hash gives equal terms the same number, whatever form they came in. While a term is being decoded
// tuples and maps keep theirs, so that looking for double keys stays linear where keys of maps are
// maps with such keys themselves.
func (t Term) hash() uint64 {
	n := t.node()
	switch n.kind {
	case kInt, kFloat:
		return mix(n.num, uint64(n.kind))
	case kNil:
		return hashKey
	case kAtom:
		if n.flag&flagCached != 0 {
			return maphash.String(hashSeed, string(t.doc.atoms[uint32(n.num)]))
		}
		return hashBytes(t.doc.text(n))
	case kBinary, kBig:
		return mix(hashBytes(t.doc.text(n)), uint64(n.kind)+uint64(n.flag)<<8)
	case kBits:
		b, used := t.doc.text(n), uint8(n.num>>32)
		last := len(b) - 1
		return mix(hashBytes(b[:last]), uint64(b[last]&lastByteMask(used))<<8|uint64(used))
	case kString, kList, kImproper:
		h := hashKey
		for c := t.cells(); ; {
			e, ok := c.next()
			if !ok {
				break
			}
			h = mix(h, e.hash())
		}
		if tail, ok := t.Tail(); ok {
			h = mix(h, tail.hash()+1)
		}
		return h
	}
	if n.kind != kTuple && n.kind != kMap {
		return t.hashChildren(n)
	}
	if memo := n.num >> 32; memo != 0 {
		return memo
	}
	var h uint64
	if n.kind == kTuple {
		h = t.hashChildren(n)
	} else {
		for k, v := range t.Pairs() { // a sum: the order of pairs does not count
			h += mix(k.hash(), v.hash())
		}
		h = mix(h, uint64(kMap))
	}
	h = h>>32 | 1
	if t.doc.open {
		t.doc.nodes[t.i].num = uint64(n.first()) | h<<32
	}
	return h
}

func (t Term) hashChildren(n node) uint64 {
	h := mix(uint64(n.n), uint64(n.kind))
	if n.kind == kFun {
		h = mix(h, hashBytes(t.doc.src[n.num>>32:][:funFixed]))
	}
	for i := range n.n {
		h = mix(h, t.child(n, i).hash())
	}
	return h
}

// keyIndex finds the pair of a map that has a key, in a table of open addressing: the hash's upper
// half and the number of the pair plus one.
type keyIndex struct {
	table []uint64
	mask  uint64
}

// newKeyIndex makes an index for n keys out of the memory of table.
func newKeyIndex(table []uint64, n int) keyIndex {
	size := 1 << bits.Len(uint(2*n-1))
	if cap(table) < size {
		table = make([]uint64, size)
	}
	table = table[:size]
	clear(table)
	return keyIndex{table: table, mask: uint64(size - 1)}
}

// find gives the number of the pair of m whose key equals key, or -1 and the place to put it.
func (x keyIndex) find(m, key Term, h uint64) (pair int, place uint64) {
	for place = h & x.mask; x.table[place] != 0; place = (place + 1) & x.mask {
		if e := x.table[place]; (e^h)>>32 == 0 {
			i := int(uint32(e)) - 1
			if k, _ := m.Pair(i); k.Equal(key) {
				return i, place
			}
		}
	}
	return -1, place
}

func (x keyIndex) put(place, h uint64, pair int) {
	x.table[place] = h>>32<<32 | uint64(pair+1)
}

// spread makes all 64 bits of a hash, of which a memo holds 32, depend on all of it.
func spread(h uint64) uint64 { return mix(h, 0x2545f4914f6cdd1d) }

// fewPairs is the size up to which the keys of a map are compared with each other outright.
const fewPairs = 6

// duplicateKey gives the number of a pair of the map at node i whose key another pair has, too, or -1.
func (d *Decoder) duplicateKey(i uint32) int {
	m := Term{doc: &d.doc, i: i}
	n := m.Len()
	if n <= fewPairs {
		for i := 1; i < n; i++ {
			k, _ := m.Pair(i)
			for j := range i {
				if o, _ := m.Pair(j); k.Equal(o) {
					return i
				}
			}
		}
		return -1
	}
	x := newKeyIndex(d.table, n)
	d.table = x.table
	for i := range n {
		k, _ := m.Pair(i)
		h := spread(k.hash())
		same, place := x.find(m, k, h)
		if same >= 0 {
			return i
		}
		x.put(place, h, i)
	}
	return -1
}
