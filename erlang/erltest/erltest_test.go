package erltest_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/phialdev/phial/erlang/dist"
	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/erlang/erltest"
	"github.com/phialdev/phial/erlang/etf"
)

// patience is how long a test waits for what has to come.
const patience = time.Minute

var secret = dist.NewCookie("a-cookie-for-tests")

func within(tb testing.TB) context.Context {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), patience)
	tb.Cleanup(cancel)
	return ctx
}

func connect(tb testing.TB, n *erltest.Node) *dist.Conn {
	tb.Helper()
	c, err := dist.Dial(within(tb), n.Name(), dist.Config{Cookie: secret, Port: int(n.Addr().Port())})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { c.Close() })
	return c
}

// A thousand nodes at once, each connected to and asked, cost what they should.
func TestThousand(t *testing.T) {
	const size = 1000
	var before runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	goroutines := runtime.NumGoroutine()

	m := erltest.StartMesh(t, erltest.MeshOptions{Size: size, Cookie: secret})
	idle := runtime.NumGoroutine() - goroutines
	if idle > size+8 {
		t.Errorf("%d idle nodes take %d goroutines", size, idle)
	}

	conns := make([]*dist.Conn, size)
	todo := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range todo {
				n := m.Nodes[i]
				c, err := dist.Dial(within(t), n.Name(), dist.Config{Cookie: secret, EPMDPort: m.EPMD.Port()})
				if err != nil {
					t.Error(err)
					continue
				}
				conns[i] = c
				got, err := c.Call(within(t), "erlang", "nodes")
				if err != nil || got.Len() != size-1 {
					t.Errorf("%s: %d peers, %v", n.Name(), got.Len(), err)
				}
			}
		})
	}
	for i := range size {
		todo <- i
	}
	close(todo)
	wg.Wait()

	// All are connected now: per node one goroutine that accepts and one that
	// answers, and per connection two on our side.
	if n := runtime.NumGoroutine() - goroutines; n > 4*size+16 {
		t.Errorf("%d nodes and connections take %d goroutines", size, n)
	}
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	heap := int(after.HeapInuse-before.HeapInuse) / size
	stack := int(after.StackInuse-before.StackInuse) / size
	t.Logf("a node and a connection to it: %d bytes of heap, %d of stack", heap, stack)
	if heap+stack > 64<<10 {
		t.Errorf("a node and a connection to it take %d bytes", heap+stack)
	}
	for _, c := range conns {
		if c != nil {
			c.Close()
		}
	}
}

func TestMeshLinks(t *testing.T) {
	m := erltest.StartMesh(t, erltest.MeshOptions{Size: 4, Cookie: secret})
	names := m.Names()
	a, b, d := names[0], names[1], names[3]
	conns := map[string]*dist.Conn{}
	for _, n := range m.Nodes {
		conns[n.Name()] = connect(t, n)
	}
	peers := func(of string) string {
		t.Helper()
		got, err := conns[of].Call(within(t), "erlang", "nodes")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for p := range got.Elems() {
			atom, _ := p.Atom()
			out = append(out, fmt.Sprint(slices.Index(names, string(atom))))
		}
		return strings.Join(out, "")
	}
	told := func() string {
		var all []string
		for _, n := range names {
			all = append(all, "none")
			if m.Node(n).Alive() {
				all[len(all)-1] = peers(n)
			}
		}
		return strings.Join(all, " ")
	}
	dial := func(from, to string) string {
		t.Helper()
		got, err := conns[from].ERPC(within(t), "net_kernel", "connect_node", etf.Atom(to))
		if err != nil {
			t.Fatal(err)
		}
		return got.String()
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, "123 023 013 012"},
		{func() { m.Cut(a, b) }, "23 23 013 012"},
		{func() { m.CutOneWay(d, a) }, "23 23 013 12"},
		{func() {
			if got := dial(a, b); got != "false" {
				t.Errorf("dialling over a cut link gives %s", got)
			}
		}, "23 23 013 12"},
		{func() { m.Mend(a, b); m.Mend(a, d) }, "123 023 013 012"},
		{func() { m.Part(a, b) }, "23 23 013 012"},
		{func() {
			if got := dial(a, b); got != "true" {
				t.Errorf("dialling gives %s", got)
			}
		}, "123 023 013 012"},
		{func() { m.Node(d).Close() }, "12 02 01 none"},
	} {
		step.do()
		if got := told(); got != step.want {
			t.Fatalf("the nodes tell of %q, want %q", got, step.want)
		}
	}
	if got := dial(a, d); got != "false" {
		t.Errorf("dialling a node that is gone gives %s", got)
	}
	if got := dial(a, "nobody@nowhere"); got != "false" {
		t.Errorf("dialling a node that never was gives %s", got)
	}
}

// The nodes of one address are found there only, as with an EPMD of its own.
func TestEPMDPerAddress(t *testing.T) {
	e := erltest.StartEPMD(t, "127.0.0.1", "127.78.0.1", "127.78.0.2")
	one := erltest.Start(t, erltest.Options{Name: "app@127.78.0.1", Cookie: secret, EPMD: e})
	two := erltest.Start(t, erltest.Options{Name: "app@127.78.0.2", Cookie: secret, EPMD: e})
	var client epmd.Client
	ports := func(addr string) []uint16 {
		t.Helper()
		got, err := client.Names(within(t), fmt.Sprintf("%s:%d", addr, e.Port()))
		if err != nil {
			t.Fatal(err)
		}
		var out []uint16
		for _, g := range got {
			out = append(out, g.Port)
		}
		slices.Sort(out)
		return out
	}
	all := []uint16{one.Addr().Port(), two.Addr().Port()}
	slices.Sort(all)
	for addr, want := range map[string][]uint16{
		"127.0.0.1": all, "127.78.0.1": {one.Addr().Port()}, "127.78.0.2": {two.Addr().Port()},
	} {
		if d := cmp.Diff(want, ports(addr)); d != "" {
			t.Errorf("%s: %s", addr, d)
		}
	}
	// One address can fail while others do not.
	if err := e.Fail("127.78.0.1", erltest.EPMDRefused); err != nil {
		t.Fatal(err)
	}
	var refused *epmd.Error
	_, err := client.Names(within(t), fmt.Sprintf("127.78.0.1:%d", e.Port()))
	if !errors.As(err, &refused) || refused.Cause != epmd.Refused {
		t.Errorf("an EPMD that refuses: %v", err)
	}
	ports("127.78.0.2")
	if err := e.Fail("127.78.0.1", erltest.EPMDFine); err != nil {
		t.Fatal(err)
	}
	ports("127.78.0.1")
	if err := e.Fail("10.9.8.7", erltest.EPMDMute); err == nil {
		t.Error("an EPMD fails on an address that it is not on")
	}
}

func TestAnswers(t *testing.T) {
	n := erltest.Start(t, erltest.Options{
		Name: "shop@127.0.0.1", Cookie: secret, OTP: "25", Peers: []string{"a@h", "b@h"},
		Env:  map[string]any{"kernel.net_ticktime": 15},
		Args: map[string][][]string{"connect_all": {{"false"}}},
		Answers: map[string]erltest.Answer{
			"erlang:memory/1": func(*erltest.Node, []etf.Term) any { return 7 },
		},
		Handler: func(mod, fun string, _ []etf.Term) (any, bool) {
			return etf.Atom("handled"), mod == "my" && fun == "own"
		},
	})
	c := connect(t, n)
	atom := func(s string) any { return etf.Atom(s) }
	for _, tt := range []struct {
		mod, fun string
		args     []any
		want     string
	}{
		{"my", "own", nil, "handled"},
		{"erlang", "node", nil, "'shop@127.0.0.1'"},
		{"erlang", "nodes", nil, "[a@h,b@h]"},
		{"erlang", "nodes", []any{atom("hidden")}, "['" + c.Local() + "']"},
		{"erlang", "nodes", []any{atom("connected")}, "[a@h,b@h,'" + c.Local() + "']"},
		{"erlang", "system_info", []any{atom("otp_release")}, `"25"`},
		{"erlang", "system_info", []any{atom("version")}, `"13.0"`},
		{"erlang", "memory", []any{atom("total")}, "7"},
		{"application", "get_env", []any{atom("kernel"), atom("net_ticktime")}, "{ok,15}"},
		{"application", "get_env", []any{atom("kernel"), atom("other")}, "undefined"},
		{"application", "get_env", []any{atom("kernel"), atom("other"), 3}, "3"},
		{"init", "get_argument", []any{atom("connect_all")}, `{ok,[["false"]]}`},
		{"init", "get_argument", []any{atom("other")}, "error"},
		{"init", "get_status", nil, "{started,started}"},
		{"erlang", "set_cookie", []any{atom("next")}, "true"},
		{"erlang", "get_cookie", nil, "next"},
	} {
		for name, call := range map[string]func(context.Context, string, string, ...any) (etf.Term, error){"rex": c.Call, "erpc": c.ERPC} {
			got, err := call(within(t), tt.mod, tt.fun, tt.args...)
			if err != nil || got.String() != tt.want {
				t.Errorf("%s %s:%s%v: got %v, %v; want %s", name, tt.mod, tt.fun, tt.args, got, err, tt.want)
			}
		}
	}
	// The new cookie counts for who connects next.
	_, err := dist.Dial(within(t), n.Name(), dist.Config{Cookie: secret, Port: int(n.Addr().Port())})
	var e *dist.Error
	if !errors.As(err, &e) || e.Cause != dist.CauseCookie {
		t.Errorf("the old cookie: %v", err)
	}
}

func TestBadOptions(t *testing.T) {
	taken := erltest.Start(t, erltest.Options{Name: "a@127.0.0.1", Cookie: secret})
	e := erltest.StartEPMD(t)
	erltest.Start(t, erltest.Options{Name: "b@127.0.0.1", Cookie: secret, EPMD: e})
	for what, o := range map[string]erltest.Options{
		"no name":    {},
		"no address": {Name: "a@b", Addr: "nowhere"},
		"port taken": {Name: "a@b", Port: int(taken.Addr().Port())},
		"name taken": {Name: "b@127.0.0.1", EPMD: e},
	} {
		if n, err := erltest.New(o); err == nil {
			n.Close()
			t.Errorf("%s: a node starts", what)
		}
	}
	if _, err := erltest.NewEPMD("nowhere"); err == nil {
		t.Error("an EPMD starts on no address")
	}
}
