package image

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/phialdev/phial/internal/host"
)

// store is what builds remember from one to the next, in a directory that may be deleted
// at any time: which digest a tar has when it is compressed, what a base holds. Nothing
// in it is trusted further than that: a wrong digest is refused by every registry.
type store struct {
	dir string
	tmp string // of this build; goes with it
}

func openStore(dir string) (*store, error) {
	if err := host.PrivateDir(dir); err != nil {
		return nil, fmt.Errorf("the cache of builds can't be used: %w; --cache-dir names another place", err)
	}
	s := &store{dir: dir, tmp: filepath.Join(dir, "tmp", strconv.Itoa(os.Getpid())+"-"+strconv.FormatInt(builds.Add(1), 10))}
	s.sweep()
	return s, nil
}

// builds counts those of this process.
var builds atomic.Int64

// sweep removes what builds left behind that were killed, and what has been of no use for long.
func (s *store) sweep() {
	blobs := filepath.Join(s.dir, "blobs")
	kept, _ := os.ReadDir(blobs) // there may be none yet
	for _, e := range kept {
		if fi, err := e.Info(); err == nil && time.Since(fi.ModTime()) > keepFor {
			os.Remove(filepath.Join(blobs, e.Name())) //nolint:errcheck // the next build tries again
		}
	}
	all, err := os.ReadDir(filepath.Dir(s.tmp))
	if err != nil {
		return
	}
	for _, e := range all {
		pid, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(pid); err == nil && !alive(n) {
			os.RemoveAll(filepath.Join(filepath.Dir(s.tmp), e.Name())) //nolint:errcheck // the next build tries again
		}
	}
}

// alive says whether there is a process of that number, whoever's it is.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// close removes what only this build needed.
func (s *store) close() error { return os.RemoveAll(s.tmp) }

func (s *store) blobPath(diffID v1.Hash, c codec) string {
	return filepath.Join(s.dir, "layers", c.name, diffID.Hex+".json")
}

// keep moves a compressed tar to where the next build finds it: for another registry, or
// for a layout. Where that can't be, it stays for this build.
func (s *store) keep(file string, digest v1.Hash) string {
	path := s.keptPath(digest)
	if os.MkdirAll(filepath.Dir(path), 0o700) != nil || os.Rename(file, path) != nil {
		return file
	}
	return path
}

// kept says where a compressed tar would be, and that it is still asked for.
func (s *store) kept(digest v1.Hash) string {
	path, now := s.keptPath(digest), time.Now()
	_ = os.Chtimes(path, now, now) // at worst it is made once more
	return path
}

func (s *store) keptPath(digest v1.Hash) string { return filepath.Join(s.dir, "blobs", digest.Hex) }

// keepFor is how long a compressed tar stays that nobody asks for.
const keepFor = 14 * 24 * time.Hour

func (s *store) recall(diffID v1.Hash, c codec) (b blob, ok bool) {
	ok = s.read(s.blobPath(diffID, c), &b) && b.Size > 0 && len(b.Digest.Hex) == 64
	return b, ok
}

func (s *store) remember(diffID v1.Hash, c codec, b blob) error {
	return s.write(s.blobPath(diffID, c), b)
}

// read gives what was written at path, if it is there and whole.
func (s *store) read(path string, v any) bool {
	data, err := os.ReadFile(path)
	return err == nil && json.Unmarshal(data, v) == nil
}

// write remembers v. That the disk is full or the directory gone costs the next build
// time, and this one nothing.
func (s *store) write(path string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if os.MkdirAll(filepath.Dir(path), 0o700) == nil {
		if err := host.WriteFile(path, data); err != nil {
			return errors.Join(os.RemoveAll(path + ".new"))
		}
	}
	return nil
}
