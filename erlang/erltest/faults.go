package erltest

import "time"

// Faults are the ways in which a node fails. The zero value is a node that does
// not. Several may be set where they make sense together.
type Faults struct {
	// Refused closes the distribution port; the name stays registered.
	Refused bool
	// NotRegistered takes the name out of EPMD; the port stays open.
	NotRegistered bool

	// Mute takes connections and never says anything: a frozen BEAM, or one
	// that was sent SIGSTOP.
	Mute bool
	// Slow waits before the status message, and so does each answer to a call.
	Slow time.Duration
	// Garbage, if not empty, is written in the place of a status message: what
	// listens is not a node.
	Garbage string
	// HangUp closes connections when they have sent their name.
	HangUp bool

	// NotAllowed answers "not_allowed", as net_kernel:allow/1 does.
	NotAllowed bool
	// Alive answers "alive": a connection of that name is up already.
	Alive bool
	// NOK answers "nok": the node is connecting to that name itself.
	NOK bool
	// NoNames gives no names: the flag that asks for one is overlooked.
	NoNames bool
	// DropAfterStatus closes connections between status and challenge.
	DropAfterStatus bool
	// OtherName is the name that the node gives itself in its challenge.
	OtherName string
	// OldHandshake sends a challenge of handshake version 5.
	OldHandshake bool
	// OldFlags leaves out the flags that OTP 25 demands.
	OldFlags bool
	// WrongCookie makes the node's cookie another one: it hangs up.
	WrongCookie bool
	// WrongAck accepts any cookie and proves to have another one.
	WrongAck bool

	// Silent neither answers nor ticks once the connection is up.
	Silent bool
	// CallFails fails every call, as for a function that is not there.
	CallFails bool
	// CallHangs takes calls and never answers them.
	CallHangs bool
	// NoRex has no rex server: rpc is not answered, and a monitor says so.
	NoRex bool
	// DropAtCall closes the connection when a call comes.
	DropAtCall bool
}
