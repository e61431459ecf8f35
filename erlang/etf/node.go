package etf

// doc is one decoded term: a slab of nodes without pointers, and the bytes they refer to.
// Once decoding is over nothing writes to it.
type doc struct {
	nodes []node
	src   []byte // what was decoded: binaries, strings, atoms and big integers are parts of it
	*rare
	open bool // being decoded: nodes may be written to
}

// rare holds text that is not in src.
type rare struct {
	extra []byte // UTF-8 of atoms that came as Latin-1
	atoms []Atom // atoms that came as references to the atom cache
}

// Most answers to calls are small: a doc with its nodes and bytes is then one allocation, of 160, 256 or
// 512 bytes.
type (
	doc160 struct {
		doc
		nodes [4]node
		src   [32]byte
	}
	doc256 struct {
		doc
		nodes [8]node
		src   [64]byte
	}
	doc512 struct {
		doc
		nodes [16]node
		src   [192]byte
	}
)

// newDoc makes a doc and, where so few nodes and bytes fit into it, gives room to append them to.
func newDoc(nodes, bytes int) (*doc, []node, []byte) {
	switch {
	case nodes <= 4 && bytes <= 32:
		d := new(doc160)
		return &d.doc, d.nodes[:0], d.src[:0]
	case nodes <= 8 && bytes <= 64:
		d := new(doc256)
		return &d.doc, d.nodes[:0], d.src[:0]
	case nodes <= 16 && bytes <= 192:
		d := new(doc512)
		return &d.doc, d.nodes[:0], d.src[:0]
	}
	return new(doc), nil, nil
}

// node is one term. The children of a composite stand next to each other, so that each is found in one step.
//
//	kind        num                              n
//	kInt        the value, as int64
//	kBig        offset of the magnitude in src   its length; flagNegative
//	kFloat      the IEEE 754 bits
//	kAtom       offset in src (or extra, atoms)  length in bytes; flagExtra, flagCached
//	kBinary     offset in src                    length
//	kBits       offset in src, bits<<32          length
//	kNil
//	kString     offset in src                    length: a list of bytes, at least one
//	kList       first child, tail<<32            elements; flagChained: the tail is a list, too
//	kImproper   likewise; the tail is a node and no proper list
//	kTuple      first child, hash<<32            elements
//	kMap        first child, hash<<32            pairs, key and value in turn
//	kPid        first child                      4: node, id, serial, creation
//	kPort       first child                      3: node, id, creation
//	kRef        first child                      2 + words: node, creation, words
//	kExport     first child                      3: module, function, arity
//	kFun        first child, offset<<32 of the   4 + free variables: module, old index, old uniq, pid
//	            fixed fields in src
//
// The hash is a memo that spares hashing a term again when it is part of a map's key; 0 means none.
type node struct {
	num  uint64
	n    uint32
	kind kind
	flag uint8
}

type kind uint8

const (
	kInvalid kind = iota
	kInt
	kBig
	kFloat
	kAtom
	kBinary
	kBits
	kNil
	kString
	kList
	kImproper
	kTuple
	kMap
	kPid
	kPort
	kRef
	kExport
	kFun
)

const (
	flagNegative = 1 << iota
	flagExtra
	flagCached
	flagChained
)

func (n node) first() uint32 { return uint32(n.num) }
func (n node) tail() uint32  { return uint32(n.num >> 32) }

// text is the range of bytes a node refers to.
func (d *doc) text(n node) []byte {
	off := uint32(n.num)
	if n.flag&flagExtra != 0 {
		return d.extra[off : off+n.n : off+n.n]
	}
	return d.src[off : off+n.n : off+n.n]
}

// atomIs compares without making a string of the atom.
func (d *doc) atomIs(n node, s string) bool {
	if int(n.n) != len(s) {
		return false
	}
	if n.flag&flagCached != 0 {
		return string(d.atoms[uint32(n.num)]) == s
	}
	return string(d.text(n)) == s
}

func (d *doc) atomsEqual(n node, e *doc, m node) bool {
	switch {
	case n.n != m.n:
		return false
	case m.flag&flagCached != 0:
		return d.atomIs(n, string(e.atoms[uint32(m.num)]))
	case n.flag&flagCached != 0:
		return e.atomIs(m, string(d.atoms[uint32(n.num)]))
	}
	return string(d.text(n)) == string(e.text(m))
}
