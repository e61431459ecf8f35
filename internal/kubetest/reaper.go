package kubetest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// reaper removes a directory when it is told to, or when this process is no more: a killed test runs no cleanups, and
// leaves an etcd's worth of files each time. It is a shell that waits for the end of its input, which the kernel closes
// with us. The processes that write there are dying at that moment, so once may not be enough.
const reaper = `trap '' HUP INT TERM
read -r _
for _ in 1 2 3 4 5 6 7 8 9 10; do
	rm -rf "$1" && exit
	sleep 0.2
done`

// reap gives a function that removes dir and waits until that is done.
func reap(dir string) (remove func() error, err error) {
	cmd := exec.Command("/bin/sh", "-c", reaper, "sh", dir) //nolint:noctx // has to outlive everything
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Setsid: true}
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start what cleans up %s: %w", dir, err)
	}
	return func() error {
		io.WriteString(in, "\n") //nolint:errcheck // closing says the same
		in.Close()
		if err := cmd.Wait(); err != nil {
			return fmt.Errorf("remove %s: %w", dir, err)
		}
		return nil
	}, nil
}

// privateDir makes a directory that nobody else may look into: keys lie there.
func privateDir() (string, error) { return os.MkdirTemp("", "phial-kube-") }
