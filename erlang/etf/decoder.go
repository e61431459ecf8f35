package etf

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
)

// What a zero [Decoder] allows, and what none allows.
const (
	DefaultMaxDepth = 4096
	DefaultMaxTerms = 4 << 20
	DefaultMaxSize  = 64 << 20

	maxDepthCap = 1 << 16
	maxTermsCap = 1<<31 - 1
	maxSizeCap  = 1<<31 - 1
)

// Decoder decodes terms. The zero Decoder is ready for use. A Decoder may be used for any number of
// terms, by one goroutine at a time; the Terms it gives may be read by any number.
//
// Hostile bytes give a [DecodeError]. Memory is bounded by 16 bytes for each term, of which there
// are no more than bytes, and by MaxSize for what decompression gives.
type Decoder struct {
	MaxDepth int // levels of nesting; 0 is DefaultMaxDepth, at most 65,536
	MaxTerms int // terms, those within terms included; 0 is DefaultMaxTerms
	MaxSize  int // bytes of one term, after decompression; 0 is DefaultMaxSize, less than 2 GiB

	// Atoms is what ATOM_CACHE_REF refers to: the atoms of a distribution header, by their index there.
	Atoms []Atom

	// Alias makes Terms refer to the bytes given instead of to a copy: they must then stay as they
	// are for as long as the Term is used.
	Alias bool

	// Reuse makes each call take over the memory of the one before, whose Term must not be used any
	// more. In steady state nothing is then allocated (but for decompression).
	Reuse bool

	doc   doc     // of the term being decoded, or with Reuse of the last one
	text  rare    // the doc's
	stack []frame // the composites around the term being decoded
	table []uint64
	buf   []byte // Reuse without Alias: the copy of the last term's bytes
	inflater
}

var decoders = sync.Pool{New: func() any { return new(Decoder) }}

// Decode decodes one term with its version byte, as term_to_binary gives it, within the limits of a
// zero [Decoder]. Bytes behind the term are an error. The Term does not refer to b.
func Decode(b []byte) (Term, error) {
	d := decoders.Get().(*Decoder)
	defer d.release()
	t, rest, err := d.Decode(b)
	if err != nil {
		return Term{}, err
	}
	if len(rest) > 0 {
		return Term{}, &DecodeError{Offset: len(b) - len(rest), What: "term complete", Err: ErrTrailing}
	}
	return t, nil
}

// release gives back a pooled Decoder, unless a large term made it large.
func (d *Decoder) release() {
	const keep = 1 << 16
	d.doc.src = nil
	if cap(d.doc.nodes) <= keep && cap(d.table) <= keep && cap(d.text.extra)+cap(d.text.atoms) <= keep {
		decoders.Put(d)
	}
}

// Reset lets go of the memory that the Decoder keeps for the next term, which has grown to what the
// largest one so far took.
func (d *Decoder) Reset() {
	d.doc, d.text, d.stack, d.table, d.buf, d.inflater = doc{}, rare{}, nil, nil, nil, inflater{}
}

// Decode decodes the term with a version byte at the start of b and gives the bytes behind it.
func (d *Decoder) Decode(b []byte) (t Term, rest []byte, err error) {
	switch {
	case len(b) == 0:
		return Term{}, nil, &DecodeError{What: "version", Err: ErrTruncated}
	case b[0] != Version:
		return Term{}, nil, &DecodeError{What: "version", Err: ErrVersion}
	case len(b) > 1 && b[1] == tagCompressed:
		return d.decodeCompressed(b)
	}
	return d.decode(b, 1)
}

// DecodeBare decodes the term without a version byte at the start of b, as distribution messages
// with a header hold it, and gives the bytes behind it.
func (d *Decoder) DecodeBare(b []byte) (t Term, rest []byte, err error) { return d.decode(b, 0) }

func (d *Decoder) decode(b []byte, pos int) (Term, []byte, error) {
	limit := d.maxSize()
	src := b
	if len(src)-pos > limit {
		src = src[:pos+limit]
	}
	end, err := d.parse(src, pos)
	if err != nil {
		if len(src) < len(b) && errors.Is(err, ErrTruncated) {
			err.Err = ErrSize
		}
		return Term{}, nil, err
	}
	return d.finish(b[:end:end]), b[end:], nil
}

func (d *Decoder) decodeCompressed(b []byte) (Term, []byte, error) {
	if len(b) < 6 {
		return Term{}, nil, &DecodeError{Offset: len(b), What: "COMPRESSED", Err: ErrTruncated}
	}
	size := binary.BigEndian.Uint32(b[2:])
	if uint64(size) > uint64(d.maxSize()) {
		return Term{}, nil, &DecodeError{Offset: 2, What: "COMPRESSED", Err: ErrSize}
	}
	used, err := d.inflate(b[6:], int(size))
	if err != nil {
		err.Offset += 6
		return Term{}, nil, err
	}
	src := d.inflated
	end, err := d.parse(src, 0)
	if err == nil && end != len(src) {
		err = &DecodeError{Offset: end, What: "term complete", Err: ErrTrailing}
	}
	if err != nil {
		err.Compressed = true
		return Term{}, nil, err
	}
	if d.Reuse {
		d.doc.src = src
		return Term{doc: &d.doc}, b[6+used:], nil
	}
	d.inflated = nil // it is the Term's now
	return d.keep(src, true), b[6+used:], nil
}

// finish makes a Term of what parse left in d.doc; src is the term with what stood in front of it.
func (d *Decoder) finish(src []byte) Term {
	if !d.Reuse {
		return d.keep(src, d.Alias)
	}
	if !d.Alias {
		d.buf = append(d.buf[:0], src...)
		src = d.buf
	}
	d.doc.src = src
	return Term{doc: &d.doc}
}

// keep copies what parse left in d.doc, and src unless it is to be aliased, into memory of the Term's own.
func (d *Decoder) keep(src []byte, alias bool) Term {
	own := len(src)
	if alias {
		own = 0
	}
	t, nodes, bytes := newDoc(len(d.doc.nodes), own)
	t.nodes, t.src = append(nodes, d.doc.nodes...), src
	if !alias {
		t.src = append(bytes, src...)
	}
	if len(d.text.extra)+len(d.text.atoms) > 0 {
		t.rare = &rare{extra: slices.Clone(d.text.extra), atoms: slices.Clone(d.text.atoms)}
	}
	return Term{doc: t}
}

func (d *Decoder) maxSize() int  { return limit(d.MaxSize, DefaultMaxSize, maxSizeCap) }
func (d *Decoder) maxTerms() int { return limit(d.MaxTerms, DefaultMaxTerms, maxTermsCap) }
func (d *Decoder) maxDepth() int { return limit(d.MaxDepth, DefaultMaxDepth, maxDepthCap) }

func limit(v, zero, most int) int {
	if v <= 0 {
		return zero
	}
	return min(v, most)
}
