package kubetest

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// reaper removes directories when it is told to, or when this process is no more: a killed test runs no cleanups, and
// leaves an etcd's worth of files each time. It is a shell that waits for the end of its input, which the kernel closes
// with us. The processes that write there are dying at that moment, so once may not be enough. The first directory is
// of files; the others are cgroups, which hold nothing but cgroups that can be removed.
const reaper = `trap '' HUP INT TERM
read -r _
dir=$1
shift
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	left=
	rm -rf "$dir" || left=1
	for cgroup; do
		[ -d "$cgroup" ] || continue
		find "$cgroup" -depth -type d -exec rmdir {} + 2>/dev/null
		[ ! -d "$cgroup" ] || left=1
	done
	[ "$left" ] || exit 0
	sleep 0.2
done
exit 1`

// reap gives a function that removes dir, and the cgroups, and waits until that is done.
func reap(dir string, cgroups ...string) (remove func() error, err error) {
	args := append([]string{"-c", reaper, "sh", dir}, cgroups...)
	cmd := exec.Command("/bin/sh", args...) //nolint:noctx // has to outlive everything
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
			return fmt.Errorf("remove %s: %w", strings.Join(append([]string{dir}, cgroups...), ", "), err)
		}
		return nil
	}, nil
}

// privateDir makes a directory that nobody else may look into: keys lie there.
func privateDir() (string, error) { return os.MkdirTemp("", dirPrefix) }

const dirPrefix = "phial-kube-"
