package supervisor

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// keep starts a worker, and another one when it ends, until ctx ends.
//
// It stays on its thread: a worker is killed when the thread that started it ends, and
// that is to be when the process does. It is also the one place of the process that
// waits for children, so that as process 1 it buries those that others left behind.
func (s *supervisor) keep(ctx context.Context) {
	runtime.LockOSThread()
	pause := s.time.backOff
	for ctx.Err() == nil {
		began := time.Now()
		how := s.live(ctx)
		again := ctx.Err() == nil
		s.board.detach(again)
		if !again {
			s.log.Info("worker ended", "how", how)
			return
		}
		lived := time.Since(began)
		if lived >= s.time.settled {
			pause = s.time.backOff
		}
		s.log.Error("worker died; its last decision stands", "how", how, "lived", round(lived), "restart in", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, s.time.backOffTo)
	}
}

// live starts one worker and waits for its end, of which it says how.
func (s *supervisor) live(ctx context.Context) (how string) {
	w, err := s.start()
	if err != nil {
		return "it cannot be started: " + err.Error()
	}
	s.log.Info("worker started", "pid", w.pid)
	s.board.attach(w)
	w.wg.Go(func() { s.listen(w) })
	w.wg.Go(w.write)
	w.wg.Go(func() { s.watch(ctx, w) })
	status, err := reap(w.pid)
	w.end()
	if err != nil {
		return "it cannot be waited for: " + err.Error()
	}
	if why := w.why(); why != "" {
		return why
	}
	return describe(status)
}

// start starts a worker in a process group of its own. Its output is the supervisor's.
func (s *supervisor) start() (*worker, error) {
	wordsR, wordsW, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ordersR, ordersW, err := os.Pipe()
	if err != nil {
		wordsR.Close()
		wordsW.Close()
		return nil, err
	}
	defer wordsW.Close()
	defer ordersR.Close()
	argv := s.conf.Worker
	p, err := os.StartProcess(argv[0], argv, &os.ProcAttr{
		Env:   s.environment(),
		Files: []*os.File{nil, os.Stdout, os.Stderr, wordsW, ordersR}, // wordsFD, ordersFD
		Sys:   &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	})
	if err != nil {
		wordsR.Close()
		ordersW.Close()
		return nil, err
	}
	return newWorker(p, wordsR, ordersW), nil
}

// reap waits for a child's end, and for those of others that came to this process
// meanwhile.
func reap(pid int) (syscall.WaitStatus, error) {
	for {
		var status syscall.WaitStatus
		got, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case got == pid:
			return status, nil
		}
	}
}

func describe(status syscall.WaitStatus) string {
	switch {
	case status.Exited():
		return fmt.Sprintf("exit status %d", status.ExitStatus())
	case status.Signaled():
		how := "signal: " + status.Signal().String()
		if status.CoreDump() {
			how += " (core dumped)"
		}
		return how
	}
	return fmt.Sprintf("wait status %#x", uint32(status))
}

func round(d time.Duration) string {
	return strings.TrimSuffix(d.Round(100*time.Millisecond).String(), ".0s")
}
