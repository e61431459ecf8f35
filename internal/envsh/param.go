package envsh

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// param expands $NAME and ${NAME…}.
func (r *run) param(s *state, p *syntax.ParamExp, dq bool) []frag {
	one := func(t text) []frag { return []frag{{t: t, quoted: dq, split: !dq}} }
	if r.foreign[p] {
		r.badSubstitution(s, p)
		return nil
	}
	if p.Param == nil || p.Excl || p.Width || p.IsSet || p.Index != nil || p.Slice != nil || p.Repl != nil || p.Names != 0 ||
		p.Flags != nil || p.NestedParam != nil || len(p.Modifiers) > 0 {
		r.giveUp(p, "no POSIX shell has this in a word")
		return nil
	}
	name := p.Param.Value
	if strings.IndexFunc(name, isHole) >= 0 {
		return one(gap("which variable a tag names is not known"))
	}
	if name == "@" || name == "*" {
		if word, is, ok := orArguments(s, p, dq); ok {
			if is {
				return []frag{{params: true, quoted: true}}
			}
			return r.argument(s, word, dq)
		}
		switch {
		case p.Exp != nil || p.Length:
			return one(gap("$" + name + " with an operator is not followed"))
		case name == "@" && dq:
			return []frag{{params: true, quoted: true}}
		case s.paramsWhy == "" && len(s.params) == 1:
			return one(s.params[0])
		}
		return one(gap("$" + name + " is not followed here"))
	}
	v := r.value(s, name)
	if p.Exp == nil {
		r.nounset(s, p, name, v)
		if s.dead {
			return nil
		}
		if p.Length {
			plain, ok := v.val.plain()
			if v.set == no {
				plain, ok = "", true
			}
			if !ok || v.set == maybe || !ascii(plain) {
				return one(text{{why: "the length of " + name + " is not known", filled: true}})
			}
			return one(known(strconv.Itoa(len(plain))))
		}
		return one(v.text(name))
	}
	return r.operator(s, p, name, v, dq)
}

// orArguments is "${@:-word}": the arguments, where there are some, or else the word. Not ok where it is not known which: shells
// differ on an argument that is empty.
func orArguments(s *state, p *syntax.ParamExp, dq bool) (word *syntax.Word, is, ok bool) {
	if p.Param.Value != "@" || !dq || p.Length || p.Exp == nil || p.Exp.Op != syntax.DefaultUnset && p.Exp.Op != syntax.DefaultUnsetOrNull {
		return nil, false, false
	}
	if len(s.params) == 0 {
		return p.Exp.Word, false, s.paramsWhy == ""
	}
	return nil, true, s.params[0].empty() == no
}

// text is what $NAME gives.
func (v variable) text(name string) text {
	switch v.set {
	case no:
		return nil
	case maybe:
		if len(v.val) == 0 {
			return nil
		}
		if w := v.val.why(); w != "" {
			return gap(w)
		}
		return gap("whether " + name + " is set is not known")
	}
	return v.val
}

// value finds a variable or one of the shell's own parameters.
func (r *run) value(s *state, name string) variable {
	set := func(t text) variable { return variable{set: yes, val: t} }
	opaque := func(why string) variable { return variable{set: yes, val: text{{why: why, filled: true}}} }
	switch {
	case name == "?":
		if s.statusWhy != "" || r.subst != nil {
			return opaque("the status is not known")
		}
		return set(known(strconv.Itoa(s.status)))
	case name == "#":
		if s.paramsWhy != "" {
			return opaque(s.paramsWhy)
		}
		return set(known(strconv.Itoa(len(s.params))))
	case name == "0":
		return opaque("where bin/APP is and how it was called is not known")
	case name == "$", name == "-":
		return opaque("$" + name + " is not known")
	case name == "!":
		return variable{set: maybe, val: gap("$! is not known")}
	case name[0] >= '0' && name[0] <= '9':
		n, err := strconv.Atoi(name)
		switch {
		case err == nil && n == 0:
			return opaque("$" + name + " is each shell's own way")
		case err == nil && n <= len(s.params):
			return set(s.params[n-1])
		case s.paramsWhy != "" || err != nil:
			return variable{set: maybe, val: gap(s.paramsWhy)}
		}
		return variable{}
	}
	return r.lookup(s, name)
}

// nounset is what `set -u` makes of a variable that is not set.
func (r *run) nounset(s *state, n syntax.Node, name string, v variable) {
	if u := s.opts['u']; u != no && v.set != yes {
		r.dies(s, n, name+" is not set, and `set -u` holds", u == yes && v.set == no)
		if !s.dead && u == yes && syntax.ValidName(name) {
			v.set = yes
			s.vars[name] = v
		}
	}
}

// dies ends the shell from within a word, surely or perhaps.
func (r *run) dies(s *state, n syntax.Node, why string, surely bool) {
	if r.docs > 0 {
		r.giveUp(n, why+", within a document, which dash makes in a shell of its own")
		return
	}
	out := s.fork()
	out.fail(2)
	if !surely {
		why = "perhaps " + why
	}
	r.exits(out, n, why)
	r.complain(out, n)
	s.dead = surely
}

// operator is ${NAME:-word} and its like.
func (r *run) operator(s *state, p *syntax.ParamExp, name string, v variable, dq bool) []frag {
	one := func(t text) []frag { return []frag{{t: t, quoted: dq, split: !dq}} }
	null := v.set.not() // whether it counts as not there
	here := v.val       // what it gives where it counts as there
	switch p.Exp.Op {
	case syntax.DefaultUnsetOrNull, syntax.AssignUnsetOrNull, syntax.ErrorUnsetOrNull, syntax.AlternateUnsetOrNull:
		if e := v.val.empty(); null != yes && e != no {
			null = e
			if v.set == maybe && e != yes {
				null = maybe
			}
		}
		if len(here) == 1 && here[0].why != "" {
			here = text{{why: here[0].why, filled: true}}
		}
	}
	why := v.text(name).why()
	if why == "" {
		why = "whether " + name + " is set is not known"
	}
	switch p.Exp.Op {
	case syntax.DefaultUnset, syntax.DefaultUnsetOrNull:
		switch null {
		case no:
			return one(v.val)
		case yes:
			return r.argument(s, p.Exp.Word, dq)
		}
		alt := s.fork()
		t := flat(r.argument(alt, p.Exp.Word, dq))
		r.mix(s, alt, why)
		return one(here.or(t, why))
	case syntax.AssignUnset, syntax.AssignUnsetOrNull:
		if !syntax.ValidName(name) {
			r.giveUp(p, "a parameter can't be set that way")
			return nil
		}
		if null == no {
			return one(v.val)
		}
		alt := s.fork()
		t := flat(r.argument(alt, p.Exp.Word, dq))
		r.assign(alt, name, t, p)
		if null == yes {
			*s = *alt
			return one(t)
		}
		r.mix(s, alt, why)
		return one(here.or(t, why))
	case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
		if null == no {
			return one(v.val)
		}
		msg := name + " is not set"
		if p.Exp.Op == syntax.ErrorUnsetOrNull {
			msg += ", or empty"
		}
		r.dies(s, p, msg, null == yes)
		if s.dead {
			return nil
		}
		v.set = yes
		if len(v.val) == 1 && v.val[0].why != "" && p.Exp.Op == syntax.ErrorUnsetOrNull {
			v.val = text{{why: v.val[0].why, filled: true}}
		}
		if syntax.ValidName(name) {
			s.vars[name] = v
		}
		return one(v.val)
	case syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
		switch null {
		case yes:
			return one(nil)
		case no:
			return r.argument(s, p.Exp.Word, dq)
		}
		alt := s.fork()
		t := flat(r.argument(alt, p.Exp.Word, dq))
		r.mix(s, alt, why)
		return one(text(nil).or(t, why))
	case syntax.RemSmallPrefix, syntax.RemLargePrefix, syntax.RemSmallSuffix, syntax.RemLargeSuffix:
		r.nounset(s, p, name, v)
		if s.dead {
			return nil
		}
		pat := pattern(nil)
		if p.Exp.Word != nil {
			pat = r.pattern(s, p.Exp.Word)
		}
		plain, ok := v.text(name).plain()
		if !ok {
			return one(gap(why))
		}
		cut, ok := pat.remove(plain, p.Exp.Op)
		if !ok {
			return one(gap("what `" + r.script.text(p) + "` takes away is not known"))
		}
		return one(known(cut))
	}
	r.giveUp(p, "no POSIX shell has this in a word")
	return nil
}

// argument expands the word of an operator. Within quotes it is quoted; without, each part is as it stands.
func (r *run) argument(s *state, w *syntax.Word, dq bool) []frag {
	if w == nil {
		return []frag{{quoted: dq, split: !dq}}
	}
	if !dq {
		all := r.frags(s, w.Parts, false)
		for i := range all {
			all[i].split = !all[i].quoted
		}
		return all
	}
	var all []frag
	for _, p := range w.Parts {
		if _, ok := p.(*syntax.SglQuoted); ok {
			all = append(all, frag{t: gap("a ' within quotes within ${ } is read by each shell in its own way"), quoted: true})
			continue
		}
		if l, ok := p.(*syntax.Lit); ok && strings.Contains(l.Value, `\}`) {
			all = append(all, frag{t: r.holes(unescape(l.Value, "$`\"\\}")), quoted: true})
			continue
		}
		all = append(all, r.part(s, p, true)...)
	}
	return all
}

func flat(all []frag) (t text) {
	for _, f := range all {
		if f.params {
			f.t = gap("$@ in one word is not followed")
		}
		t = t.add(f.t)
	}
	return t
}

// mix makes s what is known where it is s or alt.
func (r *run) mix(s, alt *state, why string) {
	if alt.dead {
		return // that way ended
	}
	*s = *r.join(s, alt, why)
}
