package etf_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/etf"
)

// allocated is what f allocates, in bytes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostileClaims lets headers promise far more than there is: nothing may be allocated for promises.
func TestHostileClaims(t *testing.T) {
	big := strings.Repeat("x", 1<<16)
	nested := func(tag byte, size func(left int) uint32) []byte {
		b := []byte{etf.Version}
		const total = 1 << 16
		for len(b) < total {
			b = append(b, tag)
			b = binary.BigEndian.AppendUint32(b, size(total-len(b)-4))
			if tag == 116 {
				b = append(b, 97, 1)
			}
		}
		return b
	}
	for name, b := range map[string][]byte{
		"list of 4e9 in 10 bytes":    {131, 108, 255, 255, 255, 255, 97, 1, 97, 2},
		"tuple of 4e9 in 10 bytes":   {131, 105, 255, 255, 255, 255, 97, 1, 97, 2},
		"map of 4e9 in 10 bytes":     {131, 116, 255, 255, 255, 255, 97, 1, 97, 2},
		"binary of 4e9 in 10 bytes":  {131, 109, 255, 255, 255, 255, 97, 1, 97, 2},
		"compressed of 60 MB":        append([]byte{131, 80, 3, 144, 0, 0}, big[:20]...),
		"compressed 60 MB, no such":  append([]byte{131, 80, 3, 144, 0, 0, 0x78, 0x9c}, big...),
		"lists of all that is left":  nested(108, func(left int) uint32 { return uint32(left - 1) }),
		"tuples of all that is left": nested(105, func(left int) uint32 { return uint32(left) }),
		"lists of half":              nested(108, func(left int) uint32 { return uint32(left / 2) }),
		"maps of all that is left":   nested(116, func(left int) uint32 { return uint32(left / 2) }),
	} {
		var d etf.Decoder
		got := allocated(func() {
			if _, _, err := d.Decode(b); err == nil {
				t.Errorf("%s: accepted", name)
			}
		})
		// 16 bytes a node, doubled by growing, and what decompression keeps.
		if limit := uint64(200<<10 + 64*len(b)); got > limit {
			t.Errorf("%s: %d bytes allocated for %d, want at most %d", name, got, len(b), limit)
		}
	}
}

// TestAllocationIsBounded decodes the input with the most terms that there can be.
func TestAllocationIsBounded(t *testing.T) {
	const n = 1 << 20
	b := append([]byte{etf.Version}, etf.AppendListHeader(nil, n)...)
	b = append(b, bytes.Repeat([]byte{106}, n+1)...)
	var d etf.Decoder
	got := allocated(func() {
		term, _, err := d.Decode(b)
		if err != nil || term.Len() != n {
			t.Fatalf("%d elements, %v", term.Len(), err)
		}
	})
	if limit := uint64(50 * n); got > limit {
		t.Errorf("%d bytes allocated for %d, want at most %d", got, n, limit)
	}
}

func TestLimits(t *testing.T) {
	deep := func(n int) []byte { return append(append([]byte{131}, bytes.Repeat([]byte{104, 1}, n)...), 106) }
	wide, err := etf.Marshal(etf.List{1, 2, 3, 4, etf.Tuple{5, 6}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		decoder etf.Decoder
		bytes   []byte
		want    error
	}{
		{"depth reached", etf.Decoder{MaxDepth: 10}, deep(10), nil},
		{"depth passed", etf.Decoder{MaxDepth: 10}, deep(11), etf.ErrDepth},
		{"default depth reached", etf.Decoder{}, deep(etf.DefaultMaxDepth), nil},
		{"default depth passed", etf.Decoder{}, deep(etf.DefaultMaxDepth + 1), etf.ErrDepth},
		{"no depth is unlimited", etf.Decoder{MaxDepth: 1 << 30}, deep(1<<16 + 1), etf.ErrDepth},
		{"terms reached", etf.Decoder{MaxTerms: 8}, wide, nil},
		{"terms passed", etf.Decoder{MaxTerms: 7}, wide, etf.ErrTerms},
		{"terms passed at once", etf.Decoder{MaxTerms: 3}, wide, etf.ErrTerms},
		{"size reached", etf.Decoder{MaxSize: len(wide) - 1}, wide, nil},
		{"size passed", etf.Decoder{MaxSize: len(wide) - 2}, wide, etf.ErrSize},
		{"size passed, truncated anyway", etf.Decoder{MaxSize: len(wide) - 4}, wide[:len(wide)-1], etf.ErrSize},
		{"decompressed size reached", etf.Decoder{MaxSize: 1000}, compressed(binaryOf(995), 1000), nil},
		{"decompressed size passed", etf.Decoder{MaxSize: 999}, compressed(binaryOf(995), 1000), etf.ErrSize},
		{"terms of a pid", etf.Decoder{MaxTerms: 4}, etf.AppendPid([]byte{131}, etf.Pid{Node: "a@b"}), etf.ErrTerms},
		{"terms of a tail", etf.Decoder{MaxTerms: 2}, []byte{131, 108, 0, 0, 0, 1, 97, 1, 97, 2}, etf.ErrTerms},
	} {
		if _, _, err := c.decoder.Decode(c.bytes); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestDeepTerms asks a term as deep as any can be for everything: no method may run out of stack.
func TestDeepTerms(t *testing.T) {
	const n = 1 << 16
	for name, level := range map[string][]byte{
		"tuples":       {104, 1},
		"lists":        {108, 0, 0, 0, 1, 97, 1}, // [1 | [1 | …]]
		"maps' values": {116, 0, 0, 0, 1, 97, 1},
	} {
		d := etf.Decoder{MaxDepth: n}
		b := append(append([]byte{131}, bytes.Repeat(level, n)...), 106)
		term, _, err := d.Decode(b)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, _, err := d.Decode(term.Append([]byte{131}))
		if err != nil || !term.Equal(again) {
			t.Errorf("%s: not the same after encoding: %v", name, err)
		}
		if s := term.String(); len(s) > 5000 {
			t.Errorf("%s: a text of %d bytes", name, len(s))
		}
		if _, err := etf.Marshal(term.Value()); err != nil {
			t.Errorf("%s: encoding the Go value: %v", name, err)
		}
	}
	// Keys of maps that are maps with such keys.
	b := []byte{131}
	const keys = 4000
	for range keys {
		b = append(b, 116, 0, 0, 0, 2)
	}
	b = append(b, 106)
	for range keys {
		b = append(b, 97, 1, 97, 2, 97, 3)
	}
	term, err := etf.Decode(b)
	if err != nil || !term.Equal(term) {
		t.Errorf("maps as keys: %v", err)
	}
}

func binaryOf(n int) []byte { return etf.AppendBinary(nil, make([]byte, n)) }

// compressed packs a term without a version byte and announces a size.
func compressed(term []byte, size int) []byte {
	var z bytes.Buffer
	z.Write([]byte{131, 80})
	z.Write(binary.BigEndian.AppendUint32(nil, uint32(size)))
	w := zlib.NewWriter(&z)
	w.Write(term)
	w.Close()
	return z.Bytes()
}

func TestCompressed(t *testing.T) {
	term := binaryOf(100_000)
	good := compressed(term, len(term))
	spoilt := bytes.Clone(good)
	spoilt[len(spoilt)-1] ^= 1
	for _, c := range []struct {
		name  string
		bytes []byte
		want  error
	}{
		{"as announced", good, nil},
		{"more than announced", compressed(term, len(term)-1), etf.ErrMalformed},
		{"less than announced", compressed(term, len(term)+1), etf.ErrTruncated},
		{"far less than announced", compressed(term, 50<<20), etf.ErrTruncated},
		{"another checksum", spoilt, etf.ErrMalformed},
		{"cut", good[:len(good)-5], etf.ErrTruncated},
		{"without its checksum", good[:len(good)-4], etf.ErrTruncated},
		{"no zlib", []byte{131, 80, 0, 0, 0, 1, 1, 2, 3}, etf.ErrMalformed},
		{"nothing", []byte{131, 80, 0, 0, 0, 1}, etf.ErrTruncated},
		{"half a header", []byte{131, 80, 0, 0}, etf.ErrTruncated},
		{"two terms", compressed([]byte{97, 1, 97, 2}, 4), etf.ErrTrailing},
		{"a malformed term", compressed([]byte{70, 255, 255, 0, 0, 0, 0, 0, 0}, 9), etf.ErrMalformed},
		{"compression within", compressed(good[1:], len(good)-1), etf.ErrTag},
	} {
		for _, reuse := range []bool{false, true} {
			d := etf.Decoder{Reuse: reuse}
			for range 2 { // the second one meets what the first left behind
				got, rest, err := d.Decode(append(bytes.Clone(c.bytes), "behind"...)[:len(c.bytes)+6*bit(c.want == nil)])
				if !errors.Is(err, c.want) {
					t.Errorf("%s: %v, want %v", c.name, err, c.want)
				}
				if c.want == nil && (got.Len() != 100_000 || string(rest) != "behind") {
					t.Errorf("%s: a term of %d and %q behind it", c.name, got.Len(), rest)
				}
			}
		}
	}
	var de *etf.DecodeError
	if _, err := etf.Decode(compressed([]byte{104, 2, 97, 1, 0}, 5)); !errors.As(err, &de) || !de.Compressed || de.Offset != 4 {
		t.Errorf("an error within: %v, want it at byte 4 of what was decompressed", err)
	}
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}
