// Package erltest gives tests Erlang nodes that are not there: fake nodes that
// speak the real distribution protocol over real TCP (or TLS), an EPMD that has
// them, and faults to order.
//
// A [Node] accepts connections as a BEAM does, down to the handshake's details,
// and answers rpc and erpc calls from a table of functions ([Options.Answers])
// that starts out with what a BEAM says about itself. [Faults] make it fail in
// one of the ways in which real nodes and networks fail; they may change while it
// runs. An [EPMD] can be absent, mute or wrong by itself. [Filtered] is an
// address that drops what is sent to it, as a firewall does.
//
// A [Mesh] is many nodes that know one another, with links that can be cut. A
// node costs one goroutine and a few kilobytes, and one more of each for every
// connection, so a test can have a thousand.
package erltest
