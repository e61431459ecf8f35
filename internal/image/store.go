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

// sweep removes what builds left behind that were killed.
func (s *store) sweep() {
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
