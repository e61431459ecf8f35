package cli

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
)

// patchMachine makes another architecture of a release's programs, as far as their first
// bytes say (e_machine of ELF).
func patchMachine(t *testing.T, release string) {
	t.Helper()
	const x86, arm = 62, 183
	machine := uint16(arm)
	if runtime.GOARCH == "arm64" {
		machine = x86
	}
	n := 0
	err := filepath.WalkDir(release, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil || !bytes.HasPrefix(b, []byte("\x7fELF")) {
			return err
		}
		n++
		binary.LittleEndian.PutUint16(b[18:], machine)
		return os.WriteFile(path, b, 0o755)
	})
	if err != nil || n == 0 {
		t.Fatalf("%d programs patched, %v", n, err)
	}
}

func nameOf(repo string, i int) (name.Repository, error) {
	return name.NewRepository(fmt.Sprintf("%s-%d", repo, i))
}

func chmod(t *testing.T, file string, to fs.FileMode) {
	t.Helper()
	if err := os.Chmod(file, to); err != nil {
		t.Fatal(err)
	}
}

func mode(t *testing.T, file string) fs.FileMode {
	t.Helper()
	fi, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	return fi.Mode().Perm()
}

func symlink(t *testing.T, to, at string) {
	t.Helper()
	if err := os.Symlink(to, at); err != nil {
		t.Fatal(err)
	}
}
