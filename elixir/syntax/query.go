package syntax

import (
	"iter"
	"slices"
	"strings"
)

// Walk visits a node and what is below it, each before what is within it, in the order of the source. Where visit gives
// false, what is within a node is left out.
func (n *Node) Walk(visit func(*Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	// Of an operator or a pipe the function is a name; of a.b(c) what stands before the dot is in Fun.
	n.Fun.Walk(visit)
	for _, a := range n.Args {
		a.Walk(visit)
	}
}

// All gives a node and all that is below it, as Walk visits it.
func (n *Node) All() iter.Seq[*Node] {
	return func(yield func(*Node) bool) {
		going := true
		n.Walk(func(m *Node) bool {
			going = going && yield(m)
			return going
		})
	}
}

// IsAtom tells whether a node is the atom of that name, which has no colon: IsAtom("nil"), IsAtom("prod").
func (n *Node) IsAtom(name string) bool { return n != nil && n.Kind == Atom && n.Text == name }

// Call tells whether a node calls a function, macro or operator by one of these names, without a module.
func (n *Node) Call(names ...string) bool {
	return n != nil && n.Kind == Call && n.Fun == nil && slices.Contains(names, n.Text)
}

// Remote gives the parts of a call of a module's function: for System.get_env("X") the node of System, and get_env. A field,
// a.b, is such a call too: see [Node.NoParens].
func (n *Node) Remote() (module *Node, function string, ok bool) {
	if n == nil || n.Kind != Call || !n.Fun.Call(".") || len(n.Fun.Args) != 2 || n.Fun.Args[1].Kind != Atom {
		return nil, "", false
	}
	return n.Fun.Args[0], n.Fun.Args[1].Text, true
}

// CallOf tells whether a node calls this function of this module, written as an alias or as an atom: CallOf("System",
// "get_env"), CallOf("os", "getenv").
func (n *Node) CallOf(module, function string) bool {
	m, f, ok := n.Remote()
	if !ok || f != function {
		return false
	}
	if name, ok := m.Alias(); ok {
		return name == module
	}
	return m.IsAtom(module)
}

// Alias gives the name of a module that is written out: "Foo.Bar". Of __MODULE__.Bar and the like the name is not known,
// and what an alias stands for is for the reader to find out.
func (n *Node) Alias() (string, bool) {
	if !n.Call("__aliases__") {
		return "", false
	}
	if len(n.Args) == 1 && n.Args[0].Kind == Atom {
		return n.Args[0].Text, true
	}
	segments := make([]string, len(n.Args))
	for i, a := range n.Args {
		if a.Kind != Atom {
			return "", false
		}
		segments[i] = a.Text
	}
	return strings.Join(segments, "."), true
}

// Str gives the value of a string without interpolation.
func (n *Node) Str() (string, bool) {
	if n == nil || n.Kind != String {
		return "", false
	}
	return n.Text, true
}

// Pair gives key and value of a keyword, or of any tuple of two.
func (n *Node) Pair() (key, value *Node, ok bool) {
	if n == nil || n.Kind != Tuple {
		return nil, nil, false
	}
	return n.Args[0], n.Args[1], true
}

// Get gives the value of a key of a keyword list, or of a map with atoms for keys: the first of several, as Keyword.get
// does. Whether other elements would change it, such as one that is Unknown, is for the reader to see.
func (n *Node) Get(key string) (*Node, bool) {
	if n == nil || n.Kind != List && !n.Call("%{}") {
		return nil, false
	}
	for _, e := range n.Args {
		if k, v, ok := e.Pair(); ok && k.IsAtom(key) {
			return v, true
		}
	}
	return nil, false
}

// Keywords gives the last argument of a call if that is a keyword list, and of a list itself the list.
func (n *Node) Keywords() (*Node, bool) {
	if n == nil {
		return nil, false
	}
	if n.Kind == Call && len(n.Args) > 0 {
		n = n.Args[len(n.Args)-1]
	}
	if n.Kind != List {
		return nil, false
	}
	for _, e := range n.Args {
		if k, _, ok := e.Pair(); !ok || k.Kind != Atom {
			return nil, false
		}
	}
	return n, true
}

// Block gives the expressions of a block, or an expression alone. Of nothing there are none.
func (n *Node) Block() []*Node {
	switch {
	case n == nil:
		return nil
	case n.Call("__block__"):
		return n.Args
	}
	return []*Node{n}
}

// Do gives what stands in the do block of a call, or behind its `do:`, and whether there is either.
func (n *Node) Do() (*Node, bool) { return n.Section("do") }

// Section gives what stands behind do, else, rescue, catch or after of a call.
func (n *Node) Section(name string) (*Node, bool) {
	if n == nil || n.Kind != Call || len(n.Args) == 0 {
		return nil, false
	}
	// A do block is an argument of its own, behind keywords if there are any.
	for _, arg := range slices.Backward(n.Args[max(0, len(n.Args)-2):]) {
		if v, ok := arg.Get(name); ok && arg.Kind == List {
			return v, true
		}
	}
	return nil, false
}

// Pipe gives what goes through a pipe, first to last: of a |> b |> c all three.
func (n *Node) Pipe() []*Node {
	var all []*Node
	for n.Call("|>") && len(n.Args) == 2 {
		all = append(all, n.Args[1])
		n = n.Args[0]
	}
	all = append(all, n)
	slices.Reverse(all)
	return all
}

// Attribute gives the name of a module attribute, and the value that it is set to: nil where it is read.
func (n *Node) Attribute() (name string, value *Node, ok bool) {
	if !n.Call("@") || len(n.Args) != 1 {
		return "", nil, false
	}
	switch a := n.Args[0]; {
	case a.Kind == Variable:
		return a.Text, nil, true
	case a.Kind == Call && a.Fun == nil && len(a.Args) == 1 && word[a.Text[0]] && a.Text != "__aliases__" && a.Text != "__block__":
		return a.Text, a.Args[0], true
	}
	return "", nil, false
}

// Sigil gives the name of a sigil, its text as written (without interpolation), and its modifiers.
func (n *Node) Sigil() (name, text, modifiers string, ok bool) {
	if n == nil || n.Kind != Call || n.Fun != nil || len(n.Args) != 2 || !n.Args[0].Call("<<>>") || len(n.Args[0].Args) != 1 {
		return "", "", "", false
	}
	name, isSigil := strings.CutPrefix(n.Text, "sigil_")
	text, isText := n.Args[0].Args[0].Str()
	if !isSigil || !isText || n.Args[1].Kind != Charlist {
		return "", "", "", false
	}
	return name, text, n.Args[1].Text, true
}

// Words gives the words of ~w or ~W, which the modifier a makes atoms of, and c charlists. Escapes count in ~w: where there
// are any, the words are not known.
func (n *Node) Words() (words []string, atoms, ok bool) {
	name, text, modifiers, ok := n.Sigil()
	if !ok || name != "W" && (name != "w" || strings.Contains(text, `\`)) {
		return nil, false, false
	}
	switch modifiers {
	case "", "s", "a", "c":
		return strings.Fields(text), modifiers == "a", true
	}
	return nil, false, false
}
