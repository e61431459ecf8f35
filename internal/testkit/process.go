package testkit

import (
	"os/exec"
	"runtime"
	"syscall"
)

// Supervised has run start cmd and wait for it on a thread of its own, so that the kernel ends cmd when we die: the
// signal is tied to the thread that started the process (PR_SET_PDEATHSIG, prctl(2)).
func Supervised(cmd *exec.Cmd, run func() error) error {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		done <- run()
	}()
	return <-done
}
