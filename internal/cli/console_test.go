package cli

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
)

// A console is one only if it is the running node's: without a terminal IEx opens
// on a throw-away node and says nothing.
func TestRemoteConsole(t *testing.T) {
	env := append(os.Environ(), "HOME="+t.TempDir(), "XDG_STATE_HOME="+t.TempDir(), "LANG=C.UTF-8")
	phial := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), "phial", args...)
		cmd.Env = env
		return cmd
	}
	if out, err := phial("up", "../../examples/tally", "--name", "console", "-r", "1", "-d").CombinedOutput(); err != nil {
		t.Fatalf("up: %v\n%s", err, out)
	}
	t.Cleanup(func() {
		down := exec.Command("phial", "down", "--name", "console") // the test's context has ended
		down.Env = env
		if out, err := down.CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})

	cmd := phial("remote", "console-0")
	cmd.Env = append(cmd.Env, "TERM=dumb") // with which IEx would open on a throw-away node
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Rows: 40, Cols: 120})
	if err != nil {
		t.Fatal(err)
	}
	screen := watch(tty)
	screen.want(t, "iex(tally@127.77.")
	if _, err := io.WriteString(tty, "{:console, node() |> to_string(), Tally.module_info(:module)}\n"); err != nil {
		t.Fatal(err)
	}
	screen.want(t, `{:console, "tally@127.77.`)
	if _, err := tty.Write([]byte{0x1c}); err != nil { // Ctrl-\ leaves, the node stays
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("the console did not end:\n%s", screen)
	}
	tty.Close()
	if out, err := phial("mesh", "--name", "console").CombinedOutput(); err != nil {
		t.Errorf("after the console: %v\n%s", err, out)
	}
	if strings.Contains(screen.String(), "rem-") && !strings.Contains(screen.String(), "iex(tally@") {
		t.Errorf("the console was a throw-away node's:\n%s", screen)
	}
}

// A screen is what a terminal has shown so far.
type screen struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func watch(r io.Reader) *screen {
	s := &screen{}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := r.Read(buf)
			s.mu.Lock()
			s.text.Write(buf[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

func (s *screen) want(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Contains(s.String(), text) {
			return
		}
	}
	t.Fatalf("the terminal never showed %q:\n%s", text, s)
}
