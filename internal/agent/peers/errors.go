package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
)

// Kind is what a caller can tell apart of why a call failed.
type Kind int

// The kinds of failure.
const (
	Unreachable      Kind = iota + 1 // no name, no route, no answer in time, or the connection broke
	Refused                          // the host is there, and no agent listens
	NotAuthenticated                 // the other end has another key, or is no agent
	Limited                          // refused by the limits of the other end; later it may not be
	Answered                         // the agent answered, and with an error
	Invalid                          // the question can't be sent, or the answer is none
)

// String names a kind in a word or two.
func (k Kind) String() string {
	names := [...]string{"", "unreachable", "refused", "not authenticated", "limited", "answered", "invalid"}
	if k < 1 || int(k) >= len(names) {
		return "unknown"
	}
	return names[k]
}

// Error is why a call failed. Its text is for people.
type Error struct {
	Kind   Kind
	Host   string // as the caller named it
	Method string
	Status int   // of HTTP, where the agent answered
	Err    error // the cause; of what the agent answered, the text
}

// Error says what failed, and what to do about it where that is known.
func (e *Error) Error() string {
	what := fmt.Sprintf("asking the agent of %s for %s: ", clip(e.Host, 256), clip(e.Method, 64))
	switch e.Kind {
	case Unreachable:
		return what + "can't reach it: " + e.cause()
	case Refused:
		return what + "nobody listens there: " + e.cause()
	case NotAuthenticated:
		return what + "it has another key than this agent (" + e.cause() +
			"); both pods have to mount the same Secret, and a changed one takes some minutes to reach all of them"
	case Limited:
		return what + "it takes no more connections or requests for now: " + e.cause()
	}
	return what + e.cause()
}

func (e *Error) cause() string {
	if e.Err == nil {
		return e.Kind.String()
	}
	return clip(e.Err.Error(), maxText)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// KindOf gives the kind of a failed call, 0 for an error that is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return 0
}

// kinded is an error whose kind is known where it is made.
type kinded struct {
	kind   Kind
	status int
	err    error
}

func (k *kinded) Error() string { return k.err.Error() }
func (k *kinded) Unwrap() error { return k.err }

func invalid(format string, args ...any) error {
	return &kinded{kind: Invalid, err: fmt.Errorf(format, args...)}
}

// classify says what kind of failure an error from the network or from TLS is.
func classify(err error) *kinded {
	if k, ok := errors.AsType[*kinded](err); ok {
		return k
	}
	op, _ := errors.AsType[*net.OpError](err)
	_, noTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case op != nil && op.Op == "remote error" && op.Err.Error() == tls.AlertError(alertLimits).Error():
		return &kinded{kind: Limited, err: errors.New("too many, or too often")}
	case op != nil && op.Op == "remote error":
		return &kinded{kind: NotAuthenticated, err: errors.New("it does not know ours")}
	case errors.Is(err, errOtherKey), errors.Is(err, errNoKey):
		return &kinded{kind: NotAuthenticated, err: err}
	case noTLS:
		return &kinded{kind: NotAuthenticated, err: errors.New("what answers there does not speak TLS")}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return &kinded{kind: Unreachable, err: fmt.Errorf("no answer in time (%w)", err)}
	case errors.Is(err, syscall.ECONNREFUSED):
		return &kinded{kind: Refused, err: err}
	}
	return &kinded{kind: Unreachable, err: err}
}
