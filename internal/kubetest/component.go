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

// component is one process of the control plane.
type component struct {
	name string
	pid  int
	log  string        // the file that it writes to
	done chan struct{} // closed when it has ended
	err  error         // of its end; after done
}

// launch starts a component in dir. It dies with this process.
func launch(kube, dir, name string, args ...string) (*component, error) {
	c := &component{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(kube) //nolint:noctx // ended by stop
	cmd.Args = append([]string{name}, args...)
	cmd.Dir, cmd.Env = dir, []string{"HOME=" + dir, "TMPDIR=" + dir, "PATH=" + os.Getenv("PATH")}
	cmd.Stdout, cmd.Stderr = log, log
	// A group of its own: a terminal's interrupt is for the tests, which then end this in their own order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
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
	return fmt.Errorf("%s: %w (%w): %s", c.name, end, c.err, lastLines(log))
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

// onFreePort has start use a port that is free now. Somebody else may take it before the component does: then it tries
// another.
func onFreePort(start func(port string) error) error {
	for i := 1; ; i++ {
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
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
