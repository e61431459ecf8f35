package erltest_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/internal/beamtest"
)

// app starts a real node, and an EPMD where both it and fake nodes register.
func app(tb testing.TB, o beamtest.OTP, ca *beamtest.TLS) (*beamtest.Node, *erltest.EPMD) {
	tb.Helper()
	e := erltest.StartEPMD(tb)
	return o.StartNode(tb, beamtest.NodeOptions{
		Name: "app@nodes.test", Cookie: beamtest.Cookie(secret.Reveal()), EPMDPort: e.Port(), TLS: ca,
		Inetrc: `{lookup,[file]}. {hosts_file,""}. {host,{127,0,0,1},["nodes.test"]}.`,
	}), e
}

func loopback(context.Context, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
}

// To a real node a fake one is a node. The host part is a name, because OTP 25
// does not find an address in a certificate.
func TestBEAMTakesItForANode(t *testing.T) {
	ca := beamtest.NewTLS(t)
	for _, tls := range []bool{false, true} {
		t.Run(fmt.Sprintf("tls %v", tls), func(t *testing.T) {
			o := erltest.Options{
				Name: "fake@nodes.test", Cookie: secret, Peers: []string{"x@y"}, FragmentSize: 100,
				Answers: map[string]erltest.Answer{
					"my:long/0":  func(*erltest.Node, []etf.Term) any { return strings.Repeat("x", 100_000) },
					"my:raise/1": func(_ *erltest.Node, a []etf.Term) any { return erltest.Raise{Class: a[0].String(), Reason: 42} },
				},
			}
			var authority *beamtest.TLS
			if tls {
				authority, o.TLS = ca, ca.Config(t, "nodes.test")
			}
			for _, otp := range beamtest.OTPs(t) {
				t.Run(otp.String(), func(t *testing.T) {
					t.Parallel()
					n, e := app(t, otp, authority)
					o := o
					o.EPMD = e
					fake := erltest.Start(t, o)
					for _, tt := range []struct{ expr, want string }{
						{"net_kernel:hidden_connect_node('fake@nodes.test')", "true"},
						{"nodes(hidden)", "['fake@nodes.test']"},
						{"rpc:call('fake@nodes.test', erlang, nodes, [])", "[x@y]"},
						{"erpc:call('fake@nodes.test', erlang, nodes, [])", "[x@y]"},
						{"byte_size(rpc:call('fake@nodes.test', my, long, []))", "100000"},
						{"byte_size(erpc:call('fake@nodes.test', my, long, []))", "100000"},
						{"element(1, rpc:call('fake@nodes.test', no, such, []))", "badrpc"},
						{"catch erpc:call('fake@nodes.test', my, raise, [throw])", "42"},
						{"element(2, catch erpc:call('fake@nodes.test', my, raise, [exit]))", "{exception,42}"},
						{"element(1, element(2, catch erpc:call('fake@nodes.test', my, raise, [error])))", "{exception,42,[{my,raise,[error],[]}]}"},
					} {
						if got := n.Eval(t, tt.expr); got != tt.want {
							t.Errorf("%s = %s, want %s", tt.expr, got, tt.want)
						}
					}
					if got := fake.Seen(); len(got) != 1 || got[0] != n.Name {
						t.Errorf("the fake node saw %q", got)
					}
					fake.Disconnect()
					n.Eventually(t, "nodes(connected)", "[]")
					for what, f := range map[string]erltest.Faults{
						"wrong cookie": {WrongCookie: true}, "wrong ack": {WrongAck: true}, "not allowed": {NotAllowed: true},
						"other name": {OtherName: "other@nodes.test"}, "old flags": {OldFlags: true}, "garbage": {Garbage: "HTTP"},
						"hang up": {HangUp: true}, "drop": {DropAfterStatus: true}, "unregistered": {NotRegistered: true},
						"refused": {Refused: true},
					} {
						if err := fake.Fail(f); err != nil {
							t.Fatal(err)
						}
						if got := n.Eval(t, "net_kernel:hidden_connect_node('fake@nodes.test')"); got != "false" {
							t.Errorf("%s: connecting gives %s", what, got)
						}
					}
					if err := fake.Fail(erltest.Faults{}); err != nil {
						t.Fatal(err)
					}
					if got := n.Eval(t, "net_kernel:hidden_connect_node('fake@nodes.test')"); got != "true" {
						t.Errorf("mended: connecting gives %s", got)
					}
				})
			}
		})
	}
}

// What a fake node says about itself has the form that it has with a real one.
func TestAnswersLikeABEAM(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			n, e := app(t, o, nil)
			fake := erltest.Start(t, erltest.Options{Name: "fake@nodes.test", Cookie: secret, EPMD: e, OTP: n.OTP.Release})
			var conns []*dist.Conn
			for _, node := range []string{n.Name, fake.Name()} {
				c, err := dist.Dial(within(t), node, dist.Config{Cookie: secret, EPMDPort: e.Port(), Resolve: loopback})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { c.Close() })
				conns = append(conns, c)
			}
			for _, call := range []string{
				"erlang:node", "erlang:nodes", "erlang:nodes hidden", "erlang:nodes connected", "erlang:nodes visible",
				"erlang:system_info otp_release", "erlang:system_info version", "erlang:system_info process_count",
				"erlang:system_info schedulers_online", "erlang:system_info creation", "erlang:system_info no_such_thing",
				"erlang:statistics wall_clock", "erlang:statistics run_queue", "erlang:statistics total_run_queue_lengths",
				"erlang:memory", "erlang:memory total", "erlang:get_cookie", "init:get_status",
				"init:get_argument no_such_flag", "application:which_applications", "application:get_env kernel no_such_key",
				"net_kernel:get_state", "net_kernel:get_net_ticktime", "net_kernel:longnames", "net_kernel:connect_node no@body",
				"net_adm:ping no@body", "no:such",
			} {
				words := strings.Fields(call)
				mod, fun, _ := strings.Cut(words[0], ":")
				var args []any
				for _, w := range words[1:] {
					args = append(args, etf.Atom(w))
				}
				var forms [2]string
				for i, c := range conns {
					got, err := c.ERPC(within(t), mod, fun, args...)
					forms[i] = form(got, 0)
					if err != nil {
						forms[i] = err.Error()[strings.Index(err.Error(), "call:"):]
					}
				}
				if forms[0] != forms[1] {
					t.Errorf("%s:\nreal %s\nfake %s", call, forms[0], forms[1])
				}
			}
		})
	}
}

// form describes a term without its particular values: of a list its first
// element, of a map those keys that a fake node has, too.
func form(t etf.Term, depth int) string {
	switch t.Kind() {
	case etf.KindTuple:
		var parts []string
		for e := range t.Elems() {
			parts = append(parts, form(e, depth+1))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case etf.KindList:
		if s, ok := t.Text(); ok && s != "" {
			return "text"
		}
		if t.Len() == 0 {
			return "[]"
		}
		return "[" + form(t.At(0), depth+1) + "]"
	case etf.KindMap:
		var parts []string
		for _, key := range []etf.Atom{"started", "name_type", "name", "name_domain"} {
			if v, ok := t.Get(key); ok {
				parts = append(parts, string(key)+"="+form(v, depth+1))
			}
		}
		return "#{" + strings.Join(parts, ",") + "}"
	}
	return t.Kind().String()
}
