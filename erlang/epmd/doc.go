// Package epmd speaks the protocol of the Erlang Port Mapper Daemon, as a client and as a server.
//
// Every machine (or pod) that runs distributed Erlang has an EPMD, by default on TCP port 4369. A node registers its
// short name (the part before the @) and its distribution port there, and keeps the connection open for as long as it
// lives; who wants to connect to base@host asks the EPMD at host for the port of base.
//
// [Client] asks (Lookup, Names) and registers (Register). Its errors are of type [*Error] and say by their [Cause] what
// went wrong: an EPMD that is absent, one that is filtered and one that does not answer are three different things.
//
// [Server] can stand in for the epmd program. Beyond that it can hold several nodes of the same short name on one
// machine: where a registration belongs to a replica with an address of its own ([Server.Owner]), a question is
// answered for the address that it came in on, as if each address had an EPMD to itself.
//
// The protocol is described in "Distribution Protocol, EPMD Protocol" of the ERTS user's guide,
// https://www.erlang.org/doc/apps/erts/erl_dist_protocol.html#epmd-protocol.
package epmd

// DefaultPort is the TCP port of EPMD unless ERL_EPMD_PORT says otherwise.
const DefaultPort = 4369
