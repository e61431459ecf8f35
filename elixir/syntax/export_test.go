package syntax

// HasMeta tells whether Elixir's metadata of a node has line and column.
func (n *Node) HasMeta() bool { return n.flags&noMeta == 0 }
