package dist

import (
	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// What a node owes its peers even if it runs nothing: whoever asks it for
// something must get an answer instead of waiting for ever.

// reply queues a control message, with a payload if there is one, unless so many
// others wait that it has to be dropped: the reading goroutine never waits for
// the writing one.
func (c *Conn) reply(terms ...any) {
	packet, err := appendPacket(nil, func(b []byte) ([]byte, error) {
		var err error
		for _, t := range terms {
			if b, err = etf.Append(b, t); err != nil {
				return nil, err
			}
		}
		return b, nil
	})
	if err != nil {
		return
	}
	select {
	case c.out <- packet:
	default:
	}
}

func (c *Conn) send(to, message any) {
	c.reply(etf.Tuple{wire.OpSend, etf.Atom(""), to}, message)
}

// oblige takes a message to a registered name. net_kernel's question is answered,
// which is how net_adm:ping/1 finds out that a node is there.
func (c *Conn) oblige(name, m etf.Term) {
	from, question := m.At(1), m.At(2)
	if name.IsAtom("net_kernel") && m.At(0).IsAtom("$gen_call") && question.At(0).IsAtom("is_auth") {
		c.send(from.At(0), etf.Tuple{from.At(1), etf.Atom("yes")})
	}
}

// obligeMonitor takes {19, From, To, Ref}. There is nothing here to be monitored
// but our one process and what oblige answers for.
func (c *Conn) obligeMonitor(ctl etf.Term) {
	to := ctl.At(2)
	if pid, ok := to.Pid(); ok && pid == c.self || to.IsAtom("net_kernel") {
		return
	}
	c.reply(etf.Tuple{wire.OpMonitorPExit, to, ctl.At(1), ctl.At(3), etf.Atom("noproc")})
}

// obligeLink takes {1, From, To}.
func (c *Conn) obligeLink(ctl etf.Term) {
	if pid, ok := ctl.At(2).Pid(); ok && pid == c.self {
		return
	}
	c.reply(etf.Tuple{wire.OpExit, ctl.At(2), ctl.At(1), etf.Atom("noproc")})
}

// obligeUnlink takes {35, Id, From, To}, which has to be acknowledged.
func (c *Conn) obligeUnlink(ctl etf.Term) {
	c.reply(etf.Tuple{wire.OpUnlinkIDAck, ctl.At(1), ctl.At(3), ctl.At(2)})
}

// obligeSpawn takes {29, ReqId, From, ...}. Nothing can be spawned here.
func (c *Conn) obligeSpawn(ctl etf.Term) {
	c.reply(etf.Tuple{wire.OpSpawnReply, ctl.At(1), ctl.At(2), 0, etf.Atom("notsup")})
}

// obligeIO takes {io_request, From, ReplyAs, Request}. Output is dropped, input
// is at its end.
func (c *Conn) obligeIO(m etf.Term) {
	var answer any = etf.Tuple{etf.Atom("error"), etf.Atom("request")}
	switch kind, _ := m.At(3).At(0).Atom(); kind {
	case "put_chars", "requests", "setopts":
		answer = etf.Atom("ok")
	case "get_chars", "get_line", "get_until", "get_password":
		answer = etf.Atom("eof")
	}
	c.send(m.At(1), etf.Tuple{etf.Atom("io_reply"), m.At(2), answer})
}
