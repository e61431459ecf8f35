package envsh

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func (r *run) unset(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	if !ok {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` names is not known: "+c.unknown())
	}
	funcs := false
	for i, a := range args {
		switch {
		case i == 0 && (a == "-f" || a == "-v"):
			funcs = a == "-f"
		case funcs:
			delete(s.funcs, a)
		case !syntax.ValidName(a):
			return r.anything(s, c.n, "`"+a+"` is no name of a variable")
		case r.lookup(s, a).readonly != no:
			r.giveUp(c.n, a+" is readonly")
		default:
			if a == "PATH" {
				r.noTools = "PATH is unset"
			}
			s.vars[a] = variable{}
			if shellsOwn[a] {
				r.forget(s, a, "the shell has its own idea of "+a)
			}
		}
	}
	s.ok()
	return s
}

// set is for options and parameters.
func (r *run) set(s *state, c *simpleCall) *state {
	if c.why != "" {
		first := ""
		if len(c.args) > 0 {
			first, _ = c.args[0].plain()
		}
		if first != "--" {
			return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` sets is not known: "+c.why)
		}
		s.params, s.paramsWhy = nil, c.why
		s.ok()
		return s
	}
	if len(c.args) == 0 {
		return r.harmless(s, c)
	}
	s.ok()
	for i := 0; i < len(c.args); i++ {
		a, ok := c.args[i].plain()
		switch {
		case !ok:
			return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` sets is not known: "+c.args[i].why())
		case a == "--":
			s.params, s.paramsWhy = c.args[i+1:], ""
			return s
		case len(a) < 2 || a[0] != '-' && a[0] != '+':
			if a == "-" || a == "+" {
				return r.anything(s, c.n, "`set "+a+"` is each shell's own way")
			}
			s.params, s.paramsWhy = c.args[i:], ""
			return s
		}
		for _, o := range a[1:] {
			if o == 'o' {
				if i++; i >= len(c.args) {
					return r.harmless(s, c)
				}
				long, _ := c.args[i].plain()
				if r.bash && long == "pipefail" {
					r.pipefail = r.pipefail || a[0] == '-'
					continue
				}
				short, known := options[long]
				if !known {
					return r.anything(s, c.n, "`set -o "+long+"` is not what every sh has: dash ends there")
				}
				o = short
			}
			if !strings.ContainsRune("aefuxvbm", o) {
				return r.anything(s, c.n, "`set "+a+"` is not followed")
			}
			s.opts[o] = is(a[0] == '-')
			if o == 'x' || o == 'v' {
				if s.opts[o] == yes && r.fd2 != no {
					r.giveUp(c.n, "what is traced is looked at")
				}
			}
		}
	}
	return s
}

var options = map[string]rune{
	"allexport": 'a', "errexit": 'e', "noglob": 'f', "nounset": 'u', "xtrace": 'x', "verbose": 'v', "notify": 'b', "monitor": 'm',
}

func (r *run) shift(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	n := 1
	if ok && len(args) > 0 {
		var err error
		n, err = strconv.Atoi(args[0])
		ok = err == nil && n >= 0
	}
	if !ok || s.paramsWhy != "" && n > len(s.params) || n > len(s.params) {
		why := "what is left of the parameters is not known"
		s.params, s.paramsWhy = nil, why
		s.unsure(why)
		r.exits(s.fork(), c.n, "may shift more parameters than there are")
		s.ok()
		return s
	}
	s.params = s.params[n:]
	s.ok()
	return s
}

func (r *run) eval(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	if !ok {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` runs is not known: "+c.unknown())
	}
	src := strings.Join(args, " ")
	if strings.IndexFunc(src, isHole) >= 0 || strings.Contains(src, windowsEnd) {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` runs is not known")
	}
	inner := &masked{name: r.script.name, src: src, out: masksEnds.Replace(src), fixed: r.script.pos(c.n.Pos()), release: r.release}
	f, err := inner.parse()
	if err != nil {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` runs is not understood")
	}
	if r.depth++; r.depth > maxDepth {
		r.giveUp(c.n, "eval is nested too deep")
		return s
	}
	outer := r.script
	r.script = inner
	s.ok()
	before := len(s.funcs)
	s = r.list(s, f.Stmts, c.tested)
	r.script = outer
	r.depth--
	if s != nil && len(s.funcs) != before {
		return r.anything(s, c.n, "eval declares a function")
	}
	return s
}

func (r *run) dot(s *state, c *simpleCall) *state {
	return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` reads is not known")
}

func (r *run) exec(s *state, c *simpleCall) *state {
	if c.why == "" && len(c.args) == 0 {
		s.ok()
		return s
	}
	if r.arrives(s, c, c.args, true) {
		if len(r.frames) > 1 {
			r.exits(s, c.n, "")
		}
		return nil
	}
	s.unsure("what `" + r.script.text(c.n) + "` comes to is not known")
	if r.fd1 != no || r.fd2 != no {
		s.out = s.out.add(gap("what `" + r.script.text(c.n) + "` prints is not known"))
	}
	r.exits(s, c.n, "another program takes the place of the shell")
	return nil
}

// commandBuiltin is `command`: a command, and not a function of its name.
func (r *run) commandBuiltin(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	if ok && len(args) > 0 && (args[0] == "-v" || args[0] == "-V") {
		return r.harmless(s, c)
	}
	if !ok || len(args) == 0 || strings.HasPrefix(args[0], "-") || specialBuiltins[args[0]] || declares[args[0]] {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` does is not followed")
	}
	inner := *c
	inner.name, inner.args = args[0], c.args[1:]
	if b := own(inner.name); b != nil {
		return b(r, s, &inner)
	}
	if builtins[inner.name] || foreign[inner.name] {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` does is not followed")
	}
	r.external(s, &inner)
	return s
}

// read takes a line of the input apart.
func (r *run) read(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	if !ok {
		return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` names is not known: "+c.unknown())
	}
	raw := false
	if len(args) > 0 && args[0] == "-r" {
		raw, args = true, args[1:]
	}
	for _, a := range args {
		if !syntax.ValidName(a) {
			return r.anything(s, c.n, "`"+r.script.text(c.n)+"` is not followed")
		}
	}
	if len(args) == 0 {
		return r.anything(s, c.n, "`read` without a name is each shell's own way")
	}
	line, rest, hasEnd, ok := "", "", false, false
	in, plain := s.in.plain()
	if s.inWhy == "" && plain {
		line, rest, hasEnd = strings.Cut(in, "\n")
		ok = raw || !strings.Contains(line, `\`)
	}
	ifs := r.lookup(s, "IFS")
	seps, known1 := ifs.val.plain()
	if ifs.set == no {
		seps, known1 = " \t\n", true
	}
	if !ok || !known1 || ifs.set == maybe || !ascii(seps) {
		why := s.inWhy
		if why == "" {
			why = "what `" + r.script.text(c.n) + "` reads is not known"
		}
		if w := s.in.why(); w != "" {
			why = w
		}
		for _, a := range args {
			r.assign(s, a, gap(why), c.n)
		}
		s.in, s.inWhy = nil, why
		s.unsure(why)
		return s
	}
	if len(args) > 1 && strings.Trim(seps, " \t\n") != "" && lastHasEdge(line, seps) {
		for _, a := range args {
			r.assign(s, a, gap("how read takes a line apart that ends with a separator is each shell's own way"), c.n)
		}
	} else {
		for i, v := range readFields(line, seps, len(args)) {
			r.assign(s, args[i], known(v), c.n)
		}
	}
	s.in = known(rest)
	s.ok()
	if !hasEnd {
		s.fail(1)
	}
	return s
}

// lastHasEdge tells whether a line ends with a separator that is no white space.
func lastHasEdge(line, seps string) bool {
	line = strings.TrimRight(line, " \t")
	return line != "" && strings.IndexByte(seps, line[len(line)-1]) >= 0
}

// readFields takes a line apart for n variables: the last one gets the rest as it stands.
func readFields(line, seps string, n int) []string {
	space := ""
	for _, c := range seps {
		if c == ' ' || c == '\t' || c == '\n' {
			space += string(c)
		}
	}
	out := make([]string, n)
	line = strings.TrimLeft(line, space)
	for i := range n - 1 {
		at := strings.IndexAny(line, seps)
		if at < 0 {
			out[i] = line
			return out
		}
		out[i] = line[:at]
		line = strings.TrimLeft(line[at:], space)
		if line != "" && strings.IndexByte(space, line[0]) < 0 && strings.IndexByte(seps, line[0]) >= 0 {
			line = strings.TrimLeft(line[1:], space)
		}
	}
	out[n-1] = strings.TrimRight(line, space)
	return out
}
