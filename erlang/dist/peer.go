package dist

import (
	"github.com/phialdev/phial/erlang/internal/wire"
)

// Flags are the capabilities that a node announces; their String names them as
// OTP does.
type Flags = wire.Flags

// Peer is the node at the other end of a connection.
type Peer struct {
	Name     string // its own full name
	Flags    Flags
	Creation uint32 // its incarnation
	Addr     string // host:port of its distribution port
	// Hidden says that it registered with EPMD as a hidden node. It is unknown,
	// and false, where EPMD was not asked: towards a hidden node such as we are
	// every node leaves out the flag that would tell.
	Hidden bool
}
