package testkit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// CacheDir is where heavy things are kept from one test run to the next: PHIAL_CACHE, else the user's cache directory with phial behind it.
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

// Key names a content: the parts, in this order. It is short enough to read in a path and long enough not to meet another.
func Key(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// Once gives dir, having had build make it if it was not there. Of several processes that ask at the same time one
// builds, and the others wait. build works in a temporary directory beside dir, which takes dir's name when it is whole;
// remove, [os.RemoveAll] for most, clears away what an interrupted build left there.
func Once(dir string, remove func(dir string) error, build func(tmp string) error) error {
	if IsDir(dir) {
		return nil
	}
	parent, name := filepath.Split(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	unlock, err := Lock(filepath.Join(parent, "."+name+".lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if IsDir(dir) {
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

// IsDir tells whether there is a directory of that name.
func IsDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// Lock waits for an exclusive lock on a file, which it makes if need be. The kernel gives it back when the process dies.
func Lock(path string) (unlock func(), err error) {
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
