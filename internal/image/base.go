package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image/abi"
	"github.com/phialdev/phial/internal/image/debian"
)

// Assemble is the base that is put together from Debian packages.
const Assemble = "assemble"

// base is what a release is put upon.
type base struct {
	layers []mutate.Addendum // the lowest first; types are OCI's
	config v1.ConfigFile     // of the base's own
	root   *abi.Root
	name   string // as it was asked for, or what it was assembled from
	remote bool   // the name is that of a registry's
	digest string // of the image that was taken; empty for an assembled one
	size   int64  // of a pulled one, unpacked
	suite  string // of an assembled one
	system []debian.Package
}

// contents is what is known of a base that was read.
type contents struct {
	Root *abi.Root `json:"root"`
	Size int64     `json:"size"` // unpacked, bytes
}

// base finds or makes the base for one release.
func (b *builder) base(ctx context.Context, r *abi.Release) (*base, error) {
	if b.Base == "" || b.Base == Assemble {
		return b.assemble(ctx, r)
	}
	img, digest, err := b.find(ctx, b.Base, v1.Platform{OS: "linux", Architecture: r.Arch()})
	if err != nil {
		return nil, fmt.Errorf("base %s: %w: give an image such as debian:bookworm-slim, a directory (OCI layout), a tarball, or %s", b.Base, Reason(err), Assemble)
	}
	return b.pulled(img, digest)
}

// pulled reads an image as a base.
func (b *builder) pulled(img v1.Image, digest v1.Hash) (*base, error) {
	config, err := img.ConfigFile()
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", b.Base, Reason(err))
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", b.Base, Reason(err))
	}
	out := &base{config: *config.DeepCopy(), name: b.Base, remote: !isPath(b.Base), digest: digest.String()}
	for _, l := range layers {
		mt, err := l.MediaType()
		if err != nil {
			return nil, fmt.Errorf("base %s: %w", b.Base, Reason(err))
		}
		out.layers = append(out.layers, mutate.Addendum{Layer: retype(l, ociType(mt)), MediaType: ociType(mt)})
	}
	known, err := b.contentsOf(img)
	if err != nil {
		return nil, fmt.Errorf("base %s: %w", b.Base, Reason(err))
	}
	out.root, out.size = known.Root, known.Size
	return out, nil
}

// isPath says whether a base is a path of this machine, or PATH:TAG.
func isPath(ref string) bool {
	if _, err := os.Stat(ref); err == nil {
		return true
	}
	i := strings.LastIndexByte(ref, ':')
	if i <= 0 {
		return false
	}
	fi, err := os.Stat(ref[:i])
	return err == nil && fi.IsDir()
}

// contentsOf reads what a base holds, once for each base.
func (b *builder) contentsOf(img v1.Image) (*contents, error) {
	digest, err := img.ConfigName() // names the layers' contents, however they are compressed
	if err != nil {
		return nil, err
	}
	path := filepath.Join(b.store.dir, "bases", digest.Hex+".json")
	known := contents{Root: new(abi.Root)}
	if b.store.read(path, &known) {
		return &known, nil
	}
	b.Progress("reading the base")
	r := mutate.Extract(img)
	n := newSum()
	if known.Root, err = abi.ReadTar(io.TeeReader(r, n)); err == nil {
		known.Size = n.n
	}
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, err
	}
	return &known, b.store.write(path, known)
}

// find takes a base from where its name says: a directory is an OCI layout, a file a
// tarball of docker save or of an OCI layout, anything else a reference to a registry.
func (b *builder) find(ctx context.Context, ref string, p v1.Platform) (v1.Image, v1.Hash, error) {
	fi, err := os.Stat(ref)
	if i := strings.LastIndexByte(ref, ':'); err != nil && i > 0 {
		if dir, e := os.Stat(ref[:i]); e == nil && dir.IsDir() {
			return fromLayout(ref[:i], ref[i+1:], p)
		}
	}
	switch {
	case err == nil && fi.IsDir():
		return fromLayout(ref, "", p)
	case err == nil:
		return b.fromTarball(ref, p)
	case strings.HasPrefix(ref, "."), strings.HasPrefix(ref, "/"), strings.HasSuffix(ref, ".tar"):
		return nil, v1.Hash{}, errors.New("no such file or directory")
	}
	parsed, err := name.ParseReference(ref)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	b.Progress("asking for the base " + ref)
	img, err := remote.Image(parsed, append(Remote(ctx), remote.WithPlatform(p))...)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	// An index that has no such platform gives its first image or an error, an image
	// whatever it is: the check of the release against it has the last word.
	return img, digest, nil
}

// fromLayout takes the image of a tag, or the only one, out of a layout.
func fromLayout(dir, tag string, p v1.Platform) (v1.Image, v1.Hash, error) {
	ix, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, v1.Hash{}, errors.New("the directory is no OCI layout")
	}
	if tag != "" {
		ix = mutate.RemoveManifests(ix, func(d v1.Descriptor) bool { return d.Annotations["org.opencontainers.image.ref.name"] != tag })
	}
	return pick(ix, p)
}

// imageTypes are the types of a configuration that make a manifest an image. Some put them
// into its entry as the type of an artifact, where others put none.
var imageTypes = map[types.MediaType]bool{"": true, types.OCIConfigJSON: true, types.DockerConfigJSON: true}

// pick takes the image for a platform out of an index, or the only one.
func pick(ix v1.ImageIndex, p v1.Platform) (v1.Image, v1.Hash, error) {
	m, err := ix.IndexManifest()
	if err != nil {
		return nil, v1.Hash{}, err
	}
	var images []v1.Descriptor
	for _, d := range m.Manifests {
		switch {
		case d.MediaType.IsIndex():
			child, err := ix.ImageIndex(d.Digest)
			if err != nil {
				return nil, v1.Hash{}, err
			}
			if img, h, err := pick(child, p); err == nil {
				return img, h, nil
			}
		case d.MediaType.IsImage() && imageTypes[types.MediaType(d.ArtifactType)]:
			fits := d.Platform == nil || d.Platform.Architecture == p.Architecture
			known := slices.ContainsFunc(images, func(i v1.Descriptor) bool { return i.Digest == d.Digest }) // of several tags
			if fits && !known {
				images = append(images, d)
			}
		}
	}
	switch len(images) {
	case 0:
		return nil, v1.Hash{}, fmt.Errorf("it has no image for %s", p)
	case 1:
		img, err := ix.Image(images[0].Digest)
		return img, images[0].Digest, err
	}
	return nil, v1.Hash{}, fmt.Errorf("it has %d images for %s: say which by its tag, PATH:TAG", len(images), p)
}

// fromTarball reads what docker save wrote, or an OCI layout in a tar.
func (b *builder) fromTarball(file string, p v1.Platform) (v1.Image, v1.Hash, error) {
	oci, err := hasEntry(file, "oci-layout")
	if err != nil {
		return nil, v1.Hash{}, fmt.Errorf("it is no tarball of an image: %w", err)
	}
	if docker, err := hasEntry(file, "manifest.json"); err == nil && docker {
		img, err := tarball.ImageFromPath(file, nil)
		if err != nil {
			return nil, v1.Hash{}, fmt.Errorf("it is no tarball of one image: %w", err)
		}
		h, err := img.Digest()
		return img, h, err
	}
	if !oci {
		return nil, v1.Hash{}, errors.New("it is a tar with neither manifest.json (docker save) nor oci-layout in it")
	}
	dir := filepath.Join(b.store.tmp, "oci")
	if err := unpack(file, dir); err != nil {
		return nil, v1.Hash{}, err
	}
	ix, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, v1.Hash{}, err
	}
	return pick(ix, p)
}

func hasEntry(file, entry string) (bool, error) {
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if strings.TrimPrefix(h.Name, "./") == entry {
			return true, nil
		}
	}
}

// unpack writes the regular files of a tar below dir, and nowhere else.
func unpack(file, dir string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for tr := tar.NewReader(f); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := filepath.Clean(h.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		out, err := root.Create(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(out, tr)
		if err = errors.Join(err, out.Close()); err != nil {
			return err
		}
	}
}

// retyped is a layer under another name of its type.
type retyped struct {
	v1.Layer
	mediaType types.MediaType
}

func (r retyped) MediaType() (types.MediaType, error) { return r.mediaType, nil }

// retype keeps what is known of where a layer could be mounted from.
func retype(l v1.Layer, mt types.MediaType) v1.Layer {
	if m, ok := l.(*remote.MountableLayer); ok {
		return &remote.MountableLayer{Layer: retyped{m.Layer, mt}, Reference: m.Reference}
	}
	return retyped{l, mt}
}

// ociType gives OCI's name for a type of layer: one manifest holds one family of names.
func ociType(mt types.MediaType) types.MediaType {
	switch mt {
	case types.DockerLayer:
		return types.OCILayer
	case types.DockerUncompressedLayer:
		return types.OCIUncompressedLayer
	case types.DockerForeignLayer:
		return types.OCIRestrictedLayer
	}
	return mt
}
