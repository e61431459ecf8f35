package image_test

import (
	"archive/tar"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/image"
	"github.com/phialdev/phial/internal/release"
)

// copied makes a copy of a release as somebody else would have it: files made in another
// order, with the permissions that a umask leaves, other times and, as root, another owner.
func copied(t *testing.T, from string, umask os.FileMode, backwards bool) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "another", "place", "for", "it")
	var names []string
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, strings.TrimPrefix(path, from+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if backwards {
		slices.Reverse(names)
	}
	for _, name := range names {
		dst := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(dst), 0o777&^umask|0o700); err != nil {
			t.Fatal(err)
		}
		fi, err := os.Stat(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		content, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o666)
		if fi.Mode()&0o100 != 0 {
			mode = 0o777
		}
		at := time.Unix(1_000_000_000+int64(len(name)), 0)
		if err := errors.Join(os.WriteFile(dst, content, 0o600), os.Chmod(dst, mode&^umask), os.Chtimes(dst, at, at)); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() == 0 {
			if err := os.Lchown(dst, 4321, 4321); err != nil {
				t.Fatal(err)
			}
		}
	}
	return to
}

func TestTheSameReleaseIsTheSameImage(t *testing.T) {
	first := beamtest.BuildRelease(t, tally)
	want := build(t, image.Options{Releases: []release.Release{open(t, first)}}).Digest
	for name, dir := range map[string]string{
		"umask 077":           copied(t, first, 0o077, false),
		"umask 002":           copied(t, first, 0o002, true),
		"the other way round": copied(t, first, 0o022, true),
	} {
		for _, fresh := range []bool{false, name == "umask 077"} { // one is enough: it compresses everything anew
			o := image.Options{Releases: []release.Release{open(t, dir)}}
			if fresh { // another machine, which remembers nothing of layers
				o.Cache = t.TempDir()
				if err := os.CopyFS(filepath.Join(o.Cache, "debian"), os.DirFS(filepath.Join(cache(t), "debian"))); err != nil {
					t.Fatal(err)
				}
			}
			if got := build(t, o).Digest; got != want {
				t.Errorf("%s, fresh cache %v: %s, want %s", name, fresh, got, want)
			}
		}
	}
}

// Two builds of one project, in two directories and with two umasks, by mix itself.
func TestTheSameProjectIsTheSameImage(t *testing.T) {
	sources := map[string]string{
		"mix.exs":     beamtest.MixExs(`, deps: [{:shelf, path: "shelf", compile: "sh build.sh"}]`),
		"lib/shop.ex": beamtest.ShopEx,
		// A dependency that is built as rebar3 builds, by whole paths: they end up in the code, by
		// ?FILE as the macros for logs have it, unless the compiler is told otherwise.
		"shelf/build.sh":          "mkdir -p ebin && cp src/shelf.app.src ebin/shelf.app && erl -noinput -eval '{ok, D} = file:get_cwd(), {ok, _} = compile:file(D ++ \"/src/shelf.erl\", [{outdir, \"ebin\"}]), halt().'\n",
		"shelf/src/shelf.erl":     "-module(shelf).\n-export([f/1]).\nf(X) -> {?FILE, 1 / X}.\n",
		"shelf/src/shelf.app.src": `{application,shelf,[{description,"a shelf"},{vsn,"1.0.0"},{registered,[]},{modules,[shelf]},{applications,[kernel,stdlib]}]}.`,
	}
	var digests []v1.Hash
	for _, umask := range []int{0o022, 0o077} {
		dir := beamtest.WriteProject(t, sources)
		old := syscall.Umask(umask)
		b := release.Builder{Dir: dir, Memory: t.TempDir(), Env: os.Environ(), Progress: func(string) {}}
		r, err := b.Build(t.Context())
		syscall.Umask(old)
		if err != nil {
			t.Fatal(err)
		}
		if r.OTP == "" {
			t.Error("the build does not say which OTP it was made with")
		}
		digests = append(digests, build(t, image.Options{Releases: []release.Release{r}}).Digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("two builds of the same sources: %v", digests)
	}
}

// layersOf names each layer's digest.
func layersOf(r *image.Result) map[string]string {
	all := map[string]string{}
	for _, l := range r.Platforms[0].Layers {
		all[l.Name] = l.Digest
	}
	return all
}

// A module that changes makes another of the app's layer alone, and that is small.
func TestOneModuleIsOneLayer(t *testing.T) {
	first := beamtest.BuildRelease(t, tally)
	before := build(t, image.Options{Releases: []release.Release{open(t, first)}})
	dir := copied(t, first, 0o022, false)
	beam := filepath.Join(dir, "lib/tally-1.0.0/ebin/Elixir.Tally.JSON.beam")
	text, err := os.ReadFile(beam)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(beam, append(text, 0), 0o600); err != nil {
		t.Fatal(err)
	}
	after := build(t, image.Options{Releases: []release.Release{open(t, dir)}})
	was := layersOf(before)
	var changed []string
	for name, digest := range layersOf(after) {
		if was[name] != digest {
			changed = append(changed, name)
		}
	}
	if !slices.Equal(changed, []string{"app"}) {
		t.Errorf("changed layers: %q, want app alone", changed)
	}
	for _, l := range after.Platforms[0].Layers {
		if l.Name == "app" && l.Size > 100_000 {
			t.Errorf("the app's layer has %d bytes", l.Size)
		}
	}
}

// The cookie of the build is in no layer, and nothing else that a run leaves behind.
func TestNoSecretsInTheImage(t *testing.T) {
	dir := copied(t, beamtest.BuildRelease(t, tally), 0o022, false)
	cookie, err := os.ReadFile(filepath.Join(dir, "releases/COOKIE"))
	if err != nil || len(cookie) < 20 {
		t.Fatalf("the release has no cookie to look for: %q, %v", cookie, err)
	}
	for name, text := range map[string]string{"erl_crash.dump": "=erl_crash_dump:0.5 " + string(cookie), "tmp/tally.runtime.config": string(cookie)} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := build(t, image.Options{Releases: []release.Release{open(t, dir)}})
	layers, err := r.Root.(v1.Image).Layers()
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, l := range layers {
		rc, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		for tr := tar.NewReader(rc); ; {
			h, err := tr.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(tr)
			if err != nil {
				t.Fatal(err)
			}
			found++
			if strings.Contains(string(content), string(cookie)) {
				t.Errorf("%s holds the cookie", h.Name)
			}
		}
		rc.Close()
	}
	config, err := r.Root.(v1.Image).RawConfigFile()
	if err != nil || strings.Contains(string(config), string(cookie)) || strings.Contains(string(r.Platforms[0].SBOM), string(cookie)) {
		t.Errorf("the configuration or the SBOM holds the cookie (%v)", err)
	}
	if found < 500 {
		t.Errorf("looked into %d files, which can't be all", found)
	}
	var out []string
	for _, l := range r.Platforms[0].Left {
		out = append(out, l.Path)
	}
	if want := []string{"app/erl_crash.dump", "app/releases/COOKIE", "app/tmp/tally.runtime.config"}; !slices.Equal(out, want) {
		t.Errorf("left out %q, want %q", out, want)
	}
}
