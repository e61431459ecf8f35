package local

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// spawner starts processes that cannot outlive this one. The kernel sends
// them SIGKILL when the *thread* that started them ends (prctl(2),
// PR_SET_PDEATHSIG), so one thread is kept for it, and it ends only with the
// engine, when nothing that it started runs any more.
type spawner struct {
	work chan func()
	once sync.Once
}

func newSpawner() *spawner {
	s := &spawner{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for f := range s.work {
			f()
		}
	}()
	return s
}

func (s *spawner) close() { s.once.Do(func() { close(s.work) }) }

// process is one life of a replica's operating-system process.
type process struct {
	cmd  *exec.Cmd
	pid  int
	done chan struct{} // closed when it has ended and its output has been handed on
	err  error         // of Wait; after done
}

// start runs path with args and nothing but env. The lines of both output streams
// go to each, one at a time, until they end.
func (s *spawner) start(path string, args, env []string, dir string, each func(line []byte)) (*process, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(path, args...) //nolint:noctx // stopped by signals of our choosing
	cmd.Env, cmd.Dir = env, dir
	cmd.Stdout, cmd.Stderr = w, w
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error, 1)
	s.work <- func() { started <- cmd.Start() }
	err = <-started
	w.Close()
	if err != nil {
		r.Close()
		return nil, err
	}
	p := &process{cmd: cmd, pid: cmd.Process.Pid, done: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		out := &lineWriter{each: each}
		io.Copy(out, r) //nolint:errcheck // the stream ends with the process
		out.flush()
	}()
	go func() {
		// Whatever the release leaves in its process group goes with it. The
		// group is killed before its leader is reaped, while its number can't
		// belong to anybody else.
		for unix.Waitid(unix.P_PID, p.pid, nil, unix.WEXITED|unix.WNOWAIT, nil) == unix.EINTR {
		}
		syscall.Kill(-p.pid, syscall.SIGKILL) //nolint:errcheck // usually nobody is left
		p.err = cmd.Wait()
		// Something that left the group may still hold the output open.
		r.SetReadDeadline(time.Now().Add(time.Second)) //nolint:errcheck // pipes have deadlines
		<-read
		r.Close()
		close(p.done)
	}()
	return p, nil
}

// signal sends a signal to the process itself, not to its children. A process
// that has ended is no error.
func (p *process) signal(sig syscall.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("send %v to %d: %w", sig, p.pid, err)
	}
	return nil
}

// how says in words how the process ended.
func (p *process) how() string {
	st := p.cmd.ProcessState
	if st == nil {
		return "ended"
	}
	if ws, ok := st.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		if ws.Signal() == syscall.SIGKILL {
			return "was killed (SIGKILL)"
		}
		return "was ended by " + ws.Signal().String()
	}
	return fmt.Sprintf("ended with exit status %d", st.ExitCode())
}
