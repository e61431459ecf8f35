package etf

import "encoding/binary"

// funFixed is the length of the fields between the size of NEW_FUN_EXT and its module: arity, uniq,
// index and number of free variables.
const funFixed = 1 + 16 + 4 + 4

// funHeader reads the fixed fields and gives the number of free variables and the offset behind.
func funHeader(b []byte, pos int) (free, end int, _ *DecodeError) {
	end = pos + 1 + 4 + funFixed
	if end > len(b) {
		return 0, 0, truncated(pos, "NEW_FUN_EXT")
	}
	n := binary.BigEndian.Uint32(b[end-4:])
	if uint64(n) > uint64(len(b)-end) {
		return 0, 0, truncated(pos, "NEW_FUN_EXT")
	}
	return int(n), end, nil
}

// checkFun holds what was read against the size announced, and the first four children against what
// they have to be.
func checkFun(b []byte, pos int, nodes []node, owner uint32) *DecodeError {
	f := nodes[owner]
	sizeAt := int(f.num>>32) - 4
	if uint64(binary.BigEndian.Uint32(b[sizeAt:])) != uint64(pos-sizeAt) {
		return malformed(sizeAt, "NEW_FUN_EXT: size")
	}
	c := nodes[f.first():]
	if c[0].kind != kAtom || c[1].kind != kInt || c[2].kind != kInt || c[3].kind != kPid {
		return malformed(sizeAt, "NEW_FUN_EXT: module, index, uniq and pid")
	}
	return nil
}

// funFields reads the fixed fields of a fun that has been parsed.
func (d *doc) funFields(n node) (arity uint8, uniq [16]byte, index uint32) {
	fixed := d.src[n.num>>32:][:funFixed]
	copy(uniq[:], fixed[1:])
	return fixed[0], uniq, binary.BigEndian.Uint32(fixed[17:])
}
