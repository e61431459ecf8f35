package abi

import (
	"bytes"
	"encoding/binary"
)

// headLen is how much of each file is looked at to see what it is: enough for the
// address of a Windows executable's header and for most #! lines.
const headLen = 256

// foreign says which other system a file is an executable or a library of, "" if of none.
func foreign(head []byte, more func(off int64, n int) []byte) string {
	if len(head) < 8 {
		return ""
	}
	switch binary.BigEndian.Uint32(head) {
	case 0xfeedface, 0xfeedfacf, 0xcefaedfe, 0xcffaedfe:
		return "macOS"
	case 0xcafebabe, 0xcafebabf: // of several architectures; Java's classes begin alike, with a version of 45 and more
		if n := binary.BigEndian.Uint32(head[4:]); n > 0 && n < 40 {
			return "macOS"
		}
	}
	if bytes.HasPrefix(head, []byte("MZ")) && len(head) >= 64 {
		if bytes.Equal(more(int64(binary.LittleEndian.Uint32(head[60:])), 4), []byte("PE\x00\x00")) {
			return "Windows"
		}
	}
	return ""
}
