package envsh

import (
	"mvdan.cc/sh/v3/syntax"
)

// subshell runs something in a shell of its own and gives the state in which that ended, in all its ways together.
func (r *run) subshell(s *state, do func(*state) *state) *state {
	f := &frame{givens: r.givens}
	r.frames = append(r.frames, f)
	end := do(s.fork())
	r.frames = r.frames[:len(r.frames)-1]
	for _, e := range f.exits {
		end = r.join(end, e, "where a subshell ends is not known")
	}
	return end
}

// captured runs something and gives what it prints.
func (r *run) captured(s *state, do func(*state) *state) (text, *state) {
	in := s.fork()
	in.out = nil
	outer := r.fd1
	r.fd1 = yes
	end := r.subshell(in, do)
	r.fd1 = outer
	if r.fd2 != no {
		s.out = s.out.add(gap("what is said of errors is not known"))
	}
	if end == nil {
		return gap("a subshell does not come to its end"), nil
	}
	return end.out, end
}

// arithmetic tells whether a subshell in a subshell is (( )), as bash has it.
func (r *run) arithmetic(c *syntax.Subshell) bool {
	if len(c.Stmts) == 0 {
		return false
	}
	inner, ok := c.Stmts[0].Cmd.(*syntax.Subshell)
	return ok && inner.Lparen.Offset() == c.Lparen.Offset()+1
}

// take has the outer shell go on after a subshell.
func (r *run) take(s, end *state) {
	if end == nil {
		s.unsure("a subshell does not come to its end")
		return
	}
	s.status, s.statusWhy, s.out, s.in, s.inWhy = end.status, end.statusWhy, end.out, end.in, end.inWhy
}

func (r *run) binary(s *state, c *syntax.BinaryCmd, tested bool) *state {
	if c.Op == syntax.Pipe {
		return r.pipe(s, c, tested)
	}
	s = r.stmt(s, c.X, true)
	if s == nil {
		return nil
	}
	goOn := s.failed() // whether Y runs
	if c.Op == syntax.AndStmt {
		goOn = goOn.not()
	} else if c.Op != syntax.OrStmt {
		r.giveUp(c, "no POSIX shell has this")
		return s
	}
	switch goOn {
	case yes:
		return r.stmt(s, c.Y, tested)
	case no:
		return s
	}
	why := r.unknownCondition(c.X, s)
	then, other := s, s.fork()
	r.narrow(then, c.X, c.Op == syntax.AndStmt)
	r.narrow(other, c.X, c.Op == syntax.OrStmt)
	if c.Op == syntax.OrStmt {
		other.ok()
	} else {
		then.ok()
	}
	return r.join(r.stmt(then, c.Y, tested), other, why)
}

func (r *run) unknownCondition(n syntax.Node, s *state) string {
	return "whether `" + r.script.text(n) + "` holds (" + r.line(n) + ") is not known: " + s.statusWhy
}

func (r *run) pipe(s *state, c *syntax.BinaryCmd, tested bool) *state {
	out, _ := r.captured(s, func(sub *state) *state { return r.stmt(sub, c.X, tested) })
	right := s.fork()
	right.in, right.inWhy = out, ""
	r.take(s, r.subshell(right, func(sub *state) *state { return r.stmt(sub, c.Y, tested) }))
	s.in, s.inWhy = nil, "what a pipe left of it is not known"
	if r.pipefail && s.failed() == no {
		s.unsure("whether all of a pipe succeeds is not known")
	}
	return s
}
