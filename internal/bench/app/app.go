// Package app runs an app on the local engine for a measurement.
package app

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/engine/local"
)

// App is an app that is up, in a state directory of its own.
type App struct {
	Client *local.Client
	Status local.Status // when it had just been started
	Target local.MeshTarget
	Cookie dist.Cookie

	state string
	stop  context.CancelFunc
	ended chan error
}

// Start builds the app if that is needed and returns when its processes have been
// started. Stop must be called.
func Start(ctx context.Context, o local.Options) (*App, error) {
	state, err := os.MkdirTemp("", "phial-bench-")
	if err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(ctx)
	a := &App{state: state, stop: stop, ended: make(chan error, 1)}
	started := make(chan local.Status, 1)
	o.StateDir, o.Started = state, func(st local.Status) { started <- st }
	go func() { a.ended <- local.Run(run, o) }()
	select {
	case err := <-a.ended:
		stop()
		return nil, errors.Join(fmt.Errorf("the engine ended: %w", err), os.RemoveAll(state))
	case a.Status = <-started:
	}
	if err := a.find(ctx); err != nil {
		return nil, errors.Join(err, a.Stop())
	}
	return a, nil
}

func (a *App) find(ctx context.Context) (err error) {
	if a.Client, err = local.FindIn(a.state, a.Status.Name); err != nil {
		return err
	}
	if a.Target, err = a.Client.MeshTarget(ctx); err != nil {
		return err
	}
	a.Cookie, err = dist.CookieFromFile(a.Target.CookieFile)
	return err
}

// Stop stops the app and waits until nothing of it is left.
func (a *App) Stop() error {
	a.stop()
	err := <-a.ended
	if errors.Is(err, context.Canceled) {
		err = nil
	}
	return errors.Join(err, os.RemoveAll(a.state))
}
