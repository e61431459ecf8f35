package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reporter writes a report at a time.
type reporter struct {
	mu      sync.Mutex
	encoder *json.Encoder
}

func (r *reporter) say(what report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.encoder.Encode(what); err != nil {
		os.Exit(1) // nobody listens
	}
}

// children are the processes that were ordered. Others are handed to process 1 when their parents end; they are reaped
// and not spoken of.
type children struct {
	out   *reporter
	died  chan os.Signal
	mu    sync.Mutex // held while one starts, so that it is known before it is reaped
	names map[int]string
}

func newChildren(out *reporter) *children {
	c := &children{out: out, died: make(chan os.Signal, 1), names: map[int]string{}}
	signal.Notify(c.died, syscall.SIGCHLD)
	return c
}

func (c *children) start(o order) {
	c.mu.Lock()
	defer c.mu.Unlock()
	pid, err := launch(o)
	if err != nil {
		c.out.say(report{Name: o.Name, Error: err.Error()})
		return
	}
	c.names[pid] = o.Name
	c.out.say(report{Name: o.Name, PID: pid})
}

func launch(o order) (int, error) {
	log, err := os.OpenFile(o.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return 0, err
	}
	defer log.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	p, err := os.StartProcess(o.Path, o.Args, &os.ProcAttr{
		Dir: o.Dir, Env: o.Env, Files: []*os.File{null, log, log}, Sys: &syscall.SysProcAttr{Setsid: true},
	})
	if err != nil {
		return 0, err
	}
	pid := p.Pid
	return pid, p.Release() // reap waits for all
}

func (c *children) reap() {
	for range c.died {
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if err != nil || pid <= 0 {
				break
			}
			c.mu.Lock()
			name, ok := c.names[pid]
			delete(c.names, pid)
			c.mu.Unlock()
			if ok {
				c.out.say(report{Name: name, End: describe(status)})
			}
		}
	}
}

// describe says how a process ended, in the words of package os.
func describe(s syscall.WaitStatus) string {
	if s.Signaled() {
		return "signal: " + s.Signal().String()
	}
	return fmt.Sprintf("exit status %d", s.ExitStatus())
}
