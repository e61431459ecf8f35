package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/phialdev/phial/internal/kubetest"
)

// serving is the verb of the process in the background; a person has no use for it.
const serving = "serve"

// kubernetes is what is kept running: a control plane, or a node with one.
type kubernetes interface {
	Ended() error
	Close() error
}

// begin starts it, and gives what it says of itself.
func (k kind) begin(ctx context.Context) (kubernetes, word, error) {
	if k.node {
		n, err := kubetest.RunNode(ctx)
		if err != nil {
			return nil, word{}, err
		}
		return n, word{PID: os.Getpid(), Kubeconfig: n.Kubeconfig, Containerd: n.Containerd(), Programs: n.Programs.Dir}, nil
	}
	c, err := kubetest.Run(ctx)
	if err != nil {
		return nil, word{}, err
	}
	return c, word{PID: os.Getpid(), Kubeconfig: c.Kubeconfig, Programs: c.Programs.Dir}, nil
}

// serve runs it until it is told to end, or until a part of it does. It says on standard output, which
// is a pipe to up, when it is ready.
func serve(ctx context.Context, p place) error {
	lock, free, err := p.hold()
	if err != nil {
		return err
	}
	if !free {
		return errors.New("one is running already")
	}
	// Never given back by us: who waits for the lock waits for the end of this process.
	defer runtime.KeepAlive(lock)
	c, w, err := p.begin(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(p.file("word.json")) //nolint:errcheck // without the lock nobody believes it
	if err = p.say(w); err == nil {
		fmt.Println(ready)
		os.Stdout.Close()
		err = watch(ctx, c)
	}
	return errors.Join(err, c.Close())
}

// ready is what serve says when it is.
const ready = "ready"

// watch returns when ctx ends, or with an error when a part of it has ended.
func watch(ctx context.Context, c kubernetes) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := c.Ended(); err != nil {
				return err
			}
		}
	}
}
