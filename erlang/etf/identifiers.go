package etf

func (t Term) child(n node, i uint32) Term { return Term{doc: t.doc, i: n.first() + i} }

// number is the i-th child of an identifier, where it is a number of at most 32 bits.
func (t Term) number(n node, i uint32) uint32 { return uint32(t.doc.nodes[n.first()+i].num) }

// Pid gives a process identifier.
func (t Term) Pid() (Pid, bool) {
	n := t.node()
	if n.kind != kPid {
		return Pid{}, false
	}
	node, _ := t.child(n, 0).Atom()
	return Pid{Node: node, ID: t.number(n, 1), Serial: t.number(n, 2), Creation: t.number(n, 3)}, true
}

// Port gives a port identifier.
func (t Term) Port() (Port, bool) {
	n := t.node()
	if n.kind != kPort {
		return Port{}, false
	}
	node, _ := t.child(n, 0).Atom()
	return Port{Node: node, ID: t.doc.nodes[n.first()+1].num, Creation: t.number(n, 2)}, true
}

// Ref gives a reference.
func (t Term) Ref() (Ref, bool) {
	n := t.node()
	if n.kind != kRef {
		return Ref{}, false
	}
	node, _ := t.child(n, 0).Atom()
	r := Ref{Node: node, Creation: t.number(n, 1), Len: uint8(n.n - 2)}
	for i := range uint32(r.Len) {
		r.Words[i] = t.number(n, 2+i)
	}
	return r, true
}

// Export gives an external fun.
func (t Term) Export() (Export, bool) {
	n := t.node()
	if n.kind != kExport {
		return Export{}, false
	}
	module, _ := t.child(n, 0).Atom()
	function, _ := t.child(n, 1).Atom()
	return Export{Module: module, Function: function, Arity: uint8(t.number(n, 2))}, true
}

// Fun gives a local fun, its free variables as [Term.Value] gives them.
func (t Term) Fun() (Fun, bool) {
	n := t.node()
	if n.kind != kFun {
		return Fun{}, false
	}
	var f Fun
	f.Arity, f.Uniq, f.Index = t.doc.funFields(n)
	f.Module, _ = t.child(n, 0).Atom()
	f.OldIndex, _ = t.child(n, 1).Int()
	f.OldUniq, _ = t.child(n, 2).Int()
	f.Pid, _ = t.child(n, 3).Pid()
	for i := uint32(4); i < n.n; i++ {
		f.Free = append(f.Free, t.child(n, i).Value())
	}
	return f, true
}
