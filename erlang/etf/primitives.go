package etf

import (
	"encoding/binary"
	"math"
	"math/big"
	"math/bits"
	"unicode/utf8"
)

// The functions of this file append one term, or the head of one, and cannot fail. None writes the
// version byte; [AppendVersion] does.

// AppendVersion appends the byte that stands in front of a term outside the distribution protocol.
func AppendVersion(dst []byte) []byte { return append(dst, Version) }

// AppendAtom appends an atom as SMALL_ATOM_UTF8_EXT or ATOM_UTF8_EXT. What is no atom ([Atom.Check])
// is mended, so that the bytes are well-formed in any case: invalid UTF-8 becomes U+FFFD, and
// characters past the 255th are dropped. [Append] reports it instead.
func AppendAtom(dst []byte, a Atom) []byte {
	return appendAtomText(dst, string(a.mended()))
}

func appendAtomText[T string | []byte](dst []byte, s T) []byte {
	if len(s) <= math.MaxUint8 {
		dst = append(dst, tagSmallAtomUTF8, byte(len(s)))
	} else {
		dst = append(dst, tagAtomUTF8, byte(len(s)>>8), byte(len(s)))
	}
	return append(dst, s...)
}

func (a Atom) mended() Atom {
	if a.Check() == nil {
		return a
	}
	r := []rune(string(a))
	if len(r) > MaxAtomLen {
		r = r[:MaxAtomLen]
	}
	return Atom(string(r))
}

// AppendBool appends the atom true or false.
func AppendBool(dst []byte, v bool) []byte {
	if v {
		return appendAtomText(dst, "true")
	}
	return appendAtomText(dst, "false")
}

// AppendInt appends an integer in the shortest form that a BEAM itself would use.
func AppendInt(dst []byte, v int64) []byte {
	switch {
	case uint64(v) <= math.MaxUint8:
		return append(dst, tagSmallInteger, byte(v))
	case v == int64(int32(v)):
		return append(dst, tagInteger, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	case v < 0:
		return appendBig64(dst, 1, -uint64(v))
	}
	return appendBig64(dst, 0, uint64(v))
}

// AppendUint is AppendInt for unsigned integers.
func AppendUint(dst []byte, v uint64) []byte {
	if v <= math.MaxInt64 {
		return AppendInt(dst, int64(v))
	}
	return appendBig64(dst, 0, v)
}

func appendBig64(dst []byte, sign byte, v uint64) []byte {
	n := (bits.Len64(v) + 7) / 8
	dst = append(dst, tagSmallBig, byte(n), sign)
	for ; n > 0; n-- {
		dst = append(dst, byte(v))
		v >>= 8
	}
	return dst
}

// AppendBigInt appends an integer of any size. A nil v is 0.
func AppendBigInt(dst []byte, v *big.Int) []byte {
	if v == nil {
		return AppendInt(dst, 0)
	}
	if v.IsInt64() {
		return AppendInt(dst, v.Int64())
	}
	var sign byte
	if v.Sign() < 0 {
		sign = 1
	}
	n := (v.BitLen() + 7) / 8
	dst = appendBigHeader(dst, n, sign)
	for _, w := range v.Bits() {
		if bits.UintSize == 64 && n >= 8 {
			dst = binary.LittleEndian.AppendUint64(dst, uint64(w))
			n -= 8
			continue
		}
		for used := min(n, bits.UintSize/8); used > 0; used-- {
			dst = append(dst, byte(w))
			w >>= 8
			n--
		}
	}
	return dst
}

func appendBigHeader(dst []byte, n int, sign byte) []byte {
	if n <= math.MaxUint8 {
		return append(dst, tagSmallBig, byte(n), sign)
	}
	dst = append(dst, tagLargeBig)
	return append(binary.BigEndian.AppendUint32(dst, uint32(n)), sign)
}

// AppendFloat appends a float. Erlang has neither infinities nor NaN: a BEAM refuses a term that
// holds one, and [Append] reports it.
func AppendFloat(dst []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, tagNewFloat), math.Float64bits(v))
}

// AppendBinary appends a binary of fewer than 1<<32 bytes.
func AppendBinary[T ~string | ~[]byte](dst []byte, v T) []byte {
	n := len(v)
	dst = append(dst, tagBinary, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
	return append(dst, v...)
}

// AppendBitString appends a bit string; Bits past 8 count as 8, and 0 as 8.
// The bits of the last byte that are not in use are written as zeros.
func AppendBitString(dst []byte, v BitString) []byte {
	if len(v.Bytes) == 0 || v.Bits == 0 || v.Bits >= 8 {
		return AppendBinary(dst, v.Bytes)
	}
	n := len(v.Bytes)
	dst = append(dst, tagBitBinary, byte(n>>24), byte(n>>16), byte(n>>8), byte(n), v.Bits)
	dst = append(dst, v.Bytes...)
	dst[len(dst)-1] &= lastByteMask(v.Bits)
	return dst
}

// lastByteMask covers the bits in use of a bit string's last byte.
func lastByteMask(bits uint8) byte { return byte(0xff << (8 - bits)) }

// AppendTupleHeader appends the head of a tuple; its n elements must follow.
func AppendTupleHeader(dst []byte, n int) []byte {
	if n <= math.MaxUint8 {
		return append(dst, tagSmallTuple, byte(n))
	}
	return append(dst, tagLargeTuple, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendListHeader appends the head of a list; its n elements and then its tail ([AppendNil] for a
// proper list) must follow. A list of no elements is its tail alone: n must be at least 1.
func AppendListHeader(dst []byte, n int) []byte {
	return append(dst, tagList, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendNil appends [], the empty list and the end of every proper one.
func AppendNil(dst []byte) []byte { return append(dst, tagNil) }

// AppendMapHeader appends the head of a map; n keys, each followed by its value, must follow.
func AppendMapHeader(dst []byte, n int) []byte {
	return append(dst, tagMap, byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// AppendCharlist appends text as a list of code points. Invalid UTF-8 becomes U+FFFD.
func AppendCharlist(dst []byte, s string) []byte {
	n, latin1 := 0, true
	for _, r := range s {
		n++
		latin1 = latin1 && r <= math.MaxUint8
	}
	switch {
	case n == 0:
		return AppendNil(dst)
	case latin1 && n <= maxString:
		dst = append(dst, tagString, byte(n>>8), byte(n))
		if n == len(s) {
			return append(dst, s...)
		}
		for _, r := range s {
			dst = append(dst, byte(r))
		}
		return dst
	}
	dst = AppendListHeader(dst, n)
	for _, r := range s {
		dst = AppendInt(dst, int64(r))
	}
	return AppendNil(dst)
}

// AppendPid appends a process identifier as NEW_PID_EXT.
func AppendPid(dst []byte, p Pid) []byte {
	p.Node = p.Node.mended()
	return appendPid(dst, p)
}

func appendPid(dst []byte, p Pid) []byte {
	dst = appendAtomText(append(dst, tagNewPid), string(p.Node))
	dst = binary.BigEndian.AppendUint32(dst, p.ID)
	dst = binary.BigEndian.AppendUint32(dst, p.Serial)
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendPort appends a port identifier as NEW_PORT_EXT, or V4_PORT_EXT where its number asks for that.
func AppendPort(dst []byte, p Port) []byte {
	p.Node = p.Node.mended()
	return appendPort(dst, p)
}

func appendPort(dst []byte, p Port) []byte {
	if p.ID <= maxV3Port {
		dst = appendAtomText(append(dst, tagNewPort), string(p.Node))
		dst = binary.BigEndian.AppendUint32(dst, uint32(p.ID))
	} else {
		dst = appendAtomText(append(dst, tagV4Port), string(p.Node))
		dst = binary.BigEndian.AppendUint64(dst, p.ID)
	}
	return binary.BigEndian.AppendUint32(dst, p.Creation)
}

// AppendRef appends a reference as NEWER_REFERENCE_EXT. A Len outside 1 to [MaxRefWords] is brought into it.
func AppendRef(dst []byte, r Ref) []byte {
	r.Node = r.Node.mended()
	r.Len = min(max(r.Len, 1), MaxRefWords)
	return appendRef(dst, r)
}

func appendRef(dst []byte, r Ref) []byte {
	dst = appendAtomText(append(dst, tagNewerReference, 0, r.Len), string(r.Node))
	dst = binary.BigEndian.AppendUint32(dst, r.Creation)
	for _, w := range r.Words[:r.Len] {
		dst = binary.BigEndian.AppendUint32(dst, w)
	}
	return dst
}

// AppendExport appends an external fun.
func AppendExport(dst []byte, e Export) []byte {
	dst = AppendAtom(append(dst, tagExport), e.Module)
	dst = AppendAtom(dst, e.Function)
	return append(dst, tagSmallInteger, e.Arity)
}

// validAtomText says whether the bytes of an atom are UTF-8 of at most MaxAtomLen characters.
func validAtomText(b []byte) bool {
	return utf8.Valid(b) && (len(b) <= MaxAtomLen || utf8.RuneCount(b) <= MaxAtomLen)
}
