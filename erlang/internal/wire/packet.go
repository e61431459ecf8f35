package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Lengths of the field in front of a packet: the handshake over plain TCP has
// two bytes, everything after it and all of TLS distribution has four.
const (
	HandshakeHead = 2
	FrameHead     = 4
)

// MaxHandshake is the longest handshake packet that is read. A node name has at
// most 255 characters, so no message comes near it; what does is another
// protocol (a text protocol's first two letters are a length above it).
const MaxHandshake = 4096

// SizeError is given for a packet that announces more bytes than are allowed.
type SizeError struct {
	Size, Max uint64
	// Head are the bytes that were read as a length: another protocol's greeting.
	Head []byte
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("packet of %d bytes announced, at most %d expected (first bytes %q)", e.Size, e.Max, e.Head)
}

// AppendPacket appends body with its length in head bytes in front.
func AppendPacket(dst []byte, head int, body []byte) []byte {
	if head == HandshakeHead {
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(body)))
	} else {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	}
	return append(dst, body...)
}

// ReadPacket reads one packet of at most limit bytes into buf, which grows as
// bytes arrive and not as the length announces, and gives the packet's body,
// valid until buf is used again. An empty body is a keep-alive tick.
func ReadPacket(r *bufio.Reader, head, limit int, buf []byte) ([]byte, error) {
	h, err := r.Peek(head)
	if err != nil {
		if len(h) > 0 && err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	var size uint64
	if head == HandshakeHead {
		size = uint64(binary.BigEndian.Uint16(h))
	} else {
		size = uint64(binary.BigEndian.Uint32(h))
	}
	if size > uint64(limit) {
		return nil, &SizeError{Size: size, Max: uint64(limit), Head: append([]byte(nil), h...)}
	}
	if _, err := r.Discard(head); err != nil {
		return nil, err
	}
	return readBody(r, int(size), buf[:0])
}

// readBody appends size bytes of r to buf. It never holds more than twice of
// what has arrived, so that an announced length alone costs nothing.
func readBody(r io.Reader, size int, buf []byte) ([]byte, error) {
	const first = 64 << 10
	for len(buf) < size {
		if len(buf) == cap(buf) {
			grown := make([]byte, len(buf), min(size, max(2*cap(buf), first)))
			copy(grown, buf)
			buf = grown
		}
		n, err := io.ReadFull(r, buf[len(buf):min(cap(buf), size)])
		buf = buf[:len(buf)+n]
		if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
	return buf, nil
}

// PutLength fills in the length of a frame whose first FrameHead bytes were left
// for it.
func PutLength(frame []byte) error {
	n := len(frame) - FrameHead
	if uint64(n) > math.MaxUint32 {
		return fmt.Errorf("packet of %d bytes is longer than the protocol allows", n)
	}
	binary.BigEndian.PutUint32(frame, uint32(n))
	return nil
}
