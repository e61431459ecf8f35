package etf

import "unicode/utf8"

// Atom is an Erlang atom, in UTF-8, of at most [MaxAtomLen] characters.
type Atom string

// Check says why a is no atom that a BEAM would accept, or nil.
func (a Atom) Check() error {
	if len(a) > MaxAtomLen && utf8.RuneCountInString(string(a)) > MaxAtomLen {
		return errAtomLong
	}
	if !utf8.ValidString(string(a)) {
		return errAtomUTF8
	}
	return nil
}

// Charlist is text that is encoded as a list of code points, which is what Erlang calls a string.
type Charlist string

// Tuple is an Erlang tuple.
type Tuple []any

// List is a proper list; the empty or nil List is [].
type List []any

// ImproperList is a list with a tail that is no list: [a, b | tail]. Without elements it is its tail.
type ImproperList struct {
	Elems []any
	Tail  any
}

// Map is an Erlang map, encoded in the order given. The keys must differ from one another:
// a BEAM refuses a term with a key given twice.
type Map []Pair

// Pair is one association of a [Map].
type Pair struct{ Key, Value any }

// BitString is a bit string: Bits (1 to 8) counts the bits used of the last byte, from its most
// significant one. With Bits 8, or without bytes, it is a binary.
type BitString struct {
	Bytes []byte
	Bits  uint8
}

// Pid is a process identifier. It is comparable.
type Pid struct {
	Node       Atom
	ID, Serial uint32
	Creation   uint32
}

// Port is a port identifier. It is comparable. Before OTP 24 ID had 28 bits, since then 64.
type Port struct {
	Node     Atom
	ID       uint64
	Creation uint32
}

// Ref is a reference. It is comparable: words past Len must be zero.
type Ref struct {
	Node     Atom
	Creation uint32
	Len      uint8 // words in use, 1 to MaxRefWords
	Words    [MaxRefWords]uint32
}

// Export is an external fun: fun Module:Function/Arity.
type Export struct {
	Module, Function Atom
	Arity            uint8
}

// Fun is a local fun (a closure) as NEW_FUN_EXT carries it. It means something only to a node that
// has loaded the very version of the module that made it.
type Fun struct {
	Module   Atom
	Arity    uint8
	Uniq     [16]byte // MD5 of the significant parts of the module
	Index    uint32
	OldIndex int64
	OldUniq  int64
	Pid      Pid // the process that made it
	Free     []any
}
