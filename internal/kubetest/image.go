package kubetest

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Images that every node has.
const (
	pauseImage   = "localhost/pause:1"
	corednsImage = "localhost/coredns:1"
)

// writeNodeImages makes the tarball of what a node itself runs in containers, of programs in dir.
func writeNodeImages(path, dir string) error {
	images := map[name.Tag]v1.Image{}
	for ref, program := range map[string]string{pauseImage: "pause", corednsImage: "coredns"} {
		tag, image, err := programImage(ref, filepath.Join(dir, program))
		if err != nil {
			return err
		}
		images[tag] = image
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := tarball.MultiWrite(images, f); err != nil {
		f.Close()
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Close()
}

// WriteImage writes a tarball for [Node.Import]: an image, "localhost/app:1", that holds nothing but a program and runs
// it. The program is linked statically, and for this machine.
func WriteImage(w io.Writer, ref, program string) error {
	tag, image, err := programImage(ref, program)
	if err != nil {
		return err
	}
	return tarball.Write(tag, image, w)
}

func programImage(ref, program string) (name.Tag, v1.Image, error) {
	tag, err := name.NewTag(ref)
	if err != nil {
		return name.Tag{}, nil, err
	}
	content, err := os.ReadFile(program)
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("image %s: %w", ref, err)
	}
	layer, err := fileLayer(filepath.Base(program), content)
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("image %s: %w", ref, err)
	}
	base, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		Architecture: runtime.GOARCH, OS: "linux",
		Config: v1.Config{Entrypoint: []string{"/" + filepath.Base(program)}, WorkingDir: "/"},
		RootFS: v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return name.Tag{}, nil, fmt.Errorf("image %s: %w", ref, err)
	}
	image, err := mutate.AppendLayers(base, layer)
	return tag, image, err
}

// fileLayer is a layer of one file. It is not compressed: it is read once on the machine that wrote it.
func fileLayer(name string, content []byte) (v1.Layer, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return static.NewLayer(b.Bytes(), types.DockerUncompressedLayer), nil
}
