package wire

import "encoding/binary"

// Fragments splits the body of one message into fragmented packets (without
// their length) and gives each to yield, until that gives false. The first holds
// the first head bytes whole, which have to cover the control tuple, and size
// bytes of the rest; each further one at most size bytes.
//
// seq has to be one that no other message under way uses.
func Fragments(seq uint64, head, size int, body []byte, yield func(packet []byte) bool) {
	rest := max(len(body)-head, 0)
	count := max((rest+size-1)/size, 1)
	first := min(head+size, len(body))
	p := append([]byte(nil), versionMagic, fragHeader)
	p = binary.BigEndian.AppendUint64(p, seq)
	p = binary.BigEndian.AppendUint64(p, uint64(count))
	p = append(p, 0)
	if !yield(append(p, body[:first]...)) {
		return
	}
	body = body[first:]
	for count--; count > 0; count-- {
		n := min(size, len(body))
		p = append(p[:0], versionMagic, fragContinued)
		p = binary.BigEndian.AppendUint64(p, seq)
		p = binary.BigEndian.AppendUint64(p, uint64(count))
		if !yield(append(p, body[:n]...)) {
			return
		}
		body = body[n:]
	}
}
