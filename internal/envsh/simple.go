package envsh

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// A simpleCall is a command with its arguments expanded.
type simpleCall struct {
	n      *syntax.CallExpr
	name   string
	args   []text // without the name
	why    string // why args are not what they are
	tested bool
}

// plain gives the arguments where all of them are known.
func (c *simpleCall) plain() ([]string, bool) {
	if c.why != "" {
		return nil, false
	}
	all := make([]string, len(c.args))
	for i, a := range c.args {
		s, ok := a.plain()
		if !ok {
			return nil, false
		}
		all[i] = s
	}
	return all, true
}

// unknown says why they are not.
func (c *simpleCall) unknown() string {
	if c.why != "" {
		return c.why
	}
	for _, a := range c.args {
		if w := a.why(); w != "" {
			return w
		}
	}
	return ""
}

func (r *run) simple(s *state, n *syntax.CallExpr, tested bool) *state {
	if len(n.Args) == 0 {
		return r.assignments(s, n)
	}
	for _, a := range n.Assigns {
		if a.Append || a.Index != nil || a.Array != nil || a.Naked {
			r.giveUp(n, "no POSIX shell has this assignment")
			return s
		}
	}
	r.subst = nil
	first, why := r.fieldsOf(s, n.Args[0])
	if s.dead {
		return nil
	}
	c := &simpleCall{n: n, tested: tested}
	if len(first) == 0 && why == "" {
		if len(n.Args) == 1 && len(n.Assigns) == 0 {
			s.ok()
			if r.subst != nil {
				s.status, s.statusWhy = r.subst.status, r.subst.why
			}
			return s
		}
		why = "a command's name comes from a word that may be empty"
	}
	if l := n.Args[0].Lit(); r.script.control(l) != "" {
		c.name = l
		return r.call(s, c)
	}
	if why == "" {
		plain, ok := first[0].plain()
		if c.name, c.args = plain, first[1:]; !ok {
			why = first[0].why()
		}
	}
	if why != "" {
		if r.arrived != nil && len(first) == 1 {
			more, moreWhy := r.fields(s, n.Args[1:])
			if s.dead {
				return nil
			}
			c.why = moreWhy
			if r.arrives(s, c, append(first[:1:1], more...), false) && len(r.frames) == 1 {
				return nil
			}
		} else if r.arrived != nil {
			c.why = why
			r.arrives(s, c, nil, false)
		}
		return r.anything(s, n, "it is not known which command `"+r.script.text(n)+"` is: "+why)
	}
	if declares[c.name] && n.Args[0].Lit() == c.name {
		return r.declare(s, c)
	}
	more, why := r.fields(s, n.Args[1:])
	if s.dead {
		return nil
	}
	c.args, c.why = append(append([]text(nil), c.args...), more...), why
	if r.unclear != "" {
		return s
	}
	return r.prefixed(s, c)
}

// prefixed runs a command with what is set for it alone: X=1 command.
func (r *run) prefixed(s *state, c *simpleCall) *state {
	if len(c.n.Assigns) == 0 {
		return r.call(s, c)
	}
	saved := map[string]variable{}
	for _, a := range c.n.Assigns {
		name := a.Name.Value
		if _, twice := saved[name]; !twice {
			saved[name] = r.lookup(s, name)
		}
		v := r.word(s, a.Value)
		if s.dead {
			return nil
		}
		if name == "PATH" && !specialBuiltins[c.name] {
			return r.anything(s, c.n, "PATH is set for `"+r.script.text(c.n)+"`")
		}
		r.assign(s, name, v, a)
	}
	f, isFunc := s.funcs[c.name]
	s = r.call(s, c)
	if s == nil || specialBuiltins[c.name] {
		return s
	}
	for name, v := range saved {
		if isFunc || f != nil {
			r.forget(s, name, "whether `"+r.script.text(c.n)+"` sets "+name+" for good is each shell's own way")
			continue
		}
		s.vars[name] = v
	}
	return s
}

// assignments are X=1 Y=2 and no command.
func (r *run) assignments(s *state, n *syntax.CallExpr) *state {
	r.subst = nil
	var last *outcome
	for _, a := range n.Assigns {
		if a.Append || a.Index != nil || a.Array != nil || a.Naked {
			r.giveUp(n, "no POSIX shell has this assignment")
			return s
		}
		v := r.word(s, a.Value)
		if s.dead {
			return nil
		}
		if last = r.subst; r.unclear != "" {
			return s
		}
		r.assign(s, a.Name.Value, v, a)
	}
	s.ok()
	if last != nil {
		s.status, s.statusWhy = last.status, last.why
	}
	r.subst = nil
	return s
}

// anything is for what may do anything.
func (r *run) anything(s *state, n syntax.Node, why string) *state {
	s.forgetAll(why)
	r.noTools = why
	r.exits(s.fork(), n, "may end the shell")
	if r.fd1 != no || r.fd2 != no {
		s.out = s.out.add(gap(why))
	}
	return s
}

// call runs a command by its name.
func (r *run) call(s *state, c *simpleCall) *state {
	r.subst = nil
	name := c.name
	if why := r.script.control(name); why != "" {
		s.unsure(why)
		return s
	}
	if id := appends(name); id != "" {
		r.forget(s, id, "+= is not what every sh has")
		s.unsure("+= is not what every sh has")
		r.complain(s, c.n)
		return s
	}
	if b := own(name); b != nil && specialBuiltins[name] {
		return b(r, s, c)
	}
	if f, ok := s.funcs[name]; ok {
		if f == nil {
			return r.anything(s, c.n, "it is not known which function "+name+" is")
		}
		return r.function(s, c, f)
	}
	if b := own(name); b != nil {
		return b(r, s, c)
	}
	if foreign[name] || builtins[name] {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` does is not followed")
	}
	if s.lost != "" && tools[name] == nil && name != "hostname" && (r.arrived == nil || !strings.Contains(name, "/")) {
		// It may be a function of what was read before.
		return r.anything(s, c.n, s.lost)
	}
	if strings.Contains(name, "\r") && !strings.Contains(name, "/") { // no program is called so
		r.complain(s, c.n)
		s.fail(notFound)
		return s
	}
	if r.arrives(s, c, append([]text{known(name)}, c.args...), false) && len(r.frames) == 1 {
		return nil // what comes after it comes after the release
	}
	r.external(s, c)
	return s
}

// notFound is the status of a command that there is not.
const notFound = 127

// function runs one of the script's functions.
func (r *run) function(s *state, c *simpleCall, f *syntax.FuncDecl) *state {
	if r.depth++; r.depth > maxDepth {
		r.giveUp(c.n, "functions are nested too deep")
	}
	defer func() { r.depth-- }()
	if r.unclear != "" {
		return s
	}
	params, paramsWhy := s.params, s.paramsWhy
	s.params, s.paramsWhy = c.args, c.why
	if c.why != "" {
		s.params = nil
	}
	fr := r.frame()
	call := &call{name: c.name, loops: len(fr.loops), givens: r.givens}
	locals := s.locals
	s.locals = map[string]outside{}
	fr.calls = append(fr.calls, call)
	s = r.stmt(s, f.Body, c.tested)
	fr.calls = fr.calls[:len(fr.calls)-1]
	for _, t := range call.returns {
		s = r.join(s, t, "where "+c.name+" returns is not known")
	}
	if s == nil {
		return nil
	}
	s.params, s.paramsWhy = params, paramsWhy
	for name, o := range s.locals {
		if !o.sure {
			o.v = joinVars(o.v, r.lookup(s, name), "whether "+name+" was made local is not known")
		}
		s.vars[name] = o.v
	}
	s.locals = locals
	return s
}

// external runs a program: one that is known to do nothing but print, or one of which nothing is known.
func (r *run) external(s *state, c *simpleCall) {
	in := s.in
	inWhy := s.inWhy
	why := "what `" + r.script.text(c.n) + "` prints is not known"
	if r.noTools == "" {
		t := tools[c.name]
		args, ok := c.plain()
		if t != nil && ok {
			if inWhy != "" {
				in = gap(inWhy)
			}
			if out, ok := t(r.host, args, in); ok {
				if out.reads {
					s.in, s.inWhy = nil, "`"+r.script.text(c.n)+"` has read the input"
				}
				r.print(s, out.out, c.n)
				s.fail(out.status)
				if out.status != 0 {
					r.complain(s, c.n)
				}
				if out.why != "" {
					s.unsure(out.why)
				}
				return
			}
		}
		if u := c.unknown(); t != nil && u != "" {
			why += ": " + u
		}
	} else {
		why += ": " + r.noTools
	}
	s.in, s.inWhy = nil, "what `"+r.script.text(c.n)+"` leaves of the input is not known"
	if !silent[c.name] {
		r.print(s, gap(why), c.n)
	}
	r.complain(s, c.n)
	s.unsure("whether `" + r.script.text(c.n) + "` succeeds is not known")
}

// appends tells whether a command is NAME+=value, and gives the name.
func appends(name string) string {
	id, _, ok := strings.Cut(name, "+=")
	if ok && syntax.ValidName(id) {
		return id
	}
	return ""
}

// assignment reads NAME=value, as export has it, and gives the word of the value.
func assignment(w *syntax.Word) (name string, value *syntax.Word, ok bool) {
	l, isLit := w.Parts[0].(*syntax.Lit)
	if !isLit {
		return "", nil, false
	}
	name, rest, ok := strings.Cut(l.Value, "=")
	if !ok || !syntax.ValidName(name) {
		return "", nil, false
	}
	v := &syntax.Word{}
	if rest != "" {
		lit := *l
		n := uint(len(name) + 1)
		lit.Value, lit.ValuePos = rest, syntax.NewPos(l.ValuePos.Offset()+n, l.ValuePos.Line(), l.ValuePos.Col()+n)
		v.Parts = append(v.Parts, &lit)
	}
	v.Parts = append(v.Parts, w.Parts[1:]...)
	return name, v, true
}
