package wire

import (
	"encoding/binary"
	"fmt"
)

// cursor reads fixed fields in sequence. It remembers that bytes were missing,
// so a parser checks once, at its end.
type cursor struct {
	b     []byte
	what  string
	short bool
}

func (c *cursor) take(n int) []byte {
	if n > len(c.b) {
		c.short, c.b = true, nil
		return nil
	}
	out := c.b[:n]
	c.b = c.b[n:]
	return out
}

func (c *cursor) u8() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) u16() uint16 {
	if b := c.take(2); b != nil {
		return binary.BigEndian.Uint16(b)
	}
	return 0
}

func (c *cursor) u32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) u64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

// text reads a string with its length in two bytes in front.
func (c *cursor) text() string { return string(c.take(int(c.u16()))) }

func (c *cursor) done() error {
	if c.short {
		return fmt.Errorf("%s: message ends early", c.what)
	}
	return nil
}
