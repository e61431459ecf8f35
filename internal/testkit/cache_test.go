package testkit

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

// Of many that ask at once, one builds; the lock is per open file, so goroutines stand for processes here.
func TestOnceBuildsOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "thing")
	var builds atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := Once(dir, os.RemoveAll, func(tmp string) error {
				builds.Add(1)
				return os.WriteFile(filepath.Join(tmp, "content"), []byte("x"), 0o600)
			})
			if err != nil {
				t.Error(err)
			}
			if b, err := os.ReadFile(filepath.Join(dir, "content")); err != nil || string(b) != "x" {
				t.Errorf("after once: %q, %v", b, err)
			}
		})
	}
	all.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

func TestOnceLeavesNothingHalf(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "thing")
	broken := errors.New("broken")
	err := Once(dir, os.RemoveAll, func(tmp string) error {
		os.WriteFile(filepath.Join(tmp, "half"), nil, 0o600)
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("got %v, want the build's error", err)
	}
	if IsDir(dir) || IsDir(filepath.Join(parent, ".thing.tmp")) {
		t.Error("something half-built is left")
	}
	// What a killed build left is cleared away by the next.
	os.MkdirAll(filepath.Join(parent, ".thing.tmp", "stale"), 0o755)
	if err := Once(dir, os.RemoveAll, func(tmp string) error {
		if IsDir(filepath.Join(tmp, "stale")) {
			t.Error("the new build sees the old one's rest")
		}
		return nil
	}); err != nil || !IsDir(dir) {
		t.Errorf("second build: %v", err)
	}
}

func TestKey(t *testing.T) {
	if Key("ab", "c") == Key("a", "bc") {
		t.Error("where one part ends makes no difference")
	}
	if k := Key("x"); len(k) != 16 || k != Key("x") {
		t.Errorf("key %q", k)
	}
}
