package image

import (
	"context"
	"fmt"
	"path/filepath"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/phialdev/phial/internal/image/abi"
	"github.com/phialdev/phial/internal/image/debian"
)

// Debian says from where and of which suite a base is assembled.
type Debian struct {
	Suite    string   // empty: the oldest that offers what the release was linked with
	Packages []string // further packages
	Sources  debian.Sources
}

// opened are libraries that ERTS opens by itself when it finds them, and which are so in no
// file's list: gen_sctp needs this one, and OTP 29 complains at the start where it is missing.
var opened = []string{"libsctp.so.1"}

// assemble puts the smallest base together that the release runs on.
func (b *builder) assemble(ctx context.Context, r *abi.Release) (*base, error) {
	suite := b.Debian.Suite
	if suite == "" {
		suite = debian.SuiteFor(r.Versions())
	}
	root, err := debian.Assemble(ctx, debian.Options{
		Suite: suite, Arch: debian.ArchOf(r.Arch()), Libraries: append(r.Libraries(), opened...), Commands: r.Commands(), Packages: b.Debian.Packages,
		Sources: b.Debian.Sources, Cache: filepath.Join(b.store.dir, "debian"), Progress: b.Progress,
	})
	if err != nil {
		return nil, fmt.Errorf("assemble a base: %w", err)
	}
	return b.assembled(ctx, root, r.Arch())
}

// assembled makes a base of a root that was put together.
func (b *builder) assembled(ctx context.Context, root *debian.Root, arch string) (*base, error) {
	out := &base{name: "Debian " + root.Suite + ", assembled", suite: root.Suite, system: root.Packages}
	var err error
	if out.root, err = abi.OfTree(root.Files); err != nil {
		return nil, err
	}
	l, err := b.store.newLayer(ctx, "base: Debian "+root.Suite, root.Files, b.codec)
	if err != nil {
		return nil, err
	}
	out.layers = []mutate.Addendum{{Layer: l, MediaType: b.codec.mediaType(), History: b.history(l.name)}}
	out.config = v1.ConfigFile{OS: "linux", Architecture: arch, Config: v1.Config{
		Env: []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
	}}
	return out, nil
}
