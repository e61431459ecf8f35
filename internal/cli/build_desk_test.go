package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/cli/build"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/testkit"
)

// repoRoot is the checkout's, wherever a test has gone.
var repoRoot = func() string {
	dir, err := filepath.Abs("../..")
	if err != nil {
		panic(err)
	}
	return dir
}()

// A desk is a person who builds images: with a home, a place to work in, a release, and a
// repository of a registry that is theirs alone.
type desk struct {
	t       *testing.T
	work    string // the current directory; empty at first
	cache   string
	release string // of examples/tally
	cookie  string // of that release
	reg     *imageRegistry
	repo    name.Repository
}

// newDesk needs a BEAM for the release, and the mirror of the machine's apt for the base.
func newDesk(t *testing.T) *desk {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real release, and -short was asked for")
	}
	// The caches of tests are found by the real HOME.
	cache, err := testkit.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	reg, err := sharedRegistry()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{t: t, cache: filepath.Join(cache, "image-cli"), release: tallyRelease(t), reg: reg}
	cookie, err := os.ReadFile(filepath.Join(d.release, "releases", "COOKIE"))
	if d.cookie = strings.TrimSpace(string(cookie)); err != nil || len(d.cookie) < 10 {
		t.Fatalf("the release has no cookie to look for: %v", err)
	}
	repo, err := name.NewRepository(d.reg.Listener.Addr().String() + "/" + strings.ToLower(strings.NewReplacer("/", "-", "#", "-").Replace(t.Name())) + "/tally")
	if err != nil {
		t.Fatal(err)
	}
	d.repo = repo
	home := t.TempDir()
	for k, v := range map[string]string{
		"HOME": home, "DOCKER_CONFIG": home, "REGISTRY_AUTH_FILE": filepath.Join(home, "none"), "XDG_RUNTIME_DIR": home,
		"XDG_STATE_HOME": filepath.Join(home, "state"), "XDG_CACHE_HOME": filepath.Join(home, "cache"), "SOURCE_DATE_EPOCH": "",
		"GIT_CONFIG_GLOBAL": os.DevNull, "GIT_CONFIG_NOSYSTEM": "1",
	} {
		t.Setenv(k, v)
	}
	d.work = t.TempDir()
	t.Chdir(d.work)
	t.Cleanup(d.nothingLeft)
	return d
}

// tallyRelease is found once: to find it starts an Elixir.
func tallyRelease(t *testing.T) string {
	t.Helper()
	if foundRelease == "" {
		foundRelease = beamtest.BuildRelease(t, filepath.Join(repoRoot, "examples", "tally"))
	}
	return foundRelease
}

var foundRelease string

// nothingLeft looks for what builds of this process should have taken away.
func (d *desk) nothingLeft() {
	d.t.Helper()
	left, err := filepath.Glob(filepath.Join(d.cache, "tmp", fmt.Sprint(os.Getpid())+"-*"))
	if err != nil || len(left) > 0 {
		d.t.Errorf("left behind in the cache: %q, %v", left, err)
	}
}

// said is what a build has said.
type said struct {
	code     int
	out, err string
}

func (s said) String() string {
	return fmt.Sprintf("status %d\n-- stdout\n%s-- stderr\n%s", s.code, s.out, s.err)
}

// build runs `phial build`.
func (d *desk) build(args ...string) said {
	d.t.Helper()
	return d.buildUntil(d.t.Context(), args...)
}

func (d *desk) buildUntil(ctx context.Context, args ...string) said {
	d.t.Helper()
	var o, e safeBuffer
	code := Run(ctx, &term.IO{In: strings.NewReader(""), Out: &o, Err: &e, Width: 100}, append([]string{"build", "--cache-dir", d.cache}, args...))
	got := said{code, o.String(), e.String()}
	if strings.Contains(got.out+got.err, d.cookie) {
		d.t.Errorf("phial build %q shows the cookie", args)
	}
	return got
}

// made runs a build that has to go well.
func (d *desk) made(args ...string) said {
	d.t.Helper()
	got := d.build(args...)
	if got.code != term.OK {
		d.t.Fatalf("phial build %q: %v", args, got)
	}
	return got
}

// report runs a build that has to go well, for its JSON.
func (d *desk) report(args ...string) build.Report {
	d.t.Helper()
	return d.decode(d.made(append(args, "-o", "json")...))
}

func (d *desk) decode(s said) (r build.Report) {
	d.t.Helper()
	dec := json.NewDecoder(strings.NewReader(s.out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		d.t.Fatalf("no report: %v\n%v", err, s)
	}
	if _, err := dec.Token(); err != io.EOF {
		d.t.Errorf("standard output holds more than the report:\n%s", s.out)
	}
	return r
}

// tags asks the registry which tags the repository has; none where it does not know it.
func (d *desk) tags() []string {
	d.t.Helper()
	resp, err := http.Get(d.reg.URL + "/v2/" + d.repo.RepositoryStr() + "/tags/list")
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusNotFound {
		return nil
	}
	var list struct{ Tags []string }
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		d.t.Fatal(err)
	}
	slices.Sort(list.Tags)
	return list.Tags
}

// pushed gives what the version's tag of the repository stands for.
func (d *desk) pushed() (v1.Image, *v1.ConfigFile) {
	d.t.Helper()
	img, err := remote.Image(d.repo.Tag("1.0.0"))
	if err != nil {
		d.t.Fatal(err)
	}
	cfg, err := img.ConfigFile()
	if err != nil {
		d.t.Fatal(err)
	}
	return img, cfg
}

// write writes a file below the place to work in, and gives its path.
func (d *desk) write(file, text string) string {
	d.t.Helper()
	path := filepath.Join(d.work, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
	return path
}

func (d *desk) read(path string) string {
	d.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// copyRelease gives a release of one's own, for harm to be done to.
func (d *desk) copyRelease() string {
	d.t.Helper()
	to := filepath.Join(d.t.TempDir(), "tally")
	if err := os.CopyFS(to, os.DirFS(d.release)); err != nil {
		d.t.Fatal(err)
	}
	return to
}

// git runs git in a directory below the place to work in.
func (d *desk) git(dir string, args ...string) string {
	d.t.Helper()
	cmd := exec.CommandContext(d.t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=A", "-c", "user.email=a@example.com"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_AUTHOR_DATE=2026-01-02T03:04:05Z", "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
	out, err := cmd.CombinedOutput()
	if err != nil {
		d.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// files lists what is below the place to work in, with what it holds.
func (d *desk) files() map[string]string {
	d.t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(d.work, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(d.work, path)
		if all[rel] = e.Type().String(); e.Type().IsRegular() {
			all[rel] = d.read(path)
		}
		return nil
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// imageRegistry is a real registry, with faults to order in front of it. All tests share
// one, which keeps its blobs from one run to the next: to compress a layer that it has not
// takes half a minute with the race detector. That layers are sent is tested in publish.
type imageRegistry struct {
	*httptest.Server
	mu    sync.Mutex
	fault map[string]func(http.ResponseWriter, *http.Request) bool // by repository
}

var sharedRegistry = sync.OnceValues(func() (*imageRegistry, error) {
	cache, err := testkit.CacheDir()
	if err != nil {
		return nil, err
	}
	blobs := filepath.Join(cache, "image-cli", "registry")
	if err := os.MkdirAll(blobs, 0o755); err != nil {
		return nil, err
	}
	behind := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true),
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs)))
	s := &imageRegistry{fault: map[string]func(http.ResponseWriter, *http.Request) bool{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		var fault func(http.ResponseWriter, *http.Request) bool
		for repo, f := range s.fault {
			if strings.HasPrefix(r.URL.Path, "/v2/"+repo+"/") {
				fault = f
			}
		}
		s.mu.Unlock()
		if fault == nil || !fault(w, r) {
			behind.ServeHTTP(w, r)
		}
	}))
	return s, nil
})

// order has the registry answer so for the desk's repository from now on; nil: as it should.
func (d *desk) order(f func(http.ResponseWriter, *http.Request) bool) {
	d.reg.mu.Lock()
	defer d.reg.mu.Unlock()
	d.reg.fault[d.repo.RepositoryStr()] = f
}
