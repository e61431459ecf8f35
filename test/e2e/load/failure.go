package load

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// A Kind is how a request failed.
type Kind string

// The kinds.
const (
	DNS            Kind = "dns"             // the host's name could not be looked up
	ConnectRefused Kind = "connect refused" // nobody listens there
	ConnectTimeout Kind = "connect timeout" // no connection within Config.Timeout
	ConnectSlow    Kind = "connect slow"    // a connection, but not within Config.ConnectLimit
	ConnectOther   Kind = "connect other"   // no route, no ports left, and the like
	Reset          Kind = "reset"           // the connection ended before a byte of the answer came, by reset or end of file
	Cut            Kind = "cut"             // the connection ended amid the answer
	Timeout        Kind = "timeout"         // the answer was not there in time
	Status5xx      Kind = "status 5xx"
	StatusOther    Kind = "status other" // neither 2xx nor 5xx
	BadAnswer      Kind = "bad answer"   // what came is not HTTP
)

// failure is why a request failed.
type failure struct {
	kind  Kind
	cause string
}

func fail(kind Kind, cause error) *failure { return &failure{kind, cause.Error()} }

func statusFailure(code int, status string) *failure {
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 500 && code < 600:
		return &failure{Status5xx, status}
	}
	return &failure{StatusOther, status}
}

func connectFailure(err error) *failure {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return fail(ConnectRefused, err)
	case isTimeout(err):
		return fail(ConnectTimeout, err)
	}
	return fail(ConnectOther, err)
}

// ioFailure tells what an error on an open connection means. begun: some of the answer had come.
func ioFailure(err error, begun bool) *failure {
	switch {
	case isTimeout(err):
		return fail(Timeout, err)
	case begun && !isEnd(err):
		return fail(BadAnswer, err)
	case begun:
		return fail(Cut, err)
	}
	return fail(Reset, err)
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, syscall.ETIMEDOUT) || errors.As(err, &t) && t.Timeout()
}

func (f *failure) String() string { return fmt.Sprintf("%s: %s", f.kind, f.cause) }
