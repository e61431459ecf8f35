package epmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"syscall"
)

// Cause says why EPMD could not be asked, or what it refused. It is what a caller decides on; the wrapped error only
// adds detail.
type Cause uint8

// The causes, in the order in which an exchange can meet them.
const (
	Other         Cause = iota // none of the below; see the wrapped error
	Refused                    // connection refused: the host is there, no EPMD listens
	Unreachable                // no route to the host or its network
	DialTimeout                // no answer to the connection attempt: filtered, or the host is gone
	ReadTimeout                // connected, but no answer in time: a frozen or mute EPMD
	Closed                     // the connection ended before the answer was complete
	Garbage                    // the answer is not EPMD's
	NotRegistered              // EPMD answered and does not know the name
	NameTaken                  // EPMD refused the registration: the name is taken or not allowed
	BadEntry                   // not asked: the name or the extra bytes break the protocol's limits
	Canceled                   // the caller's context was canceled
)

var causes = [...]string{
	Other: "failed", Refused: "connection refused", Unreachable: "unreachable", DialTimeout: "connection timed out",
	ReadTimeout: "connected, but no answer in time", Closed: "connection closed without a full answer",
	Garbage: "the answer is not EPMD's", NotRegistered: "name not registered", NameTaken: "name refused",
	BadEntry: "name or extra bytes not allowed", Canceled: "canceled",
}

// String gives the cause in a few words.
func (c Cause) String() string {
	if int(c) < len(causes) {
		return causes[c]
	}
	return "cause " + strconv.Itoa(int(c))
}

// Error is what every method of [Client] fails with.
type Error struct {
	Op    string // "lookup", "names" or "register"
	Addr  string // host:port of the EPMD asked
	Name  string // short name asked for or registered; empty for "names"
	Cause Cause
	Err   error // detail, may be nil
}

// Error says what was asked of which EPMD and what came of it.
func (e *Error) Error() string {
	what := e.Op
	if e.Name != "" {
		what += " " + strconv.Quote(e.Name)
	}
	text := fmt.Sprintf("epmd %s: %s: %s", e.Addr, what, e.Cause)
	switch e.Cause {
	case Other, Garbage, BadEntry:
		if e.Err != nil {
			text += ": " + e.Err.Error()
		}
	}
	return text
}

// Unwrap gives the detail.
func (e *Error) Unwrap() error { return e.Err }

// dialCause tells apart the ways in which a connection does not come about.
func dialCause(ctx context.Context, err error) Cause {
	var timeout net.Error
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		return Canceled
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return Unreachable
	case errors.As(err, &timeout) && timeout.Timeout(), ctx.Err() != nil:
		return DialTimeout
	}
	return Other
}

// exchangeCause tells apart the ways in which a connected EPMD does not answer.
func exchangeCause(ctx context.Context, err error) Cause {
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return Canceled
	case errors.Is(err, os.ErrDeadlineExceeded), ctx.Err() != nil:
		return ReadTimeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Closed
	case errors.Is(err, errMalformed), errors.Is(err, errNameSize), errors.Is(err, errNameText):
		return Garbage
	}
	return Other
}
