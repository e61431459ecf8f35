package beamtest_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/beamtest"
)

func connect(t *testing.T, n, to *beamtest.Node, want string) {
	t.Helper()
	if got := n.Eval(t, fmt.Sprintf("net_kernel:connect_node('%s')", to.Name)); got != want {
		t.Errorf("%s connects to %s: %s, want %s", n.Name, to.Name, got, want)
	}
}

// Nodes of three generations over TLS; one without a certificate of theirs stays out.
func TestTLSMesh(t *testing.T) {
	t.Parallel()
	otps := beamtest.OTPs(t)
	e := beamtest.FreeSlot(t).EPMD(t, len(otps)+1)
	authority := beamtest.NewTLS(t)
	var nodes []*beamtest.Node
	for i, o := range otps {
		opts := e.Options("app", i, cookie)
		opts.TLS = authority
		nodes = append(nodes, o.StartNode(t, opts))
	}
	for _, n := range nodes[1:] {
		connect(t, n, nodes[0], "true")
	}
	for _, n := range nodes {
		n.Eventually(t, "length(nodes())", fmt.Sprint(len(nodes)-1))
	}
	stranger := e.Options("app", len(otps), cookie)
	stranger.TLS = beamtest.NewTLS(t)
	connect(t, otps[0].StartNode(t, stranger), nodes[0], "false")

	// And a Go program, which the nodes take for one of theirs as far as TLS goes.
	addr := net.JoinHostPort(nodes[0].Addr().String(), strconv.Itoa(int(nodes[0].Port)))
	config := authority.Config(t, "127.0.0.1")
	config.ServerName = nodes[0].Addr().String()
	conn, err := tls.Dial("tcp", addr, config)
	if err != nil {
		t.Fatalf("TLS from Go: %v", err)
	}
	conn.Close()
}

func TestWithoutEPMD(t *testing.T) {
	t.Parallel()
	slot := beamtest.FreeSlot(t)
	port, _ := slot.Ports(0)
	var nodes []*beamtest.Node
	for i := range 2 {
		nodes = append(nodes, beamtest.Host(t).StartNode(t, beamtest.NodeOptions{
			Name: "app@" + slot.Addr(i).String(), Cookie: cookie, FixedPort: port,
		}))
	}
	connect(t, nodes[0], nodes[1], "true")
	if nodes[0].Port != port {
		t.Errorf("port %d, want %d", nodes[0].Port, port)
	}
}

func TestShortNames(t *testing.T) {
	t.Parallel()
	slot := beamtest.FreeSlot(t)
	e := slot.EPMD(t, 1)
	opts := e.Options("app", 0, cookie)
	opts.Name = "app@localhost"
	n := beamtest.Host(t).StartNode(t, opts)
	if got := n.Eval(t, "net_kernel:longnames()"); got != "false" {
		t.Errorf("long names: %s", got)
	}
}

// Names that only the node's own resolver file knows, so that tests can have hosts with dots in them.
func TestInetrc(t *testing.T) {
	t.Parallel()
	slot := beamtest.FreeSlot(t)
	e := slot.EPMD(t, 2)
	inetrc := ""
	for i := range 2 {
		a := strings.ReplaceAll(slot.Addr(i).String(), ".", ",")
		inetrc += fmt.Sprintf("{host, {%s}, [\"app-%d.app.test.svc\"]}.\n", a, i)
	}
	inetrc += "{lookup, [file]}.\n"
	var nodes []*beamtest.Node
	for i, o := range beamtest.OTPs(t)[1:] {
		opts := e.Options("app", i, cookie)
		opts.Name = fmt.Sprintf("app@app-%d.app.test.svc", i)
		opts.Inetrc = inetrc
		nodes = append(nodes, o.StartNode(t, opts))
	}
	connect(t, nodes[0], nodes[1], "true")
}

func TestFreezeAndThaw(t *testing.T) {
	t.Parallel()
	e := beamtest.FreeSlot(t).EPMD(t, 1)
	n := beamtest.Host(t).StartNode(t, e.Options("app", 0, cookie))
	n.Freeze()
	state := func() string {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", n.Pid))
		if err != nil {
			t.Fatal(err)
		}
		return strings.Fields(string(b[bytes.LastIndexByte(b, ')'):]))[1]
	}
	waitFor(t, "the node is stopped", func() bool { return state() == "T" })
	n.Thaw()
	if got := n.Eval(t, "1 + 1"); got != "2" {
		t.Errorf("after thawing 1 + 1 is %s", got)
	}
	n.Freeze() // and is ended by the test all the same
}

func TestEval(t *testing.T) {
	t.Parallel()
	n := beamtest.Host(t).StartNode(t, beamtest.FreeSlot(t).EPMD(t, 1).Options("app", 0, cookie))
	for exprs, want := range map[string]string{
		`A = 1, B = "é", {A, B}.`: `{1,"é"}`,
		`node()`:                  `'` + n.Name + `'`,
		`erlang:get_cookie() =:= '` + string(cookie) + `'`: "true",
	} {
		if got := n.Eval(t, exprs); got != want {
			t.Errorf("%s is %s, want %s", exprs, got, want)
		}
	}
	for _, exprs := range []string{"1 +", "nothing:here()", "throw(ball)"} {
		if got, err := n.TryEval(exprs); err == nil {
			t.Errorf("%s is %s, want an error", exprs, got)
		}
	}
	n.Kill(syscall.SIGKILL)
	if _, err := n.TryEval("1"); err == nil {
		t.Error("a dead node answered")
	}
}

func TestNodesThatDoNotStart(t *testing.T) {
	t.Parallel()
	o := beamtest.Host(t)
	e := beamtest.FreeSlot(t).EPMD(t, 1)
	for name, c := range map[string]struct {
		change func(*beamtest.NodeOptions)
		want   string
	}{
		"no host":          {func(o *beamtest.NodeOptions) { o.Name = "app" }, "no full node name"},
		"short for a long": {func(o *beamtest.NodeOptions) { o.Short = true }, "ended at boot"},
		"no EPMD":          {func(o *beamtest.NodeOptions) { o.EPMDPort = 1 }, "ended at boot"},
		"no release":       {func(o *beamtest.NodeOptions) { o.Release = "/nowhere" }, "is no release"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := e.Options("app", 0, cookie)
			c.change(&opts)
			n, err := o.TryNode(t, opts)
			if err == nil {
				t.Fatalf("%s started", n.Name)
			}
			if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), string(cookie)) {
				t.Errorf("got %v, want it to say %q", err, c.want)
			}
		})
	}
}

// The cookie is in no argument and no text.
func TestCookieStaysHidden(t *testing.T) {
	t.Parallel()
	opts := beamtest.FreeSlot(t).EPMD(t, 1).Options("app", 0, cookie)
	n := beamtest.Host(t).StartNode(t, opts)
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", n.Pid))
	if err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{"arguments": string(args), "log": n.Log()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		texts[verb] = fmt.Sprintf(verb, opts)
	}
	for where, text := range texts {
		if strings.Contains(text, string(cookie)) || strings.Contains(text, fmt.Sprintf("%x", string(cookie))) {
			t.Errorf("the cookie shows in %s: %s", where, text)
		}
	}
}

func TestLostEPMD(t *testing.T) {
	t.Parallel()
	e := beamtest.FreeSlot(t).EPMD(t, 1)
	beamtest.Host(t).StartNode(t, e.Options("app", 0, cookie))
	e.Lose(0)
	var refused *epmd.Error
	if _, err := new(epmd.Client).Lookup(t.Context(), e.At(0), "app"); !errors.As(err, &refused) || refused.Cause != epmd.Refused {
		t.Errorf("lost: %v", err)
	}
	e.Return(t, 0)
	if _, err := new(epmd.Client).Lookup(t.Context(), e.At(0), "app"); err != nil {
		t.Errorf("returned: %v", err)
	}
}

func TestSlotsDiffer(t *testing.T) {
	a, b := beamtest.FreeSlot(t), beamtest.FreeSlot(t)
	if a.Addr(0) == b.Addr(0) {
		t.Errorf("both have %s", a.Addr(0))
	}
	if _, last := a.Ports(0); last >= func() uint16 { first, _ := a.Ports(1); return first }() {
		t.Error("two replicas share a port")
	}
}

// A test's process that is killed takes its nodes along. This test runs itself as that process.
func TestNodesDieWithTheTest(t *testing.T) {
	if os.Getenv("BEAMTEST_VICTIM") != "" {
		for _, o := range []beamtest.OTP{beamtest.Host(t), beamtest.OTPs(t)[2]} {
			n := o.StartNode(t, beamtest.FreeSlot(t).EPMD(t, 1).Options("app", 0, cookie))
			fmt.Printf("node %d\n", n.Pid)
		}
		fmt.Println("ready")
		select {}
	}
	t.Parallel()
	beamtest.OTPs(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	victim := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestNodesDieWithTheTest$")
	victim.Env = append(os.Environ(), "BEAMTEST_VICTIM=1")
	out, err := victim.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	var text bytes.Buffer
	for buf := make([]byte, 1024); !strings.Contains(text.String(), "ready"); {
		k, err := out.Read(buf)
		text.Write(buf[:k])
		if err != nil {
			t.Fatalf("the victim said %q: %v", text.String(), err)
		}
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if pid, err := strconv.Atoi(strings.TrimPrefix(line, "node ")); err == nil {
			pids = append(pids, pid)
		}
	}
	if len(pids) != 2 {
		t.Fatalf("the victim said %q, want two nodes", text.String())
	}
	victim.Process.Kill()
	victim.Wait()
	for _, pid := range pids {
		waitFor(t, fmt.Sprintf("node %d is gone", pid), func() bool { return !running(pid) })
	}
}

// running tells whether there is such a process, other than as a corpse that nobody has collected.
func running(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Fields(string(b[bytes.LastIndexByte(b, ')'):]))[1] != "Z"
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

func TestReleaseIsBuiltOnce(t *testing.T) {
	t.Parallel()
	path := beamtest.BuildRelease(t, tally)
	info, err := os.Stat(path + "/bin/tally")
	if err != nil {
		t.Fatal(err)
	}
	if again := beamtest.BuildRelease(t, tally); again != path {
		t.Errorf("built in %s, then in %s", path, again)
	}
	if again, err := os.Stat(path + "/bin/tally"); err != nil || !os.SameFile(info, again) {
		t.Errorf("the release was built again: %v", err)
	}
}

// Tally's own tests pass on every generation.
func TestTallyOwnTests(t *testing.T) {
	t.Parallel()
	for _, o := range beamtest.OTPs(t) {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			if out := o.RunIn(t, tally, "mix", "test"); !strings.Contains(out, "0 failures") && !strings.Contains(out, "passed") {
				t.Errorf("mix test printed:\n%s", out)
			}
		})
	}
}
