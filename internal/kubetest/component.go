package kubetest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/phialdev/phial/internal/testkit"
)

// component is one process of a cluster.
type component struct {
	name string
	pid  int           // zero if it runs inside a node, whose end is its own
	log  string        // the file that it writes to
	done chan struct{} // closed when it has ended
	err  error         // of its end; after done

	inside int // its number inside the node
}

// launch starts a component in dir. It dies with this process.
func launch(kube, dir, name string, args ...string) (*component, error) {
	cmd := exec.Command(kube) //nolint:noctx // ended by stop
	cmd.Args = append([]string{name}, args...)
	cmd.Dir, cmd.Env = dir, environment(dir)
	// A group of its own: a terminal's interrupt is for the tests, which then end this in their own order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return begin(name, filepath.Join(dir, name+".log"), cmd)
}

// environment is what components find in theirs. Debian keeps runc and nft where an ordinary user's PATH doesn't reach.
func environment(dir string) []string {
	return []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH") + ":/usr/local/sbin:/usr/sbin:/sbin"}
}

// begin starts cmd as a component, with its errors, and its output unless that goes elsewhere, in the file log.
func begin(name, log string, cmd *exec.Cmd) (*component, error) {
	c := &component{name: name, log: log, done: make(chan struct{})}
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if cmd.Stderr = file; cmd.Stdout == nil {
		cmd.Stdout = file
	}
	started := make(chan error)
	go func() {
		defer close(c.done)
		testkit.Supervised(cmd, func() error { //nolint:errcheck // handed on by started and c.err
			err := cmd.Start()
			if err == nil {
				c.pid = cmd.Process.Pid
			}
			started <- err
			if err == nil {
				c.err = cmd.Wait()
			}
			return nil
		})
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

// stop ends the process at once and waits for its end. Nothing is lost by it: its data goes, too.
func (c *component) stop() {
	if c.pid == 0 {
		return
	}
	select {
	case <-c.done:
		return
	default:
	}
	syscall.Kill(c.pid, syscall.SIGKILL) //nolint:errcheck // it may be ending by itself
	<-c.done
}

// ended says how the component ended, with its last words; nil while it runs.
func (c *component) ended() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	log, err := os.ReadFile(c.log)
	if err != nil {
		return fmt.Errorf("%s ended: %w", c.name, c.err)
	}
	end := errEnded
	if strings.Contains(string(log), "address already in use") {
		end = syscall.EADDRINUSE
	}
	return fmt.Errorf("%s: %w (%w): %s", c.name, end, c.err, testkit.LastLines(log))
}

var errEnded = errors.New("ended by itself")

// await asks until it is told yes, the component ends, or ctx does.
func (c *component) await(ctx context.Context, ask func(context.Context) error) error {
	return testkit.Poll(ctx, func() (bool, error) {
		err := ask(ctx)
		if end := c.ended(); end != nil {
			return true, end
		}
		return err == nil, err
	})
}

// tries is how often a component is started before its ports are given up on.
const tries = 5

// onFreePort has start use a port of an address that is free now. Somebody else may take it before the component does: then it tries
// another.
func onFreePort(address string, start func(port string) error) error {
	for i := 1; ; i++ {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			return err
		}
		port := strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		l.Close()
		if err := start(port); !errors.Is(err, syscall.EADDRINUSE) || i == tries {
			return err
		}
	}
}
