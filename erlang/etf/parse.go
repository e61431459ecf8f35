package etf

import (
	"encoding/binary"
	"math"
	"slices"
)

// frame is a composite whose children are still being read.
type frame struct {
	cur, end uint32 // the next slot to fill, and the one behind the last
	owner    uint32 // the composite's own node
	kind     frameKind
}

// frameKind says what follows the last child.
type frameKind uint8

const (
	frameRoot frameKind = iota
	framePlain
	frameList // the tail follows
	frameTail // the tail has been read
	frameMap
	frameFun
)

// parse reads one term of b from pos on into d.doc and gives the offset behind it.
//
// It does not recurse. A composite reserves the slots of all its children at once, next to each
// other, and only after it is certain that as many bytes follow as there are terms outstanding, its
// own and those of the composites around it: each takes at least one. So nodes never outnumber bytes.
func (d *Decoder) parse(b []byte, pos int) (int, *DecodeError) {
	maxTerms, maxDepth := d.maxTerms(), d.maxDepth()
	if cap(d.doc.nodes) == 0 {
		d.doc.nodes = make([]node, 0, 64)
	}
	nodes := d.doc.nodes[:1]
	stack := d.stack[:0]
	d.text.extra, d.text.atoms = d.text.extra[:0], d.text.atoms[:0]
	d.doc.src, d.doc.rare, d.doc.open = b, &d.text, true
	defer func() { d.stack, d.doc.open = stack[:0], false }()

	f := frame{end: 1}
	pending := 0 // terms outstanding in the frames of the stack
	for {
		if f.cur == f.end {
			switch f.kind {
			case frameRoot:
				d.doc.nodes = nodes
				return pos, nil
			case frameList:
				if pos >= len(b) {
					return 0, truncated(pos, "tail of a list")
				}
				if b[pos] == tagNil {
					pos++
					break
				}
				if len(nodes) >= maxTerms {
					return 0, &DecodeError{Offset: pos, What: "tail of a list", Err: ErrTerms}
				}
				tail := uint32(len(nodes))
				nodes = reserve(nodes, 1)
				nodes[f.owner].num |= uint64(tail) << 32
				f.cur, f.end, f.kind = tail, tail+1, frameTail
				continue
			case frameTail:
				closeList(nodes, f.owner)
			case frameMap:
				d.doc.nodes = nodes
				if i := d.duplicateKey(f.owner); i >= 0 {
					return 0, &DecodeError{Offset: pos, What: "MAP_EXT: a key twice", Err: ErrMalformed}
				}
			case frameFun:
				if err := checkFun(b, pos, nodes, f.owner); err != nil {
					return 0, err
				}
			}
			f = stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			pending -= f.outstanding()
			continue
		}
		if pos >= len(b) {
			return 0, truncated(pos, "term")
		}
		at, start := &nodes[f.cur], pos
		var arity, slots int
		var k kind
		var next frameKind
		switch tag := b[pos]; tag {
		case tagSmallInteger:
			if pos+2 > len(b) {
				return 0, truncated(pos, "SMALL_INTEGER_EXT")
			}
			*at = node{num: uint64(b[pos+1]), kind: kInt}
			pos += 2
			f.cur++
			continue
		case tagInteger:
			if pos+5 > len(b) {
				return 0, truncated(pos, "INTEGER_EXT")
			}
			*at = node{num: uint64(int64(int32(binary.BigEndian.Uint32(b[pos+1:])))), kind: kInt}
			pos += 5
			f.cur++
			continue
		case tagNewFloat:
			if pos+9 > len(b) {
				return 0, truncated(pos, "NEW_FLOAT_EXT")
			}
			v := binary.BigEndian.Uint64(b[pos+1:])
			if v>>52&0x7ff == 0x7ff {
				return 0, malformed(pos, "NEW_FLOAT_EXT: not finite")
			}
			*at = node{num: v, kind: kFloat}
			pos += 9
			f.cur++
			continue
		case tagNil:
			*at = node{kind: kNil}
			pos++
			f.cur++
			continue
		case tagBinary:
			if pos+5 > len(b) {
				return 0, truncated(pos, "BINARY_EXT")
			}
			n := binary.BigEndian.Uint32(b[pos+1:])
			pos += 5
			if uint64(n) > uint64(len(b)-pos) {
				return 0, truncated(start, "BINARY_EXT")
			}
			*at = node{num: uint64(pos), n: n, kind: kBinary}
			pos += int(n)
			f.cur++
			continue
		case tagString:
			if pos+3 > len(b) {
				return 0, truncated(pos, "STRING_EXT")
			}
			n := int(binary.BigEndian.Uint16(b[pos+1:]))
			pos += 3
			if n > len(b)-pos {
				return 0, truncated(start, "STRING_EXT")
			}
			*at = node{num: uint64(pos), n: uint32(n), kind: kString}
			if n == 0 {
				*at = node{kind: kNil}
			}
			pos += n
			f.cur++
			continue
		case tagSmallTuple:
			if pos+2 > len(b) {
				return 0, truncated(pos, "SMALL_TUPLE_EXT")
			}
			arity = int(b[pos+1])
			slots, k, next = arity, kTuple, framePlain
			pos += 2
		case tagList, tagMap, tagLargeTuple:
			if pos+5 > len(b) {
				return 0, truncated(pos, tagName(tag))
			}
			n := binary.BigEndian.Uint32(b[pos+1:])
			if n > math.MaxInt32/2 {
				return 0, truncated(start, tagName(tag)+": more elements than bytes")
			}
			arity = int(n)
			pos += 5
			switch tag {
			case tagList:
				if n == 0 {
					continue // its tail is the term itself
				}
				slots, k, next = arity, kList, frameList
			case tagMap:
				slots, k, next = 2*arity, kMap, frameMap
			default:
				slots, k, next = arity, kTuple, framePlain
			}
		case tagNewFun:
			free, end, err := funHeader(b, pos)
			if err != nil {
				return 0, err
			}
			arity = 4 + free
			slots, k, next = arity, kFun, frameFun
			pos = end
		default:
			var err *DecodeError
			// The rarer terms may append nodes, or text of their own.
			if nodes, pos, err = d.parseRare(b, pos, nodes, f.cur); err != nil {
				return 0, err
			}
			if len(nodes) > maxTerms {
				return 0, &DecodeError{Offset: start, What: tagName(b[start]), Err: ErrTerms}
			}
			f.cur++
			continue
		}

		// A composite: reserve its children.
		first := len(nodes)
		*at = node{num: uint64(first), n: uint32(arity), kind: k}
		if k == kFun {
			at.num |= uint64(pos-funFixed) << 32
		}
		owner := f.cur
		f.cur++
		if slots == 0 {
			continue
		}
		outstanding := f.outstanding()
		left := len(b) - pos - pending - outstanding
		if next == frameList {
			left--
		}
		if slots > left {
			return 0, truncated(start, tagName(b[start])+": more elements than bytes")
		}
		if first+slots > maxTerms {
			return 0, &DecodeError{Offset: start, What: tagName(b[start]), Err: ErrTerms}
		}
		if len(stack) >= maxDepth {
			return 0, &DecodeError{Offset: start, What: tagName(b[start]), Err: ErrDepth}
		}
		pending += outstanding
		stack = append(stack, f)
		nodes = reserve(nodes, slots)
		f = frame{cur: uint32(first), end: uint32(first + slots), owner: owner, kind: next}
	}
}

// outstanding counts the terms that the frame still has to read.
func (f *frame) outstanding() int {
	n := int(f.end - f.cur)
	if f.kind == frameList {
		n++
	}
	return n
}

// reserve makes room for n more nodes, whose content is whatever stood there.
func reserve(nodes []node, n int) []node {
	if cap(nodes)-len(nodes) < n {
		nodes = slices.Grow(nodes, n)
	}
	return nodes[:len(nodes)+n]
}

// closeList settles what a list with a tail other than NIL_EXT is.
func closeList(nodes []node, owner uint32) {
	l := &nodes[owner]
	switch nodes[l.tail()].kind {
	case kNil:
		l.num = uint64(l.first())
	case kList, kString:
		l.flag = flagChained
	case kImproper:
		l.kind, l.flag = kImproper, flagChained
	default:
		l.kind = kImproper
	}
}

func truncated(pos int, what string) *DecodeError {
	return &DecodeError{Offset: pos, What: what, Err: ErrTruncated}
}

func malformed(pos int, what string) *DecodeError {
	return &DecodeError{Offset: pos, What: what, Err: ErrMalformed}
}
