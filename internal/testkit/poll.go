package testkit

import (
	"context"
	"errors"
	"time"
)

// Poll tries until it is told that this is the end, or ctx ends; then it says what was wrong at the last try.
func Poll(ctx context.Context, try func() (end bool, err error)) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		end, err := try()
		if end {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-tick.C:
		}
	}
}
