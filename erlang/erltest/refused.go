package erltest

import (
	"context"
	"fmt"
	"net"
	"time"
)

// shut closes a listener and returns when connections to it are refused. That
// may take longer than the closing: a process that the test's is just starting
// holds a copy of the socket until it has become what it is to be.
func shut(l net.Listener) error {
	if err := l.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	pause := time.NewTicker(time.Millisecond)
	defer pause.Stop()
	for {
		c, err := new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
		if err != nil && ctx.Err() == nil {
			return nil
		}
		if err == nil {
			c.Close()
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return fmt.Errorf("%s is still open after it was closed", l.Addr())
		}
	}
}
