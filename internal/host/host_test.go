package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestInheritedEnv(t *testing.T) {
	got := InheritedEnv([]string{"PATH=/bin", "RELEASE_NODE=x@y", "ERL_EPMD_PORT=1", "ERL_AFLAGS=+S 2", "ERL_FLAGS=-x", "BINDIR=/e",
		"PHIAL_X=1", "SECRET_KEY_BASE=s", "ERL_INETRC=/x"})
	if diff := cmp.Diff([]string{"PATH=/bin", "ERL_AFLAGS=+S 2", "ERL_FLAGS=-x", "SECRET_KEY_BASE=s"}, got); diff != "" {
		t.Errorf("inherited (-want +got):\n%s", diff)
	}
}

func TestPrivateDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	os.Mkdir(dir, 0o777)
	if err := PrivateDir(dir); err != nil {
		t.Fatal(err)
	}
	if fi, _ := os.Stat(dir); fi.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, want 0700", fi.Mode().Perm())
	}
	link := filepath.Join(t.TempDir(), "link")
	os.Symlink(dir, link)
	if err := PrivateDir(link); err == nil {
		t.Error("a symbolic link was taken for a private directory")
	}
}

func TestPlain(t *testing.T) {
	for want, err := range map[string]error{
		"the disk is full":                          &os.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC},
		"nobody answers there (connection refused)": fmt.Errorf("dial: %w", syscall.ECONNREFUSED),
		"other": errors.New("other"),
	} {
		if got := Plain(err); got.Error() != want {
			t.Errorf("%v: %v, want %s", err, got, want)
		}
	}
}
