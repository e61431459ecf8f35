package erltest

import (
	"slices"
	"time"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// maxMessage bounds what a node takes from who connects.
const maxMessage = 64 << 20

// talk takes messages until the connection ends.
func (c *conn) talk() {
	if c.n.o.Tick > 0 {
		stop := make(chan struct{})
		defer close(stop)
		c.n.wg.Go(func() { c.tick(stop) })
	}
	in := wire.Assembler{Max: maxMessage}
	for {
		p, err := wire.ReadPacket(c.r, wire.FrameHead, maxMessage, c.buf)
		if err != nil {
			return
		}
		c.buf = p
		if len(p) == 0 {
			c.n.mu.Lock()
			c.n.ticks++
			c.n.mu.Unlock()
		}
		if c.n.Faults().Silent {
			continue
		}
		if len(p) == 0 {
			c.write([]byte{0, 0, 0, 0})
			continue
		}
		m, whole, err := in.Take(p)
		if err != nil {
			return
		}
		if whole && !c.take(m) {
			return
		}
	}
}

func (c *conn) tick(stop chan struct{}) {
	t := time.NewTicker(c.n.o.Tick)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
			if !c.n.Faults().Silent {
				c.write([]byte{0, 0, 0, 0})
			}
		}
	}
}

// take acts on one message; false ends the connection.
func (c *conn) take(m wire.Message) bool {
	d := etf.Decoder{Atoms: m.Atoms}
	decode := d.DecodeBare
	if m.Versioned {
		decode = d.Decode
	}
	ctl, rest, err := decode(m.Body)
	if err != nil {
		return false
	}
	op, _ := ctl.At(0).Int()
	var load etf.Term
	if wire.HasPayload(op) {
		if load, _, err = decode(rest); err != nil {
			return false
		}
	}
	f := c.n.Faults()
	switch op {
	case wire.OpRegSend:
		if ctl.At(3).IsAtom("rex") && !f.NoRex {
			return c.takeRex(f, load)
		}
	case wire.OpMonitorP:
		if !ctl.At(2).IsAtom("rex") || f.NoRex {
			c.reply(etf.Tuple{wire.OpMonitorPExit, ctl.At(2), ctl.At(1), ctl.At(3), etf.Atom("noproc")}, nil)
		}
	case wire.OpSpawnRequest:
		return c.takeSpawn(f, ctl, load)
	}
	return true
}

// takeRex takes {'$gen_call', {Pid, Tag}, {call, M, F, Args, GroupLeader}}.
func (c *conn) takeRex(f Faults, m etf.Term) bool {
	from, what := m.At(1), m.At(2)
	mod, _ := what.At(1).Atom()
	fun, _ := what.At(2).Atom()
	if !m.At(0).IsAtom("$gen_call") || !what.At(0).IsAtom("call") {
		return true
	}
	pid, tag := from.At(0), from.At(1)
	return c.perform(f, string(mod), string(fun), slices.Collect(what.At(3).Elems()), func(answer any) {
		if r, ok := answer.(Raise); ok {
			switch r.Class {
			case "throw":
				answer = r.Reason
			case "error":
				answer = badrpc(etf.Tuple{r.Reason, stack(mod, fun, what.At(3))})
			default:
				answer = badrpc(r.Reason)
			}
		}
		c.reply(etf.Tuple{wire.OpSendSender, c.self(), pid}, etf.Tuple{tag, answer})
	})
}

func badrpc(reason any) etf.Tuple {
	return etf.Tuple{etf.Atom("badrpc"), etf.Tuple{etf.Atom("EXIT"), reason}}
}

func stack(mod, fun etf.Atom, args any) etf.List {
	return etf.List{etf.Tuple{mod, fun, args, etf.List{}}}
}

// takeSpawn takes a spawn request of erpc:execute_call(Ref, M, F, Args).
func (c *conn) takeSpawn(f Faults, ctl, args etf.Term) bool {
	id, parent, entry := ctl.At(1), ctl.At(2), ctl.At(4)
	if !entry.At(0).IsAtom("erpc") || !entry.At(1).IsAtom("execute_call") || args.Len() != 4 {
		c.reply(etf.Tuple{wire.OpSpawnReply, id, parent, 0, etf.Atom("badarg")}, nil)
		return true
	}
	self := c.self()
	const monitored = 2
	c.reply(etf.Tuple{wire.OpSpawnReply, id, parent, monitored, self}, nil)
	ref := args.At(0)
	mod, _ := args.At(1).Atom()
	fun, _ := args.At(2).Atom()
	return c.perform(f, string(mod), string(fun), slices.Collect(args.At(3).Elems()), func(answer any) {
		reason := etf.Tuple{ref, etf.Atom("return"), answer}
		if r, ok := answer.(Raise); ok {
			reason = etf.Tuple{ref, etf.Atom(r.Class), r.Reason}
			if r.Class == "error" {
				reason = append(reason, stack(mod, fun, args.At(3)))
			}
		}
		c.reply(etf.Tuple{wire.OpPayloadMonitorPExit, self, parent, id}, reason)
	})
}

// perform finds the answer to a call and gives it to reply; false ends the
// connection.
func (c *conn) perform(f Faults, mod, fun string, args []etf.Term, reply func(any)) bool {
	switch {
	case f.DropAtCall:
		return false
	case f.CallHangs:
		return true
	case f.CallFails:
		reply(Raise{Class: "error", Reason: etf.Atom("undef")})
		return true
	case f.Slow > 0 || c.n.o.Handler != nil:
		c.n.wg.Go(func() {
			if c.pause(f.Slow) {
				reply(c.n.answer(c, mod, fun, args))
			}
		})
		return true
	}
	reply(c.n.answer(c, mod, fun, args))
	return true
}

// self is the process that all answers come from.
func (c *conn) self() etf.Pid {
	return etf.Pid{Node: etf.Atom(c.n.o.Name), ID: 100, Creation: c.n.creation}
}

// reply sends a control message, with a payload unless that is nil.
func (c *conn) reply(ctl etf.Tuple, load any) {
	body, err := etf.Append(nil, ctl)
	if err != nil {
		panic("fake node: " + err.Error())
	}
	head := len(body)
	if load != nil {
		if body, err = etf.Append(body, load); err != nil {
			panic("fake node: an answer cannot be encoded: " + err.Error())
		}
	}
	size := c.n.o.FragmentSize
	if size == 0 || !c.peerFlags.Has(wire.FlagFragments) {
		frame := append(wire.AppendHeader(make([]byte, wire.FrameHead, wire.FrameHead+3+len(body))), body...)
		if err := wire.PutLength(frame); err == nil {
			c.write(frame)
		}
		return
	}
	c.wmu.Lock()
	c.seq++
	seq := c.seq
	c.wmu.Unlock()
	wire.Fragments(seq, head, size, body, func(p []byte) bool {
		// Between two fragments others may write, so they interleave.
		return c.write(wire.AppendPacket(nil, wire.FrameHead, p))
	})
}

func (c *conn) write(packet []byte) bool {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_, err := c.nc.Write(packet)
	return err == nil
}
