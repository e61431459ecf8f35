package beamtest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// CacheDir is where OTPs and releases are kept: PHIAL_CACHE, else the user's cache directory with phial behind it.
func CacheDir() (string, error) {
	if dir := os.Getenv("PHIAL_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place for the cache: set PHIAL_CACHE (%w)", err)
	}
	return filepath.Join(dir, "phial"), nil
}

// contentKey is short enough to read in a path and long enough not to meet another.
func contentKey(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// once gives dir, having had build make it if it was not there. Of several processes that ask at the same time one
// builds, and the others wait. build works in a temporary directory beside dir, which takes dir's name when it is whole.
func once(dir string, build func(tmp string) error) error {
	if isDir(dir) {
		return nil
	}
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(parent, "."+name+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if isDir(dir) {
		return nil
	}
	tmp := filepath.Join(parent, "."+name+".tmp") // nobody else's: we hold the lock
	if err := remove(tmp); err != nil {
		return fmt.Errorf("clear what a former build left: %w", err)
	}
	if err := os.Mkdir(tmp, 0o755); err != nil {
		return err
	}
	if err := build(tmp); err != nil {
		return errors.Join(err, remove(tmp))
	}
	return os.Rename(tmp, dir)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// lock waits for an exclusive lock on a file. The kernel gives it back when the process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return func() { f.Close() }, nil
}

// remove deletes a tree, as root where some of it is root's. An interrupted debootstrap leaves /proc mounted inside,
// which must not be gone through.
func remove(dir string) error {
	mounts, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	ctx := context.Background() // half a removal helps nobody
	for _, m := range slices.Backward(mounts) {
		if err := asRoot(ctx, "umount", "-l", m); err != nil {
			return err
		}
	}
	err = os.RemoveAll(dir)
	if errors.Is(err, fs.ErrPermission) {
		return asRoot(ctx, "rm", "-rf", "--one-file-system", dir)
	}
	return err
}

// mountsBelow lists what is mounted inside dir, outer before inner.
func mountsBelow(dir string) ([]string, error) {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 1 && strings.HasPrefix(fields[1], dir+"/") {
			found = append(found, fields[1])
		}
	}
	return found, lines.Err()
}

// discard deletes a directory of our own that nobody misses if it stays.
func discard(dir string) { os.RemoveAll(dir) } //nolint:errcheck // as said
