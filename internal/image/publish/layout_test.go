package publish

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/testkit"
)

// tagged finds the image of a tag in a layout.
func tagged(t *testing.T, dir, tag string) v1.Image {
	t.Helper()
	ix, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := ix.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range m.Manifests {
		if d.Annotations[refName] == tag {
			img, err := ix.Image(d.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	t.Fatalf("%s has no %s", dir, tag)
	return nil
}

func TestLayout(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	base := layer(t, 50_000)
	first, second := built(t, base, layer(t, 1000)), built(t, base, layer(t, 2000))
	put := func(r *image.Result, tags ...string) Published {
		t.Helper()
		p, err := Layout{Dir: dir, Tags: tags}.Publish(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	put(first, "1.0.0", "latest")
	if err := validate.Image(tagged(t, dir, "1.0.0")); err != nil {
		t.Error(err)
	}
	before := files(t, dir)
	if p := put(first, "1.0.0", "latest"); p.Sent != 0 {
		t.Errorf("the same again wrote %d bytes", p.Sent)
	}
	if !maps.Equal(before, files(t, dir)) {
		t.Error("the same again changed the layout")
	}
	if p := put(second, "latest"); p.Sent > 10_000 || !maps.Equal(p.Moved, map[string]string{"latest": first.Digest.String()}) {
		t.Errorf("another image wrote %d bytes and moved %q, want its own layer and latest", p.Sent, p.Moved)
	}
	for tag, want := range map[string]v1.Hash{"1.0.0": first.Digest, "latest": second.Digest} {
		if h, _ := tagged(t, dir, tag).Digest(); h != want {
			t.Errorf("%s is %s, want %s", tag, h, want)
		}
	}
	// What no name leads to any more goes: the first image was all that 1.0.0 meant.
	put(second, "1.0.0")
	left := files(t, dir)
	if _, ok := left["blobs/sha256/"+first.Digest.Hex]; ok {
		t.Error("the image that lost its last tag is still there")
	}
	if err := validate.Image(tagged(t, dir, "1.0.0")); err != nil {
		t.Error(err)
	}
	// What was said about the first image goes with it: two names and one SBOM are left.
	var ix v1.IndexManifest
	if err := json.Unmarshal([]byte(left["index.json"]), &ix); err != nil || len(ix.Manifests) != 3 {
		t.Errorf("%d entries are left, %v: %s", len(ix.Manifests), err, left["index.json"])
	}
}

func TestLayoutRefuses(t *testing.T) {
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Layout{Dir: other}).Publish(t.Context(), built(t, layer(t, 10))); err == nil || !strings.Contains(err.Error(), "holds other things than an OCI layout") {
		t.Errorf("a directory of something else: %v", err)
	}
	if len(files(t, other)) != 1 {
		t.Error("something was written there")
	}
}

// changing is a layer whose content is not what its digest says.
type changing struct{ v1.Layer }

func (changing) Compressed() (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader("other")), nil
}

// failing is one that can't be read to the end.
type failing struct{ v1.Layer }

func (failing) Compressed() (io.ReadCloser, error) { return nil, errors.New("the file can't be read") }

// Whatever goes wrong, what was there before is as it was, and nothing else is there.
func TestNothingHalfWritten(t *testing.T) {
	good := built(t, layer(t, 1000))
	for name, bad := range map[string]*image.Result{
		"content that is another": built(t, layer(t, 5000), changing{layer(t, 100)}),
		"a file that fails":       built(t, layer(t, 5000), failing{layer(t, 100)}),
	} {
		for _, existing := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "out")
			if existing {
				if _, err := (Layout{Dir: dir, Tags: []string{"1.0.0"}}).Publish(t.Context(), good); err != nil {
					t.Fatal(err)
				}
			}
			before := files(t, dir)
			_, err := Layout{Dir: dir, Tags: []string{"1.0.0"}}.Publish(t.Context(), bad)
			if err == nil || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: %v, want one line", name, err)
			}
			if after := files(t, dir); !maps.Equal(before, after) {
				t.Errorf("%s: left behind: %q, before: %q", name, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
			}
			file := filepath.Join(t.TempDir(), "shop.tar")
			if _, err := (Tarball{File: file, Name: "shop", Tags: []string{"1"}}).Publish(t.Context(), bad); name == "a file that fails" && err == nil {
				t.Errorf("%s: a tarball was made", name)
			}
			if left := files(t, filepath.Dir(file)); name == "a file that fails" && len(left) != 0 {
				t.Errorf("%s: left behind: %q", name, slices.Sorted(maps.Keys(left)))
			}
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := (Layout{Dir: dir}).Publish(ctx, good); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if len(files(t, dir)) != 0 {
		t.Error("cancelled, and something is there")
	}
}

func TestAFullDisk(t *testing.T) {
	if !testkit.Unshared(t, "--mount") {
		return
	}
	disk := testkit.SmallDisk(t, "256k")
	small := built(t, layer(t, 1000))
	if _, err := (Layout{Dir: filepath.Join(disk, "out"), Tags: []string{"1.0.0"}}).Publish(t.Context(), small); err != nil {
		t.Fatal(err)
	}
	before := files(t, disk)
	big := built(t, layer(t, 100_000), layer(t, 1_000_000))
	for _, target := range []Target{
		Layout{Dir: filepath.Join(disk, "out"), Tags: []string{"1.0.0"}},
		Layout{Dir: filepath.Join(disk, "new"), Tags: []string{"1.0.0"}},
		Tarball{File: filepath.Join(disk, "shop.tar"), Name: "shop", Tags: []string{"1.0.0"}},
	} {
		_, err := target.Publish(t.Context(), big)
		if err == nil || !strings.Contains(err.Error(), "the disk is full") || strings.Contains(err.Error(), "\n") {
			t.Errorf("%T: %v, want one line that says that the disk is full", target, err)
		}
		if after := files(t, disk); !maps.Equal(before, after) {
			t.Errorf("%T: left behind: %q, before: %q", target, slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
		}
	}
}

func TestTarball(t *testing.T) {
	r := built(t, layer(t, 1000), layer(t, 2000))
	file := filepath.Join(t.TempDir(), "shop.tar")
	p, err := Tarball{File: file, Name: "registry.example.com/shop", Tags: []string{"1.0.0", "latest"}}.Publish(t.Context(), r)
	if err != nil || !slices.Equal(p.Names, []string{"registry.example.com/shop:1.0.0", "registry.example.com/shop:latest"}) {
		t.Fatalf("%+v, %v", p, err)
	}
	img, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	fi, err := os.Stat(file)
	if err != nil || fi.Mode().Perm() != 0o644 || fi.Size() != p.Sent {
		t.Errorf("the file: %v, %v, want 0644 and %d bytes", fi, err, p.Sent)
	}
}

// containerd's client, as far as we use it: it reads an OCI layout from standard input.
func TestContainerd(t *testing.T) {
	r := built(t, layer(t, 1000))
	dir := t.TempDir()
	client := filepath.Join(dir, "ctr")
	script := func(text string) {
		t.Helper()
		if err := os.WriteFile(client, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	script(`printf '%s ' "$@" > ` + dir + "/args\ncat > " + dir + "/in.tar\n")
	c := Containerd{Command: []string{client}, Address: "/run/x.sock", Namespace: "k8s.io", Name: "shop", Tags: []string{"1.0.0"}}
	p, err := c.Publish(t.Context(), r)
	if err != nil || !slices.Equal(p.Names, []string{"docker.io/library/shop:1.0.0"}) {
		t.Fatalf("%+v, %v", p, err)
	}
	if args, _ := os.ReadFile(dir + "/args"); string(args) != "--address /run/x.sock --namespace k8s.io images import --all-platforms - " {
		t.Errorf("called with %q", args)
	}
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command("tar", "xf", dir+"/in.tar", "-C", out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	img := tagged(t, out, "1.0.0")
	if h, _ := img.Digest(); h != r.Digest {
		t.Errorf("handed over %s, want %s", h, r.Digest)
	}
	if err := validate.Image(img); err != nil {
		t.Error(err)
	}
	var ix v1.IndexManifest
	raw, _ := os.ReadFile(filepath.Join(out, "index.json"))
	if err := json.Unmarshal(raw, &ix); err != nil || ix.Manifests[0].Annotations[containerdName] != "docker.io/library/shop:1.0.0" {
		t.Errorf("the index: %+v, %v", ix, err)
	}

	script("cat > /dev/null\necho 'ctr: failed to dial \"/run/x.sock\": permission denied' >&2\nexit 1\n")
	if _, err := c.Publish(t.Context(), r); err == nil || !strings.Contains(err.Error(), "permission denied") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a client that fails: %v", err)
	}
	script("echo 'ctr: no such namespace' >&2\nexit 1\n") // without reading
	if _, err := c.Publish(t.Context(), built(t, layer(t, 1_000_000))); err == nil || !strings.Contains(err.Error(), "no such namespace") {
		t.Errorf("a client that does not read: %v", err)
	}
	c.Command = []string{"phial-test-no-such-client"}
	if _, err := c.Publish(t.Context(), r); err == nil || !strings.Contains(err.Error(), "is not installed") {
		t.Errorf("no client: %v", err)
	}
}
