package envsh

import (
	"mvdan.cc/sh/v3/syntax"
)

// redirected runs a command with its redirections.
func (r *run) redirected(s *state, st *syntax.Stmt, tested bool) *state {
	if len(st.Redirs) == 0 {
		return r.command(s, st, tested)
	}
	in, inWhy := s.in, s.inWhy
	fd := map[string]truth{"0": maybe, "1": r.fd1, "2": r.fd2}
	given, fails := false, ""
	for _, rd := range st.Redirs {
		g, f := r.redirect(s, rd, fd)
		if s.dead {
			return nil
		}
		given = given || g
		if f != "" {
			fails = f
		}
	}
	if r.unclear != "" {
		return s
	}
	if isCall(st.Cmd, "exec") {
		if fd["1"] != r.fd1 || fd["2"] != r.fd2 {
			if r.fd1 != no || r.fd2 != no {
				r.giveUp(st, "exec redirects what is looked at")
				return s
			}
		}
		in, inWhy = s.in, s.inWhy
	}
	// A command whose redirection fails is not run at all.
	var skipped *state
	if fails != "" {
		skipped = s.fork()
		skipped.unsure(fails)
		skipped.in, skipped.inWhy = in, inWhy
	}
	fd1, fd2 := r.fd1, r.fd2
	r.fd1, r.fd2 = fd["1"], fd["2"]
	if given {
		r.givens++
	}
	end := r.command(s, st, tested)
	if given {
		r.givens--
		if end != nil {
			end.in, end.inWhy = in, inWhy
		}
	}
	r.fd1, r.fd2 = fd1, fd2
	if skipped == nil {
		return end
	}
	if fd2 != no {
		skipped.out = skipped.out.add(gap(fails))
	}
	call, simple := st.Cmd.(*syntax.CallExpr)
	if !simple || len(call.Args) > 0 && specialBuiltins[call.Args[0].Lit()] {
		r.exits(skipped.fork(), st, "may fail: "+fails)
	}
	end = r.join(end, skipped, fails)
	end.unsure(fails)
	return end
}

// redirect does one redirection. It tells whether the command gets an input of its own, and why it may fail.
func (r *run) redirect(s *state, rd *syntax.Redirect, fd map[string]truth) (given bool, fails string) {
	n := ""
	if rd.N != nil {
		n = rd.N.Value
	}
	null := rd.Word.Lit() == "/dev/null"
	switch rd.Op {
	case syntax.RdrOut, syntax.AppOut, syntax.RdrClob:
		if n == "" {
			n = "1"
		}
		fd[n] = no
		if null {
			return false, ""
		}
		r.word(s, rd.Word)
		if l := rd.Word.Lit(); l == "/dev/stdout" || l == "/dev/fd/1" || l == "/proc/self/fd/1" || l == "" {
			fd[n] = maybe
		}
		return false, "whether `" + r.script.text(rd.Word) + "` can be written is not known"
	case syntax.DplOut:
		if n == "" {
			n = "1"
		}
		to, ok := fd[rd.Word.Lit()]
		switch {
		case rd.Word.Lit() == "-":
			fd[n] = no
			return false, "what is made of a closed output is not known"
		case !ok:
			fd[n] = maybe
			r.word(s, rd.Word)
			return false, "where `" + r.script.text(rd) + "` goes is not known"
		}
		fd[n] = to
		return false, ""
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn:
		r.word(s, rd.Word)
		given = n == "" || n == "0"
		if given {
			s.in, s.inWhy = nil, "what `"+r.script.text(rd)+"` gives is not known"
		}
		if null && rd.Op == syntax.RdrIn {
			if given {
				s.inWhy = ""
			}
			return given, ""
		}
		return given, "whether `" + r.script.text(rd.Word) + "` can be read is not known"
	case syntax.Hdoc, syntax.DashHdoc:
		given = n == "" || n == "0"
		r.docs++
		t := r.heredoc(s, rd)
		r.docs--
		if given {
			s.in, s.inWhy = t, ""
		}
		return given, ""
	}
	r.giveUp(rd, "no POSIX shell has this redirection")
	return false, ""
}

// leave is for a way out of commands that had an input of their own: what is left of the one outside is not known.
func (r *run) leave(s *state, givens int) {
	if r.givens != givens {
		s.in, s.inWhy = nil, "what is left of the input is not known"
	}
}

// print has a command print something.
func (r *run) print(s *state, t text, n syntax.Node) {
	switch r.fd1 {
	case yes:
		s.out = s.out.add(t)
	case maybe:
		s.out = s.out.add(gap("whether what " + r.line(n) + " prints is looked at is not known"))
	}
	if s.out.size() > maxText {
		r.giveUp(n, "what is printed grows beyond all bounds")
	}
}

// complain is for a command that may say something of errors.
func (r *run) complain(s *state, n syntax.Node) {
	if r.fd2 != no {
		s.out = s.out.add(gap("what " + r.line(n) + " says of errors is not known"))
	}
}

func isCall(c syntax.Command, name string) bool {
	call, ok := c.(*syntax.CallExpr)
	return ok && len(call.Args) > 0 && call.Args[0].Lit() == name
}
