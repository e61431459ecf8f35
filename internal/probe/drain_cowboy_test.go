package probe

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/testkit"
)

// slowHandler answers when it is told to: after /N milliseconds; /ws is a WebSocket;
// /chunks has sent its headers before it waits for a second.
const slowHandler = `-module(slow).
-export([init/2, websocket_handle/2, websocket_info/2]).
init(Req, State) ->
	case cowboy_req:path(Req) of
		<<"/ws">> -> {cowboy_websocket, Req, State};
		<<"/chunks">> ->
			Req2 = cowboy_req:stream_reply(200, Req),
			ok = cowboy_req:stream_body(<<"a">>, nofin, Req2),
			timer:sleep(1000),
			ok = cowboy_req:stream_body(<<"b">>, fin, Req2),
			{ok, Req2, State};
		<<"/", Ms/binary>> ->
			timer:sleep(binary_to_integer(Ms)),
			{ok, cowboy_req:reply(200, #{}, <<"done">>, Req), State}
	end.
websocket_handle(_, S) -> {ok, S}.
websocket_info(_, S) -> {ok, S}.
`

// withCowboy starts a listener of the real cowboy, and gives its address.
func withCowboy(tb testing.TB, otp beamtest.OTP) (*drained, string) {
	tb.Helper()
	d := newDrained(tb, otp, otp.Cowboy(tb))
	d.load(slowHandler)
	d.Eval(tb, `{ok, _} = application:ensure_all_started(cowboy),
		{ok, Addr} = inet:parse_address("`+d.addr+`"),
		{ok, _} = cowboy:start_clear('Elixir.Shop.Endpoint.HTTP', #{max_connections => infinity, socket_opts => [{port, 4000}, {ip, Addr}]},
			#{env => #{dispatch => cowboy_router:compile([{'_', [{'_', slow, []}]}])}, request_timeout => 60000})`)
	return d, net.JoinHostPort(d.addr, "4000")
}

func TestCowboyInFlight(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			d, addr := withCowboy(t, otp)
			in := d.survey()
			if len(in.Servers) != 1 || in.Servers[0].Kind != ServerCowboy || in.Servers[0].Name != "Shop.Endpoint.HTTP" || !in.Servers[0].tellsBusy() {
				t.Fatalf("servers %v", in.Servers)
			}
			d.wait(in.Servers, Traffic{})

			idle := dialHTTP(t, addr)
			idle.ask("/0")
			idle.answer()
			ws := dialHTTP(t, addr)
			fmt.Fprint(ws, "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"+
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
			if status, _ := ws.answer(); status != 101 {
				t.Fatalf("the WebSocket's answer: %d", status)
			}
			d.wait(in.Servers, Traffic{Connections: 2})

			slow, chunked := dialHTTP(t, addr), dialHTTP(t, addr)
			slow.ask("/1000")
			chunked.ask("/chunks")
			d.wait(in.Servers, Traffic{Requests: 2, Connections: 4})
			if got, err := d.InFlight(t.Context(), in.Servers, true); err != nil || got != (Traffic{Requests: 2, Connections: 4, Told: 2}) {
				t.Errorf("told: %+v, %v", got, err)
			}
			if status, closes := slow.answer(); status != 200 || !closes {
				t.Errorf("the busy one's answer: %d, closes %t", status, closes)
			}
			slow.closed()
			if status, _ := chunked.answer(); status != 200 {
				t.Errorf("the answer that had begun: %d", status)
			}
			chunked.closed()
			d.wait(in.Servers, Traffic{Connections: 2})
			idle.ask("/0") // was not touched
			if status, closes := idle.answer(); status != 200 || closes {
				t.Errorf("the idle one's answer: %d, closes %t", status, closes)
			}
			d.newOnes(in.Servers[0], addr)
			d.suspends(in.Servers[0], addr)
		})
	}
}

// newOnes: a new connection is closed with its first answer, and not when it is undone.
func (d *drained) newOnes(s Server, addr string) {
	d.t.Helper()
	options := `ranch:get_protocol_options('Elixir.Shop.Endpoint.HTTP')`
	before := d.Eval(d.t, options)
	for _, on := range []bool{false, true, true} {
		if err := d.KeepAlive(d.t.Context(), s, on); err != nil {
			d.t.Error(err)
		}
		c := dialHTTP(d.t, addr)
		c.ask("/0")
		if status, closes := c.answer(); status != 200 || closes == on {
			d.t.Errorf("told %t, a new connection's first answer: %d, closes %t", on, status, closes)
		}
	}
	if after := d.Eval(d.t, options); after != before {
		d.t.Errorf("options before %s, after the undo %s", before, after)
	}
}

// suspends: new connections are refused, and not when it is undone.
func (d *drained) suspends(s Server, addr string) {
	d.t.Helper()
	if err := d.Suspend(d.t.Context(), s); err != nil {
		d.t.Error(err)
	}
	if c, err := new(net.Dialer).DialContext(d.t.Context(), "tcp", addr); err == nil {
		c.Close()
		d.t.Errorf("%s accepts although it is suspended", s)
	}
	if err := d.Resume(d.t.Context(), s); err != nil {
		d.t.Error(err)
	}
	dialHTTP(d.t, addr)
}

// A connection that does not take its answer is mute, and holds up nobody.
func TestCowboyMute(t *testing.T) {
	t.Parallel()
	d, addr := withCowboy(t, beamtest.OTPs(t)[0])
	in := d.survey()
	for range 3 {
		c := dialHTTP(t, addr)
		c.ask("/0")
		c.answer()
	}
	d.Eval(t, `[P | _] = ranch:procs('Elixir.Shop.Endpoint.HTTP', connections), erlang:suspend_process(P)`)
	d.wait(in.Servers, Traffic{Requests: 1, Connections: 3, Mute: 1})
}

// Requests on one connection of HTTP/2 are counted each, and the connection is left
// alone: told to go, cowboy would cut them off after four seconds.
func TestCowboyHTTP2(t *testing.T) {
	t.Parallel()
	d, addr := withCowboy(t, beamtest.OTPs(t)[2])
	in := d.survey()
	var h2 http.Transport
	h2.Protocols = new(http.Protocols)
	h2.Protocols.SetUnencryptedHTTP2(true)
	done := make(chan error)
	for range 2 {
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/1000", nil)
			if err == nil {
				var resp *http.Response
				if resp, err = h2.RoundTrip(req); err == nil {
					resp.Body.Close()
				}
			}
			done <- err
		}()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := testkit.Poll(ctx, func() (bool, error) {
		got, err := d.InFlight(ctx, in.Servers, true)
		return got.Requests == 2 || got.Told > 0, fmt.Errorf("in flight %+v: %w", got, err)
	}); ctx.Err() != nil {
		t.Error(err)
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
