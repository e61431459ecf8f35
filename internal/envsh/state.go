package envsh

import (
	"maps"

	"mvdan.cc/sh/v3/syntax"
)

// A variable as the shell has it. It is never changed, only replaced.
type variable struct {
	set      truth
	val      text // what it holds if it is set
	exported truth
	readonly truth
	from     string
}

// An outside is what a local variable is outside its function. Where it is not sure, it was perhaps not made local.
type outside struct {
	v    variable
	sure bool
}

// A state is the shell at one place of the script, on one or several ways there.
type state struct {
	vars  map[string]variable
	funcs map[string]*syntax.FuncDecl // nil: it is not known which
	// lost says why nothing is known of what is not in vars; "" where that is as it was when the shell began.
	lost string

	locals    map[string]outside // nil outside a function
	params    []text             // $1…
	paramsWhy string             // why those beyond params are not known
	status    int
	statusWhy string // why status is not known
	opts      map[rune]truth
	out       text   // what was printed to where it is looked at
	in        text   // what is still to be read
	inWhy     string // why it is not known; then in is empty
	dead      bool   // an expansion ended the shell
}

func (s *state) fork() *state {
	f := *s
	f.vars = maps.Clone(s.vars)
	f.funcs = maps.Clone(s.funcs)
	f.opts = maps.Clone(s.opts)
	f.locals = maps.Clone(s.locals)
	return &f
}

func (s *state) ok()             { s.status, s.statusWhy = 0, "" }
func (s *state) fail(n int)      { s.status, s.statusWhy = n, "" }
func (s *state) unsure(w string) { s.status, s.statusWhy = 0, w }

// failed tells whether the last command did.
func (s *state) failed() truth {
	if s.statusWhy != "" {
		return maybe
	}
	return is(s.status != 0)
}

// join is what is known where it is one of two states. Either may be nil, for a way that leads nowhere.
func (r *run) join(a, b *state, why string) *state {
	if a == nil {
		return b
	}
	if b == nil || a == b {
		return a
	}
	j := a.fork()
	for name, va := range a.vars {
		vb := r.lookup(b, name)
		j.vars[name] = joinVars(va, vb, why)
	}
	for name, vb := range b.vars {
		if _, both := a.vars[name]; !both {
			j.vars[name] = joinVars(r.lookup(a, name), vb, why)
		}
	}
	if j.lost == "" {
		j.lost = b.lost
	}
	for name, f := range a.funcs {
		if g, ok := b.funcs[name]; !ok || g != f {
			j.funcs[name] = nil
		}
	}
	for name := range b.funcs {
		if _, ok := a.funcs[name]; !ok {
			j.funcs[name] = nil
		}
	}
	if a.statusWhy != b.statusWhy || a.status != b.status {
		j.unsure(why)
	}
	for o := range a.opts {
		j.opts[o] = a.opts[o].either(b.opts[o])
	}
	for o := range b.opts {
		j.opts[o] = a.opts[o].either(b.opts[o])
	}
	for name, o := range b.locals {
		if _, both := j.locals[name]; !both && j.locals != nil { // nil: no function is run here, so that none is local
			j.locals[name] = outside{v: o.v}
		}
	}
	for name, o := range a.locals {
		if p, both := b.locals[name]; !both || !p.sure {
			j.locals[name] = outside{v: o.v}
		}
	}
	j.out = a.out.or(b.out, why)
	if a.inWhy != b.inWhy || !a.in.same(b.in) {
		j.in, j.inWhy = nil, why
	}
	if len(a.params) != len(b.params) || a.paramsWhy != b.paramsWhy {
		j.params, j.paramsWhy = nil, why
	} else {
		j.params = nil
		for i := range a.params {
			j.params = append(j.params, a.params[i].or(b.params[i], why))
		}
	}
	return j
}

func joinVars(a, b variable, why string) variable {
	j := variable{set: a.set.either(b.set), exported: a.exported.either(b.exported), readonly: a.readonly.either(b.readonly)}
	switch {
	case a.set == no:
		j.val, j.from = b.val, b.from
	case b.set == no:
		j.val, j.from = a.val, a.from
	default:
		j.val = a.val.or(b.val, why)
		if a.from == b.from {
			j.from = a.from
		}
	}
	return j
}

// lookup finds a variable, set or not.
func (r *run) lookup(s *state, name string) variable {
	if v, ok := s.vars[name]; ok {
		return v
	}
	if s.lost != "" {
		return variable{set: maybe, exported: maybe, val: gap(s.lost)}
	}
	if why := r.unsure(name); why != "" {
		return variable{set: maybe, exported: maybe, val: gap(why)}
	}
	return variable{}
}

// assign sets a variable, as NAME=value does. Where it may be one that is not to be changed, the shell may end.
func (r *run) assign(s *state, name string, val text, n syntax.Node) {
	if val.size() > maxText {
		r.giveUp(n, "a text grows beyond all bounds")
		return
	}
	v := r.lookup(s, name)
	if v.readonly != no {
		r.giveUp(n, name+" is readonly")
		return
	}
	if name == "PATH" && !keepsPath(v, val) {
		r.noTools = "PATH is set at " + r.at(n)
	}
	if r.magic[name] {
		val = gap("the shell has its own idea of " + name)
	}
	v.set, v.val, v.from = yes, val, r.at(n)
	if a := s.opts['a']; a != no && v.exported != yes {
		v.exported = a
	}
	s.vars[name] = v
}

// keepsPath tells whether PATH still finds what it found: what it held is still in it.
func keepsPath(old variable, val text) bool {
	for i := 0; i+len(old.val) <= len(val); i++ {
		if len(old.val) > 0 && val[i:i+len(old.val)].same(old.val) {
			return true
		}
	}
	a, okA := old.val.plain()
	b, okB := val.plain()
	if okA && okB {
		return containsPath(b, a)
	}
	return !okB && okA && (containsPath(val.prefix(), a) || containsPath(val.suffix(), a))
}

// forget makes a variable unknown, for what sets it is not followed.
func (r *run) forget(s *state, name, why string) {
	v := r.lookup(s, name)
	if name == "PATH" {
		r.noTools = why
	}
	s.vars[name] = variable{set: maybe, exported: v.exported.either(maybe), readonly: v.readonly, val: gap(why)}
}

// forgetAll is for what may have set anything.
func (s *state) forgetAll(why string) {
	clear(s.vars)
	s.funcs = map[string]*syntax.FuncDecl{}
	s.lost = why
	s.unsure(why)
	s.params, s.paramsWhy = nil, why
	s.in, s.inWhy = nil, why
	s.opts = map[rune]truth{'a': maybe, 'e': maybe, 'f': maybe, 'u': maybe}
}
