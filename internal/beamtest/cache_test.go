package beamtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
