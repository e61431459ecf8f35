package peers

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// readBuffer is enough for most answers; each kept connection has one.
const readBuffer = 1 << 10

// errLost marks a connection that ended before the first byte of an answer. What was
// asked over one that was kept may be asked again over a new one.
var errLost = errors.New("the connection ended")

// link is one connection to a peer. One call at a time uses it.
type link struct {
	conn   *tls.Conn
	in     io.LimitedReader // bounds what one answer may send
	read   *bufio.Reader
	public ed25519.PublicKey // of the key it was made with
	since  time.Time         // when it was kept
}

func newLink(conn *tls.Conn) *link {
	state := conn.ConnectionState()
	l := &link{conn: conn, in: io.LimitedReader{R: conn}, public: shown(&state)}
	l.read = bufio.NewReaderSize(&l.in, readBuffer)
	return l
}

// close ends the connection without waiting for the other end.
func (l *link) close() { l.conn.NetConn().Close() }

// exchange sends a request and reads its answer. keep says whether the connection may
// be used again.
func (l *link) exchange(ctx context.Context, request []byte) (status int, body []byte, keep bool, err error) {
	stop := context.AfterFunc(ctx, func() { _ = l.conn.NetConn().SetDeadline(time.Unix(1, 0)) })
	status, body, keep, err = l.converse(request)
	if !stop() { // the deadline has been set, or is about to be
		keep = false
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return status, body, keep && err == nil, err
}

func (l *link) converse(request []byte) (status int, body []byte, keep bool, err error) {
	l.in.N = maxAnswer + 2*maxHeader
	if _, err := l.conn.Write(request); err != nil {
		return 0, nil, false, fmt.Errorf("%w: %w", errLost, err)
	}
	if _, err := l.read.Peek(1); err != nil {
		return 0, nil, false, fmt.Errorf("%w: %w", errLost, err)
	}
	res, err := http.ReadResponse(l.read, nil)
	if err != nil {
		return 0, nil, false, broken(err)
	}
	defer res.Body.Close()
	if res.ContentLength > maxAnswer {
		return 0, nil, false, errLarge
	}
	body, err = io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case len(body) > maxAnswer:
		return 0, nil, false, errLarge
	case err != nil:
		return 0, nil, false, broken(err)
	}
	return res.StatusCode, body, !res.Close && l.read.Buffered() == 0, nil
}

var errLarge = invalid("the answer holds more than %d KiB", maxAnswer>>10)

// broken tells an answer that stopped from one that is none.
func broken(err error) error {
	if _, network := errors.AsType[net.Error](err); network || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the answer broke off: %w", err)
	}
	return invalid("what came is no answer: %w", err)
}

// compose writes a whole request, so that it leaves in one piece.
func compose(method string, in any) ([]byte, error) {
	if !isMethod(method) {
		return nil, invalid("%q is no name of a method", clip(method, 64))
	}
	body, err := json.Marshal(in)
	if err != nil {
		return nil, invalid("the question can't be written: %w", err)
	}
	if len(body) > maxRequest {
		return nil, invalid("the question holds more than %d KiB", maxRequest>>10)
	}
	b := make([]byte, 0, 128+len(method)+len(body))
	b = append(b, "POST "+prefix...)
	b = append(b, method...)
	b = append(b, " HTTP/1.1\r\nHost: agent\r\nContent-Type: application/json\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...), nil
}

// isMethod says whether a name can stand in a path as it is.
func isMethod(name string) bool {
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return name != "" && len(name) <= 64
}

// decode gives what an answer says: into out, or as an error.
func decode(status int, body []byte, out any) error {
	if status == http.StatusOK {
		if out == nil {
			return nil
		}
		if err := json.Unmarshal(body, out); err != nil {
			return invalid("the answer is not what was asked for: %w", err)
		}
		return nil
	}
	var f failure
	if json.Unmarshal(body, &f) != nil || f.Error == "" {
		f.Error = http.StatusText(status)
	}
	kind := Answered
	switch status {
	case http.StatusTooManyRequests:
		kind = Limited
	case http.StatusUnauthorized:
		kind = NotAuthenticated
	}
	return &kinded{kind: kind, status: status, err: errors.New(clip(f.Error, maxText))}
}
