package publish

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/phialdev/phial/internal/image"
)

func TestPush(t *testing.T) {
	asNobody(t)
	s := newServer(t)
	var asked atomic.Int64
	base, app := counting{layer(t, 300_000), &asked}, counting{layer(t, 20_000), &asked}
	r := built(t, base, app)
	p, err := Registry{Repository: s.repo, Tags: []string{"1.0.0", "latest"}}.Publish(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{s.repo.Name() + "@" + r.Digest.String(), s.repo.Name() + ":1.0.0", s.repo.Name() + ":latest"}
	if !slices.Equal(p.Names, want) || len(p.Moved) != 0 || p.Sent < 320_000 || p.Sent > 330_000 {
		t.Errorf("published %+v, want the names %q", p, want)
	}
	back, err := remote.Image(s.repo.Tag("1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	if h, _ := back.Digest(); h != r.Digest {
		t.Errorf("the registry has %s, want %s", h, r.Digest)
	}
	if err := validate.Image(back); err != nil {
		t.Error(err)
	}
	refs, err := remote.Referrers(s.repo.Digest(r.Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	if m, err := refs.IndexManifest(); err != nil || len(m.Manifests) != 1 || m.Manifests[0].ArtifactType != "application/vnd.cyclonedx+json" {
		t.Errorf("referrers: %+v, %v", m, err)
	}

	// Once more: nothing is read, nothing is sent.
	asked.Store(0)
	s.bytes.Store(0)
	if p, err = (Registry{Repository: s.repo, Tags: []string{"1.0.0"}}).Publish(t.Context(), r); err != nil || p.Sent != 0 || s.bytes.Load() != 0 || asked.Load() != 0 {
		t.Errorf("again: %+v, %v; %d bytes came, layers were read %d times", p, err, s.bytes.Load(), asked.Load())
	}

	// Another app on the same base: the base is neither compressed nor sent.
	next := built(t, base, counting{layer(t, 10_000), new(atomic.Int64)})
	if p, err = (Registry{Repository: s.repo, Tags: []string{"1.0.0", "1.0.1"}}).Publish(t.Context(), next); err != nil || p.Sent > 15_000 || asked.Load() != 0 {
		t.Errorf("the next version: %+v, %v; the base was read %d times", p, err, asked.Load())
	}
	if !maps.Equal(p.Moved, map[string]string{"1.0.0": r.Digest.String()}) {
		t.Errorf("moved %v, want 1.0.0 and what it meant", p.Moved)
	}
}

func TestPushAnIndex(t *testing.T) {
	asNobody(t)
	s := newServer(t)
	amd, arm := built(t, layer(t, 1000)), builtFor(t, "arm64", layer(t, 2000))
	ix := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, types.OCIImageIndex),
		mutate.IndexAddendum{Add: amd.Root.(v1.Image), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm.Root.(v1.Image), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}})
	r := result(t, ix, amd.Platforms[0], arm.Platforms[0])
	if _, err := (Registry{Repository: s.repo, Tags: []string{"1.0.0"}}).Publish(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	back, err := remote.Index(s.repo.Tag("1.0.0"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(back); err != nil {
		t.Error(err)
	}
	for _, arch := range []string{"amd64", "arm64"} {
		if _, err := remote.Image(s.repo.Tag("1.0.0"), remote.WithPlatform(v1.Platform{OS: "linux", Architecture: arch})); err != nil {
			t.Errorf("%s: %v", arch, err)
		}
	}
}

// Whatever goes wrong on the way, no tag is there, and one line says why.
func TestNothingIsTaggedUnlessEverythingIsThere(t *testing.T) {
	asNobody(t)
	uploads := func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/uploads/") }
	var n atomic.Int64
	fail := func(status int) func(http.ResponseWriter) bool {
		return func(w http.ResponseWriter) bool { w.WriteHeader(status); return true }
	}
	for name, c := range map[string]struct {
		fault func(http.ResponseWriter, *http.Request) bool
		err   string
	}{
		"the registry dies half way": {func(w http.ResponseWriter, r *http.Request) bool {
			return uploads(r) && n.Add(1) > 4 && fail(500)(w)
		}, "the registry failed (500), also when asked again"},
		"it stops taking manifests": {func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && fail(503)(w)
		}, "the registry failed (503)"},
		"it refuses what refers to the image": {func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") && n.Add(1) > 1 && fail(403)(w)
		}, "the registry refuses (403)"},
		"every upload is cut": {func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPatch && cut(w, r)
		}, "no tag was set"},
		"it wants a password": {func(w http.ResponseWriter, r *http.Request) bool {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			return fail(401)(w)
		}, "the registry refuses (401): log in with `docker login`"},
	} {
		n.Store(0)
		s := newServer(t)
		s.order(c.fault)
		_, err := Registry{Repository: s.repo, Tags: []string{"1.0.0"}}.Publish(t.Context(), built(t, layer(t, 50_000), layer(t, 60_000), layer(t, 70_000)))
		if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %q in one line", name, err, c.err)
		}
		if tags := s.tags(t); len(tags) != 0 {
			t.Errorf("%s: tags %q are there", name, tags)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	asNobody(t)
	s := newServer(t)
	s.Close()
	_, err := Registry{Repository: s.repo, Tags: []string{"1.0.0"}}.Publish(t.Context(), built(t, layer(t, 1000)))
	if err == nil || !strings.Contains(err.Error(), "nobody answers there") {
		t.Errorf("%v", err)
	}
}

// A registry that fails now and then is asked again.
func TestAFlakyRegistry(t *testing.T) {
	asNobody(t)
	for name, fault := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"every fifth request fails": func() func(http.ResponseWriter, *http.Request) bool {
			var n atomic.Int64
			return func(w http.ResponseWriter, _ *http.Request) bool {
				if n.Add(1)%5 == 0 {
					w.WriteHeader(http.StatusServiceUnavailable)
					return true
				}
				return false
			}
		}(),
		"the first uploads are cut": func() func(http.ResponseWriter, *http.Request) bool {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) bool {
				return r.Method == http.MethodPatch && n.Add(1) <= 2 && cut(w, r)
			}
		}(),
		"it is busy": func() func(http.ResponseWriter, *http.Request) bool {
			var n atomic.Int64
			return func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost && n.Add(1) <= 2 {
					w.WriteHeader(http.StatusTooManyRequests)
					return true
				}
				return false
			}
		}(),
	} {
		s := newServer(t)
		s.order(fault)
		r := built(t, layer(t, 200_000), layer(t, 1000))
		if _, err := (Registry{Repository: s.repo, Tags: []string{"1.0.0"}}).Publish(t.Context(), r); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s.order(nil)
		back, err := remote.Image(s.repo.Tag("1.0.0"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := validate.Image(back); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCancel(t *testing.T) {
	asNobody(t)
	s := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.order(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPatch {
			return false
		}
		cancel()
		io.Copy(io.Discard, r.Body) // until the client has gone
		return true
	})
	_, err := Registry{Repository: s.repo, Tags: []string{"1.0.0"}}.Publish(ctx, built(t, layer(t, 200_000)))
	if err == nil || ctx.Err() == nil {
		t.Errorf("cancelled: %v", err)
	}
	if tags := s.tags(t); len(tags) != 0 {
		t.Errorf("tags %q are there", tags)
	}
}

// Credentials come from docker's configuration, or from the helper that it names.
func TestCredentials(t *testing.T) {
	const user, password = "ci", "s3cret"
	token := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	for name, write := range map[string]func(t *testing.T, dir, host string) string{
		"in the file": func(_ *testing.T, _, host string) string {
			return fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, token)
		},
		"by a helper": func(t *testing.T, dir, host string) string {
			t.Helper()
			helper := "#!/bin/sh\nread host\n[ \"$1 $host\" = \"get " + host + "\" ] || exit 1\n" +
				`printf '{"ServerURL":"%s","Username":"` + user + `","Secret":"` + password + `"}' "$host"` + "\n"
			if err := os.WriteFile(filepath.Join(dir, "docker-credential-phialtest"), []byte(helper), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			return fmt.Sprintf(`{"credHelpers":{%q:"phialtest"}}`, host)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := asNobody(t)
			s := newServer(t)
			s.order(func(w http.ResponseWriter, r *http.Request) bool {
				if u, p, _ := r.BasicAuth(); u == user && p == password {
					return false
				}
				w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
				w.WriteHeader(http.StatusUnauthorized)
				return true
			})
			config := write(t, dir, s.repo.RegistryStr())
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := (Registry{Repository: s.repo, Tags: []string{"1.0.0"}}).Publish(t.Context(), built(t, layer(t, 1000))); err != nil {
				t.Error(err)
			}
			if tags := s.tags(t); !slices.Equal(tags, []string{"1.0.0"}) {
				t.Errorf("tags: %q", tags)
			}
		})
	}
}

func TestRepository(t *testing.T) {
	for in, want := range map[string]string{
		"registry.example.com/shop":       "registry.example.com/shop |",
		"registry.example.com/shop:1.0":   "registry.example.com/shop |1.0",
		"localhost:5000/a/b":              "localhost:5000/a/b |",
		"localhost:5000/a/b:x":            "localhost:5000/a/b |x",
		"registry.example.com/Shop":       "error",
		"registry.example.com/shop@sha2":  "error",
		"":                                "error",
		"registry.example.com/shop: 1":    "error",
		"https://registry.example.com/sh": "error",
	} {
		repo, tag, err := Repository(in)
		got := repo.Name() + " |" + tag
		if err != nil {
			got = "error"
			if strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "--push") {
				t.Errorf("%q: %v", in, err)
			}
		}
		if got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
}

func TestTags(t *testing.T) {
	commit := image.Revision{Commit: strings.Repeat("0123456789", 4)}
	dirty := commit
	dirty.Dirty = true
	for _, c := range []struct {
		version string
		r       image.Revision
		want    []string
	}{
		{"1.4.2", image.Revision{}, []string{"1.4.2"}},
		{"1.4.2", commit, []string{"1.4.2", "sha-012345678901"}},
		{"1.4.2", dirty, []string{"1.4.2"}},
		{"1.4.2-rc.1+build.7", image.Revision{}, []string{"1.4.2-rc.1_build.7"}},
	} {
		got := Tags(c.version, c.r)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s %v: %q, want %q", c.version, c.r, got, c.want)
		}
		for _, tag := range got {
			if err := CheckTag(tag); err != nil {
				t.Error(err)
			}
		}
	}
	for _, bad := range []string{"", ".a", "-a", "a b", "a/b", "a:b", strings.Repeat("a", 129)} {
		if CheckTag(bad) == nil {
			t.Errorf("%q was taken for a tag", bad)
		}
	}
}
