package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/phialdev/phial/internal/host"
)

// StateRoot is where this user's instances are kept: phial below
// $XDG_STATE_HOME, or below ~/.local/state; /tmp/phial-UID where there is no
// home directory that can be written to.
func StateRoot() (string, error) {
	var tried []string
	if x := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(x) {
		tried = append(tried, filepath.Join(x, "phial"))
	} else if home, err := os.UserHomeDir(); err == nil && filepath.IsAbs(home) {
		tried = append(tried, filepath.Join(home, ".local", "state", "phial"))
	}
	tried = append(tried, filepath.Join(os.TempDir(), "phial-"+strconv.Itoa(os.Getuid())))
	var last error
	for _, dir := range tried {
		if last = host.PrivateDir(dir); last == nil {
			return dir, nil
		}
	}
	return "", fmt.Errorf("no place to keep state: %w", last)
}

// engineInfo is engine.json: what a client knows before it has asked.
type engineInfo struct {
	Name string `json:"name"`
	PID  int    `json:"pid"`
	Dir  string `json:"dir"` // of the project or release
}

// state is the directory of one instance.
type state struct {
	dir  string
	name string
	lock *os.File // held by the engine, nil in clients
}

func openState(root, name string) *state {
	return &state{dir: filepath.Join(root, name), name: name}
}

func rootOf(stateDir string) (string, error) {
	if stateDir == "" {
		return StateRoot()
	}
	return stateDir, host.PrivateDir(stateDir)
}

// listStates gives every instance directory, running or not, by name.
func listStates(stateDir string) ([]*state, error) {
	root, err := rootOf(stateDir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(root) // sorted
	if err != nil {
		return nil, err
	}
	var all []*state
	for _, e := range entries {
		if e.IsDir() && checkName(e.Name()) == nil {
			all = append(all, openState(root, e.Name()))
		}
	}
	return all, nil
}

func (s *state) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

func (s *state) tlsDir() string     { return s.path("tls") }
func (s *state) cookiePath() string { return s.path("cookie") }

// releasePath is where the release that runs is, if it was built for this.
func (s *state) releasePath() string { return s.path("release") }

func (s *state) podDir(pod string) string { return s.path("pods", pod) }

func (s *state) logPath(pod string) string {
	if pod == "" {
		return s.path("engine.log")
	}
	return s.path("logs", pod+".log")
}

// errRunning says that another engine holds the instance.
var errRunning = errors.New("is up already")

// acquire takes the instance for this process and clears away what an engine
// that crashed left behind. The kernel drops the lock when the process ends,
// however it ends.
func (s *state) acquire() error {
	if err := host.PrivateDir(s.dir); err != nil {
		return err
	}
	f, err := os.OpenFile(s.path("engine.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("%s %w: phial down, or another --name", s.name, errRunning)
		}
		return fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	s.lock = f
	s.clear()
	for _, old := range []string{"logs", "engine.log", "engine.log.1", "bin"} {
		if err := os.RemoveAll(s.path(old)); err != nil {
			return err
		}
	}
	for _, dir := range []string{"logs", "pods", "bin"} {
		if err := os.MkdirAll(s.path(dir), 0o700); err != nil {
			return err
		}
	}
	return nil
}

// clear removes what means anything only while an engine runs; logs and crash
// dumps stay for whoever wants to know what happened.
func (s *state) clear() {
	for _, name := range []string{"engine.json", "control.sock", "cookie"} {
		os.Remove(s.path(name)) //nolint:errcheck // usually not there
	}
	os.RemoveAll(s.releasePath()) //nolint:errcheck // it is in nobody's way
	os.RemoveAll(s.tlsDir())      //nolint:errcheck // it is in nobody's way
	pods, _ := os.ReadDir(s.path("pods"))
	for _, p := range pods {
		for _, name := range []string{"cookie", "inetrc"} {
			os.RemoveAll(s.path("pods", p.Name(), name)) //nolint:errcheck // it is in nobody's way
		}
		clearVolumes(s.path("pods", p.Name()))
	}
}

// release gives the instance back.
func (s *state) release() {
	if s.lock == nil {
		return
	}
	s.clear()
	s.lock.Close()
	s.lock = nil
}

// held says whether an engine holds the instance.
func (s *state) held() bool {
	f, err := os.Open(s.path("engine.lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	err = unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB)
	return errors.Is(err, unix.EWOULDBLOCK)
}

// waitFree waits until no engine holds the instance.
func (s *state) waitFree(ctx context.Context) error {
	for s.held() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

func (s *state) readInfo() (engineInfo, error) {
	var info engineInfo
	b, err := os.ReadFile(s.path("engine.json"))
	if err != nil {
		return info, err
	}
	return info, json.Unmarshal(b, &info)
}

func (s *state) writeInfo(info engineInfo) error {
	b, err := json.Marshal(info)
	if err != nil {
		return err
	}
	return host.WriteFile(s.path("engine.json"), b)
}

const controlSocket = "control.sock"

// maxSocketPath is what sockaddr_un holds on Linux, with its last zero.
const maxSocketPath = 107

// viaDir calls f with a path of the control socket that is short enough for
// the kernel: a deep state directory is reached through a descriptor of it.
func (s *state) viaDir(f func(path string) error) error {
	path := s.path(controlSocket)
	if len(path) <= maxSocketPath {
		return f(path)
	}
	dir, err := os.Open(s.dir)
	if err != nil {
		return err
	}
	defer dir.Close()
	return f("/proc/self/fd/" + strconv.Itoa(int(dir.Fd())) + "/" + controlSocket)
}

func (s *state) listenControl(ctx context.Context) (net.Listener, error) {
	var ln net.Listener
	err := s.viaDir(func(path string) (err error) {
		var lc net.ListenConfig
		ln, err = lc.Listen(ctx, "unix", path)
		if err != nil {
			return err
		}
		ln.(*net.UnixListener).SetUnlinkOnClose(false) // the path may go through a descriptor that is closed by then
		return os.Chmod(path, 0o600)
	})
	return ln, err
}

func (s *state) dialControl(ctx context.Context) (conn net.Conn, err error) {
	err = s.viaDir(func(path string) (err error) {
		var d net.Dialer
		conn, err = d.DialContext(ctx, "unix", path)
		return err
	})
	return conn, err
}
