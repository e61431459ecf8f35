package probe

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/internal/beamtest"
	"github.com/phialdev/phial/internal/testkit"
)

// drained is a node that is about to be drained.
type drained struct {
	*beamtest.Node
	*Drain
	t    testing.TB
	addr string
}

// elixirPath is where Debian has Elixir itself.
const elixirPath = "/usr/lib/elixir/lib/elixir/ebin"

// newDrained starts a node of that OTP with these directories in its path.
func newDrained(tb testing.TB, otp beamtest.OTP, paths ...string) *drained {
	tb.Helper()
	slot := beamtest.FreeSlot(tb)
	epmd := slot.EPMD(tb, 1)
	opts := epmd.Options("shop", 0, testCookie)
	for _, p := range paths {
		opts.ExtraArgs = append(opts.ExtraArgs, "-pa", p)
	}
	node := otp.StartNode(tb, opts)
	p := &Prober{Cookie: dist.NewCookie(testCookie), EPMDPort: epmd.Port, Ports: []uint16{}}
	s, err := p.Session(tb.Context(), node.Name)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { s.Close() })
	return &drained{Node: node, Drain: s.Drain(), t: tb, addr: slot.Addr(0).String()}
}

// load compiles Erlang modules, which are apart by a line of dashes, into the node. Of
// the preprocessor there is ?MODULE.
func (d *drained) load(modules string) {
	d.t.Helper()
	for text := range strings.SplitSeq(modules, "\n----\n") {
		_, name, _ := strings.Cut(text, "-module(")
		name, _, _ = strings.Cut(name, ")")
		text = strings.ReplaceAll(text, "?MODULE", name)
		d.Eval(d.t, fmt.Sprintf(`
			Split = fun S([], [], Fs) -> lists:reverse(Fs);
				S([{dot, _} = D | Ts], F, Fs) -> {ok, Form} = erl_parse:parse_form(lists:reverse([D | F])), S(Ts, [], [Form | Fs]);
				S([T | Ts], F, Fs) -> S(Ts, [T | F], Fs) end,
			{ok, Tokens, _} = erl_scan:string(%q),
			{ok, M, Bin} = compile:forms(Split(Tokens, [], []), []),
			{module, M} = code:load_binary(M, "none", Bin)`, text))
	}
}

// survey fails the test where something can't be looked at.
func (d *drained) survey() Inventory {
	d.t.Helper()
	in, err := d.Survey(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return in
}

// wait polls the requests in flight until it is want.
func (d *drained) wait(servers []Server, want Traffic) {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), 20*time.Second)
	defer cancel()
	err := testkit.Poll(ctx, func() (bool, error) {
		got, err := d.InFlight(ctx, servers, false)
		return got == want, fmt.Errorf("in flight %+v (%w), want %+v", got, err, want)
	})
	if ctx.Err() != nil {
		d.t.Fatal(err)
	}
}

// client is one HTTP/1.1 connection.
type client struct {
	net.Conn
	r *bufio.Reader
	t testing.TB
}

func dialHTTP(tb testing.TB, addr string) *client {
	tb.Helper()
	c, err := new(net.Dialer).DialContext(tb.Context(), "tcp", addr)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &client{c, bufio.NewReader(c), tb}
}

func (c *client) ask(path string) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: shop\r\n\r\n", path); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one, and gives its status and whether it says that the connection closes.
func (c *client) answer() (status int, closes bool) {
	c.t.Helper()
	resp, err := http.ReadResponse(c.r, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	buf := make([]byte, 4096)
	for err == nil {
		_, err = resp.Body.Read(buf)
	}
	return resp.StatusCode, resp.Close
}

// closed waits for the end of the connection.
func (c *client) closed() {
	c.t.Helper()
	if b, err := c.r.ReadByte(); err == nil {
		c.t.Errorf("%q came on a connection that was to be closed", b)
	}
}
