package debian

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/phialdev/phial/internal/host"
)

// cache is a directory, this user's alone, of two kinds of files. What came from a mirror is
// kept under its hash, and is hashed again whenever it is read. What was made of that, so
// as not to unpack it again, is sealed: its own hash stands at its end. That finds what was
// damaged; who can write here as this user could as well change the program.
type cache struct{ dir string }

// kinds are its directories.
var kinds = []string{"releases", "indexes", "packages", "unpacked"}

func openCache(dir string) (cache, error) {
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return cache{}, fmt.Errorf("no place to keep packages: %w", err)
		}
		dir = filepath.Join(user, "phial", "debian")
	}
	for _, sub := range append([]string{""}, kinds...) {
		if err := host.PrivateDir(filepath.Join(dir, sub)); err != nil {
			return cache{}, fmt.Errorf("the cache for packages can't be used: %w", err)
		}
	}
	return cache{dir}, nil
}

func (c cache) path(kind, name string) string { return filepath.Join(c.dir, kind, name) }

// fetched gives the path of a file with this sum, from the cache or by get, which puts it there.
func (c cache) fetched(kind, ext string, want sum, get func(path string) error) (string, error) {
	path := c.path(kind, want.sha256+ext)
	if isWhole(path, want) {
		used(path)
		return path, nil
	}
	return path, get(path)
}

func isWhole(path string, want sum) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return err == nil && n == want.size && hex.EncodeToString(h.Sum(nil)) == want.sha256
}

// sealed gives the content of a sealed file, or has write make it first. name ends in the
// number of the file's form, so that another version of this program finds its own.
func (c cache) sealed(ctx context.Context, kind, name string, write func(io.Writer) error) (path string, content []byte, err error) {
	path = c.path(kind, name)
	if content, ok := readSealed(path); ok {
		used(path)
		return path, content, nil
	}
	if err := ctx.Err(); err != nil {
		return "", nil, err
	}
	if err := writeWhole(path, func(w io.Writer) error {
		h := sha256.New()
		if err := write(io.MultiWriter(w, h)); err != nil {
			return err
		}
		_, err := w.Write(h.Sum(nil))
		return err
	}); err != nil {
		return "", nil, err
	}
	content, ok := readSealed(path)
	if !ok {
		return "", nil, fmt.Errorf("%s was changed by somebody while it was written: try again", path)
	}
	return path, content, nil
}

func readSealed(path string) ([]byte, bool) {
	b, err := os.ReadFile(path)
	if err != nil || len(b) < sha256.Size {
		return nil, false
	}
	content, seal := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	is := sha256.Sum256(content)
	return content, bytes.Equal(is[:], seal)
}

// keep is how long a file stays that nobody asks for.
const keep = 30 * 24 * time.Hour

// used says that a file is still asked for. Once a day is often enough.
func used(path string) {
	now := time.Now()
	if fi, err := os.Stat(path); err == nil && now.Sub(fi.ModTime()) > 24*time.Hour {
		_ = os.Chtimes(path, now, now) // at worst it is fetched again in a month
	}
}

// tidy removes what was of use a long time ago: each new index leaves an old one behind.
func (c cache) tidy() {
	for _, kind := range kinds {
		files, err := os.ReadDir(filepath.Join(c.dir, kind))
		if err != nil {
			continue // it is only housekeeping
		}
		for _, f := range files {
			if fi, err := f.Info(); err == nil && time.Since(fi.ModTime()) > keep {
				_ = os.RemoveAll(c.path(kind, f.Name()))
			}
		}
	}
}

// section opens a part of a cached file.
func section(path string, off, size int64) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is gone from the cache: run this again", path)
	}
	if err != nil {
		return nil, err
	}
	return &part{io.NewSectionReader(f, off, size), f}, nil
}

type part struct {
	*io.SectionReader
	f *os.File
}

func (p *part) Close() error { return p.f.Close() }
