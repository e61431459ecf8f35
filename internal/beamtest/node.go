package beamtest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/phialdev/phial/erlang/epmd"
	"github.com/phialdev/phial/internal/testkit"
)

const (
	bootTimeout = 60 * time.Second // a BEAM boots in a second; a busy machine may take much longer
	evalTimeout = 30 * time.Second
	stopTimeout = 20 * time.Second
)

// Node is a running node.
type Node struct {
	Name string
	OTP  OTP
	Pid  int    // of the BEAM, which is also its process group
	Port uint16 // of the distribution listener

	log    logBuffer
	asking sync.Mutex
	ask    *os.File // expressions, to the node
	answer *os.File // their values
	done   chan struct{}
	state  error // how it ended; set before done is closed
}

// control runs in the node: it says when the node has booted, then evaluates what comes in by file descriptor 3 and
// writes the value to 4. When 3 ends, the test's process has died, and so does the node.
//
//nolint:dupword // Erlang ends one thing after the other
const control = `spawn(fun() ->
	Port = open_port({fd, 3, 4}, [{packet, 4}, binary, eof]),
	Booted = fun Wait() -> case init:get_status() of {started, _} -> ok; _ -> receive after 5 -> Wait() end end end,
	Booted(),
	port_command(Port, atom_to_binary(node())),
	Loop = fun Next() ->
		receive
			{Port, {data, Text}} ->
				Answer = try
					{ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text)),
					{ok, Exprs} = erl_parse:parse_exprs(Tokens),
					{value, Value, _} = erl_eval:exprs(Exprs, []),
					[$+ | io_lib:format("~0tp", [Value])]
				catch
					Class:Reason -> [$- | io_lib:format("~0tp: ~0tp", [Class, Reason])]
				end,
				port_command(Port, unicode:characters_to_binary(Answer)),
				Next();
			{Port, eof} -> halt(0);
			_ -> Next()
		end
	end,
	Loop()
end).`

// StartNode starts a bare node (erl -noinput), or a release, and returns when it has booted and EPMD has it. It ends with the test.
func (o OTP) StartNode(tb testing.TB, opts NodeOptions) *Node {
	tb.Helper()
	n, err := o.TryNode(tb, opts)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// TryNode is StartNode for nodes that may not start. The error holds what the node printed.
func (o OTP) TryNode(tb testing.TB, opts NodeOptions) (*Node, error) {
	tb.Helper()
	home, outside := o.home(tb)
	args, env, err := opts.render(home, outside)
	if err != nil {
		return nil, err
	}
	// Not the test's context: that ends before the cleanups do, which may still want to look at the node.
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	tb.Cleanup(cancel)
	program := "erl"
	if opts.Release != "" {
		if program, args, env, err = opts.release(o, home, outside, args, env); err != nil {
			return nil, err
		}
	}
	cmd, err := o.command(ctx, home, env, program, args...)
	if err != nil {
		return nil, err
	}
	n := &Node{Name: opts.Name, OTP: o, done: make(chan struct{})}
	if err := n.start(cmd); err != nil {
		return nil, fmt.Errorf("start node %s: %w", n.Name, err)
	}
	tb.Cleanup(func() {
		n.Kill(syscall.SIGKILL)
		if tb.Failed() {
			tb.Logf("log of %s (%s):\n%s", n.Name, o, n.Log())
		}
	})
	if err := n.booted(tb.Context(), opts); err != nil {
		n.Kill(syscall.SIGKILL)
		return nil, fmt.Errorf("node %s (%s): %w\n%s", n.Name, o, err, n.Log())
	}
	return n, nil
}

// start starts the process and a goroutine that waits for it.
func (n *Node) start(cmd *exec.Cmd) error {
	theirAsk, ourAsk, err := os.Pipe()
	if err != nil {
		return err
	}
	ourAnswer, theirAnswer, err := os.Pipe()
	if err != nil {
		return err
	}
	n.ask, n.answer = ourAsk, ourAnswer
	cmd.ExtraFiles = []*os.File{theirAsk, theirAnswer} // file descriptors 3 and 4
	cmd.Stdout, cmd.Stderr = &n.log, &n.log
	cmd.WaitDelay = stopTimeout
	started := make(chan error)
	go func() {
		defer close(n.done)
		testkit.Supervised(cmd, func() error { //nolint:errcheck // handed on by started and state
			err := cmd.Start()
			theirAsk.Close()
			theirAnswer.Close()
			if err == nil {
				n.Pid = cmd.Process.Pid
			}
			started <- err
			if err == nil {
				n.state = cmd.Wait()
			}
			n.ask.Close()
			n.answer.Close()
			return nil
		})
	}()
	return <-started
}

// booted waits for the node's word that it has booted, and for EPMD's that it is registered.
func (n *Node) booted(ctx context.Context, opts NodeOptions) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	n.answer.SetReadDeadline(time.Now().Add(bootTimeout)) //nolint:errcheck // the read fails, then
	name, err := readPacket(n.answer)
	if err != nil {
		select {
		case <-n.done:
			return fmt.Errorf("it ended at boot: %w", n.state)
		case <-time.After(time.Second): // its end may take a moment longer than that of its pipe
			return fmt.Errorf("it did not boot: %w", err)
		}
	}
	if string(name) == "nonode@nohost" {
		return errors.New("it booted without distribution")
	}
	n.Name = string(name) // short names get their host part only now
	if opts.FixedPort != 0 {
		n.Port = opts.FixedPort
	}
	if opts.EPMDPort == 0 {
		return nil
	}
	base, host, _ := strings.Cut(n.Name, "@")
	at := "127.0.0.1"
	if addr, err := netip.ParseAddr(host); err == nil {
		at = addr.String()
	} else if opts.Addr.IsValid() {
		at = opts.Addr.String()
	}
	at = net.JoinHostPort(at, strconv.Itoa(opts.EPMDPort))
	for {
		e, err := new(epmd.Client).Lookup(ctx, at, base)
		if err == nil {
			n.Port = e.Port
			return nil
		}
		// Registered before it booted, so only an EPMD of another address can be behind.
		if at = net.JoinHostPort("127.0.0.1", strconv.Itoa(opts.EPMDPort)); ctx.Err() != nil {
			return err
		}
	}
}

// Addr is the host part of the name where that is an IP address.
func (n *Node) Addr() netip.Addr {
	_, host, _ := strings.Cut(n.Name, "@")
	addr, _ := netip.ParseAddr(host)
	return addr
}

// Eval evaluates Erlang expressions in the node, over a pipe and not over distribution, and gives the last value as
// Erlang writes it. An expression that fails, fails the test.
func (n *Node) Eval(tb testing.TB, exprs string) string {
	tb.Helper()
	value, err := n.TryEval(exprs)
	if err != nil {
		tb.Fatalf("%s: %s: %v", n.Name, exprs, err)
	}
	return value
}

// TryEval is Eval for expressions that may fail, on nodes that may not answer.
func (n *Node) TryEval(exprs string) (string, error) {
	n.asking.Lock()
	defer n.asking.Unlock()
	exprs = strings.TrimSuffix(strings.TrimSpace(exprs), ".") + "."
	until := time.Now().Add(evalTimeout)
	if err := errors.Join(n.ask.SetWriteDeadline(until), n.answer.SetReadDeadline(until)); err != nil {
		return "", err
	}
	if _, err := n.ask.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(exprs))), exprs...)); err != nil {
		return "", err
	}
	b, err := readPacket(n.answer)
	if err != nil {
		return "", err
	}
	if text, ok := strings.CutPrefix(string(b), "+"); ok {
		return text, nil
	}
	return "", errors.New(string(b[min(1, len(b)):]))
}

func readPacket(r io.Reader) ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, err
	}
	b := make([]byte, binary.BigEndian.Uint32(size[:]))
	_, err := io.ReadFull(r, b)
	return b, err
}

// Eventually evaluates exprs until the value is want.
func (n *Node) Eventually(tb testing.TB, exprs, want string) {
	tb.Helper()
	got := ""
	for end := time.Now().Add(evalTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if got = n.Eval(tb, exprs); got == want {
			return
		}
	}
	tb.Fatalf("%s: %s is %s, want %s", n.Name, exprs, got, want)
}

// Stop asks the node to end by SIGTERM, as Kubernetes does, and waits until it has. A node that doesn't, fails the test.
func (n *Node) Stop(tb testing.TB) {
	tb.Helper()
	n.Kill(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(stopTimeout):
		tb.Errorf("%s did not end within %s of SIGTERM", n.Name, stopTimeout)
		n.Kill(syscall.SIGKILL)
	}
}

// Kill sends a signal; SIGKILL goes to the node's whole process group, and Kill waits for the end.
func (n *Node) Kill(signal syscall.Signal) {
	select {
	case <-n.done:
		return // its number may be somebody else's by now
	default:
	}
	if signal != syscall.SIGKILL {
		syscall.Kill(n.Pid, signal) //nolint:errcheck // it has just ended, then
		return
	}
	syscall.Kill(-n.Pid, signal) //nolint:errcheck // it has just ended, then
	<-n.done
}

// Freeze stops the node in its tracks: its connections stay and nothing answers. Thaw undoes it.
func (n *Node) Freeze() { n.Kill(syscall.SIGSTOP) }

// Thaw undoes Freeze.
func (n *Node) Thaw() { n.Kill(syscall.SIGCONT) }

// Done is closed when the node's process has ended.
func (n *Node) Done() <-chan struct{} { return n.done }

// Log gives what the node has printed, the last 256 KiB of it.
func (n *Node) Log() string { return n.log.String() }

// logBuffer keeps the end of what is written to it.
type logBuffer struct {
	mu sync.Mutex
	b  []byte
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b = append(l.b, p...)
	const keep = 256 << 10
	if over := len(l.b) - keep; over > keep {
		l.b = slices.Delete(l.b, 0, over)
	}
	return len(p), nil
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.b)
}
