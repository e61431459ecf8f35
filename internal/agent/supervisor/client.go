package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Client talks to the supervisor of this pod.
type Client struct {
	Dir string // the run directory
}

// ErrAbsent says that no supervisor answers at the socket.
var ErrAbsent = errors.New("no agent answers")

// ErrBroken says that the connection ended before the answer did.
var ErrBroken = errors.New("the agent went away before it had answered")

// Refused is what the supervisor says that it could not do.
type Refused string

func (e Refused) Error() string { return string(e) }

// maxAnswer bounds what is read of a worker's answer, in bytes.
const maxAnswer = 64 << 20

// drainSilence is how long the supervisor may say nothing of a drain. It says something
// every second.
const drainSilence = 5 * time.Second

// Drain drains the pod's node, and gives each line that tells how it goes, until it is
// over. since is when the drain was begun; zero: now. It fails with ErrAbsent or
// ErrBroken where the supervisor is not there, goes, or says nothing for too long.
func (c Client) Drain(ctx context.Context, since time.Time, line func(string)) error {
	_, err := c.ask(ctx, Request{Verb: VerbDrain, Since: since}, line)
	return err
}

// Undrain takes a drain back; line is given what came of it.
func (c Client) Undrain(ctx context.Context, line func(string)) error {
	_, err := c.ask(ctx, Request{Verb: VerbUndrain}, line)
	return err
}

// Gate asks what the supervisor knows by itself.
func (c Client) Gate(ctx context.Context) (Gate, error) {
	a, err := c.ask(ctx, Request{Verb: VerbGate}, nil)
	switch {
	case err != nil:
		return Gate{}, err
	case a.last.Gate == nil:
		return Gate{}, ErrBroken
	}
	return *a.last.Gate, nil
}

// Ask asks the worker and gives its answer, which is JSON.
func (c Client) Ask(ctx context.Context, verb, query string) ([]byte, error) {
	a, err := c.ask(ctx, Request{Verb: verb, Query: query}, nil)
	switch {
	case err != nil:
		return nil, err
	case !a.last.Stream:
		return nil, ErrBroken
	case !json.Valid(a.stream):
		return nil, fmt.Errorf("the worker's answer is not whole: %w", ErrBroken)
	}
	return a.stream, nil
}

// answer is the last Reply, and what followed it.
type answer struct {
	last   Reply
	stream []byte
}

func (c Client) ask(ctx context.Context, req Request, line func(string)) (answer, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", filepath.Join(c.Dir, AgentSocket))
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", ErrAbsent, err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := writeLine(conn, req, maxRequest); err != nil {
		return answer{}, broken(ctx, err)
	}
	lines := newLineReader(conn, maxOrder)
	for {
		if req.Verb == VerbDrain {
			conn.SetReadDeadline(time.Now().Add(drainSilence))
			if ctx.Err() != nil { // since this came after what stop does
				return answer{}, ctx.Err()
			}
		}
		text, err := lines.next()
		if err != nil {
			return answer{}, broken(ctx, err)
		}
		var r Reply
		if err := json.Unmarshal(text, &r); err != nil {
			return answer{}, broken(ctx, err)
		}
		if r.Text != "" && line != nil {
			line(r.Text)
		}
		switch {
		case r.Stream:
			body, err := io.ReadAll(io.LimitReader(lines.r, maxAnswer))
			if err != nil {
				return answer{}, broken(ctx, err)
			}
			return answer{r, body}, nil
		case r.Done && r.Error != "":
			return answer{r, nil}, Refused(r.Error)
		case r.Done:
			return answer{r, nil}, nil
		}
	}
}

func broken(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: it says nothing", ErrBroken)
	case errors.Is(err, io.EOF):
		return ErrBroken
	}
	return fmt.Errorf("%w: %w", ErrBroken, err)
}
