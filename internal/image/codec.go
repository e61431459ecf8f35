package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression says how layers are compressed.
type Compression string

// The compressions of OCI. Every tool reads gzip; zstd is smaller, and older ones refuse it.
const (
	Gzip Compression = "gzip"
	Zstd Compression = "zstd"
)

// Compressions are all of them, the default first.
var Compressions = []Compression{Gzip, Zstd}

// codec compresses with a library that go.mod pins, so that the same release of Phial
// gives the same digest whichever Go built it. Its name is part of what is remembered:
// change it with the library, or its settings.
type codec struct {
	Compression
	name string
}

func codecOf(c Compression) (codec, error) {
	switch c {
	case Gzip, "":
		return codec{Gzip, "gzip9-klauspost1.20.4"}, nil
	case Zstd:
		return codec{Zstd, "zstd19-klauspost1.20.4"}, nil
	}
	return codec{}, fmt.Errorf("unknown compression %q: use %s or %s", c, Gzip, Zstd)
}

func (c codec) writer(w io.Writer) (io.WriteCloser, error) {
	if c.Compression == Zstd {
		// One goroutine: how a stream is cut into blocks must not depend on the machine.
		return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	}
	return gzip.NewWriterLevel(w, gzip.BestCompression)
}

func (c codec) mediaType() types.MediaType {
	if c.Compression == Zstd {
		return types.OCILayerZStd
	}
	return types.OCILayer
}

// sum is a digest that is being made, and the number of bytes so far.
type sum struct {
	h hash.Hash
	n int64
}

func newSum() *sum { return &sum{h: sha256.New()} }

func (s *sum) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	return s.h.Write(p)
}

func (s *sum) hash() v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(s.h.Sum(nil))}
}
