package initialize

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/scaffold"
)

// snapshot gives every file and directory with its content and permissions.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		fi, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		if fi.Mode().IsRegular() {
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			content = string(b)
		}
		rel, err := filepath.Rel(dir, path)
		all[rel] = fi.Mode().String() + " " + content
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func put(t *testing.T, dir, name, content string, mode fs.FileMode) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		t.Fatal(err)
	}
}

var wanted = []scaffold.File{{Path: "a", Content: []byte("new a")}, {Path: "deep/er/b", Content: []byte("new b")}, {Path: "c", Content: []byte("new c")}}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, "a", "old a", 0o755)
	put(t, dir, "linked", "old c", 0o600)
	if err := os.Symlink("linked", filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	all, err := compare(dir, wanted, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.toWrite().write(dir); err != nil {
		t.Fatal(err)
	}
	got := snapshot(t, dir)
	if d := cmp.Diff(map[string]string{"a": "-rwxr-xr-x new a", "linked": "-rw------- new c", "c": got["c"], "deep": got["deep"], "deep/er": got["deep/er"],
		"deep/er/b": "-rw-r--r-- new b"}, got); d != "" || !strings.HasPrefix(got["c"], "L") {
		t.Errorf("%s", d)
	}
	again, err := compare(dir, wanted, true)
	if err != nil || len(again.toWrite()) != 0 {
		t.Errorf("%v: %+v is to be written again", err, again.toWrite())
	}
}

// Whatever gets in the way between looking and writing: nothing of it stays.
func TestWriteAllOrNothing(t *testing.T) {
	for name, meanwhile := range map[string]func(t *testing.T, dir string){
		"the last has changed":      func(t *testing.T, dir string) { t.Helper(); put(t, dir, "c", "somebody's c", 0o644) },
		"the last is a directory":   func(t *testing.T, dir string) { t.Helper(); put(t, dir, "c/x", "", 0o644) },
		"the first has gone":        func(t *testing.T, dir string) { t.Helper(); remove(t, filepath.Join(dir, "a")) },
		"a directory became a file": func(t *testing.T, dir string) { t.Helper(); put(t, dir, "deep", "", 0o644) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			put(t, dir, "a", "old a", 0o750)
			all, err := compare(dir, wanted, true)
			if err != nil {
				t.Fatal(err)
			}
			meanwhile(t, dir)
			before := snapshot(t, dir)
			err = all.toWrite().write(dir)
			if err == nil || !strings.HasPrefix(err.Error(), "nothing written: ") {
				t.Errorf("error %v", err)
			}
			if d := cmp.Diff(before, snapshot(t, dir)); d != "" {
				t.Errorf("something stays (-before +after):\n%s", d)
			}
		})
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a/b": "a/b", "a b": "'a b'", "it's": `'it'\''s'`} {
		if got := term.Word(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
