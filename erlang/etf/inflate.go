package etf

import (
	"bytes"
	"compress/zlib"
	"errors"
	"io"
	"slices"
)

// maxInflation is more than deflate can reach: each of its bits stands for at most 258/2 bytes.
const maxInflation = 1032

// inflater decompresses COMPRESSED terms. Its parts are kept for the next one.
type inflater struct {
	inflated []byte
	zsrc     bytes.Reader
	zlib     io.ReadCloser
}

// inflate decompresses the zlib stream at the start of b, which must give size bytes exactly, into
// d.inflated. It returns the length of the stream.
func (d *inflater) inflate(b []byte, size int) (used int, _ *DecodeError) {
	if size/maxInflation > len(b) {
		// No stream of this length can give as much: refused before anything is allocated for it.
		return 0, &DecodeError{Offset: 0, What: "COMPRESSED", Err: ErrTruncated}
	}
	fail := func(err error) *DecodeError {
		kind := ErrMalformed
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
			kind = ErrTruncated
		}
		return &DecodeError{Offset: len(b) - d.zsrc.Len(), What: "COMPRESSED", Err: kind}
	}
	d.zsrc.Reset(b) // a bytes.Reader is an io.ByteReader: nothing behind the stream is read
	defer d.zsrc.Reset(nil)
	if d.zlib == nil {
		r, err := zlib.NewReader(&d.zsrc)
		if err != nil {
			return 0, fail(err)
		}
		d.zlib = r
	} else if err := d.zlib.(zlib.Resetter).Reset(&d.zsrc, nil); err != nil {
		return 0, fail(err)
	}
	d.inflated = d.inflated[:0]
	for have := 0; have < size; have = len(d.inflated) {
		// The size is only announced: room for what there is so far doubles.
		next := min(size, max(cap(d.inflated), 2*have, 4<<10))
		d.inflated = slices.Grow(d.inflated, next-have)[:next]
		if _, err := io.ReadFull(d.zlib, d.inflated[have:]); err != nil {
			return 0, fail(err)
		}
	}
	// Reading on meets the checksum, and anything beyond the size announced.
	var more [1]byte
	if n, err := io.ReadFull(d.zlib, more[:]); n != 0 {
		return 0, &DecodeError{Offset: len(b) - d.zsrc.Len(), What: "COMPRESSED: more than announced", Err: ErrMalformed}
	} else if err != io.EOF {
		return 0, fail(err)
	}
	return len(b) - d.zsrc.Len(), nil
}
