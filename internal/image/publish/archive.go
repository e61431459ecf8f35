package publish

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image"
)

// Tarball is a file that `docker load` reads. It holds one architecture.
type Tarball struct {
	File string
	Name string   // repository
	Tags []string // at least one
}

// Publish implements [Target]. The file is there whole or not at all.
func (t Tarball) Publish(ctx context.Context, r *image.Result) (p Published, err error) {
	p = Published{Target: "tarball " + t.File}
	img, ok := r.Root.(v1.Image)
	if !ok {
		return p, errors.New("a tarball for docker load holds one architecture: leave out all release directories but one, or use --oci-layout")
	}
	refs := map[name.Reference]v1.Image{}
	for _, tag := range t.Tags {
		ref, err := name.NewTag(t.Name + ":" + tag)
		if err != nil {
			return p, err
		}
		refs[ref] = img
		p.Names = append(p.Names, t.Name+":"+tag)
	}
	f, err := os.CreateTemp(filepath.Dir(t.File), "."+filepath.Base(t.File)+".new-*")
	if err != nil {
		return p, fmt.Errorf("write %s: %w", t.File, image.Reason(err))
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w; nothing was left behind", t.File, image.Reason(err)), os.Remove(f.Name()))
		}
	}()
	n := &written{ctx: ctx, w: f}
	// A full disk may show only when the file is synced or closed.
	if err := errors.Join(tarball.MultiRefWrite(refs, n), f.Chmod(0o644), f.Sync(), f.Close()); err != nil {
		return p, err
	}
	p.Sent = n.n
	return p, os.Rename(f.Name(), t.File)
}

// written counts, and stops when ctx ends.
type written struct {
	ctx context.Context
	w   io.Writer
	n   int64
}

func (w *written) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.w.Write(p)
	w.n += int64(n)
	return n, err
}

// Containerd is the store of a containerd on this machine, which is where a kubelet looks
// for images before it pulls them.
type Containerd struct {
	Command   []string // of its client: ctr, or k3s ctr
	Address   string   // of its socket; empty: the client's own default
	Namespace string   // k8s.io for a kubelet's
	Name      string   // repository
	Tags      []string
}

// Publish implements [Target]: it streams an OCI layout to containerd's own client, so
// that the digest there is the one that a registry would have.
func (c Containerd) Publish(ctx context.Context, r *image.Result) (Published, error) {
	p := Published{Target: "containerd, namespace " + c.Namespace}
	var names []string
	for _, tag := range c.Tags {
		ref, err := name.NewTag(c.Name + ":" + tag)
		if err != nil {
			return p, err
		}
		names = append(names, usual(ref.Name()))
	}
	args := append([]string{}, c.Command[1:]...)
	if c.Address != "" {
		args = append(args, "--address", c.Address)
	}
	args = append(args, "--namespace", c.Namespace, "images", "import", "--all-platforms", "-")
	cmd := exec.CommandContext(ctx, c.Command[0], args...)
	cmd.WaitDelay = 5 * time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		return p, err
	}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return p, fmt.Errorf("%s is not installed: it comes with containerd; --containerd-command names another, such as \"k3s ctr\"", c.Command[0])
		}
		return p, err
	}
	n := &written{ctx: ctx, w: in}
	sent := errors.Join(writeArchive(ctx, n, r, c.Tags, names), in.Close())
	if err := cmd.Wait(); err != nil {
		if ctx.Err() != nil {
			return p, ctx.Err()
		}
		return p, fmt.Errorf("%s: %s", strings.Join(c.Command, " "), lastLine(said.String(), err))
	}
	if sent != nil {
		return p, fmt.Errorf("hand the image to containerd: %w", image.Reason(sent))
	}
	p.Names, p.Sent = names, n.n
	return p, nil
}

func lastLine(said string, err error) string {
	said = strings.TrimSpace(said)
	if said == "" {
		return err.Error()
	}
	return strings.TrimPrefix(said[strings.LastIndexByte(said, '\n')+1:], "ctr: ")
}

// writeArchive writes an OCI layout as a tar.
func writeArchive(ctx context.Context, w io.Writer, r *image.Result, tags, names []string) error {
	all, err := blobs(r.Root)
	if err != nil {
		return err
	}
	plainly := *r
	plainly.Referrers = nil // containerd has no use for them
	entries, err := describe(&plainly, tags, names)
	if err != nil {
		return err
	}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: entries})
	if err != nil {
		return err
	}
	tw := tar.NewWriter(w)
	put := func(file string, size int64, copyTo func(io.Writer) error) error {
		if err := tw.WriteHeader(&tar.Header{Name: file, Mode: 0o644, Size: size}); err != nil {
			return err
		}
		return copyTo(tw)
	}
	text := func(b []byte) func(io.Writer) error {
		return func(w io.Writer) error { _, err := w.Write(b); return err }
	}
	if err := put("oci-layout", int64(len(layoutVersion)), text([]byte(layoutVersion))); err != nil {
		return err
	}
	if err := put("index.json", int64(len(index)), text(index)); err != nil {
		return err
	}
	seen := map[v1.Hash]bool{}
	for _, b := range all {
		if seen[b.digest] {
			continue
		}
		seen[b.digest] = true
		err := put(path.Join("blobs", b.digest.Algorithm, b.digest.Hex), b.size, func(w io.Writer) error { return b.copyTo(ctx, w) })
		if err != nil {
			return err
		}
	}
	return tw.Close()
}
