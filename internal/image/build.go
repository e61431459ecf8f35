// Package image makes an OCI image of a release, without a container engine: in layers
// that change at their own pace, with the same digest wherever it is built, on a base that
// the release is known to run on.
package image

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/sync/errgroup"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/abi"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/release"
)

// Options say what to build.
type Options struct {
	Releases []release.Release // of one application and version, one for each architecture
	Base     string            // [Assemble], a reference, a directory (OCI layout) or a tarball
	Debian   Debian            // for Assemble

	Env      []string          // NAME=value, over the base's and ours
	Labels   map[string]string // over ours
	Ports    []int             // that the app listens on
	Revision Revision          // of the sources
	Locked   bool              // Lock is known: there is a project
	Lock     []project.Locked  // its mix.lock, for the SBOM
	Version  string            // Phial's own
	Created  time.Time         // zero: no time at all, which images say as 1970

	Compression Compression
	Cache       string       // directory for what builds remember
	Accept      []Accept     // findings that the team takes upon itself
	Progress    func(string) // a line at a time
	NoSBOM      bool
	Limit       int64 // size in bytes, unpacked, above which the report warns
}

// ErrRefused says that findings of severity error stand against the image.
var ErrRefused = errors.New("the release would not run on the base")

type builder struct {
	Options
	store *store
	codec codec
}

// Build makes the image, or the index where there are several architectures. The result
// comes with [ErrRefused], too. It has to be closed when it is no longer needed.
func Build(ctx context.Context, o Options) (*Result, error) {
	return o.run(func(b *builder, result *Result) error {
		first := o.Releases[0]
		result.Name, result.Version = first.Name, first.Version
		for _, r := range o.Releases {
			if r.Name != first.Name || r.Version != first.Version {
				return fmt.Errorf("%s holds %s %s and %s holds %s %s: an image is of one release and version", first.Root, first.Name, first.Version, r.Root, r.Name, r.Version)
			}
			p, err := b.platform(ctx, r)
			if err != nil {
				return err
			}
			result.Platforms = append(result.Platforms, p)
		}
		return nil
	})
}

// run has fill make the images, and puts together what comes of them.
func (o Options) run(fill func(*builder, *Result) error) (_ *Result, err error) {
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	b := &builder{Options: o}
	if b.codec, err = codecOf(o.Compression); err != nil {
		return nil, err
	}
	if b.store, err = openStore(o.Cache); err != nil {
		return nil, err
	}
	result := &Result{store: b.store, Revision: o.Revision.String()}
	defer func() {
		if err == nil || errors.Is(err, ErrRefused) {
			return
		}
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("the disk with the cache of builds, %s, is full: make room, or name another place with --cache-dir", o.Cache)
		}
		err = errors.Join(err, result.Close())
	}()
	if err := fill(b, result); err != nil {
		return nil, err
	}
	slices.SortFunc(result.Platforms, func(a, b *Platform) int { return strings.Compare(a.Arch, b.Arch) })
	for i, p := range result.Platforms[1:] {
		if before := result.Platforms[i]; before.Arch == p.Arch {
			return nil, fmt.Errorf("%s and %s are both for %s: give one for each architecture", before.release.Root, p.release.Root, p.Arch)
		}
	}
	if err := b.combine(result); err != nil {
		return nil, err
	}
	if err := b.evidence(result); err != nil {
		return nil, err
	}
	if result.Refused() {
		return result, ErrRefused
	}
	return result, nil
}

// platform makes the image of one release.
func (b *builder) platform(ctx context.Context, r release.Release) (*Platform, error) {
	b.Progress("reading " + r.Root)
	files, left, err := readRelease(r)
	if err != nil {
		return nil, err
	}
	needs, err := abi.Read(files)
	if err != nil {
		return nil, err
	}
	p := &Platform{Arch: needs.Arch(), Left: left, files: files, release: r}
	split, err := split(r.Name, files)
	if err != nil {
		return nil, err
	}
	// The base is fetched, and perhaps compressed, while the release's own layers are.
	layers := make([]*layer, len(split))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(max(2, runtime.NumCPU()))
	g.Go(func() (err error) {
		p.base, err = b.base(ctx, needs) // its layers are read later, when gctx has ended
		return err
	})
	for i, part := range split {
		g.Go(func() (err error) {
			layers[i], err = b.store.newLayer(gctx, part.name, part.files, b.codec)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	p.Base, p.BaseDigest = p.base.name, p.base.digest
	cfg := b.config(r, p)
	found := abi.Check(needs, p.base.root, cfg.Config.Env, p.base.config.Architecture)
	cookies, err := cookiesIn(files)
	if err != nil {
		return nil, err
	}
	modules, err := missingModules(files)
	if err != nil {
		return nil, err
	}
	p.Findings = b.accepted(slices.Concat(found, modules, cookies))
	if p.Image, err = b.assembleImage(p, cfg, layers); err != nil {
		return nil, err
	}
	if p.Digest, err = p.Image.Digest(); err != nil {
		return nil, err
	}
	p.measure(layers)
	if limit := b.Limit; limit > 0 && p.Unpacked() > limit {
		p.Findings = append(p.Findings, b.accepted([]finding.Finding{p.tooLarge(limit)})...)
	}
	return p, nil
}

// assembleImage puts base, layers and configuration together, all in OCI's own types.
func (b *builder) assembleImage(p *Platform, cfg *v1.ConfigFile, layers []*layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	adds := slices.Clone(p.base.layers)
	for _, l := range layers {
		adds = append(adds, mutate.Addendum{Layer: l, MediaType: b.codec.mediaType(), History: b.history(l.name)})
	}
	img, err := mutate.Append(img, adds...)
	if err != nil {
		return nil, fmt.Errorf("put the layers together: %w", err)
	}
	appended, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	cfg.RootFS = appended.RootFS
	// A pulled base tells its own history, which also has steps without a layer.
	n := len(p.base.layers)
	if len(p.base.config.History) > 0 {
		cfg.History = append(slices.Clone(p.base.config.History), appended.History[n:]...)
	} else {
		cfg.History = appended.History
	}
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		return nil, err
	}
	return mutate.Annotations(img, b.annotations(p)).(v1.Image), nil
}

func (b *builder) history(what string) v1.History {
	return v1.History{CreatedBy: "phial build: " + what, Created: b.created()}
}

func (b *builder) created() v1.Time {
	if b.Created.IsZero() {
		return v1.Time{Time: time.Unix(0, 0).UTC()}
	}
	return v1.Time{Time: b.Created.UTC()}
}

// combine makes the index of several architectures, or leaves the one image as it is.
func (b *builder) combine(r *Result) (err error) {
	if len(r.Platforms) == 1 {
		r.Root, r.Digest = r.Platforms[0].Image, r.Platforms[0].Digest
		return nil
	}
	ix := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, p := range r.Platforms {
		ix = mutate.AppendManifests(ix, mutate.IndexAddendum{Add: p.Image, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: p.Arch},
		}})
	}
	ix = mutate.Annotations(ix, b.annotations(r.Platforms[0])).(v1.ImageIndex)
	r.Root = ix
	r.Digest, err = ix.Digest()
	return err
}

// userID is the user that runs the release, as in the Dockerfile that `phial init` writes.
const userID = 65532
