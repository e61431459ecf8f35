package supervisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Verbs that the supervisor answers itself. Any other is a path that the worker is asked
// for.
const (
	VerbDrain   = "drain"   // drains, and tells how it goes until it is over
	VerbUndrain = "undrain" // takes a drain back
	VerbGate    = "gate"    // gives a Gate
)

// A Request is the one line that a client sends.
type Request struct {
	Verb  string    `json:"verb"`
	Query string    `json:"query,omitempty"` // for the worker, such as observe=1
	Since time.Time `json:"since,omitzero"`  // of a drain: when whoever asks began it; zero: now
}

// A Reply is a line that a client gets. The last one has Done or Stream.
type Reply struct {
	Text  string          `json:"text,omitempty"`  // for people
	Error string          `json:"error,omitempty"` // what could not be done, for people
	Drain json.RawMessage `json:"drain,omitempty"` // a worker's Word.Drain
	Gate  *Gate           `json:"gate,omitempty"`
	Done  bool            `json:"done,omitempty"`
	// Stream says that the worker's own answer follows, until the connection ends.
	Stream bool `json:"stream,omitempty"`
}

// Gate is what the supervisor knows by itself.
type Gate struct {
	Open       bool    `json:"open"`
	Booted     bool    `json:"booted"`
	Draining   bool    `json:"draining"`
	Reason     string  `json:"reason"`               // as the worker said it last
	AgeSeconds float64 `json:"ageSeconds,omitempty"` // of the decision; 0: none was made yet
	Worker     int     `json:"worker,omitempty"`     // its process ID; 0: there is none now
	Restarts   uint64  `json:"restarts"`             // of the worker
	Size       int64   `json:"size"`                 // of the agent's program, in bytes
}

// Bounds of the verbs' socket.
const (
	maxVerbs    = 16 // clients at a time
	maxRequest  = 4 << 10
	askWithin   = 2 * time.Second  // the request has to come
	tellWithin  = 5 * time.Second  // a client has to take a line
	proxyWithin = 60 * time.Second // the worker has to have answered
)

// serveVerbs answers clients until ctx ends.
func (s *supervisor) serveVerbs(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	slots := make(chan struct{}, maxVerbs)
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		c, err := l.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil: // no file is free, say
			time.Sleep(100 * time.Millisecond)
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			c.Close()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			defer c.Close()
			s.serveVerb(ctx, c)
		})
	}
}

// serveVerb answers one client.
func (s *supervisor) serveVerb(ctx context.Context, c net.Conn) {
	defer func() {
		if r := recover(); r != nil { // this process must not end for a client's sake
			s.log.Error("a verb failed", "panic", fmt.Sprint(r))
		}
	}()
	tell := func(r Reply) error {
		c.SetWriteDeadline(time.Now().Add(tellWithin))
		return writeLine(c, r, maxOrder)
	}
	c.SetReadDeadline(time.Now().Add(askWithin))
	line, err := newLineReader(c, maxRequest).next()
	var req Request
	if err == nil {
		err = json.Unmarshal(line, &req)
	}
	if err != nil {
		tell(Reply{Error: "that is no request", Done: true}) //nolint:errcheck // the client is gone
		return
	}
	here, gone := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { // a client says nothing more; that it goes is all that can be read
		defer gone()
		c.SetReadDeadline(time.Time{})
		io.Copy(io.Discard, c) //nolint:errcheck // see above
	})
	err = s.answer(ctx, here, c, req, tell)
	c.Close()
	wg.Wait()
	if err != nil {
		s.log.Info("a client went before its answer", "verb", clip(req.Verb), "error", err.Error())
	}
}

// answer answers one request. here ends when the client goes, ctx with the supervisor.
func (s *supervisor) answer(ctx, here context.Context, c net.Conn, req Request, tell func(Reply) error) error {
	switch req.Verb {
	case VerbDrain:
		return s.report(here, s.startDrain(ctx, req.Since), tell)
	case VerbUndrain:
		text := "no drain is under way"
		if s.undoDrain() {
			text = "the drain was undone"
		}
		return tell(Reply{Text: text, Done: true})
	case VerbGate:
		return tell(Reply{Gate: s.gate(), Done: true})
	}
	if strings.Trim(req.Verb, "abcdefghijklmnopqrstuvwxyz") != "" || req.Verb == "" || len(req.Verb) > 32 {
		return tell(Reply{Error: "a verb is a word of small letters", Done: true})
	}
	return s.proxy(here, c, req, tell)
}

func (s *supervisor) gate() *Gate {
	v := s.board.view()
	return &Gate{
		Open: v.open, Booted: v.booted, Draining: v.draining, Reason: v.reason, AgeSeconds: v.age.Seconds(),
		Worker: v.worker, Restarts: v.restarts, Size: s.size,
	}
}

// proxy passes a request on to the worker, and its answer back as it comes: it may be
// long, and this process stays small.
func (s *supervisor) proxy(ctx context.Context, c net.Conn, req Request, tell func(Reply) error) error {
	ctx, cancel := context.WithTimeout(ctx, proxyWithin)
	defer cancel()
	refuse := func(format string, a ...any) error { return tell(Reply{Error: fmt.Sprintf(format, a...), Done: true}) }
	if s.board.view().worker == 0 {
		return refuse("the agent's worker does not run now; it is started again within %s", s.time.backOffTo)
	}
	u := url.URL{Scheme: "http", Host: "worker", Path: "/" + req.Verb, RawQuery: req.Query}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return refuse("that is no request: %v", err)
	}
	resp, err := s.client.Do(r)
	if err != nil {
		return refuse("the agent's worker does not answer: %v", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return refuse("the agent's worker knows no %s", req.Verb)
	default:
		said, err := io.ReadAll(io.LimitReader(resp.Body, 400))
		if err != nil {
			return refuse("the agent's worker answers %s", resp.Status)
		}
		return refuse("the agent's worker answers %s: %s", resp.Status, strings.TrimSpace(string(said)))
	}
	if err := tell(Reply{Stream: true}); err != nil {
		return err
	}
	c.SetWriteDeadline(time.Now().Add(proxyWithin))
	_, err = io.Copy(c, resp.Body)
	return err
}
