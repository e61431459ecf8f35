package abi

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/image/tree"
)

// treeOfSystem reads a whole system, or some directories of it: its links may lead anywhere, and only root may
// read some of its files.
func treeOfSystem(dir string, tops ...string) (files tree.Tree, err error) {
	if len(tops) == 0 {
		tops = []string{"."}
	}
	for _, top := range tops {
		err = errors.Join(err, filepath.WalkDir(filepath.Join(dir, top), func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // not for us
			}
			name := strings.TrimPrefix(strings.TrimPrefix(p, dir), "/")
			info, err := d.Info()
			switch {
			case err != nil:
				return err
			case d.Type()&fs.ModeSymlink != 0:
				to, err := os.Readlink(p)
				files = append(files, tree.Symlink(name, to))
				return err
			case d.Type().IsRegular():
				mode := tree.ModePlain
				if info.Mode()&0o111 != 0 {
					mode = tree.ModeExecutable
				}
				files = append(files, tree.File{Path: name, Mode: mode, Size: info.Size(),
					Open: func() (io.ReadCloser, error) { return os.Open(p) }})
			}
			return nil
		}))
	}
	return tree.Sort(files), err
}

func rootOfTree(tb testing.TB, files tree.Tree) *Root {
	tb.Helper()
	root, err := OfTree(tree.Sort(files))
	if err != nil {
		tb.Fatal(err)
	}
	return root
}

func releaseOfTree(tb testing.TB, files tree.Tree) *Release {
	tb.Helper()
	r, err := Read(tree.Sort(files))
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// codes are findings in short: code, severity and subject.
func codes(fs []finding.Finding) []string {
	all := []string{}
	for _, f := range fs {
		all = append(all, string(f.Code)+" "+f.Severity.String()+" "+f.Subject)
	}
	return all
}

func chroot(root string) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Chroot: root}
	if uid := os.Geteuid(); uid != 0 {
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return a
}

// needGCC leaves a test out, with -short, where there is no compiler.
func needGCC(tb testing.TB) {
	tb.Helper()
	if _, err := exec.LookPath("gcc"); err != nil && testing.Short() {
		tb.Skip("needs gcc, and -short was asked for")
	}
}

// gcc compiles C, with the files of dir to link against, and gives the result.
func gcc(tb testing.TB, dir, out, source string, flags ...string) []byte {
	tb.Helper()
	out = filepath.Join(dir, out)
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		tb.Fatal(err)
	}
	args := slices.Concat([]string{"-x", "c", "-", "-x", "none", "-o", out, "-Wl,--allow-shlib-undefined"}, flags)
	cmd := exec.CommandContext(tb.Context(), "gcc", args...)
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(source)
	if msg, err := cmd.CombinedOutput(); err != nil {
		tb.Fatalf("gcc %q: %v\n%s", args, err, msg)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// machine gives an ELF file that says it is for another machine.
func machine(b []byte, m byte) []byte {
	b = bytes.Clone(b)
	b[18], b[19] = m, 0
	return b
}

const (
	machineX86   = 62
	machineARM64 = 183
)

// foreignMachine is one that this machine is not, and Go's name of it.
func foreignMachine() (m byte, arch string) {
	if runtime.GOARCH == "arm64" {
		return machineX86, "amd64"
	}
	return machineARM64, "arm64"
}

func exe(name string, b []byte) tree.File   { return tree.Bytes(name, b, tree.ModeExecutable) }
func plain(name string, b []byte) tree.File { return tree.Bytes(name, b, tree.ModePlain) }
