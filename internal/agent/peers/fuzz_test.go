package peers

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"testing"
)

// FuzzRequest feeds bodies to a method that reads them as agents' methods do: whatever
// they hold, the answer is a JSON value, and nothing panics.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{"", "null", "{}", `{"node":"a@b","peers":["x"],"deep":{"deep":{}}}`, "[1,2", "\xff", `"\ud800"`, "1e999", `{"n":1e400}`} {
		f.Add([]byte(seed))
	}
	type question struct {
		Node  string
		Peers []string
		N     int
		Deep  *question
		Any   any
	}
	s := NewServer(&Keys{}, map[string]Handler{
		"ask": func(_ context.Context, _ netip.Addr, body json.RawMessage) (any, error) {
			var q question
			err := json.Unmarshal(body, &q)
			return q, err
		},
		"echo": echoes["echo"],
	}, nil)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, method := range []string{"ask", "echo"} {
			status, answer := s.answer(t.Context(), netip.Addr{}, method, body)
			var out json.RawMessage
			if !json.Valid(answer) || len(answer) > maxAnswer {
				t.Errorf("%s answers %q", method, answer)
			}
			if status == http.StatusInternalServerError && len(body) < maxRequest {
				t.Errorf("%s: %d %s", method, status, answer)
			}
			err := decode(status, answer, &out)
			if (status == http.StatusOK) != (err == nil) {
				t.Errorf("%s: %d %q: %v", method, status, answer, err)
			}
		}
	})
}

// FuzzGreeting feeds first messages' texts: none but those of the key pass.
func FuzzGreeting(f *testing.F) {
	key, err := NewKey([]byte(testSecret))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("h2")
	f.Add(greetingMark)
	f.Add(testKey(f, 1).identity().greet())
	f.Fuzz(func(t *testing.T, text string) {
		if key.identity().greeted(text) {
			t.Errorf("%q passes", text)
		}
	})
}
