package dist

import (
	"errors"
	"fmt"
	"sync"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// receiver takes the messages of one connection apart. It belongs to the reading
// goroutine.
type receiver struct {
	c       *Conn
	control etf.Decoder
}

// payloads are decoders for payloads, which may be long: connections share them
// and keep none.
var payloads = sync.Pool{New: func() any { return new(etf.Decoder) }}

// handle takes one whole message.
func (in *receiver) handle(m wire.Message) error {
	in.control.Reuse, in.control.Alias = true, true
	in.control.Atoms = m.Atoms
	ctl, rest, err := decode(&in.control, m.Versioned, m.Body)
	if err != nil {
		return fmt.Errorf("control message: %w", err)
	}
	op, ok := ctl.At(0).Int()
	if !ok || ctl.Kind() != etf.KindTuple {
		return errors.New("control message: not a control tuple")
	}
	if op > wire.OpLast {
		return nil // of a later protocol: nothing that we asked for
	}
	var load etf.Term
	if wire.HasPayload(op) {
		d := payloads.Get().(*etf.Decoder)
		d.Atoms, d.Alias, d.MaxSize = m.Atoms, m.Owned, in.c.cfg.MaxMessage
		load, rest, err = decode(d, m.Versioned, rest)
		d.Atoms = nil
		if len(m.Body) <= poolBuffer {
			payloads.Put(d)
		}
		if m.Fragmented && errors.Is(err, etf.ErrTruncated) {
			return nil // its sender died before it had sent all
		}
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("message: %d bytes behind it", len(rest))
	}
	in.dispatch(op, ctl, load)
	return nil
}

func decode(d *etf.Decoder, versioned bool, b []byte) (etf.Term, []byte, error) {
	if versioned {
		return d.Decode(b)
	}
	return d.DecodeBare(b)
}

// dispatch acts on one control message. What a node may send that means nothing
// to us is ignored.
func (in *receiver) dispatch(op int64, ctl, load etf.Term) {
	c := in.c
	switch op {
	case wire.OpSend, wire.OpSendTT, wire.OpSendSender, wire.OpSendSenderTT, wire.OpAliasSend, wire.OpAliasSendTT:
		c.message(load)
	case wire.OpMonitorPExit:
		c.down(ctl.At(3), detached(ctl.At(4)))
	case wire.OpPayloadMonitorPExit:
		c.down(ctl.At(3), load)
	case wire.OpSpawnReply, wire.OpSpawnReplyTT:
		c.spawned(ctl.At(1), ctl.At(4))
	case wire.OpRegSend, wire.OpRegSendTT:
		c.oblige(ctl.At(3), load)
	case wire.OpMonitorP:
		c.obligeMonitor(ctl)
	case wire.OpLink:
		c.obligeLink(ctl)
	case wire.OpUnlinkID:
		c.obligeUnlink(ctl)
	case wire.OpSpawnRequest, wire.OpSpawnRequestTT:
		c.obligeSpawn(ctl)
	}
}

// detached copies a term out of the control decoder's memory, which is used
// again for the next message.
func detached(t etf.Term) etf.Term {
	b, err := etf.Marshal(t)
	if err != nil {
		return etf.Term{}
	}
	t, err = etf.Decode(b)
	if err != nil {
		return etf.Term{}
	}
	return t
}

// message takes a message to our process: an answer, {Ref, Answer}, or a request
// of the I/O protocol, as we are the group leader of what erpc runs.
func (c *Conn) message(m etf.Term) {
	if m.Kind() != etf.KindTuple {
		return
	}
	if m.Len() == 4 && m.At(0).IsAtom("io_request") {
		c.obligeIO(m)
		return
	}
	if m.Len() != 2 {
		return
	}
	if key, ok := c.key(m.At(0)); ok {
		if w := c.take(key); w != nil {
			w.give(result{term: m.At(1)})
		}
	}
}

// down takes the end of something monitored: the process of an erpc call, whose
// exit reason is the answer, or rex.
func (c *Conn) down(ref, reason etf.Term) {
	key, ok := c.key(ref)
	if !ok {
		return
	}
	c.mu.Lock()
	rex := key == c.rex
	c.mu.Unlock()
	if rex {
		c.rexDown(reason)
	} else if w := c.take(key); w != nil {
		w.give(result{term: reason})
	}
}

// spawned takes the answer to a spawn request: the process, or an atom that says
// why there is none.
func (c *Conn) spawned(ref, outcome etf.Term) {
	key, ok := c.key(ref)
	if !ok {
		return
	}
	if pid, ok := outcome.Pid(); ok {
		c.mu.Lock()
		if w := c.calls[key]; w != nil {
			w.pid = pid
		}
		c.mu.Unlock()
		return
	}
	if w := c.take(key); w != nil {
		w.give(result{err: c.fail(StageCall, CauseCallFailed, &Failure{Class: "spawn", Reason: detached(outcome)})})
	}
}
