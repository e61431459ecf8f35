package dist

import "github.com/phialdev/phial/erlang/etf"

// Failure is how a call failed on the node.
type Failure struct {
	// Class is "badrpc" for [Conn.Call]. For [Conn.ERPC] it is the class of the
	// exception, "error", "exit" or "throw"; "signal" if the process that ran
	// the call was killed; "spawn" if it could not be started.
	Class string
	// Reason is what the node gave as the reason.
	Reason etf.Term
	// Stack is the stack trace of an "error", if the node sent one.
	Stack etf.Term
}

// Error gives the class and the reason in Erlang's syntax.
func (f *Failure) Error() string { return f.Class + ": " + f.Reason.String() }
