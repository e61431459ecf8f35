package dist

import (
	"context"
	"errors"
	"fmt"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// call is one call under way.
type call struct {
	answer chan result // room for one, so that whoever gives never waits
	erpc   bool
	pid    etf.Pid // erpc: the process that runs the call, once known
}

type result struct {
	term etf.Term
	err  error
}

func (w *call) give(r result) {
	select {
	case w.answer <- r:
	default:
	}
}

// Call calls mod:fun(args...) by rpc, in a process of the node's rex server, with
// the node's own user process as the group leader. Arguments are anything that
// etf.Append encodes.
//
// A call that fails there has CauseCallFailed and a *Failure within. When ctx
// ends first, the call goes on at the node; its answer is dropped.
func (c *Conn) Call(ctx context.Context, mod, fun string, args ...any) (etf.Term, error) {
	t, err := c.perform(ctx, false, func(b []byte, ref etf.Ref) ([]byte, error) {
		b = etf.AppendTupleHeader(b, 4)
		b = etf.AppendInt(b, wire.OpRegSend)
		b = etf.AppendPid(b, c.self)
		b = etf.AppendAtom(b, "")
		b = etf.AppendAtom(b, "rex")

		b = etf.AppendTupleHeader(b, 3)
		b = etf.AppendAtom(b, "$gen_call")
		b = etf.AppendTupleHeader(b, 2)
		b = etf.AppendPid(b, c.self)
		b = etf.AppendRef(b, ref)
		b = etf.AppendTupleHeader(b, 5)
		b = etf.AppendAtom(b, "call")
		b = etf.AppendAtom(b, etf.Atom(mod))
		b = etf.AppendAtom(b, etf.Atom(fun))
		b, err := etf.Append(b, etf.List(args))
		return etf.AppendAtom(b, "user"), err
	})
	if err == nil && t.Len() == 2 && t.Kind() == etf.KindTuple && t.At(0).IsAtom("badrpc") {
		err = c.fail(StageCall, CauseCallFailed, &Failure{Class: "badrpc", Reason: t.At(1)})
		t = etf.Term{}
	}
	return t, err
}

// ERPC calls mod:fun(args...) by erpc: a process of its own is spawned at the
// node and its exit reason is the answer, so exceptions keep their class. What
// it writes to its group leader is dropped.
//
// A call that fails there has CauseCallFailed and a *Failure within. When ctx
// ends first, the call goes on at the node; its answer is dropped.
func (c *Conn) ERPC(ctx context.Context, mod, fun string, args ...any) (etf.Term, error) {
	t, err := c.perform(ctx, true, func(b []byte, ref etf.Ref) ([]byte, error) {
		b = etf.AppendTupleHeader(b, 6)
		b = etf.AppendInt(b, wire.OpSpawnRequest)
		b = etf.AppendRef(b, ref)
		b = etf.AppendPid(b, c.self)
		b = etf.AppendPid(b, c.self)
		b = etf.AppendTupleHeader(b, 3)
		b = etf.AppendAtom(b, "erpc")
		b = etf.AppendAtom(b, "execute_call")
		b = etf.AppendInt(b, 4)
		b = etf.AppendListHeader(b, 1)
		b = etf.AppendAtom(b, "monitor")
		b = etf.AppendNil(b)

		b = etf.AppendListHeader(b, 4)
		b = etf.AppendRef(b, ref)
		b = etf.AppendAtom(b, etf.Atom(mod))
		b = etf.AppendAtom(b, etf.Atom(fun))
		b, err := etf.Append(b, etf.List(args))
		return etf.AppendNil(b), err
	})
	if err != nil {
		return etf.Term{}, err
	}
	// The exit reason of erpc:execute_call/4: {Ref, return, Value}, or
	// {Ref, Class, Reason} and perhaps a stack trace.
	if t.Kind() == etf.KindTuple && t.Len() >= 3 && t.At(0).Kind() == etf.KindRef {
		if t.At(1).IsAtom("return") {
			return t.At(2), nil
		}
		class, _ := t.At(1).Atom()
		return etf.Term{}, c.fail(StageCall, CauseCallFailed, &Failure{Class: string(class), Reason: t.At(2), Stack: t.At(3)})
	}
	return etf.Term{}, c.fail(StageCall, CauseCallFailed, &Failure{Class: "signal", Reason: t})
}

// perform sends what encode makes, with a reference of its own in it, and waits
// for what comes back under that reference.
func (c *Conn) perform(ctx context.Context, erpc bool, encode func([]byte, etf.Ref) ([]byte, error)) (etf.Term, error) {
	if ctx.Err() != nil {
		return etf.Term{}, c.gaveUp(ctx)
	}
	w := &call{answer: make(chan result, 1), erpc: erpc}
	key, first, err := c.enter(w)
	if err != nil {
		return etf.Term{}, err
	}
	packet := make([]byte, 0, 256)
	if first != 0 {
		packet = c.appendMonitorRex(packet, first)
	}
	packet, err = appendPacket(packet, func(b []byte) ([]byte, error) { return encode(b, c.ref(key)) })
	if err != nil {
		c.leave(key, w)
		return etf.Term{}, c.fail(StageCall, CauseBadArgs, err)
	}
	select {
	case c.out <- packet:
	case r := <-w.answer: // the connection ended
		return r.term, r.err
	case <-ctx.Done():
		c.leave(key, w)
		return etf.Term{}, c.gaveUp(ctx)
	}
	select {
	case r := <-w.answer:
		return r.term, r.err
	case <-ctx.Done():
		c.leave(key, w)
		return etf.Term{}, c.gaveUp(ctx)
	}
}

func (c *Conn) gaveUp(ctx context.Context) error {
	cause := CauseCanceled
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		cause = CauseTimeout
	}
	return c.fail(StageCall, cause, ctx.Err())
}

// enter notes a call and gives the number of its reference. The first call to rex
// has to watch it too, so that its absence is an answer: monitor is then the
// number of that monitor's reference.
func (c *Conn) enter(w *call) (key, monitor uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, 0, c.err
	}
	if !w.erpc && c.rex == 0 {
		c.last++
		c.rex = c.last
		monitor = c.rex
	}
	c.last++
	c.calls[c.last] = w
	return c.last, monitor, nil
}

// leave forgets a call that is not waited for any more.
func (c *Conn) leave(key uint64, w *call) {
	c.mu.Lock()
	delete(c.calls, key)
	pid := w.pid
	c.mu.Unlock()
	if pid == (etf.Pid{}) {
		return
	}
	packet, err := appendPacket(nil, func(b []byte) ([]byte, error) {
		return etf.Append(b, etf.Tuple{wire.OpDemonitorP, c.self, pid, c.ref(key)})
	})
	if err != nil {
		return
	}
	select {
	case c.out <- packet:
	default: // then its end is reported, and nobody listens
	}
}

// take gives the call of a reference and forgets it.
func (c *Conn) take(key uint64) *call {
	c.mu.Lock()
	defer c.mu.Unlock()
	w := c.calls[key]
	delete(c.calls, key)
	return w
}

// appendMonitorRex appends a packet that monitors rex.
func (c *Conn) appendMonitorRex(dst []byte, key uint64) []byte {
	out, _ := appendPacket(dst, func(b []byte) ([]byte, error) {
		b = etf.AppendTupleHeader(b, 4)
		b = etf.AppendInt(b, wire.OpMonitorP)
		b = etf.AppendPid(b, c.self)
		b = etf.AppendAtom(b, "rex")
		return etf.AppendRef(b, c.ref(key)), nil
	})
	return out
}

// rexDown fails every call to rex, which is gone.
func (c *Conn) rexDown(reason etf.Term) {
	c.mu.Lock()
	c.rex = 0
	var gone []*call
	for key, w := range c.calls {
		if !w.erpc {
			gone = append(gone, w)
			delete(c.calls, key)
		}
	}
	c.mu.Unlock()
	err := c.fail(StageCall, CauseCallFailed, &Failure{Class: "badrpc", Reason: reason})
	err.Err = fmt.Errorf("the node's rex server is down: %w", err.Err)
	for _, w := range gone {
		w.give(result{err: err})
	}
}

// ref is the reference of a number: its low 18 bits in the first word, which has
// no more in references of the older form, the rest in the others.
func (c *Conn) ref(key uint64) etf.Ref {
	r := etf.Ref{Node: c.self.Node, Creation: c.self.Creation, Len: 3}
	r.Words[0], r.Words[1], r.Words[2] = uint32(key&0x3ffff), uint32(key>>18), uint32(key>>50)
	return r
}

// key is the number of a reference of ours.
func (c *Conn) key(t etf.Term) (uint64, bool) {
	r, ok := t.Ref()
	if !ok || r.Len != 3 || r.Node != c.self.Node || r.Creation != c.self.Creation {
		return 0, false
	}
	return uint64(r.Words[0]) | uint64(r.Words[1])<<18 | uint64(r.Words[2])<<50, true
}

// appendPacket appends a packet with a distribution header and what encode adds:
// the control tuple and the payload.
func appendPacket(dst []byte, encode func([]byte) ([]byte, error)) ([]byte, error) {
	start := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst, err := encode(wire.AppendHeader(dst))
	if err != nil {
		return nil, err
	}
	return dst, wire.PutLength(dst[start:])
}
