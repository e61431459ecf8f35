package dist_test

import "github.com/phialdev/phial/erlang/internal/wire"

// named and challengeOf are packets of a node that accepts.
func named(name string) []byte {
	return packet(wire.AppendStatus(nil, wire.Status{Word: wire.StatusNamed, Name: name, Creation: 7}))
}

func challengeOf(name string) []byte {
	return packet(wire.AppendChallenge(nil, wire.Challenge{
		Flags: wire.Mandatory25, Challenge: 1, Creation: 2, Name: name,
	}))
}

func packet(body []byte) []byte { return wire.AppendPacket(nil, wire.HandshakeHead, body) }
