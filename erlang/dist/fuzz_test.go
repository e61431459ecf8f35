package dist

import (
	"context"
	"io"
	"net"
	"testing"

	"github.com/phialdev/phial/erlang/etf"
	"github.com/phialdev/phial/erlang/internal/wire"
)

// idle is a connection without a peer and without goroutines, with two calls
// under way.
func idle() *Conn {
	near, far := net.Pipe()
	far.Close()
	c := newConn(&shake{
		d: &dialer{cfg: Config{}.withDefaults(), node: "app@host"}, conn: near,
		self: identity{name: "us@phial", creation: 1}, peer: Peer{Name: "app@host"},
	})
	c.calls[1] = &call{answer: make(chan result, 1)}
	c.calls[2] = &call{answer: make(chan result, 1), erpc: true}
	c.last, c.rex = 3, 3
	return c
}

// FuzzReceive feeds messages of a connected peer, whatever their content.
func FuzzReceive(f *testing.F) {
	c := idle()
	them := etf.Pid{Node: "app@host", ID: 5, Creation: 2}
	theirs := etf.Ref{Node: "app@host", Creation: 2, Len: 3, Words: [etf.MaxRefWords]uint32{1, 2, 3}}
	for _, terms := range [][]any{
		{etf.Tuple{wire.OpSend, etf.Atom(""), c.self}, etf.Tuple{c.ref(1), etf.Atom("answer")}},
		{etf.Tuple{wire.OpSendSender, them, c.self}, etf.Tuple{c.ref(1), etf.Tuple{etf.Atom("badrpc"), 1}}},
		{etf.Tuple{wire.OpAliasSend, them, c.ref(1)}, etf.Tuple{c.ref(1), 7}},
		{etf.Tuple{wire.OpPayloadMonitorPExit, them, c.self, c.ref(2)}, etf.Tuple{c.ref(2), etf.Atom("return"), 1}},
		{etf.Tuple{wire.OpMonitorPExit, them, c.self, c.ref(2), etf.Atom("noproc")}},
		{etf.Tuple{wire.OpMonitorPExit, etf.Atom("rex"), c.self, c.ref(3), etf.Atom("noproc")}},
		{etf.Tuple{wire.OpSpawnReply, c.ref(2), c.self, 2, them}},
		{etf.Tuple{wire.OpSpawnReply, c.ref(2), c.self, 0, etf.Atom("system_limit")}},
		{etf.Tuple{wire.OpMonitorP, them, etf.Atom("x"), theirs}},
		{etf.Tuple{wire.OpLink, them, c.self}},
		{etf.Tuple{wire.OpUnlinkID, 7, them, c.self}},
		{etf.Tuple{wire.OpSpawnRequest, theirs, them, them, etf.Tuple{etf.Atom("m"), etf.Atom("f"), 0}, etf.List{}}, etf.List{}},
		{etf.Tuple{wire.OpRegSend, them, etf.Atom(""), etf.Atom("net_kernel")},
			etf.Tuple{etf.Atom("$gen_call"), etf.Tuple{them, theirs}, etf.Tuple{etf.Atom("is_auth"), etf.Atom("n@h")}}},
		{etf.Tuple{wire.OpSend, etf.Atom(""), c.self},
			etf.Tuple{etf.Atom("io_request"), them, theirs, etf.Tuple{etf.Atom("put_chars"), etf.Atom("unicode"), "text"}}},
	} {
		var body []byte
		for _, t := range terms {
			var err error
			if body, err = etf.Append(body, t); err != nil {
				f.Fatal(err)
			}
		}
		f.Add(body, false)
	}
	f.Add([]byte{131, 104, 1, 97, 5}, true)
	f.Fuzz(func(t *testing.T, body []byte, versioned bool) {
		c := idle()
		in := receiver{c: c}
		if in.handle(wire.Message{Body: body, Versioned: versioned}) != nil {
			return
		}
		// Whatever we say in return is well-formed.
		for {
			select {
			case p := <-c.out:
				var back wire.Assembler
				m, whole, err := back.Take(p[wire.FrameHead:])
				if err != nil || !whole {
					t.Fatalf("we answer with %v: %v", p, err)
				}
				if _, _, err := new(etf.Decoder).DecodeBare(m.Body); err != nil {
					t.Fatalf("we answer with %v: %v", p, err)
				}
			default:
				return
			}
		}
	})
}

// FuzzHandshake is a peer that says anything at all: it is never connected to,
// and never hangs or crashes us.
func FuzzHandshake(f *testing.F) {
	pack := func(bodies ...[]byte) (all []byte) {
		for _, b := range bodies {
			all = wire.AppendPacket(all, wire.HandshakeHead, b)
		}
		return all
	}
	status := wire.AppendStatus(nil, wire.Status{Word: wire.StatusNamed, Name: "X@phial", Creation: 1})
	challenge := wire.AppendChallenge(nil, wire.Challenge{Flags: wire.Mandatory25, Name: "app@host"})
	f.Add(pack(status, challenge, wire.AppendAck(nil, wire.Digest("c", 1))))
	f.Add(pack(wire.AppendStatus(nil, wire.Status{Word: wire.StatusOK}), challenge))
	f.Add(pack(wire.AppendStatus(nil, wire.Status{Word: wire.StatusAlive})))
	f.Add([]byte("SSH-2.0-x\r\n"))
	f.Fuzz(func(t *testing.T, says []byte) {
		cfg := Config{Cookie: NewCookie("c"), Port: 1}
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go io.Copy(io.Discard, far)
			go func() {
				far.Write(says)
				far.Close()
			}()
			return near, nil
		}
		if c, err := Dial(t.Context(), "app@127.0.0.1", cfg); err == nil {
			c.Close()
			t.Fatal("a connection is up without the cookie having been proven")
		}
	})
}
