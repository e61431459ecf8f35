package wire

import (
	"errors"
	"fmt"

	"github.com/phialdev/phial/erlang/etf"
)

// Tags that follow the version byte of a packet between connected nodes.
const (
	versionMagic  = 131
	distHeader    = 68
	fragHeader    = 69
	fragContinued = 70
	passThrough   = 112
)

const (
	cacheSize    = 8 * 256 // segments times entries
	maxSequences = 256     // messages in fragments under way at once
	maxAtom      = 4 * 255 // bytes of an atom's text
)

// Message is one message between connected nodes, put together.
type Message struct {
	// Body is the control tuple and, for the operations that have one, the
	// payload. Unless Owned, it is part of the packet that was taken last.
	Body []byte
	// Owned says that nothing else uses the bytes of Body.
	Owned bool
	// Versioned says that each term of Body starts with the version byte
	// (pass-through messages, which have no distribution header).
	Versioned bool
	// Atoms are what the ATOM_CACHE_REFs of Body refer to.
	Atoms []etf.Atom
	// Fragmented says that the message came in pieces. Its sender may have died
	// between two of them, so a payload that ends early is no crime.
	Fragmented bool
}

// Assembler takes the packets of one connection, keeps the atom cache that their
// headers build up, and puts fragmented messages together. The zero value needs
// Max set.
type Assembler struct {
	// Max is the number of bytes that one message, and all unfinished ones
	// together, may have.
	Max int

	cache   map[uint16]etf.Atom
	atoms   []etf.Atom
	seqs    map[uint64]*sequence
	pending int
}

type sequence struct {
	next  uint64 // the fragment id that has to come
	size  int    // what it counts for in pending
	body  []byte
	atoms []etf.Atom
}

// Take takes one packet that is not a tick. It gives false where the packet is a
// fragment and its message is not whole yet.
func (a *Assembler) Take(p []byte) (Message, bool, error) {
	if len(p) > 0 && p[0] == passThrough {
		return Message{Body: p[1:], Versioned: true}, true, nil
	}
	if len(p) < 2 || p[0] != versionMagic {
		return Message{}, false, fmt.Errorf("packet without distribution header: %s", excerpt(p))
	}
	r := cursor{b: p[2:], what: "distribution header"}
	switch p[1] {
	case distHeader:
		atoms, err := a.header(&r, a.atoms[:0])
		if err != nil {
			return Message{}, false, err
		}
		a.atoms = atoms
		return Message{Body: r.b, Atoms: atoms}, true, nil
	case fragHeader:
		return a.start(&r)
	case fragContinued:
		return a.proceed(&r)
	}
	return Message{}, false, fmt.Errorf("unknown distribution header %d", p[1])
}

func (a *Assembler) start(r *cursor) (Message, bool, error) {
	seq, frag := r.u64(), r.u64()
	atoms, err := a.header(r, nil)
	if err != nil {
		return Message{}, false, err
	}
	switch {
	case frag == 0:
		return Message{}, false, errors.New("fragment: a sequence starts with fragment 0")
	case frag == 1:
		return Message{Body: r.b, Atoms: atoms, Fragmented: true}, true, nil
	case a.seqs[seq] != nil:
		return Message{}, false, fmt.Errorf("fragment: sequence %d starts twice", seq)
	case len(a.seqs) >= maxSequences:
		return Message{}, false, fmt.Errorf("fragment: more than %d sequences at once", maxSequences)
	}
	s := &sequence{next: frag, atoms: atoms}
	if a.seqs == nil {
		a.seqs = make(map[uint64]*sequence)
	}
	a.seqs[seq] = s
	for _, atom := range atoms {
		s.size += len(atom)
	}
	a.pending += s.size
	return a.add(seq, s, r.b)
}

func (a *Assembler) proceed(r *cursor) (Message, bool, error) {
	seq, frag := r.u64(), r.u64()
	if err := r.done(); err != nil {
		return Message{}, false, err
	}
	s := a.seqs[seq]
	if s == nil {
		return Message{}, false, fmt.Errorf("fragment: sequence %d was never started", seq)
	}
	if frag != s.next {
		return Message{}, false, fmt.Errorf("fragment: %d of sequence %d came, %d was due", frag, seq, s.next)
	}
	return a.add(seq, s, r.b)
}

func (a *Assembler) add(seq uint64, s *sequence, b []byte) (Message, bool, error) {
	if a.pending+len(b) > a.Max {
		return Message{}, false, fmt.Errorf("fragment: unfinished messages exceed %d bytes", a.Max)
	}
	a.pending += len(b)
	s.size += len(b)
	s.body = append(s.body, b...)
	s.next--
	if s.next > 0 {
		return Message{}, false, nil
	}
	delete(a.seqs, seq)
	a.pending -= s.size
	return Message{Body: s.body, Owned: true, Atoms: s.atoms, Fragmented: true}, true, nil
}

// header reads the atom cache references of a header and puts the new ones into
// the cache. They are appended to atoms in the order of their indices.
func (a *Assembler) header(r *cursor, atoms []etf.Atom) ([]etf.Atom, error) {
	n := int(r.u8())
	if n == 0 {
		return atoms, r.done()
	}
	flags := r.take(n/2 + 1)
	if r.short {
		return nil, r.done()
	}
	half := func(i int) byte { return flags[i/2] >> (4 * (i % 2)) & 0xf }
	long := half(n)&1 != 0
	for i := range n {
		f := half(i)
		at := uint16(f&7)<<8 | uint16(r.u8())
		if f&8 == 0 {
			atom, ok := a.cache[at]
			if !ok && !r.short {
				return nil, fmt.Errorf("distribution header: nothing cached at %d", at)
			}
			atoms = append(atoms, atom)
			continue
		}
		var length int
		if long {
			length = int(r.u16())
		} else {
			length = int(r.u8())
		}
		if length > maxAtom {
			return nil, fmt.Errorf("distribution header: an atom of %d bytes", length)
		}
		atom := etf.Atom(r.take(length))
		if r.short {
			break
		}
		if a.cache == nil {
			a.cache = make(map[uint16]etf.Atom)
		}
		a.cache[at] = atom
		atoms = append(atoms, atom)
	}
	return atoms, r.done()
}

// AppendHeader appends a distribution header without atom references: what every
// message starts with once a header was agreed on. The terms behind it have no
// version byte.
func AppendHeader(dst []byte) []byte {
	return append(dst, versionMagic, distHeader, 0)
}
