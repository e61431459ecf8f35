package logs

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/engine/local"
)

// Whoever asks for logs after `phial down` is told where they are.
func TestKept(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_STATE_HOME", home)
	at := func(name string) string { return filepath.Join(home, "phial", name) }
	for name, age := range map[string]time.Duration{"tally": time.Hour, "other": 2 * time.Hour} {
		if err := os.MkdirAll(filepath.Join(at(name), "logs"), 0o700); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(at(name), "engine.log")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(at("empty"), 0o700); err != nil { // never got as far as a log
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"": at("tally"), "other": at("other"), "empty": "", "gone": ""} {
		err := kept(local.ErrNotRunning, name)
		if !errors.Is(err, local.ErrNotRunning) {
			t.Errorf("%q: %v is no longer that nothing is up", name, err)
		}
		if says := strings.Contains(err.Error(), "the logs of the last run"); says != (dir != "") || !strings.HasSuffix(err.Error(), filepath.Join(dir, "logs")) && says {
			t.Errorf("%q: %v, want the logs in %q", name, err, dir)
		}
	}
	other := errors.New("several apps are up")
	if err := kept(other, ""); !errors.Is(err, other) || err.Error() != other.Error() {
		t.Errorf("another error became %v", err)
	}
}
