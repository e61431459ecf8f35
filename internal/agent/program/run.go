package program

import (
	"context"
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/phialdev/phial/internal/agent/settings"
	"github.com/phialdev/phial/internal/agent/supervisor"
)

// How eagerly garbage is collected: both processes hold little, and there is one of
// each in every pod.
const (
	gcSupervisor = 20
	gcWorker     = 30
)

// frugal sees that a process that has next to nothing to do takes next to nothing: its
// goroutines wake no other threads, and its heap stays small.
func frugal(gcPercent int) {
	runtime.GOMAXPROCS(1)
	debug.SetGCPercent(gcPercent)
}

// run is process 1.
func run(ctx context.Context, c call) int {
	if !c.flags("run", nil) {
		return cannot
	}
	frugal(gcSupervisor)
	s, done := c.settings()
	if done {
		return cannot
	}
	log, flush := newLog(c.Err, c.Env, "supervisor")
	defer flush()
	if err := supervisor.Run(ctx, supervisor.Config{Settings: s, Log: log}); err != nil {
		log.Error("the agent ends", "error", err.Error())
		return no
	}
	return ok
}

// settings reads what the agent is told; true: it is told wrong, and that was said.
func (c call) settings() (settings.Settings, bool) {
	s, err := settings.FromEnv(c.Env)
	if err == nil {
		return s, false
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		c.notef("%s", line)
	}
	return s, true
}

// overtime is how long a worker may take to end once it was told to.
const overtime = 2 * time.Second

// work is the worker, which the supervisor starts.
func work(ctx context.Context, c call) int {
	link, err := supervisor.Attach()
	if err != nil {
		c.notef("%v", err)
		return cannot
	}
	frugal(gcWorker)
	s, done := c.settings()
	if done {
		return cannot
	}
	log, flush := newLog(c.Err, c.Env, "worker")
	defer flush()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- c.worker(ctx, s, link, log) }()
	select {
	case err = <-ended:
	case <-link.Done():
		cancel()
		err = late(ended)
	case <-ctx.Done():
		err = late(ended)
	}
	switch {
	case ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)):
		return ok
	case err == nil:
		err = errors.New("it returned before it was told to end")
	}
	log.Error("the worker ends", "error", err.Error())
	return no
}

func late(ended <-chan error) error {
	select {
	case err := <-ended:
		return err
	case <-time.After(overtime):
		return errors.New("it did not end when it was told to")
	}
}

// started says whether the agent that runs in this pod has put its program where the
// app's container finds it.
func started(ctx context.Context, c call) int {
	if !c.flags("started", nil) {
		return cannot
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	s := settings.Find(c.Env)
	info, err := os.Stat(s.Binary())
	if err != nil {
		c.notef("not started: %v", err)
		return no
	}
	g, err := supervisor.Client{Dir: s.RunDir}.Gate(ctx)
	switch {
	case err != nil:
		c.notef("not started: %v", err)
		return no
	case g.Size != info.Size():
		c.notef("not started: %s has %d bytes, the agent that runs has %d", s.Binary(), info.Size(), g.Size)
		return no
	}
	return ok
}
