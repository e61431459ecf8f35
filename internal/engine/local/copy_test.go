package local

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/host"
)

func TestCopyTree(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), filepath.Join(t.TempDir(), "copy")
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(from, "bin", "shop"), "#!/bin/sh", 0o755)
	write(filepath.Join(to, "left", "over"), "of the last one", 0o644)
	if err := os.Symlink("bin/shop", filepath.Join(from, "start")); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(from); err != nil { // as the next build does
		t.Fatal(err)
	}
	for _, name := range []string{"bin/shop", "start"} {
		b, err := os.ReadFile(filepath.Join(to, name))
		if fi, e := os.Stat(filepath.Join(to, name)); err != nil || string(b) != "#!/bin/sh" || e != nil || fi.Mode().Perm() != 0o755 {
			t.Errorf("%s: %q, %v, %v", name, b, err, fi)
		}
	}
	if host.Exists(filepath.Join(to, "left")) {
		t.Error("what stood there before is still there")
	}
	if err := copyFile(filepath.Join(to, "bin", "shop"), filepath.Join(to, "other")); err != nil {
		t.Error(err)
	}
	if fi, err := os.Stat(filepath.Join(to, "other")); err != nil || fi.Mode().Perm() != 0o755 || fi.Size() != 9 {
		t.Errorf("copied %v, %v", fi, err)
	}
}

// Whoever builds again, or cleans up, does not pull the files from under an app
// that is up.
func TestTheBuildMayGoWhileTheAppRuns(t *testing.T) {
	t.Parallel()
	dir := beamtest.WriteProject(t, map[string]string{"mix.exs": beamtest.MixExs(""), "lib/shop.ex": beamtest.ShopEx})
	a := up(t, Options{Dir: dir, Replicas: 1, NoHTTP: true})
	a.allReady(1)
	if err := os.RemoveAll(filepath.Join(dir, "_build")); err != nil {
		t.Fatal(err)
	}
	if err := a.Restart(t.Context(), "shop-0"); err != nil {
		t.Fatal(err)
	}
	a.allReady(1)
}
