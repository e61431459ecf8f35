package publish

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/phialdev/phial/internal/image"
)

// server is a real registry over HTTP, with faults to order in front of it.
type server struct {
	*httptest.Server
	repo name.Repository
	mu   sync.Mutex
	// fault answers a request instead of the registry, if it gives true.
	fault func(w http.ResponseWriter, r *http.Request) bool
	bytes atomic.Int64 // of bodies of uploads
}

func newServer(t *testing.T) *server {
	t.Helper()
	behind := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.mu.Unlock()
		if fault != nil && fault(w, r) {
			return
		}
		if strings.Contains(r.URL.Path, "/blobs/uploads/") {
			r.Body = &tap{r.Body, &s.bytes}
		}
		behind.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	repo, err := name.NewRepository(s.Listener.Addr().String() + "/team/shop")
	if err != nil {
		t.Fatal(err)
	}
	s.repo = repo
	return s
}

type tap struct {
	io.ReadCloser
	n *atomic.Int64
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.ReadCloser.Read(p)
	t.n.Add(int64(n))
	return n, err
}

// order sets the fault that the server answers with from now on.
func (s *server) order(f func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// tags asks the registry itself which tags there are.
func (s *server) tags(t *testing.T) []string {
	t.Helper()
	s.order(nil)
	resp, err := http.Get(s.URL + "/v2/" + s.repo.RepositoryStr() + "/tags/list")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	var list struct{ Tags []string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list.Tags
}

// counting counts how often a layer's content is asked for.
type counting struct {
	v1.Layer
	n *atomic.Int64
}

func (c counting) Compressed() (io.ReadCloser, error) {
	c.n.Add(1)
	return c.Layer.Compressed()
}

// built is a result as a build gives it: layers, and something that refers to the image.
func built(t *testing.T, layers ...v1.Layer) *image.Result {
	t.Helper()
	return builtFor(t, "amd64", layers...)
}

func builtFor(t *testing.T, arch string, layers ...v1.Layer) *image.Result {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	for _, l := range layers {
		var err error
		if img, err = mutate.Append(img, mutate.Addendum{Layer: l, MediaType: types.OCILayer}); err != nil {
			t.Fatal(err)
		}
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	cfg = cfg.DeepCopy()
	cfg.OS, cfg.Architecture = "linux", arch
	if img, err = mutate.ConfigFile(img, cfg); err != nil {
		t.Fatal(err)
	}
	return result(t, img, &image.Platform{Arch: arch, Image: img})
}

func result(t *testing.T, root image.Manifest, platforms ...*image.Platform) *image.Result {
	t.Helper()
	digest, err := root.Digest()
	if err != nil {
		t.Fatal(err)
	}
	r := &image.Result{Name: "shop", Version: "1.0.0", Root: root, Digest: digest, Platforms: platforms}
	for _, p := range platforms {
		about, err := partial.Descriptor(p.Image)
		if err != nil {
			t.Fatal(err)
		}
		note := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), "application/vnd.cyclonedx+json")
		note, err = mutate.AppendLayers(note, static.NewLayer([]byte(`{"about":"`+p.Arch+`"}`), "application/vnd.cyclonedx+json"))
		if err != nil {
			t.Fatal(err)
		}
		r.Referrers = append(r.Referrers, mutate.Subject(note, *about).(v1.Image))
	}
	return r
}

func layer(t *testing.T, size int64) v1.Layer {
	t.Helper()
	l, err := random.Layer(size, types.OCILayer)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// asNobody has docker's configuration nowhere: what the machine's user has there is not for tests.
func asNobody(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	t.Setenv("REGISTRY_AUTH_FILE", filepath.Join(dir, "none"))
	t.Setenv("XDG_RUNTIME_DIR", dir)
	t.Setenv("HOME", dir)
	return dir
}

// cut ends a connection in the middle of a request.
func cut(w http.ResponseWriter, r *http.Request) bool {
	io.CopyN(io.Discard, r.Body, 1000)
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		if tcp, ok := conn.(*net.TCPConn); ok {
			tcp.SetLinger(0)
		}
		conn.Close()
	}
	return true
}

func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		all[rel] = string(b)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return all
}
