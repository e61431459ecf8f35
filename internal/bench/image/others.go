package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"path/filepath"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image/tree"
)

// warm has phial build fetch Debian's packages, and takes the base out of what it makes.
func (w *workshop) warm(ctx context.Context) error {
	dir := filepath.Join(w.dir, "layout")
	report, _, err := w.runPhial(ctx, "--oci-layout", dir)
	if err != nil {
		return err
	}
	ix, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return err
	}
	digest, err := v1.NewHash(report.Digest)
	if err != nil {
		return err
	}
	img, err := ix.Image(digest)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	of, err := img.ConfigFile()
	if err != nil {
		return err
	}
	base := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	if base, err = mutate.Append(base, mutate.Addendum{Layer: layers[0], MediaType: types.OCILayer}); err != nil {
		return err
	}
	config, err := base.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = of.OS, of.Architecture
	w.base, err = mutate.ConfigFile(base, config)
	return err
}

// baseName is where the others find the base.
func baseName(r *registry) string { return r.address + "/base:1" }

func (w *workshop) pushBase(ctx context.Context, to *registry) error {
	ref, err := name.ParseReference(baseName(to))
	if err != nil {
		return err
	}
	return remote.Write(ref, w.base, remote.WithContext(ctx))
}

// released is the release that mix made.
func (w *workshop) released() string { return filepath.Join(w.mix, "_build", "prod", "rel", "tally") }

const cookie = "releases/COOKIE" // which phial build leaves out

// craneAppend puts the release on the base as people do with crane: one tar, one layer.
func (w *workshop) craneAppend(ctx context.Context, to *registry) (push, error) {
	file := filepath.Join(w.dir, "release.tar")
	return to.count(func() error {
		if _, _, err := run(ctx, w.dir, w.env, "tar", "-cf", file, "--exclude=./"+cookie, `--transform=s,^\.,app,`, "-C", w.released(), "."); err != nil {
			return err
		}
		_, _, err := run(ctx, w.dir, w.env, w.crane, "append", "-b", baseName(to), "-f", file, "-t", to.address+"/tally:1.0.0")
		return err
	})
}

// appendOne puts the release on the base in one layer that is the same for the same files,
// as those of phial build are: what goes over the wire then differs by the layers alone.
// It remembers nothing, so it compresses each time.
func (w *workshop) appendOne(ctx context.Context, to *registry) (push, error) {
	return to.count(func() error {
		files, err := tree.Read(w.released(), "app")
		if err != nil {
			return err
		}
		files = slices.DeleteFunc(files, func(f tree.File) bool { return f.Path == "app/"+cookie })
		var tar bytes.Buffer
		if err := files.WriteTar(&tar); err != nil {
			return err
		}
		layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(tar.Bytes())), nil
		}, tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching, tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return err
		}
		from, err := name.ParseReference(baseName(to))
		if err != nil {
			return err
		}
		base, err := remote.Image(from, remote.WithContext(ctx))
		if err != nil {
			return err
		}
		img, err := mutate.AppendLayers(base, layer)
		if err != nil {
			return err
		}
		ref, err := name.ParseReference(to.address + "/tally:1.0.0")
		if err != nil {
			return err
		}
		return remote.Write(ref, img, remote.WithContext(ctx))
	})
}
