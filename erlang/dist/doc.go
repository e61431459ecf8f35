// Package dist connects to Erlang nodes as a hidden node: it speaks the Erlang
// distribution protocol of OTP 25 to 29, over TCP or TLS, and calls functions
// there by rpc ([Conn.Call]) and erpc ([Conn.ERPC]).
//
//	conn, err := dist.Dial(ctx, "shop@10.0.0.7", dist.Config{Cookie: cookie})
//	if err != nil {
//		return err // a *dist.Error: at which stage, for what cause
//	}
//	defer conn.Close()
//	nodes, err := conn.Call(ctx, "erlang", "nodes")
//
// A connection that does not come about says why: every [Error] has the [Stage]
// that was reached and a [Cause], so that an absent EPMD, a filtered port, a node
// of another name, a frozen one and a wrong cookie are told apart.
//
// Two rules keep a connection harmless to the node. Unless told otherwise the
// package asks the node for a name ([Config.Name]): each name that a node has
// ever seen costs it one atom for good, and given names are given again. And the
// peer's own name is compared with the one asked for before its challenge is
// answered, because that answer can be used to guess a weak cookie offline.
//
// The protocol is described in the chapter "Distribution Protocol" of the ERTS
// User's Guide.
package dist
