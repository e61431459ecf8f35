package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/creack/pty"
)

// At a terminal init asks, and takes nothing but yes for one.
func TestInitAsks(t *testing.T) {
	for answer, written := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "n\n": false, "yet\n": false, "\x04": false, "\x03": false} {
		t.Run(answer, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "mix.exs"), []byte(`def project, do: [app: :asked, version: "1.0.0"]`), 0o644); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), "phial", "init")
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "TERM=dumb")
			tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 60, Cols: 120})
			if err != nil {
				t.Fatal(err)
			}
			defer tty.Close()
			screen := watch(tty)
			screen.want(t, "Write 5 files? [y/N] ")
			if _, err := io.WriteString(tty, answer); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case <-done:
			case <-time.After(2 * time.Minute):
				t.Fatalf("it did not end:\n%s", screen)
			}
			want := 2
			if written {
				want = 0
			}
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("ended with status %d, expected %d:\n%s", got, want, screen)
			}
			if _, err := os.Stat(filepath.Join(dir, "phial.yaml")); (err == nil) != written {
				t.Errorf("phial.yaml: %v, expected written %v", err, written)
			}
		})
	}
}
