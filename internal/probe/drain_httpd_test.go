package probe

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/phialdev/phial/internal/beamtest"
)

// slowHTTPD is a module of httpd that answers /N after N milliseconds.
const slowHTTPD = `-module(slowd).
-export([do/1]).
do(Mod) ->
	"/" ++ Ms = element(9, Mod),
	timer:sleep(list_to_integer(Ms)),
	{proceed, [{response, {response, [{code, 200}, {content_length, "4"}], "done"}}]}.
`

// httpd starts one with a further option, and gives its address.
func (d *drained) httpd(port int, option string) string {
	d.t.Helper()
	d.load(slowHTTPD)
	d.Eval(d.t, fmt.Sprintf(`{ok, _} = application:ensure_all_started(inets), {ok, Addr} = inet:parse_address("%s"),
		{ok, _} = inets:start(httpd, [{port, %d}, {bind_address, Addr}, {server_name, "shop"}, {server_root, "/tmp"},
			{document_root, "/tmp"}, {modules, [slowd]}] ++ [%s])`, d.addr, port, option))
	return net.JoinHostPort(d.addr, strconv.Itoa(port))
}

// Two httpds: one is told that connections close, and the other keeps them.
func TestHTTPD(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			d := newDrained(t, otp)
			other400, addr := d.httpd(400, ""), d.httpd(4000, "{keep_alive, true}")
			in := d.survey()
			if len(in.Servers) != 2 || in.Servers[0].Kind != ServerHTTPD {
				t.Fatalf("servers %v", in.Servers)
			}
			s, other := in.Servers[0], in.Servers[1]
			if !strings.HasSuffix(s.Name, "__4000") {
				s, other = other, s
			}
			idle, slow := dialHTTP(t, addr), dialHTTP(t, addr)
			idle.ask("/0")
			idle.answer()
			d.wait(in.Servers, Traffic{Connections: 2})
			slow.ask("/700")
			d.wait(in.Servers, Traffic{Requests: 1, Connections: 2})
			if err := d.KeepAlive(t.Context(), s, false); err != nil {
				t.Fatal(err)
			}
			idle.ask("/0")
			if status, closes := idle.answer(); status != 200 || !closes {
				t.Errorf("the idle connection's next answer: %d, closes %t", status, closes)
			}
			idle.closed()
			if status, closes := slow.answer(); status != 200 || closes {
				t.Errorf("the answer under way: %d, closes %t, want it as it was", status, closes)
			}
			keeps := dialHTTP(t, other400)
			keeps.ask("/0")
			if status, closes := keeps.answer(); status != 200 || closes {
				t.Errorf("the other server's answer: %d, closes %t", status, closes)
			}
			if err := d.KeepAlive(t.Context(), s, true); err != nil {
				t.Fatal(err)
			}
			slow.ask("/0") // it was kept, and is so again
			if status, closes := slow.answer(); status != 200 || closes {
				t.Errorf("after the undo: %d, closes %t", status, closes)
			}
			if err := d.Suspend(t.Context(), other); !errors.Is(err, ErrNoWay) {
				t.Errorf("suspending httpd: %v", err)
			}
		})
	}
}

// A node with none of it: nothing is found, and nothing is loaded or started by looking.
func TestSurveyOfABareNode(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			d := newDrained(t, otp)
			before := d.Eval(t, `{length(application:loaded_applications()), length(registered())}`)
			if in := d.survey(); len(in.Servers)+len(in.Jobs)+len(in.Pipelines)+len(in.Drainers)+len(in.Trackers) > 0 {
				t.Errorf("found %+v", in)
			}
			if after := d.Eval(t, `{length(application:loaded_applications()), length(registered())}`); after != before {
				t.Errorf("applications and names before %s, after %s", before, after)
			}
			if text, err := d.Hook(t.Context(), ":erlang", "node"); err != nil || !strings.Contains(text, "shop@") {
				t.Errorf("hook: %q, %v", text, err)
			}
			for _, module := range []string{"Shop.Drainer", "erlang"} {
				if _, err := d.Hook(t.Context(), module, "no_such_function"); !errors.Is(err, ErrAbsent) {
					t.Errorf("a hook that is not there: %v", err)
				}
			}
		})
	}
}
