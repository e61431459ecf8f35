package up

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"github.com/spf13/pflag"

	"github.com/phialdev/phial/internal/cli/instance"
	"github.com/phialdev/phial/internal/cli/term"
	"github.com/phialdev/phial/internal/engine/local"
)

// notifyFlag tells the background engine where to say how far it is.
const notifyFlag = "notify-fd"

// An event is a line of JSON from the background engine to whoever started it.
type event struct {
	Progress string `json:"progress,omitempty"`
	Started  string `json:"started,omitempty"` // the app's name
	Error    string `json:"error,omitempty"`
}

// detached starts this program again in a session of its own, shows its progress
// until the replicas are ready, and leaves it running.
func detached(ctx context.Context, s *term.IO, flags *pflag.FlagSet, o local.Options) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find the phial program: %w", err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("start the engine: %w", err)
	}
	defer r.Close()
	cmd := exec.Command(self, arguments(flags, o)...) //nolint:noctx // it outlives this process on purpose
	cmd.Args[0] = os.Args[0]                          // the name that it was called by
	cmd.ExtraFiles = []*os.File{w}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return fmt.Errorf("start the engine: %w", err)
	}
	// Until the replicas are ready, whoever interrupts the wait wants nothing running.
	stopOnCancel := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stopOnCancel()

	st, err := settle(ctx, s, r)
	if ctx.Err() != nil {
		s.Notef("stopping")
		_ = cmd.Wait() // how it ended says nothing: it was told to
		return term.ErrInterrupted
	}
	if err != nil {
		_ = cmd.Wait() // it ends by itself: it said why
		return err
	}
	_ = cmd.Process.Release()
	return instance.Settled(s, st)
}

// settle shows what the engine says until its replicas have settled.
func settle(ctx context.Context, s *term.IO, r io.Reader) (local.Status, error) {
	lines := bufio.NewScanner(r)
	name, err := follow(s, lines)
	if err != nil {
		return local.Status{}, err
	}
	c, err := local.Find(name)
	if err != nil {
		return local.Status{}, err
	}
	// It ends when the pipe does, at the latest with this process.
	go follow(s, lines) //nolint:errcheck // what goes wrong from here on, the status says
	return instance.Wait(ctx, s, c, instance.DefaultWait)
}

// follow shows what the engine says until it has started or given up.
func follow(s *term.IO, lines *bufio.Scanner) (name string, err error) {
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return "", fmt.Errorf("the engine speaks in riddles: %w", err)
		}
		switch {
		case e.Error != "":
			return "", errors.New(e.Error)
		case e.Started != "":
			return e.Started, nil
		case e.Progress != "":
			s.Notef("%s", e.Progress)
		}
	}
	return "", errors.New("the engine ended before it had started")
}

// arguments repeats the flags that were given, for the background engine.
func arguments(flags *pflag.FlagSet, o local.Options) []string {
	args := []string{"up", "--" + notifyFlag + "=3"}
	flags.Visit(func(f *pflag.Flag) {
		switch v := f.Value.(type) {
		case pflag.SliceValue:
			for _, one := range v.GetSlice() {
				args = append(args, "--"+f.Name+"="+one)
			}
		default:
			if f.Name != "detach" {
				args = append(args, "--"+f.Name+"="+f.Value.String())
			}
		}
	})
	if o.Dir != "" {
		args = append(args, "--", o.Dir)
	}
	return args
}

// background is the engine that detached has started.
func background(ctx context.Context, o local.Options, fd int) error {
	pipe := os.NewFile(uintptr(fd), "notify")
	if pipe == nil {
		return fmt.Errorf("no open file %d: --%s is for phial itself", fd, notifyFlag)
	}
	syscall.CloseOnExec(fd)
	var mu sync.Mutex
	enc := json.NewEncoder(pipe)
	say := func(e event) {
		mu.Lock()
		defer mu.Unlock()
		_ = enc.Encode(e) // nobody may be listening any more
	}
	o.Progress = func(line string) { say(event{Progress: line}) }
	o.Started = func(st local.Status) { say(event{Started: st.Name}) }
	o.Kill = term.SecondInterrupt(ctx)
	err := local.Run(ctx, o)
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	if err != nil {
		say(event{Error: err.Error()})
	}
	return err
}
