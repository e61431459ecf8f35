package beamtest

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Of many that ask at once, one builds; the lock is per open file, so goroutines stand for processes here.
func TestOnceBuildsOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "thing")
	var builds atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := once(dir, func(tmp string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(tmp, "content"), []byte("x"), 0o600)
			})
			if err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "content")); err != nil || string(b) != "x" {
				t.Errorf("after once: %q, %v", b, err)
			}
		})
	}
	all.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

func TestOnceLeavesNothingHalf(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "thing")
	broken := errors.New("broken")
	err := once(dir, func(tmp string) error {
		os.WriteFile(filepath.Join(tmp, "half"), nil, 0o600)
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the build's error", err)
	}
	if isDir(dir) || isDir(filepath.Join(parent, ".thing.tmp")) {
		t.Error("something half-built is left")
	}
	// What a killed build left is cleared away by the next.
	os.MkdirAll(filepath.Join(parent, ".thing.tmp", "stale"), 0o755)
	if err := once(dir, func(tmp string) error {
		if isDir(filepath.Join(tmp, "stale")) {
			t.Error("the new build sees the old one's rest")
		}
		return nil
	}); err != nil || !isDir(dir) {
		t.Errorf("second build: %v", err)
	}
}

func TestContentKey(t *testing.T) {
	if contentKey("ab", "c") == contentKey("a", "bc") {
		t.Error("where one part ends makes no difference")
	}
	if k := contentKey("x"); len(k) != 16 || k != contentKey("x") {
		t.Errorf("key %q", k)
	}
}

func TestReadSources(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("sources.list", `# a comment
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg] https://third.example/apt bookworm stable
deb-src http://src.example/debian bookworm main
deb http://one.example/debian bookworm main contrib # and why
`)
	write("sources.list.d/debian.sources", `# snapshot
Types: deb deb-src
URIs: http://two.example/debian/ http://three.example/debian
Suites: bookworm
 bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm
Components: main
`)
	write("sources.list.d/other.bak", "deb http://bak.example/debian bookworm main\n")
	got, err := readSources(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []source{
		{"https://third.example/apt", []string{"bookworm"}, []string{"stable"}},
		{"http://one.example/debian", []string{"bookworm"}, []string{"main", "contrib"}},
		{"http://two.example/debian/", []string{"bookworm", "bookworm-updates"}, []string{"main"}},
		{"http://three.example/debian", []string{"bookworm", "bookworm-updates"}, []string{"main"}},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(source{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPickMirror(t *testing.T) {
	list := filepath.Join(t.TempDir(), "mirrors")
	if err := os.WriteFile(list, []byte("# ours\nhttps://cloud.example/debian/ priority:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const debian = "ID=debian\nVERSION_CODENAME=bookworm\n"
	main := []string{"main"}
	for name, c := range map[string]struct {
		release string
		sources []source
		want    string
	}{
		"security and third parties first": {debian, []source{
			{"http://sec.example/debian-security", []string{"bookworm-security"}, main},
			{"http://third.example", []string{"bookworm"}, []string{"stable"}},
			{"http://pg.example", []string{"bookworm-pgdg"}, main},
			{"http://deb.example/debian/", []string{"bookworm-updates", "bookworm"}, main},
		}, "http://deb.example/debian"},
		"quoted, by suite": {"ID=\"debian\"\nVERSION_CODENAME=\"trixie\"\n", []source{
			{"http://deb.example/debian", []string{"stable"}, main}}, "http://deb.example/debian"},
		"sid has no codename": {"ID=debian\n", []source{
			{"http://deb.example/debian", []string{"sid"}, main}}, "http://deb.example/debian"},
		"a list of mirrors": {debian, []source{
			{"mirror+file:" + list, []string{"bookworm"}, main}}, "https://cloud.example/debian"},
		"not Debian": {"ID=ubuntu\nVERSION_CODENAME=noble\n", []source{
			{"http://archive.example/ubuntu", []string{"noble"}, main}}, ""},
		"nothing": {debian, nil, ""},
	} {
		got, err := pickMirror(c.release, c.sources)
		if got != c.want || (err == nil) == (c.want == "") {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the error has more than a line: %v", name, err)
		}
	}
}

func TestMountsBelow(t *testing.T) {
	got, err := mountsBelow("") // everything is below the root
	if err != nil || len(got) == 0 {
		t.Errorf("mounts of this machine: %v, %v", got, err)
	}
	if got, err := mountsBelow(t.TempDir()); err != nil || len(got) != 0 {
		t.Errorf("mounts in an empty directory: %v, %v", got, err)
	}
}
