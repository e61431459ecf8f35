package term

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"
)

// ErrInterrupted is the error of a verb that was interrupted and has undone what it
// had begun.
var ErrInterrupted = errors.New("interrupted; nothing is left running")

// Interruptible gives a context that ends at the first SIGINT, SIGTERM or SIGHUP.
func Interruptible(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

// SecondInterrupt gives a channel that is closed at the first SIGINT or SIGTERM
// that comes after ctx has ended: somebody does not want to wait.
func SecondInterrupt(ctx context.Context) <-chan struct{} {
	c := make(chan struct{})
	context.AfterFunc(ctx, func() {
		sig := make(chan os.Signal, 1)
		signal.Notify(sig, os.Interrupt, syscall.SIGTERM)
		go func() {
			<-sig
			close(c)
		}()
	})
	return c
}
