package beamtest_test

import (
	"fmt"
	"net/http"
	"syscall"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// The real cowboy runs on every generation of OTP.
func TestCowboyEverywhere(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			e := beamtest.FreeSlot(t).EPMD(t, 1)
			opts := e.Options("web", 0, cookie)
			opts.ExtraArgs = []string{"-pa", o.Cowboy(t)}
			n := o.StartNode(t, opts)
			if got := n.Eval(t, `{ok, _} = application:ensure_all_started(cowboy), {ok, P} = cowboy:start_clear(web, [{port, 0}], #{}), is_pid(P)`); got != "true" {
				t.Error(got)
			}
		})
	}
}

// Tally serves the same on cowboy, and stops in the same way.
func TestTallyOnCowboy(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		if !o.HasCowboy() {
			continue
		}
		opts := beamtest.FreeSlot(t).EPMD(t, 1).Options("tally", 0, cookie)
		opts.Release = o.BuildOnCowboy(t, tally)
		opts.Env = []string{"POD_IP=" + opts.Addr.String(), "PORT=4000"}
		r := replica{o.StartNode(t, opts), fmt.Sprintf("http://%s:4000", opts.Addr)}
		if got := r.Eval(t, `map_size(ranch:info())`); got != "1" {
			t.Errorf("%s listeners of ranch", got)
		}
		for _, want := range []struct {
			method, path string
			status       int
		}{
			{"POST", "/tally/ada", 200}, {"GET", "/tally/ada", 200}, {"GET", "/", 200}, {"GET", "/health/live", 200},
			{"GET", "/health/ready", 200}, {"GET", "/slow?ms=1", 200}, {"GET", "/slow?ms=often", 400}, {"POST", "/tally/%FF", 400},
			{"GET", "/nothing", 404}, {"DELETE", "/tally/x", 405},
		} {
			if a, status := r.call(t, http.DefaultClient, want.method, want.path); status != want.status || want.path == "/tally/ada" && a.Count != 1 {
				t.Errorf("%s %s: %d %+v, want %d", want.method, want.path, status, a, want.status)
			}
		}
		slow := make(chan int)
		go func() {
			_, status := r.call(t, http.DefaultClient, "GET", "/slow?ms=1000")
			slow <- status
		}()
		r.Eventually(t, "'Elixir.Tally.Web.Requests':count()", "1")
		r.Kill(syscall.SIGTERM)
		if status := <-slow; status != 200 {
			t.Errorf("the request in flight: %d", status)
		}
		<-r.Done()
	}
}
