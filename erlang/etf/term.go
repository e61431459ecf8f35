package etf

import (
	"iter"
	"math"
	"math/big"
	"unicode/utf8"
)

// Term is a read-only view of a decoded term. It is a small value, to be passed as such. The zero
// Term is no term: its Kind is KindInvalid, it has no elements and equals nothing but another zero
// Term. Asking a Term for what it is not gives false, or the zero Term, and never panics: so a path
// such as t.At(1).At(0).IsAtom("badrpc") needs no checks on its way.
type Term struct {
	doc *doc
	i   uint32
	sub uint32 // not 0: the byte before it of a STRING_EXT, which has no node of its own
}

// Kind is what a term is, whichever of the format's several forms it came in.
type Kind uint8

// The kinds of terms. The empty list is a KindList.
const (
	KindInvalid Kind = iota
	KindInt
	KindFloat
	KindAtom
	KindBinary
	KindBitString // of a number of bits that is no multiple of 8
	KindTuple
	KindList // proper
	KindImproperList
	KindMap
	KindPid
	KindPort
	KindRef
	KindExport
	KindFun
)

var kinds = [...]Kind{
	kInvalid: KindInvalid, kInt: KindInt, kBig: KindInt, kFloat: KindFloat, kAtom: KindAtom,
	kBinary: KindBinary, kBits: KindBitString, kNil: KindList, kString: KindList, kList: KindList,
	kImproper: KindImproperList, kTuple: KindTuple, kMap: KindMap, kPid: KindPid, kPort: KindPort,
	kRef: KindRef, kExport: KindExport, kFun: KindFun,
}

var kindNames = [...]string{
	"invalid", "integer", "float", "atom", "binary", "bitstring", "tuple", "list", "improper list",
	"map", "pid", "port", "reference", "export", "fun",
}

// String gives the name Erlang has for the kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

func (t Term) node() node {
	if t.doc == nil {
		return node{}
	}
	n := t.doc.nodes[t.i]
	if t.sub != 0 {
		return node{num: uint64(t.doc.src[uint32(n.num)+t.sub-1]), kind: kInt}
	}
	return n
}

// Valid says whether t is a term at all.
func (t Term) Valid() bool { return t.doc != nil }

// Kind says what t is.
func (t Term) Kind() Kind { return kinds[t.node().kind] }

// Int gives an integer that an int64 holds.
func (t Term) Int() (int64, bool) {
	n := t.node()
	return int64(n.num), n.kind == kInt
}

// Uint gives an integer that a uint64 holds.
func (t Term) Uint() (uint64, bool) {
	switch n := t.node(); {
	case n.kind == kInt:
		return n.num, int64(n.num) >= 0
	case n.kind == kBig && n.n <= 8 && n.flag&flagNegative == 0:
		return littleEndian(t.doc.text(n)), true
	}
	return 0, false
}

func littleEndian(b []byte) (v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}

// BigInt gives an integer of any size.
func (t Term) BigInt() (*big.Int, bool) {
	switch n := t.node(); n.kind {
	case kInt:
		return big.NewInt(int64(n.num)), true
	case kBig:
		le := t.doc.text(n)
		be := make([]byte, len(le))
		for i, c := range le {
			be[len(be)-1-i] = c
		}
		v := new(big.Int).SetBytes(be)
		if n.flag&flagNegative != 0 {
			v.Neg(v)
		}
		return v, true
	}
	return nil, false
}

// Float gives a float; integers are none.
func (t Term) Float() (float64, bool) {
	n := t.node()
	if n.kind != kFloat {
		return 0, false
	}
	return math.Float64frombits(n.num), true
}

// Atom gives an atom. The atoms most often met cost no allocation.
func (t Term) Atom() (Atom, bool) {
	n := t.node()
	if n.kind != kAtom {
		return "", false
	}
	if n.flag&flagCached != 0 {
		return t.doc.atoms[uint32(n.num)], true
	}
	return internAtom(t.doc.text(n)), true
}

func internAtom(b []byte) Atom {
	switch string(b) {
	case "ok":
		return "ok"
	case "error":
		return "error"
	case "true":
		return "true"
	case "false":
		return "false"
	case "nil":
		return "nil"
	case "undefined":
		return "undefined"
	case "nonode@nohost":
		return "nonode@nohost"
	}
	return Atom(b)
}

// IsAtom says whether t is the atom a, without allocating.
func (t Term) IsAtom(a Atom) bool {
	n := t.node()
	return n.kind == kAtom && t.doc.atomIs(n, string(a))
}

// Bool gives the atoms true and false.
func (t Term) Bool() (value, ok bool) {
	if t.IsAtom("true") {
		return true, true
	}
	return false, t.IsAtom("false")
}

// Bytes gives the bytes of a binary. They are not to be written to.
func (t Term) Bytes() ([]byte, bool) {
	n := t.node()
	if n.kind != kBinary {
		return nil, false
	}
	return t.doc.text(n), true
}

// BitString gives a bit string, of which a binary is a case. A binary's bytes are not to be written to.
func (t Term) BitString() (BitString, bool) {
	switch n := t.node(); n.kind {
	case kBinary:
		return BitString{Bytes: t.doc.text(n), Bits: 8}, true
	case kBits:
		b := append([]byte(nil), t.doc.text(n)...)
		bits := uint8(n.num >> 32)
		b[len(b)-1] &= lastByteMask(bits)
		return BitString{Bytes: b, Bits: bits}, true
	}
	return BitString{}, false
}

// Text gives what Erlang and Elixir use for text: a binary of valid UTF-8, or a list of code points.
func (t Term) Text() (string, bool) {
	switch n := t.node(); n.kind {
	case kBinary:
		b := t.doc.text(n)
		if !utf8.Valid(b) {
			return "", false
		}
		return string(b), true
	case kNil, kString, kList:
		b := make([]byte, 0, t.Len())
		for e := range t.Elems() {
			v := e.node()
			if v.kind != kInt || v.num > utf8.MaxRune || !utf8.ValidRune(rune(v.num)) {
				return "", false
			}
			b = utf8.AppendRune(b, rune(v.num))
		}
		return string(b), true
	}
	return "", false
}

// IsNil says whether t is [].
func (t Term) IsNil() bool { return t.node().kind == kNil }

// Len is the number of elements of a tuple or list (the tail of an improper one not counted), of
// pairs of a map, and of bytes of a binary or bit string. Anything else has none.
func (t Term) Len() int {
	switch n := t.node(); n.kind {
	case kTuple, kMap, kBinary, kBits, kString:
		return int(n.n)
	case kList, kImproper:
		if n.flag&flagChained == 0 {
			return int(n.n)
		}
		total := 0
		for c := t.cells(); c.segment(); {
			total += c.left
			c.left = 0
		}
		return total
	}
	return 0
}

// At gives the i-th element, from 0, of a tuple or list, and the zero Term where there is none. It
// takes constant time.
func (t Term) At(i int) Term {
	n := t.node()
	if i < 0 || t.doc == nil {
		return Term{}
	}
	switch n.kind {
	case kTuple, kList, kImproper:
		if n.flag&flagChained != 0 {
			return t.chainAt(i)
		}
		if uint64(i) < uint64(n.n) {
			return Term{doc: t.doc, i: n.first() + uint32(i)}
		}
	case kString:
		if uint64(i) < uint64(n.n) {
			return Term{doc: t.doc, i: t.i, sub: uint32(i) + 1}
		}
	}
	return Term{}
}

// Elems gives the elements of a tuple or list in their order (without an improper list's tail).
func (t Term) Elems() iter.Seq[Term] {
	return func(yield func(Term) bool) {
		n := t.node()
		if n.kind == kTuple {
			for i := range n.n {
				if !yield(Term{doc: t.doc, i: n.first() + i}) {
					return
				}
			}
			return
		}
		for c := t.cells(); ; {
			e, ok := c.next()
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// Tail gives the tail of an improper list.
func (t Term) Tail() (Term, bool) {
	n := t.node()
	if n.kind != kImproper {
		return Term{}, false
	}
	for n.flag&flagChained != 0 {
		n = t.doc.nodes[n.tail()]
	}
	return Term{doc: t.doc, i: n.tail()}, true
}

// Pair gives the i-th key and value of a map, from 0, in the order they came in.
func (t Term) Pair(i int) (key, value Term) {
	n := t.node()
	if n.kind != kMap || i < 0 || uint64(i) >= uint64(n.n) {
		return Term{}, Term{}
	}
	k := n.first() + 2*uint32(i)
	return Term{doc: t.doc, i: k}, Term{doc: t.doc, i: k + 1}
}

// Pairs gives the keys and values of a map in the order they came in.
func (t Term) Pairs() iter.Seq2[Term, Term] {
	return func(yield func(Term, Term) bool) {
		n := t.node()
		if n.kind != kMap {
			return
		}
		for i := range n.n {
			k := n.first() + 2*i
			if !yield(Term{doc: t.doc, i: k}, Term{doc: t.doc, i: k + 1}) {
				return
			}
		}
	}
}
