package dist_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
)

func TestErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  dist.Error
		want string
	}{
		{
			dist.Error{Stage: dist.StageEPMD, Cause: dist.CauseNotRegistered, Node: "a@h", Addr: "h:4369", Err: errors.New("detail")},
			"a@h (h:4369): epmd: the name is not registered with EPMD",
		},
		{
			dist.Error{Stage: dist.StageChallenge, Cause: dist.CauseNameMismatch, Node: "a@h", Addr: "h:1", Peer: "b@h"},
			"a@h (h:1): challenge: the node has another name: it calls itself b@h",
		},
		{
			dist.Error{Stage: dist.StageAck, Cause: dist.CauseCookie, Node: "a@h", Err: io.EOF},
			"a@h: ack: the node has another cookie: it hangs up",
		},
		{
			dist.Error{Stage: dist.StageResolve, Cause: dist.CauseDNSFailed, Node: "a@h", Err: errors.New("SERVFAIL")},
			"a@h: resolve: DNS lookup failed: SERVFAIL",
		},
	} {
		if got := tt.err.Error(); got != tt.want {
			t.Errorf("got  %s\nwant %s", got, tt.want)
		}
		if !errors.Is(&tt.err, tt.err.Err) && tt.err.Err != nil {
			t.Errorf("%v does not wrap %v", &tt.err, tt.err.Err)
		}
	}
}

// Every stage and cause has words of its own, and so has what is none.
func TestWords(t *testing.T) {
	seen := map[string]bool{}
	for c := dist.CauseOther; c <= dist.CauseProtocol; c++ {
		if c.String() == "" || c.Text() == "" || seen[c.String()] || strings.ContainsAny(c.String(), " -") {
			t.Errorf("cause %d is %q, %q", c, c.String(), c.Text())
		}
		seen[c.String()] = true
	}
	for s := dist.StageName; s <= dist.StageCall; s++ {
		if s.String() == "" || seen["stage "+s.String()] {
			t.Errorf("stage %d is %q", s, s.String())
		}
		seen["stage "+s.String()] = true
	}
	if dist.Cause(200).String() != "cause_200" || dist.Cause(200).Text() != "cause_200" || dist.Stage(200).String() != "stage 200" {
		t.Error("what is no cause or stage has no words")
	}
}
