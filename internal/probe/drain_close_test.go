package probe

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/phialdev/phial/internal/beamtest"
)

const dialWS = "GET /ws HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

// Idle connections, one of them without a request yet, close with their next answer; a
// WebSocket lives on; and clients that send one request after the other lose none.
func TestCowboyClose(t *testing.T) {
	t.Parallel()
	for _, otp := range beamtest.OTPs(t) {
		t.Run(otp.String(), func(t *testing.T) {
			t.Parallel()
			d, addr := withCowboy(t, otp)
			s := d.survey().Servers[0]
			used, fresh, half, ws := dialHTTP(t, addr), dialHTTP(t, addr), dialHTTP(t, addr), dialHTTP(t, addr)
			for range 3 {
				used.ask("/0")
				if _, closes := used.answer(); closes {
					t.Error("an answer before says that the connection closes")
				}
			}
			fmt.Fprint(half, "GET /0 HTTP/1.1\r\nHo")
			fmt.Fprint(ws, dialWS)
			ws.answer()
			d.wait([]Server{s}, Traffic{Connections: 4})

			told, err := d.cowboyClose(t.Context(), s)
			if told != 3 || err != nil {
				t.Errorf("told %d: %v", told, err)
			}
			d.wait([]Server{s}, Traffic{Connections: 4}) // ours is gone
			fmt.Fprint(half, "st: shop\r\n\r\n")
			used.ask("/0")
			fresh.ask("/0")
			for what, c := range map[string]*client{"used": used, "fresh": fresh, "half": half} {
				if status, closes := c.answer(); status != 200 || !closes {
					t.Errorf("the next answer of a %s connection: %d, closes %t", what, status, closes)
				}
				c.closed()
			}
			ws.ping()
			if err := d.KeepAlive(t.Context(), s, true); err != nil {
				t.Error(err)
			}
			d.newOnes(s, addr)
			d.steady(s, addr)
		})
	}
}

// ping sends a WebSocket's ping and reads the pong.
func (c *client) ping() {
	c.t.Helper()
	c.Write([]byte{0x89, 0x80, 1, 2, 3, 4})
	var pong [2]byte
	for i := range pong {
		pong[i], _ = c.r.ReadByte()
	}
	if pong != [2]byte{0x8a, 0} {
		c.t.Errorf("the WebSocket answered %x", pong)
	}
}

// steady has clients send one request after the other before, while and after the server
// is told, as a drain does, and connect anew only when an answer says so.
func (d *drained) steady(s Server, addr string) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(d.t.Context())
	var all sync.WaitGroup
	var sent, closed atomic.Int64
	for i := range 8 {
		all.Go(func() {
			var c net.Conn
			var r *bufio.Reader
			for n := 0; ctx.Err() == nil; n++ {
				closes, err := func() (bool, error) {
					var err error
					if c == nil {
						if c, err = new(net.Dialer).Dial("tcp", addr); err != nil {
							return false, err
						}
						r = bufio.NewReader(c)
					}
					fmt.Fprintf(c, "GET /%d HTTP/1.1\r\nHost: shop\r\n\r\n", i/2)
					resp, err := http.ReadResponse(r, nil)
					if err != nil {
						return false, err
					}
					defer resp.Body.Close()
					_, err = io.Copy(io.Discard, resp.Body)
					return resp.Close, err
				}()
				if err != nil {
					d.t.Errorf("request %d of client %d: %v", n, i, err)
					return
				}
				sent.Add(1)
				if closes {
					closed.Add(1)
					c.Close()
					c = nil
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	before := sent.Load()
	told, err := d.cowboyClose(ctx, s)
	if err != nil || told < 8 || closed.Load() < 8 {
		d.t.Errorf("told %d of 8 steady clients, %d closed: %v", told, closed.Load(), err)
	}
	for range 5 {
		if _, err := d.InFlight(ctx, []Server{s}, true); err != nil {
			d.t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	cancel()
	all.Wait()
	d.t.Logf("%d requests before, %d in all, %d connections closed", before, sent.Load(), closed.Load())
}

// Where a try on our own connection does not go as it should, only new ones are told.
func TestCowboyCloseFallsBack(t *testing.T) {
	t.Parallel()
	otps := beamtest.OTPs(t)
	otp := otps[slices.IndexFunc(otps, beamtest.OTP.HasCowboy)]
	const changed = `[Beam] = filelib:wildcard(code:root_dir() ++ "/lib/cowboy-*/ebin/cowboy_http.beam"),
		{ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(Beam, [abstract_code]),
		{ok, M, Bin} = compile:forms(Change(Forms), []),
		code:purge(M), {module, M} = code:load_binary(M, "none", Bin)`
	for name, breaks := range map[string]string{
		// Another name for what is behind the number of the next request.
		"another state": `Change = fun R(ps_request_line) -> ps_start; R(T) when is_tuple(T) -> list_to_tuple(R(tuple_to_list(T)));
			R([H | T]) -> [R(H) | R(T)]; R(T) -> T end,` + changed,
		// No answer says that it is the last.
		"no effect": `Change = fun(All) -> [case F of
				{function, A, connection, 2, _} -> {function, A, connection, 2, [{clause, A, [{var, A, 'S'}, {var, A, 'H'}], [], [{tuple, A, [{var, A, 'S'}, {var, A, 'H'}]}]}]};
				_ -> F
			end || F <- All] end,` + changed,
		"our connection is not taken": "",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, addr := withCowboy(t, otp)
			s := d.survey().Servers[0]
			if breaks != "" {
				d.Eval(t, breaks)
			}
			idle := dialHTTP(t, addr)
			idle.ask("/0")
			idle.answer()
			if breaks == "" {
				if err := d.Suspend(t.Context(), s); err != nil {
					t.Fatal(err)
				}
			}
			states := `[sys:get_state(P) || P <- ranch:procs('Elixir.Shop.Endpoint.HTTP', connections)]`
			before := d.Eval(t, states)
			if told, err := d.cowboyClose(t.Context(), s); told != 0 || err != nil {
				t.Errorf("told %d: %v", told, err)
			}
			if after := d.Eval(t, states); after != before {
				t.Errorf("the state of a client's connection was %s and is %s", before, after)
			}
			if got := d.Eval(t, `maps:with([max_keepalive, phial_keep_alive], ranch:get_protocol_options('Elixir.Shop.Endpoint.HTTP'))`); got != "#{max_keepalive => 1,phial_keep_alive => none}" {
				t.Errorf("the options: %s", got)
			}
			if err := d.KeepAlive(t.Context(), s, true); err != nil {
				t.Error(err)
			}
		})
	}
}

// Of a TLS listener our connection has TLS.
func TestCowboyCloseTLS(t *testing.T) {
	t.Parallel()
	d, addr := withCowboy(t, beamtest.OTPs(t)[2])
	host, _, _ := net.SplitHostPort(addr)
	d.Eval(t, `{ok, _} = application:ensure_all_started(ssl),
		{ok, Addr} = inet:parse_address("`+host+`"),
		Key = [{key, {namedCurve, secp256r1}}, {digest, sha256}],
		Chain = #{root => Key, intermediates => [], peer => Key},
		#{server_config := Conf} = public_key:pkix_test_data(#{server_chain => Chain, client_chain => Chain}),
		{ok, _} = cowboy:start_tls(tls, [{port, 4001}, {ip, Addr} | proplists:delete(cacerts, Conf)],
			#{env => #{dispatch => cowboy_router:compile([{'_', [{'_', slow, []}]}])}, request_timeout => 60000})`)
	servers := d.survey().Servers
	s := servers[slices.IndexFunc(servers, func(s Server) bool { return s.Name == "tls" })]
	idle := dialHTTP(t, net.JoinHostPort(host, "4001"))
	idle.Conn = tls.Client(idle.Conn, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // the certificate is of this minute
	idle.r = bufio.NewReader(idle.Conn)
	idle.ask("/0")
	idle.answer()
	if told, err := d.cowboyClose(t.Context(), s); told != 1 || err != nil {
		t.Errorf("told %d: %v", told, err)
	}
	idle.ask("/0")
	if status, closes := idle.answer(); status != 200 || !closes {
		t.Errorf("the next answer: %d, closes %t", status, closes)
	}
}
