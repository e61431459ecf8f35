package syntax

// Kind is what a node is.
type Kind uint8

// Kinds of nodes.
const (
	// Unknown is an expression that could not be read. Text says why; Args are those parts of it that could be.
	Unknown Kind = iota
	// Atom and the others are as in the quoted form.
	Atom     // Text is its name: "ok", "true", "nil", "Elixir.Access"
	Integer  // Text is the literal as written: "1_000", "0xFF", "?a"
	Float    // Text is the literal as written
	String   // Text is its value, which need not be valid UTF-8
	Charlist // Text is its value; as a list it has an integer for each code point
	List     // Args are its elements
	Tuple    // of two elements; others are calls of "{}"
	Variable // Text is its name: {name, meta, nil}
	Call     // Text is the name that is called, or Fun the node: {name, meta, args}
)

var kindNames = [...]string{"unknown", "atom", "integer", "float", "string", "charlist", "list", "tuple", "variable", "call"}

// String names a kind.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "kind?"
}

// Node is one node of the quoted form. Nodes are read, not changed: those of one file share memory.
type Node struct {
	Kind  Kind
	flags flags
	// How many nodes stand below one another from here at most. A tree that can be made can be walked.
	height int32

	line, col  int32
	start, end int32

	Text string
	Fun  *Node
	Args []*Node
}

type flags uint8

const (
	noMeta    flags = 1 << iota // Elixir's metadata has no line and column
	noParens                    // a call of a module's function without parentheses
	isKeyword                   // an atom that was written as the key of a keyword list, or a list without brackets
	quoted                      // an atom or a key in quotes
)

// Position is a place as people count: lines and columns from 1. Columns count characters, as Elixir does.
type Position struct{ Line, Column int }

// Pos gives the place that Elixir's metadata has, or where the node begins if there is none.
func (n *Node) Pos() Position { return Position{int(n.line), int(n.col)} }

// Start gives the byte offset at which the expression begins.
func (n *Node) Start() int { return int(n.start) }

// End gives the byte offset behind the expression.
func (n *Node) End() int { return int(n.end) }

// NoParens tells that a call of the form a.b has neither parentheses nor arguments: a field, or a function.
func (n *Node) NoParens() bool { return n.flags&noParens != 0 }

// Bare tells of a list that it has no brackets in the source: keywords that are the last argument of a call, do blocks,
// clauses and their arguments. Of an atom it tells that it was written as a key: `a:`.
func (n *Node) Bare() bool { return n.flags&isKeyword != 0 }
