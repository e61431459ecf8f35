package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image/tree"
)

// layer is a layer made of a tree. Its two digests are known from the start: that of the
// tar by reading the files, that of the compressed tar from an earlier build of the same
// tar, or by compressing once. So a layer that a registry has is neither compressed nor
// sent again.
type layer struct {
	name   string // for people: "ERTS 13.1.5"
	tree   tree.Tree
	codec  codec
	diffID v1.Hash
	store  *store
	known  blob
	kept   string // where the compressed tar is kept, if it is; else it is made again when asked for
}

// blob is what is remembered of a compressed tar.
type blob struct {
	Digest v1.Hash `json:"digest"`
	Size   int64   `json:"size"`
}

// newLayer works out a layer's digests.
func (s *store) newLayer(ctx context.Context, name string, t tree.Tree, c codec) (*layer, error) {
	l := &layer{name: name, tree: t, codec: c, store: s}
	sum := newSum()
	if err := t.WriteTar(watched{ctx, sum}); err != nil {
		return nil, fmt.Errorf("layer %s: %w", name, err)
	}
	l.diffID = sum.hash()
	if b, ok := s.recall(l.diffID, c); ok {
		l.known, l.kept = b, s.kept(b.Digest)
		return l, nil
	}
	var err error
	if l.known, l.kept, err = l.keep(ctx); err != nil {
		return nil, fmt.Errorf("layer %s: %w", name, err)
	}
	return l, s.remember(l.diffID, c, l.known)
}

// keep compresses the tar into a file that the next who wants it finds.
func (l *layer) keep(ctx context.Context) (b blob, path string, err error) {
	f, err := l.store.temp("layer-*")
	if err != nil {
		return b, "", err
	}
	defer f.Close()
	digest := newSum()
	if err := l.compress(watched{ctx, io.MultiWriter(f, digest)}); err != nil {
		return b, "", errors.Join(err, os.Remove(f.Name()))
	}
	b = blob{digest.hash(), digest.n}
	return b, l.store.keep(f.Name(), b.Digest), nil
}

func (l *layer) compress(w io.Writer) error {
	z, err := l.codec.writer(w)
	if err != nil {
		return err
	}
	return errors.Join(l.tree.WriteTar(z), z.Close())
}

// Digest is that of the compressed tar.
func (l *layer) Digest() (v1.Hash, error) { return l.known.Digest, nil }

// DiffID is the digest of the tar.
func (l *layer) DiffID() (v1.Hash, error) { return l.diffID, nil }

// Size is that of the compressed tar, bytes.
func (l *layer) Size() (int64, error) { return l.known.Size, nil }

// MediaType says how the tar is compressed.
func (l *layer) MediaType() (types.MediaType, error) { return l.codec.mediaType(), nil }

// Uncompressed gives the tar.
func (l *layer) Uncompressed() (io.ReadCloser, error) {
	return piped(l.tree.WriteTar), nil
}

// Compressed gives the compressed tar.
func (l *layer) Compressed() (io.ReadCloser, error) {
	if f, err := os.Open(l.kept); err == nil {
		if is, n, err := v1.SHA256(f); err == nil && is == l.known.Digest && n == l.known.Size {
			if _, err := f.Seek(0, io.SeekStart); err == nil {
				return f, nil
			}
		}
		f.Close() // damaged, or gone: there is the other way
	}
	if b, path, err := l.keep(context.Background()); err == nil && b == l.known {
		if f, err := os.Open(path); err == nil {
			return f, nil
		}
	}
	return piped(l.compress), nil // whatever is wrong with the files shows here
}

// piped gives what write writes as a reader. A reader that is closed early ends it.
func piped(write func(io.Writer) error) io.ReadCloser {
	r, w := io.Pipe()
	go func() { w.CloseWithError(write(w)) }()
	return r
}

// watched is a writer that stops when ctx ends.
type watched struct {
	ctx context.Context
	io.Writer
}

func (w watched) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	return w.Writer.Write(p)
}

// temp makes a file that goes with the store.
func (s *store) temp(pattern string) (*os.File, error) {
	if err := os.MkdirAll(s.tmp, 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(s.tmp, pattern)
	if err != nil {
		return nil, fmt.Errorf("no room to work in %s: %w", filepath.Dir(s.tmp), err)
	}
	return f, nil
}
