package tree

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// shuffled lists directories in another order each time.
type shuffled struct{ fs.FS }

func (s shuffled) ReadDir(name string) ([]fs.DirEntry, error) {
	all, err := fs.ReadDir(s.FS, name)
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all, err
}

func (s shuffled) ReadLink(name string) (string, error)   { return fs.ReadLink(s.FS, name) }
func (s shuffled) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(s.FS, name) }

func tarSum(t *testing.T, tr Tree) string {
	t.Helper()
	h := sha256.New()
	if err := tr.WriteTar(h); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

// write makes a directory of files as somebody with this umask has it.
func write(t *testing.T, umask os.FileMode, at time.Time) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", int(umask%7)+1))
	for name, mode := range map[string]os.FileMode{
		"bin/shop": 0o777, "lib/shop-1.0/ebin/shop.app": 0o666, "lib/shop-1.0/priv/café.txt": 0o666, "releases/1.0/env.sh": 0o666,
		"lib/" + strings.Repeat("long/", 60) + "name": 0o666,
	} {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Chmod(p, mode&^umask), os.Chtimes(p, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("shop", filepath.Join(dir, "bin", "start")); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTheSameFilesAreTheSameLayer(t *testing.T) {
	first, err := Read(write(t, 0o022, time.Now()), "app")
	if err != nil {
		t.Fatal(err)
	}
	want := tarSum(t, first)
	for _, umask := range []os.FileMode{0o077, 0o002, 0o027} {
		dir := write(t, umask, time.Unix(1e9, 0))
		for range 3 {
			other, err := read(shuffled{os.DirFS(dir)}, dir, "app")
			if err != nil {
				t.Fatal(err)
			}
			if got := tarSum(t, other); got != want {
				t.Errorf("umask %v: another layer", umask)
			}
		}
	}
}

func TestWriteTar(t *testing.T) {
	tr := Sort(Tree{
		Text("app/bin/shop", "#!/bin/sh\n", ModeExecutable),
		Text("app/lib/"+strings.Repeat("x/", 100)+strings.Repeat("y", 120), "deep", ModePlain),
		Symlink("app/bin/start", "shop"),
		{Path: "tmp", Mode: fs.ModeDir | fs.ModeSticky | 0o777},
		{Path: "app/priv/a", Mode: ModePlain, Time: 315532800, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("")), nil }},
	})
	var b bytes.Buffer
	if err := tr.WriteTar(&b); err != nil {
		t.Fatal(err)
	}
	var got []string
	for r := tar.NewReader(&b); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "" || h.Gname != "" {
			t.Errorf("%s belongs to %d:%d %s:%s", h.Name, h.Uid, h.Gid, h.Uname, h.Gname)
		}
		if strings.Contains(h.Name, "x/x/") && !strings.HasSuffix(h.Name, "y") {
			continue // a parent
		}
		name := h.Name
		if len(name) > 100 {
			name = fmt.Sprint("a name of ", len(name))
		}
		got = append(got, fmt.Sprintf("%c %o %d %s%s", h.Typeflag, h.Mode, h.ModTime.Unix(), name, h.Linkname))
	}
	want := []string{
		"5 755 0 app/", "5 755 0 app/bin/", "0 755 0 app/bin/shop", "2 777 0 app/bin/startshop",
		"5 755 0 app/lib/", "5 755 0 app/lib/x/", "0 644 0 a name of 328",
		"5 755 0 app/priv/", "0 644 315532800 app/priv/a", "5 1777 0 tmp/",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
}

// broken fails where it is told to.
type broken struct {
	fs.FS
	name string
	err  error
}

func (b broken) Open(name string) (fs.File, error) {
	if name == b.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: b.err}
	}
	return b.FS.Open(name)
}

func (b broken) ReadLink(name string) (string, error)   { return fs.ReadLink(b.FS, name) }
func (b broken) Lstat(name string) (fs.FileInfo, error) { return fs.Lstat(b.FS, name) }

func TestWhatCantGoIntoAnImage(t *testing.T) {
	plain := fstest.MapFS{"a/f": {Data: []byte("x")}}
	for name, c := range map[string]struct {
		fs  fs.FS
		err string // empty: it goes in
	}{
		"plain":                     {plain, ""},
		"a link beside":             {fstest.MapFS{"a/l": {Mode: fs.ModeSymlink, Data: []byte("../b/f")}, "b/f": {}}, ""},
		"a link to nothing":         {fstest.MapFS{"a/l": {Mode: fs.ModeSymlink, Data: []byte("gone")}}, ""},
		"a link out":                {fstest.MapFS{"a/l": {Mode: fs.ModeSymlink, Data: []byte("../../etc/passwd")}}, "rel/a/l is a symbolic link out of the tree, to ../../etc/passwd"},
		"a link up and back in":     {fstest.MapFS{"a/l": {Mode: fs.ModeSymlink, Data: []byte("../../rel/a")}}, "out of the tree"},
		"an absolute link":          {fstest.MapFS{"a/l": {Mode: fs.ModeSymlink, Data: []byte("/etc/passwd")}}, "out of the tree, to /etc/passwd"},
		"a device":                  {fstest.MapFS{"a/d": {Mode: fs.ModeDevice | fs.ModeCharDevice}}, "rel/a/d is a device, which has no place in an image"},
		"a pipe":                    {fstest.MapFS{"a/p": {Mode: fs.ModeNamedPipe}}, "rel/a/p is a named pipe"},
		"a socket":                  {fstest.MapFS{"a/s": {Mode: fs.ModeSocket}}, "rel/a/s is a socket"},
		"a file that can't be read": {broken{plain, "a/f", fs.ErrPermission}, "rel/a/f can't be read: permission denied"},
		"a directory that can't be": {broken{plain, "a", fs.ErrPermission}, "rel/a can't be read: permission denied"},
	} {
		tr, err := read(c.fs, "rel", "app")
		if err == nil {
			err = tr.WriteTar(io.Discard)
		}
		switch {
		case c.err == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "\n")):
			t.Errorf("%s: %v, want %q in one line", name, err, c.err)
		}
	}
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "p"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(dir, "app"); err == nil || !strings.Contains(err.Error(), "named pipe") {
		t.Errorf("a real pipe: %v", err)
	}
	if _, err := Read(filepath.Join(dir, "nowhere"), "app"); err == nil || !strings.Contains(err.Error(), "is not there") {
		t.Errorf("a directory that is not there: %v", err)
	}
}

func TestAFileThatChangesIsNoticed(t *testing.T) {
	for _, to := range []string{"", "short", "much longer than before"} {
		dir := t.TempDir()
		name := filepath.Join(dir, "f")
		if err := os.WriteFile(name, []byte("as it was"), 0o600); err != nil {
			t.Fatal(err)
		}
		tr, err := Read(dir, "app")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(to), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := tr.WriteTar(io.Discard); err == nil || !strings.Contains(err.Error(), "changed while it was read") {
			t.Errorf("%q: %v", to, err)
		}
	}
}

func TestSortAndFind(t *testing.T) {
	tr := Sort(Tree{Text("b", "1", ModePlain), Text("a/c", "", ModePlain), Text("b", "22", ModePlain), Dir("a")})
	var names []string
	for _, f := range tr {
		names = append(names, f.Path)
	}
	if !slices.Equal(names, []string{"a", "a/c", "b"}) {
		t.Errorf("sorted: %q", names)
	}
	if f, ok := tr.Find("/b"); !ok || f.Size != 2 {
		t.Errorf("b: %+v, %v; want the later one", f, ok)
	}
	if _, ok := tr.Find("c"); ok {
		t.Error("found what is not there")
	}
}
