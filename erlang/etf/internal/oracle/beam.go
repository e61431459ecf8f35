// Package oracle runs a real BEAM as a child process and asks it what terms are, so that the codec
// can be held against OTP's own. It is for tests and benchmarks.
package oracle

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// bootstrap reads the source of a module from the first frame, compiles and loads it, and then answers
// every frame with what the module's handle/1 gives. Frames have four bytes of length in front.
const bootstrap = `
P = open_port({fd, 0, 1}, [{packet, 4}, binary, eof]),
Get = fun() -> receive {P, {data, D}} -> D; {P, eof} -> halt(0) end end,
{ok, Tokens, _} = erl_scan:string(binary_to_list(Get())),
{[], Split} = lists:foldl(fun
        (T = {dot, _}, {F, Fs}) -> {[], [lists:reverse([T | F]) | Fs]};
        (T, {F, Fs}) -> {[T | F], Fs}
    end, {[], []}, Tokens),
Forms = [element(2, {ok, _} = erl_parse:parse_form(F)) || F <- lists:reverse(Split)],
{ok, M, Beam} = compile:forms(Forms, []),
{module, M} = code:load_binary(M, "", Beam),
port_command(P, <<0, "ready">>),
Loop = fun Loop() -> port_command(P, M:handle(Get())), Loop() end,
Loop().`

// startTime is how long a BEAM may take to boot and compile, on a busy machine.
const startTime = 2 * time.Minute

// BEAM is a running emulator that answers frames.
type BEAM struct {
	mu     sync.Mutex
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    io.ReadCloser
	stderr bytes.Buffer
}

// Start runs the command erl (a program and leading arguments: say "erl", or a chroot in front of
// it), and loads the module that source holds, which has to export handle/1: a binary to iodata, of which
// the first byte is 0, or 1 where the rest is a complaint. The BEAM is killed when ctx ends; Close ends it.
func Start(ctx context.Context, erl []string, source string) (*BEAM, error) {
	args := append(erl[1:len(erl):len(erl)], "-noinput", "-boot", "start_clean",
		"-kernel", "logger_level", "none", "-eval", strings.Join(strings.Fields(bootstrap), " "))
	b := &BEAM{cmd: exec.CommandContext(ctx, erl[0], args...)}
	b.cmd.Env = append(os.Environ(), "ERL_CRASH_DUMP=/dev/null")
	b.cmd.Stderr = &b.stderr
	b.cmd.WaitDelay = 10 * time.Second
	var err error
	if b.in, err = b.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if b.out, err = b.cmd.StdoutPipe(); err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting a BEAM: %w", err)
	}
	late := time.AfterFunc(startTime, b.kill)
	defer late.Stop()
	if _, err := b.Call([]byte(source)); err != nil {
		b.kill()
		_ = b.cmd.Wait() // killed: err says why
		return nil, fmt.Errorf("starting a BEAM: %w\n%s", err, b.stderr.String())
	}
	return b, nil
}

// kill ends the BEAM; one that has ended by itself is as good.
func (b *BEAM) kill() { _ = b.cmd.Process.Kill() }

// Complaint is what the BEAM itself said of a request.
type Complaint string

func (c Complaint) Error() string { return string(c) }

// Call sends one frame and gives the answer without its first byte. The error is a [Complaint] where the
// BEAM answered but refused.
func (b *BEAM) Call(parts ...[]byte) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	body := bytes.Join(parts, nil)
	frame := append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
	// The BEAM reads a frame before it answers, so writing all of it first cannot lock up.
	if _, err := b.in.Write(frame); err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := io.ReadFull(b.out, head[:]); err != nil {
		return nil, err
	}
	reply := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(b.out, reply); err != nil {
		return nil, err
	}
	if len(reply) == 0 {
		return nil, errors.New("oracle: empty answer")
	}
	if reply[0] != 0 {
		return nil, Complaint(reply[1:])
	}
	return reply[1:], nil
}

// Close ends the BEAM and waits for it.
func (b *BEAM) Close() error {
	b.in.Close()
	return b.cmd.Wait()
}
