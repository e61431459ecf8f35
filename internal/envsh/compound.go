package envsh

import (
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (r *run) ifClause(s *state, c *syntax.IfClause, tested bool) *state {
	if !c.ThenPos.IsValid() { // else
		return r.list(s, c.Then, tested)
	}
	s = r.list(s, c.Cond, true)
	if s == nil || r.unclear != "" {
		return s
	}
	other := func(s *state) *state {
		if c.Else == nil {
			s.ok()
			return s
		}
		return r.ifClause(s, c.Else, tested)
	}
	switch s.failed() {
	case no:
		return r.list(s, c.Then, tested)
	case yes:
		return other(s)
	}
	last := c.Cond[len(c.Cond)-1]
	why := r.unknownCondition(last, s)
	then, not := s, s.fork()
	r.narrow(then, last, true)
	r.narrow(not, last, false)
	then.ok()
	return r.join(r.list(then, c.Then, tested), other(not), why)
}

// narrow is what follows for a variable from a test that turned out so, though the test as such is not known: [ -n "$X" ].
func (r *run) narrow(s *state, cond *syntax.Stmt, holds bool) {
	if b, ok := cond.Cmd.(*syntax.BinaryCmd); ok && !cond.Negated && isTest(b.X.Cmd) && isTest(b.Y.Cmd) &&
		(b.Op == syntax.AndStmt && holds || b.Op == syntax.OrStmt && !holds) {
		r.narrow(s, b.X, holds)
		r.narrow(s, b.Y, holds)
		return
	}
	call, ok := cond.Cmd.(*syntax.CallExpr)
	if !ok || len(cond.Redirs) > 0 || cond.Background || len(call.Assigns) > 0 {
		return
	}
	name, filled, ok := asksIfSet(call)
	if !ok {
		return
	}
	if holds == cond.Negated {
		filled = !filled
	}
	v := r.lookup(s, name)
	if plain, ok := v.val.plain(); ok {
		// Only whether it is set was open.
		switch {
		case filled && plain != "":
			v.set = yes
		case !filled && plain != "":
			v = variable{exported: v.exported, readonly: v.readonly}
		}
		s.vars[name] = v
		return
	}
	if filled {
		v.set = yes
		if len(v.val) == 1 {
			v.val = text{{why: v.val[0].why, filled: true}}
		}
	} else {
		v.val = nil
	}
	s.vars[name] = v
}

func isTest(c syntax.Command) bool { return isCall(c, "[") || isCall(c, "test") }

// asksIfSet reads [ -n "$X" ], [ -z "${X:-}" ] and test's forms of it, and tells what the test says where it holds.
func asksIfSet(c *syntax.CallExpr) (name string, filled, ok bool) {
	args := c.Args
	switch {
	case len(args) == 4 && args[0].Lit() == "[" && args[3].Lit() == "]":
		args = args[1:3]
	case len(args) == 3 && args[0].Lit() == "test":
		args = args[1:]
	default:
		return "", false, false
	}
	switch args[0].Lit() {
	case "-n":
		filled = true
	case "-z":
	default:
		return "", false, false
	}
	parts := args[1].Parts
	q, isQuoted := parts[0].(*syntax.DblQuoted)
	if !isQuoted || len(parts) != 1 {
		return "", false, false // [ -n $X ] holds where X is empty, [ -z $X ] where it is blank
	}
	parts = q.Parts
	if len(parts) != 1 {
		return "", false, false
	}
	p, isParam := parts[0].(*syntax.ParamExp)
	if !isParam || !syntax.ValidName(p.Param.Value) || p.Length {
		return "", false, false
	}
	if p.Exp != nil {
		op := p.Exp.Op
		if op != syntax.DefaultUnset && op != syntax.DefaultUnsetOrNull || p.Exp.Word != nil && len(p.Exp.Word.Parts) > 0 {
			return "", false, false
		}
	}
	return p.Param.Value, filled, true
}

func (r *run) caseClause(s *state, c *syntax.CaseClause, tested bool) *state {
	what := r.word(s, c.Word)
	if s.dead {
		return nil
	}
	var done *state
	why := "what `" + r.script.text(c.Word) + "` is (" + r.line(c) + ") is not known: " + what.why()
	for _, item := range c.Items {
		if item.Op != syntax.Break {
			r.giveUp(item, "no POSIX shell has this end of a case")
			return s
		}
		hit := no
		for _, w := range item.Patterns {
			p := r.pattern(s, w)
			if s.dead {
				return done
			}
			hit = max(hit, p.matches(what))
			if hit == yes {
				break
			}
			if hit == maybe && p.why() != "" {
				why = "what `" + r.script.text(w) + "` is (" + r.line(w) + ") is not known: " + p.why()
			}
		}
		switch hit {
		case yes:
			s.ok()
			return r.join(done, r.list(s, item.Stmts, tested), why)
		case maybe:
			f := s.fork()
			f.ok()
			done = r.join(done, r.list(f, item.Stmts, tested), why)
		}
	}
	s.ok()
	return r.join(done, s, why)
}

// body runs a loop's commands once. Where they are left, it says by which way.
func (r *run) body(s *state, do []*syntax.Stmt, tested bool, l *loop) *state {
	f := r.frame()
	f.loops = append(f.loops, l)
	s = r.list(s, do, tested)
	f.loops = f.loops[:len(f.loops)-1]
	for _, c := range l.continues {
		s = r.join(s, c, "where the loop goes on is not known")
	}
	l.continues = nil
	return s
}

func (r *run) while(s *state, c *syntax.WhileClause, tested bool) *state {
	l := &loop{givens: r.givens}
	status := 0
	statusWhy := ""
	for {
		if r.stopped(c) {
			return s
		}
		before := s.fork()
		f := r.frame()
		f.loops = append(f.loops, l)
		s = r.list(s, c.Cond, true)
		f.loops = f.loops[:len(f.loops)-1]
		if s == nil || len(l.continues) > 0 {
			if r.unclear == "" && len(l.continues) > 0 {
				r.giveUp(c, "a loop goes on from within its own condition")
			}
			break
		}
		stop := s.failed()
		if c.Until {
			stop = stop.not()
		}
		if stop == maybe {
			return r.unclearLoop(before, c, l, c.Cond, c.Do)
		}
		if stop == yes {
			s.status, s.statusWhy = status, statusWhy
			break
		}
		if s = r.body(s, c.Do, tested, l); s == nil {
			break
		}
		status, statusWhy = s.status, s.statusWhy
	}
	for _, b := range l.breaks {
		s = r.join(s, b, "whether the loop at "+r.line(c)+" is left is not known")
	}
	return s
}

func (r *run) forClause(s *state, c *syntax.ForClause, tested bool) *state {
	it, ok := c.Loop.(*syntax.WordIter)
	if !ok || c.Select || c.Braces {
		r.giveUp(c, "no POSIX shell has this loop")
		return s
	}
	var items []text
	var why string
	if !it.InPos.IsValid() {
		items, why = s.params, s.paramsWhy
	} else {
		items, why = r.fields(s, it.Items)
		if r.bash && slices.ContainsFunc(it.Items, func(w *syntax.Word) bool { return strings.HasPrefix(w.Lit(), "{") }) {
			why = "what {…} stands for is not followed"
		}
	}
	if s.dead {
		return nil
	}
	if r.unclear != "" {
		return s
	}
	l := &loop{givens: r.givens}
	if why != "" {
		return r.unclearLoop(s, c, l, nil, c.Do, it.Name.Value)
	}
	s.ok()
	for _, item := range items {
		if r.stopped(c) {
			return s
		}
		r.assign(s, it.Name.Value, item, it)
		if s = r.body(s, c.Do, tested, l); s == nil {
			break
		}
	}
	for _, b := range l.breaks {
		s = r.join(s, b, "whether the loop at "+r.line(c)+" is left is not known")
	}
	return s
}

// unclearLoop is a loop that runs nobody knows how often: whatever it sets is unknown.
func (r *run) unclearLoop(s *state, n syntax.Node, l *loop, cond, do []*syntax.Stmt, sets ...string) *state {
	why := "how often the loop at " + r.line(n) + " runs is not known"
	e := r.effects(s, cond, do)
	if e.all != "" {
		r.giveUp(n, why+", and in it is "+e.all)
		return s
	}
	forget := func(s *state) {
		for _, name := range sets {
			r.forget(s, name, why)
		}
		for name := range e.sets {
			r.forget(s, name, why)
		}
		s.unsure(why)
		if r.fd1 != no || r.fd2 != no {
			s.out = s.out.add(gap(why))
		}
		s.in, s.inWhy = nil, why
	}
	forget(s)
	// Once, for the ways out of it.
	once := r.body(r.list(s.fork(), cond, true), do, false, l)
	s.ok()
	if once != nil {
		status, statusWhy := once.status, once.statusWhy
		forget(once)
		once.status, once.statusWhy = status, statusWhy
	}
	s = r.join(s, once, why)
	for _, b := range l.breaks {
		s = r.join(s, b, why)
	}
	status, statusWhy := s.status, s.statusWhy
	forget(s)
	s.status, s.statusWhy = status, statusWhy
	return s
}
