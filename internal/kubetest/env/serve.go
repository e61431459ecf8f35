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

// serve runs the control plane until it is told to end, or until a part of it does. It says on standard output, which
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
	c, err := kubetest.Run(ctx)
	if err != nil {
		return err
	}
	defer os.Remove(p.file("word.json")) //nolint:errcheck // without the lock nobody believes it
	err = p.say(word{PID: os.Getpid(), Kubeconfig: c.Kubeconfig, Programs: c.Programs.Dir})
	if err == nil {
		fmt.Println(ready)
		os.Stdout.Close()
		err = watch(ctx, c)
	}
	return errors.Join(err, c.Close())
}

// ready is what serve says when it is.
const ready = "ready"

// watch returns when ctx ends, or with an error when the control plane is not whole any more.
func watch(ctx context.Context, c *kubetest.Cluster) error {
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
