package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// prefix is what stands before the method in the path.
const prefix = "/v1/"

// failure is the answer that says what went wrong.
type failure struct {
	Error string `json:"error"`
}

// serve answers one request of a connection that has shown the key.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	in, _ := r.Context().Value(inboundKey{}).(*inbound)
	method, ok := strings.CutPrefix(r.URL.Path, prefix)
	switch {
	case in == nil:
		panic(http.ErrAbortHandler) // came by no way of ours
	case s.keys.find(shown(r.TLS)) == nil:
		s.tally.note(whyDropped, in.addr)
		w.Header().Set("Connection", "close")
		reply(w, http.StatusUnauthorized, fail("this connection was made with a key that counts no more"))
	case !s.gate.request(in):
		s.tally.note(whyRequests, in.addr)
		reply(w, http.StatusTooManyRequests, fail("too many requests"))
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		reply(w, http.StatusMethodNotAllowed, fail("only POST is answered"))
	case !ok || s.methods[method] == nil:
		reply(w, http.StatusNotFound, fail("this agent, of another version perhaps, does not know %q", clip(method, 64)))
	default:
		s.call(w, r, in.addr, method)
	}
}

// call reads the body, has the method answer, and writes what it says.
func (s *Server) call(w http.ResponseWriter, r *http.Request, from netip.Addr, method string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		reply(w, http.StatusRequestEntityTooLarge, fail("the request holds more than %d KiB", maxRequest>>10))
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler) // who did not send it all in time waits for no answer
	}
	// The deadline was for the body; behind it, reading sees whether the caller is still there.
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(r.Context(), callTime)
	defer cancel()
	status, answer := s.answer(ctx, from, method, body)
	reply(w, status, answer)
}

// answer is the way of a body through its method: whatever it holds, what comes back
// is a status and a JSON value.
func (s *Server) answer(ctx context.Context, from netip.Addr, method string, body []byte) (status int, answer []byte) {
	if len(body) == 0 {
		body = []byte("null")
	}
	if !json.Valid(body) {
		return http.StatusBadRequest, fail("the request holds no JSON")
	}
	defer func() {
		if v := recover(); v != nil {
			s.panicked(method, v)
			status, answer = http.StatusInternalServerError, fail("%s failed, see this agent's log", method)
		}
	}()
	out, err := s.methods[method](ctx, from, body)
	if err != nil {
		return http.StatusUnprocessableEntity, fail("%s", err.Error())
	}
	b, err := json.Marshal(out)
	switch {
	case err != nil:
		return http.StatusInternalServerError, fail("the answer can't be written: %v", err)
	case len(b) > maxAnswer:
		return http.StatusInternalServerError, fail("the answer holds more than %d KiB", maxAnswer>>10)
	}
	return http.StatusOK, b
}

// panicked logs a handler's panic, one at most each ten seconds.
func (s *Server) panicked(method string, v any) {
	s.mu.Lock()
	logs := s.panics.take(time.Now(), rate{1 / tallyEvery.Seconds(), 1})
	s.mu.Unlock()
	if logs {
		s.log.Error("a handler of the agents' port panicked", "method", method,
			"panic", clip(fmt.Sprint(v), maxText), "stack", clipLines(debug.Stack()))
	}
}

func reply(w http.ResponseWriter, status int, b []byte) {
	h := w.Header()
	h["Date"] = nil // nobody reads it
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(b))}
	w.WriteHeader(status)
	_, _ = w.Write(b) // who does not read it is not told either
}

func fail(format string, args ...any) []byte {
	b, _ := json.Marshal(failure{Error: clip(fmt.Sprintf(format, args...), maxText)}) // a string always can
	return b
}

// clip makes one bounded line of a text from elsewhere.
func clip(s string, size int) string {
	if len(s) > size {
		s = s[:size] + "..."
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// clipLines bounds a stack, which is of several lines.
func clipLines(b []byte) string {
	return strings.ToValidUTF8(string(b[:min(len(b), 2*maxText)]), "?")
}
