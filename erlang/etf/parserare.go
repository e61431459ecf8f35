package etf

import (
	"encoding/binary"
	"math"
	"strconv"
)

// parseRare reads the terms that parse leaves to it into nodes[at]: those that hold no other terms
// but atoms and numbers.
func (d *Decoder) parseRare(b []byte, pos int, nodes []node, at uint32) ([]node, int, *DecodeError) {
	var err *DecodeError
	start, tag := pos, b[pos]
	switch tag {
	case tagSmallAtomUTF8, tagAtomUTF8, tagSmallAtom, tagAtom, tagAtomCacheRef:
		nodes[at], pos, err = d.atom(b, start)
	case tagFloat:
		nodes[at], pos, err = oldFloat(b, start)
	case tagSmallBig, tagLargeBig:
		nodes[at], pos, err = bigInteger(b, start)
	case tagBitBinary:
		nodes[at], pos, err = bitBinary(b, start)
	case tagPid, tagNewPid:
		return d.identifier(b, start, nodes, at, kPid, 2, 4, tag == tagNewPid)
	case tagPort, tagNewPort:
		return d.identifier(b, start, nodes, at, kPort, 1, 4, tag == tagNewPort)
	case tagV4Port:
		return d.identifier(b, start, nodes, at, kPort, 1, 8, true)
	case tagReference, tagNewReference, tagNewerReference:
		return d.reference(b, start, nodes, at)
	case tagExport:
		return d.export(b, start, nodes, at)
	default:
		return nodes, 0, &DecodeError{Offset: start, What: tagName(tag), Err: ErrTag}
	}
	return nodes, pos, err
}

// atom reads an atom of any form.
func (d *Decoder) atom(b []byte, pos int) (node, int, *DecodeError) {
	if pos+2 > len(b) {
		return node{}, 0, truncated(pos, "atom")
	}
	tag, n := b[pos], int(b[pos+1])
	start := pos
	pos += 2
	switch tag {
	case tagAtomCacheRef:
		if n >= len(d.Atoms) {
			return node{}, 0, malformed(start, "ATOM_CACHE_REF: no such entry")
		}
		a := d.Atoms[n]
		d.text.atoms = append(d.text.atoms, a)
		return node{num: uint64(len(d.text.atoms) - 1), n: uint32(len(a)), kind: kAtom, flag: flagCached}, pos, nil
	case tagAtom, tagAtomUTF8:
		if pos >= len(b) {
			return node{}, 0, truncated(start, tagName(tag))
		}
		n = n<<8 | int(b[pos])
		pos++
	case tagSmallAtom, tagSmallAtomUTF8:
	default:
		return node{}, 0, malformed(start, "no atom where one is due")
	}
	if n > len(b)-pos {
		return node{}, 0, truncated(start, tagName(tag))
	}
	text := b[pos : pos+n]
	if n <= MaxAtomLen && ascii(text) {
		return node{num: uint64(pos), n: uint32(n), kind: kAtom}, pos + n, nil
	}
	if tag == tagAtom || tag == tagSmallAtom {
		if n > MaxAtomLen {
			return node{}, 0, malformed(start, "atom of more than 255 characters")
		}
		off := len(d.text.extra)
		for _, c := range text {
			d.text.extra = append(d.text.extra, string(rune(c))...)
		}
		return node{num: uint64(off), n: uint32(len(d.text.extra) - off), kind: kAtom, flag: flagExtra}, pos + n, nil
	}
	if !validAtomText(text) {
		return node{}, 0, malformed(start, "atom that is not UTF-8 or has more than 255 characters")
	}
	return node{num: uint64(pos), n: uint32(n), kind: kAtom}, pos + n, nil
}

// ascii says whether every byte is below 0x80.
func ascii(b []byte) bool {
	const high = 0x8080808080808080
	n := len(b)
	switch {
	case n >= 8:
		for len(b) > 8 {
			if binary.LittleEndian.Uint64(b)&high != 0 {
				return false
			}
			b = b[min(8, len(b)-8):]
		}
		return binary.LittleEndian.Uint64(b)&high == 0
	case n >= 4:
		return (binary.LittleEndian.Uint32(b)|binary.LittleEndian.Uint32(b[n-4:]))&(high&math.MaxUint32) == 0
	}
	var or byte
	for _, c := range b {
		or |= c
	}
	return or < 0x80
}

// oldFloat reads FLOAT_EXT: 31 bytes of text as sprintf's "%.20e" writes it, filled with zeros.
func oldFloat(b []byte, pos int) (node, int, *DecodeError) {
	const size = 31
	if size > len(b)-pos-1 {
		return node{}, 0, truncated(pos, "FLOAT_EXT")
	}
	text := b[pos+1 : pos+1+size]
	for i, c := range text {
		if c == 0 {
			text = text[:i]
			break
		}
	}
	if !isFloatText(text) {
		return node{}, 0, malformed(pos, "FLOAT_EXT")
	}
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return node{}, 0, malformed(pos, "FLOAT_EXT")
	}
	return node{num: math.Float64bits(v), kind: kFloat}, pos + 1 + size, nil
}

// isFloatText is stricter than strconv: digits on both sides of a point, and maybe an exponent.
func isFloatText(s []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n]-'0' <= 9 {
			n++
		}
		s = s[n:]
		return n > 0
	}
	sign := func() {
		if len(s) > 0 && (s[0] == '-' || s[0] == '+') {
			s = s[1:]
		}
	}
	sign()
	if !digits() || len(s) == 0 || s[0] != '.' {
		return false
	}
	s = s[1:]
	if !digits() {
		return false
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		s = s[1:]
		sign()
		if !digits() {
			return false
		}
	}
	return len(s) == 0
}

// bigInteger reads SMALL_BIG_EXT or LARGE_BIG_EXT: a length, a sign, and a little-endian magnitude.
func bigInteger(b []byte, pos int) (node, int, *DecodeError) {
	start, tag := pos, b[pos]
	var n uint32
	if tag == tagSmallBig {
		if pos+3 > len(b) {
			return node{}, 0, truncated(start, tagName(tag))
		}
		n = uint32(b[pos+1])
		pos += 2
	} else {
		if pos+6 > len(b) {
			return node{}, 0, truncated(start, tagName(tag))
		}
		n = binary.BigEndian.Uint32(b[pos+1:])
		pos += 5
	}
	var flag uint8
	if b[pos] != 0 {
		flag = flagNegative
	}
	pos++
	if uint64(n) > uint64(len(b)-pos) {
		return node{}, 0, truncated(start, tagName(tag))
	}
	end := pos + int(n)
	for n > 0 && b[pos+int(n)-1] == 0 {
		n--
	}
	if n > 8 {
		return node{num: uint64(pos), n: n, kind: kBig, flag: flag}, end, nil
	}
	var v uint64
	for i := int(n) - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[pos+i])
	}
	switch {
	case flag == 0 && v <= math.MaxInt64:
		return node{num: v, kind: kInt}, end, nil
	case flag != 0 && v <= 1<<63:
		return node{num: -v, kind: kInt}, end, nil
	}
	return node{num: uint64(pos), n: n, kind: kBig, flag: flag}, end, nil
}

func bitBinary(b []byte, pos int) (node, int, *DecodeError) {
	if pos+6 > len(b) {
		return node{}, 0, truncated(pos, "BIT_BINARY_EXT")
	}
	n, bits := binary.BigEndian.Uint32(b[pos+1:]), b[pos+5]
	if bits > 8 || (bits == 0) != (n == 0) {
		return node{}, 0, malformed(pos, "BIT_BINARY_EXT: bits in use")
	}
	start := pos
	pos += 6
	if uint64(n) > uint64(len(b)-pos) {
		return node{}, 0, truncated(start, "BIT_BINARY_EXT")
	}
	v := node{num: uint64(pos), n: n, kind: kBinary}
	if bits%8 != 0 {
		v.kind = kBits
		v.num |= uint64(bits) << 32
	}
	return v, pos + int(n), nil
}

// identifier reads a pid or a port: a node, ids numbers of width bytes, and a creation of 4 bytes or 1.
func (d *Decoder) identifier(b []byte, pos int, nodes []node, at uint32, k kind, ids, width int, wide bool) ([]node, int, *DecodeError) {
	start := pos
	name, pos, err := d.atom(b, pos+1)
	if err != nil {
		return nodes, 0, err
	}
	creation := 1
	if wide {
		creation = 4
	}
	if ids*width+creation > len(b)-pos {
		return nodes, 0, truncated(start, tagName(b[start]))
	}
	first := len(nodes)
	nodes = reserve(nodes, 2+ids)
	child := nodes[first:]
	child[0] = name
	for i := 1; i <= ids; i++ {
		child[i] = unsigned(b[pos : pos+width])
		pos += width
	}
	child[ids+1] = unsigned(b[pos : pos+creation])
	if creation == 1 && child[ids+1].num > maxOldCreation {
		return nodes, 0, malformed(start, tagName(b[start])+": creation")
	}
	nodes[at] = node{num: uint64(first), n: uint32(2 + ids), kind: k}
	return nodes, pos + creation, nil
}

// reference reads the three forms of a reference.
func (d *Decoder) reference(b []byte, pos int, nodes []node, at uint32) ([]node, int, *DecodeError) {
	start, tag := pos, b[pos]
	words, creation := 1, 1
	pos++
	if tag != tagReference {
		if pos+2 > len(b) {
			return nodes, 0, truncated(start, tagName(tag))
		}
		words = int(binary.BigEndian.Uint16(b[pos:]))
		pos += 2
		if words < 1 || words > MaxRefWords {
			return nodes, 0, malformed(start, tagName(tag)+": number of words")
		}
	}
	if tag == tagNewerReference {
		creation = 4
	}
	name, pos, err := d.atom(b, pos)
	if err != nil {
		return nodes, 0, err
	}
	if words*4+creation > len(b)-pos {
		return nodes, 0, truncated(start, tagName(tag))
	}
	first := len(nodes)
	nodes = reserve(nodes, 2+words)
	child := nodes[first:]
	child[0] = name
	if tag == tagReference { // here the creation comes last
		child[1] = unsigned(b[pos+4 : pos+5])
		child[2] = unsigned(b[pos : pos+4])
		pos += 5
	} else {
		child[1] = unsigned(b[pos : pos+creation])
		pos += creation
		for i := range words {
			child[2+i] = unsigned(b[pos : pos+4])
			pos += 4
		}
	}
	if creation == 1 && (child[1].num > maxOldCreation || child[2].num > maxOldRefID) {
		return nodes, 0, malformed(start, tagName(tag)+": id or creation")
	}
	nodes[at] = node{num: uint64(first), n: uint32(2 + words), kind: kRef}
	return nodes, pos, nil
}

func (d *Decoder) export(b []byte, pos int, nodes []node, at uint32) ([]node, int, *DecodeError) {
	start := pos
	module, pos, err := d.atom(b, pos+1)
	if err != nil {
		return nodes, 0, err
	}
	function, pos, err := d.atom(b, pos)
	if err != nil {
		return nodes, 0, err
	}
	if 2 > len(b)-pos {
		return nodes, 0, truncated(start, "EXPORT_EXT")
	}
	if b[pos] != tagSmallInteger {
		return nodes, 0, malformed(start, "EXPORT_EXT: arity")
	}
	first := len(nodes)
	nodes = append(nodes, module, function, node{num: uint64(b[pos+1]), kind: kInt})
	nodes[at] = node{num: uint64(first), n: 3, kind: kExport}
	return nodes, pos + 2, nil
}

// unsigned reads a big-endian number of 1, 4 or 8 bytes. One that no int64 holds keeps its bits.
func unsigned(b []byte) node {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return node{num: v, kind: kInt}
}
