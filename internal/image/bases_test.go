package image_test

import (
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/image/debian"
	"github.com/phialdev/phial/internal/image/publish"
	"github.com/phialdev/phial/internal/release"
)

// aBase is a base as somebody else would have made it: Docker's types, a user, a start of
// its own, labels that are not true of what is put upon it.
func aBase(t *testing.T) v1.Image {
	t.Helper()
	r := build(t, image.Options{Releases: []release.Release{open(t, beamtest.BuildRelease(t, tally))}})
	layers, err := r.Root.(v1.Image).Layers()
	if err != nil {
		t.Fatal(err)
	}
	// Its lowest layer, brought to a file, since the build that it is of ends.
	dir := t.TempDir()
	rc, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer rc.Close()
	f, err := os.Create(filepath.Join(dir, "layer.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(f, rc); err != nil {
		t.Fatal(err)
	}
	f.Close()
	layer, err := tarball.LayerFromFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return dockers(t, layer)
}

func dockers(t *testing.T, layer v1.Layer) v1.Image {
	t.Helper()
	img, err := mutate.Append(empty.Image, mutate.Addendum{Layer: layer, MediaType: types.DockerLayer, History: v1.History{CreatedBy: "somebody"}})
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "linux", "amd64"
	cfg.History = append([]v1.History{{CreatedBy: "ENV X", EmptyLayer: true}}, cfg.History...)
	cfg.Config = v1.Config{
		Entrypoint: []string{"/bin/entry"}, Cmd: []string{"bash"}, User: "root", StopSignal: "SIGQUIT",
		Env:         []string{"PATH=/usr/bin:/bin", "LANG=C", "THEIRS=1"},
		Labels:      map[string]string{"org.opencontainers.image.version": "12", "vendor": "example"},
		Healthcheck: &v1.HealthConfig{Test: []string{"CMD", "true"}, Interval: time.Second},
	}
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		t.Fatal(err)
	}
	return img
}

// The same base from a registry, a layout, docker save's tarball and a tarball of a layout.
func TestBases(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	base := aBase(t)
	reg := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(reg.Close)
	ref, err := name.NewTag(reg.Listener.Addr().String() + "/base:1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, base); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	docker, layout, archive := filepath.Join(dir, "docker.tar"), filepath.Join(dir, "layout"), filepath.Join(dir, "oci.tar")
	if err := tarball.WriteToFile(docker, ref, base); err != nil {
		t.Fatal(err)
	}
	// skopeo makes the others, so that they are not of our own making.
	must(t, exec.Command("skopeo", "--insecure-policy", "copy", "docker-archive:"+docker, "oci:"+layout+":1"))
	must(t, exec.Command("skopeo", "--insecure-policy", "copy", "docker-archive:"+docker, "oci-archive:"+archive+":1"))

	r := open(t, beamtest.BuildRelease(t, tally))
	// A layout that we made, with two names for the image and an SBOM beside it, is a base as any other.
	ours := filepath.Join(dir, "ours")
	if _, err := (publish.Layout{Dir: ours, Tags: []string{"1.0.0", "latest"}}).Publish(t.Context(), build(t, image.Options{Releases: []release.Release{r}})); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{ours, ours + ":latest"} {
		again := build(t, image.Options{Releases: []release.Release{r}, Base: from})
		if cfg, err := again.Root.(v1.Image).ConfigFile(); err != nil || cfg.Config.Labels["org.opencontainers.image.base.name"] != "" {
			t.Errorf("%s: %v, %v", from, cfg, err)
		}
	}
	if _, err := image.Build(t.Context(), image.Options{Releases: []release.Release{r}, Base: ours + ":other", Cache: cache(t)}); err == nil || !strings.Contains(err.Error(), "no image") {
		t.Errorf("a tag that is not there: %v", err)
	}
	for _, from := range []string{ref.Name(), docker, layout, archive} {
		result := build(t, image.Options{Releases: []release.Release{r}, Base: from, Env: []string{"OURS=1"}, Labels: map[string]string{"team": "shop"}})
		img := result.Root.(v1.Image)
		if err := validate.Image(img); err != nil {
			t.Errorf("%s: %v", from, err)
		}
		m, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		if m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON || slices.ContainsFunc(m.Layers, func(d v1.Descriptor) bool { return d.MediaType != types.OCILayer }) {
			t.Errorf("%s: types of Docker's are left: %+v", from, m)
		}
		cfg, err := img.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		c := cfg.Config
		if c.Entrypoint != nil || !slices.Equal(c.Cmd, []string{"/app/bin/tally", "start"}) || c.User != "65532:65532" || c.WorkingDir != "/app" || c.StopSignal != "SIGTERM" || c.Healthcheck != nil {
			t.Errorf("%s: starts as %+v", from, c)
		}
		if want := []string{"PATH=/usr/bin:/bin", "LANG=C.UTF-8", "THEIRS=1", "HOME=/tmp", "RELEASE_TMP=/tmp", "OURS=1"}; !slices.Equal(c.Env, want) {
			t.Errorf("%s: environment %q, want %q", from, c.Env, want)
		}
		if c.Labels["org.opencontainers.image.version"] != "1.0.0" || c.Labels["vendor"] != "example" || c.Labels["team"] != "shop" || c.Labels["org.opencontainers.image.base.digest"] != result.Platforms[0].BaseDigest {
			t.Errorf("%s: labels %v", from, c.Labels)
		}
		if got := c.Labels["org.opencontainers.image.base.name"]; (got != "") != (from == ref.Name()) {
			t.Errorf("%s: base.name %q, want it for a registry's alone", from, got)
		}
		if len(cfg.History) != 2+len(m.Layers)-1 || cfg.History[0].CreatedBy != "ENV X" {
			t.Errorf("%s: history %+v", from, cfg.History)
		}
		runs := unpack(t, toLayout(t, result), "1.0.0").run(t, "POD_IP=127.0.0.2", "RELEASE_COOKIE=given")
		runs.until(t, func(out string) bool { return strings.Contains(out, "tally@127.0.0.2") }, "wget", "-qO-", "http://127.0.0.2:4000/")
	}
}

// A release that needs more than the base has is refused, and why is said.
func TestRefused(t *testing.T) {
	o := beamtest.OTPs(t)[1]
	dir := filepath.Join(o.Root, o.BuildRelease(t, tally))
	options := image.Options{Releases: []release.Release{open(t, dir)}, Base: image.Assemble, Debian: image.Debian{Suite: "bookworm"}, Cache: cache(t)}
	r, err := image.Build(t.Context(), options)
	if !errors.Is(err, image.ErrRefused) || r == nil || !r.Refused() {
		t.Fatalf("%v, want a refusal", err)
	}
	defer r.Close()
	var codes []finding.Code
	for _, f := range r.Platforms[0].Findings {
		codes = append(codes, f.Code)
		if f.Code == finding.LibraryOther && !strings.Contains(f.String()+strings.Join(f.Evidence, " "), "GLIBC_2.38") {
			t.Errorf("%s %q does not name the version", f, f.Evidence)
		}
	}
	if !slices.Contains(codes, finding.LibraryOther) {
		t.Errorf("findings %v, want IMG-01 among them", r.Platforms[0].Findings)
	}
	options.Accept = []image.Accept{{Code: finding.LibraryOther}}
	accepted, err := image.Build(t.Context(), options)
	if err != nil {
		t.Fatalf("accepted: %v", err)
	}
	defer accepted.Close()
	if !accepted.Platforms[0].Findings[0].Accepted {
		t.Errorf("findings %+v, want them marked", accepted.Platforms[0].Findings)
	}
}

// forARM64 is a release whose emulator is Debian's for arm64, really built for it.
func forARM64(t *testing.T) string {
	t.Helper()
	dir := copied(t, beamtest.BuildRelease(t, tally), 0o022, false)
	root, err := debian.Assemble(t.Context(), debian.Options{Suite: "bookworm", Arch: "arm64", Packages: []string{"erlang-base"}, Cache: filepath.Join(cache(t), "debian")})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range root.Files {
		in, ok := strings.CutPrefix(f.Path, "usr/lib/erlang/")
		if !ok || !strings.HasPrefix(in, "erts-") || !f.Mode.IsRegular() {
			continue
		}
		to := filepath.Join(dir, in)
		if _, err := os.Stat(to); err != nil {
			continue // a release has not all of it
		}
		content, err := f.Content()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, 0o755); err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n < 5 {
		t.Fatalf("only %d files of the emulator for arm64", n)
	}
	return dir
}

func TestSeveralArchitectures(t *testing.T) {
	amd, arm := open(t, beamtest.BuildRelease(t, tally)), open(t, forARM64(t))
	r := build(t, image.Options{Releases: []release.Release{arm, amd}})
	ix, ok := r.Root.(v1.ImageIndex)
	if !ok {
		t.Fatalf("two architectures give a %T", r.Root)
	}
	if err := validate.Index(ix); err != nil {
		t.Error(err)
	}
	m, err := ix.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var archs []string
	for _, d := range m.Manifests {
		archs = append(archs, d.Platform.String())
	}
	if !slices.Equal(archs, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("architectures %q", archs)
	}
	// What is the same on both, BEAM code and configuration, is one layer.
	if a, b := layersOf(r)["app"], r.Platforms[1].Layers; b[len(b)-1].Digest != a {
		t.Errorf("the app's layer is %s and %+v", a, b[len(b)-1])
	}
	skopeo := must(t, exec.Command("skopeo", "--override-arch", "arm64", "inspect", "oci:"+toLayout(t, r)+":1.0.0"))
	if !strings.Contains(skopeo, `"Architecture": "arm64"`) {
		t.Errorf("skopeo reads %s", skopeo)
	}
	if same, err := image.Build(t.Context(), image.Options{Releases: []release.Release{amd, amd}, Base: image.Assemble, Cache: cache(t)}); err == nil || same != nil || !strings.Contains(err.Error(), "are both for amd64") {
		t.Errorf("one architecture twice: %v", err)
	}
}
