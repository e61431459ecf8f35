// Package publish brings an image somewhere: to a registry, into an OCI layout, a tarball
// of Docker's or containerd. Whatever the place, it is named only when all of it is there.
package publish

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"

	"github.com/phialdev/phial/internal/image"
)

// Target is where an image can be brought.
type Target interface {
	// Publish brings everything there and names it last. What it left half done on an
	// error or when ctx ends has no name, or is gone.
	Publish(ctx context.Context, r *image.Result) (Published, error)
}

// Published says what is where.
type Published struct {
	Target string            `json:"target"`          // for people
	Names  []string          `json:"names"`           // under which it can be had; the first is by digest where there is such a thing
	Moved  map[string]string `json:"moved,omitempty"` // tags that meant another image before, and its digest
	Sent   int64             `json:"sent"`            // bytes of blobs that went there
}

// blob is a file of an OCI image: a layer, a configuration or a manifest.
type blob struct {
	digest v1.Hash
	size   int64
	open   func() (io.ReadCloser, error)
}

// blobs lists everything that a manifest needs, and the manifest last.
func blobs(m image.Manifest) (all []blob, err error) {
	switch m := m.(type) {
	case v1.ImageIndex:
		children, err := partial.Manifests(m)
		if err != nil {
			return nil, err
		}
		for _, c := range children {
			child, ok := c.(image.Manifest)
			if !ok {
				return nil, fmt.Errorf("an index holds a %T", c)
			}
			below, err := blobs(child)
			if err != nil {
				return nil, err
			}
			all = append(all, below...)
		}
	case v1.Image:
		layers, err := m.Layers()
		if err != nil {
			return nil, err
		}
		config, err := partial.ConfigLayer(m)
		if err != nil {
			return nil, err
		}
		for _, l := range append(layers, config) {
			digest, err := l.Digest()
			if err != nil {
				return nil, err
			}
			size, err := l.Size()
			if err != nil {
				return nil, err
			}
			all = append(all, blob{digest, size, l.Compressed})
		}
	}
	raw, err := m.RawManifest()
	if err != nil {
		return nil, err
	}
	digest, err := m.Digest()
	if err != nil {
		return nil, err
	}
	return append(all, blob{digest, int64(len(raw)), func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(raw)), nil
	}}), nil
}

// everything lists the blobs of the image and of what is kept beside it, each once.
func everything(r *image.Result) ([]blob, error) {
	all, err := blobs(r.Root)
	if err != nil {
		return nil, err
	}
	for _, ref := range r.Referrers {
		more, err := blobs(ref)
		if err != nil {
			return nil, err
		}
		all = append(all, more...)
	}
	seen := map[v1.Hash]bool{}
	var once []blob
	for _, b := range all {
		if !seen[b.digest] {
			seen[b.digest] = true
			once = append(once, b)
		}
	}
	return once, nil
}

// copyTo writes a blob, and is satisfied only with exactly what its digest stands for.
func (b blob) copyTo(ctx context.Context, w io.Writer) error {
	r, err := b.open()
	if err != nil {
		return err
	}
	defer r.Close()
	digest, n, err := v1.SHA256(io.TeeReader(reader{ctx, r}, w))
	if err != nil {
		return err
	}
	if digest != b.digest || n != b.size {
		return fmt.Errorf("the files changed while they were read, or the cache of builds is wrong: %s became %s; run this again, and if it stays so remove the cache", b.digest, digest)
	}
	return nil
}

// reader stops when ctx ends.
type reader struct {
	ctx context.Context
	io.Reader
}

func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.Reader.Read(p)
}

// tagForm is what the specification of registries allows.
var tagForm = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$`)

// CheckTag refuses what can be no tag.
func CheckTag(tag string) error {
	if !tagForm.MatchString(tag) {
		return fmt.Errorf("%q can be no tag: up to 128 letters, digits, '_', '.' and '-', and neither '.' nor '-' in front", tag)
	}
	return nil
}

// Tags are those that follow from a version and a revision: 1.4.2 and sha-0123456789ab.
// What is not all in version control gets no tag of the revision.
func Tags(version string, r image.Revision) []string {
	tags := []string{strings.Map(func(c rune) rune {
		if c == '+' { // semantic versions have it before the build, and tags do not
			return '_'
		}
		return c
	}, version)}
	if r.Commit != "" && !r.Dirty {
		tags = append(tags, "sha-"+r.Commit[:min(12, len(r.Commit))])
	}
	return tags
}
