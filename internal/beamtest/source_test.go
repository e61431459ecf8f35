package beamtest

import (
	"archive/tar"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"
)

// Files come out without the directory that they are in, and none outside of the one that they go to.
func TestUnpackXZ(t *testing.T) {
	archive := filepath.Join(t.TempDir(), "a.tar.xz")
	f, err := os.Create(archive)
	if err != nil {
		t.Fatal(err)
	}
	x, err := xz.NewWriter(f)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(x)
	for _, h := range []tar.Header{
		{Name: "pkg-1.0/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "pkg-1.0/a.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "pkg-1.0/lib/b.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "./pkg-1.0/c.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "pkg-1.0/../../d.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "pkg-1.0//e.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "f.ex", Typeflag: tar.TypeReg, Size: 1},
		{Name: "pkg-1.0/g.ex", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write([]byte("x"))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	x.Close()
	f.Close()
	dir := filepath.Join(t.TempDir(), "in")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unpackXZ(archive, dir); err != nil {
		t.Fatal(err)
	}
	got, err := sources(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a.ex", "c.ex", filepath.Join("lib", "b.ex")}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := unpackXZ(filepath.Join(dir, "a.ex"), dir); err == nil {
		t.Error("unpacked what is no archive")
	}
}

// A script is asked once, and its answer kept.
func TestAnswer(t *testing.T) {
	t.Parallel()
	dir := WriteProject(t, map[string]string{"name": "Jo"})
	for _, o := range OTPs(t) {
		got := string(o.Answer(t, dir, `File.write!("answer", File.read!("name") <> " " <> System.version())`))
		if want := "Jo " + o.Elixir(t); got != want {
			t.Errorf("%s: got %q, want %q", o, got, want)
		}
	}
}
