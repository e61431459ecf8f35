package envsh

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

func names(list string) map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(list) {
		m[n] = true
	}
	return m
}

var (
	specialBuiltins = names(": . break continue eval exec exit export readonly return set shift times trap unset")
	// builtins are the commands of the shell's own, in dash or in busybox. What is done by those that are not in own is not
	// followed.
	builtins = names(`: . [ alias bg break cd chdir command continue echo eval exec exit export false fg getopts hash
		help history jobs kill let local printf printenv pwd read readonly return set shift source test times trap true type
		ulimit umask unalias unset wait`)
	// foreign are commands of other shells, which may set variables where sh is one of them.
	foreign  = names("[[ declare typeset let source shopt mapfile readarray enable builtin function coproc select time pushd popd")
	declares = names("export readonly local")
	// shellsOwn are variables that a shell sets of itself.
	shellsOwn = names("PWD OLDPWD PPID PS1 PS2 PS4 OPTIND OPTARG LINENO RANDOM SECONDS SHLVL _ EUID UID BASH BASHOPTS SHELLOPTS")
	// silent are programs that print nothing unless they fail.
	silent = names("mkdir touch chmod chown rm rmdir mv cp ln sleep kill test false true")
)

// A builtin is a command of the shell's own.
type builtin func(*run, *state, *simpleCall) *state

// own gives the builtins that are followed, nil for others.
func own(name string) builtin {
	switch name {
	case ":", "true":
		return func(_ *run, s *state, _ *simpleCall) *state { s.ok(); return s }
	case "false":
		return func(_ *run, s *state, _ *simpleCall) *state { s.fail(1); return s }
	case "[", "test":
		return (*run).test
	case "[[":
		return (*run).doubleBracket
	case "echo":
		return (*run).echo
	case "printf":
		return (*run).printf
	case "exit", "return":
		return (*run).exit
	case "break", "continue":
		return (*run).jump
	case "unset":
		return (*run).unset
	case "set":
		return (*run).set
	case "shift":
		return (*run).shift
	case "eval":
		return (*run).eval
	case ".":
		return (*run).dot
	case "exec":
		return (*run).exec
	case "read":
		return (*run).read
	case "command":
		return (*run).commandBuiltin
	case "trap":
		return (*run).trap
	case "umask", "ulimit", "cd", "pwd", "type", "hash", "wait", "kill", "times":
		return (*run).harmless
	}
	return nil
}

// harmless is for what changes no variable that others see, and prints what is not known.
func (r *run) harmless(s *state, c *simpleCall) *state {
	why := "what `" + r.script.text(c.n) + "` prints is not known"
	r.print(s, gap(why), c.n)
	r.complain(s, c.n)
	s.unsure("whether `" + r.script.text(c.n) + "` succeeds is not known")
	if c.name == "kill" {
		r.exits(s.fork(), c.n, "may end the shell itself")
	}
	return s
}

func (r *run) trap(s *state, c *simpleCall) *state {
	return r.anything(s, c.n, "what a trap does, and when, is not followed")
}

// doubleBracket is a command that dash does not have and busybox does.
func (r *run) doubleBracket(s *state, c *simpleCall) *state {
	r.complain(s, c.n)
	s.unsure("[[ is not what every sh has: dash does not find it")
	return s
}

// declare is export, readonly and local. Their assignments are no fields: nothing is split.
func (r *run) declare(s *state, c *simpleCall) *state {
	r.subst = nil
	var set []func()
	flags := true
	for _, w := range c.n.Args[1:] {
		if name, value, ok := assignment(w); ok {
			v := r.word(s, value)
			if s.dead {
				return nil
			}
			set = append(set, func() { r.declareOne(s, c, name, &v, w) })
			flags = false // what follows is no option
			continue
		}
		fs, why := r.fieldsOf(s, w)
		if s.dead {
			return nil
		}
		if why != "" {
			return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` names is not known: "+why)
		}
		for _, f := range fs {
			plain, ok := f.plain()
			name, value, assigns := strings.Cut(plain, "=")
			switch {
			case !ok && syntax.ValidName(strings.TrimSuffix(f.prefix(), "=")) && strings.HasSuffix(f.prefix(), "="):
				name, rest := strings.TrimSuffix(f.prefix(), "="), f[1:]
				set = append(set, func() { r.declareOne(s, c, name, &rest, w) })
			case !ok && strings.Contains(f.prefix(), "=") && syntax.ValidName(f.prefix()[:strings.Index(f.prefix(), "=")]):
				name, head, _ := strings.Cut(f.prefix(), "=")
				rest := known(head).add(f[1:])
				set = append(set, func() { r.declareOne(s, c, name, &rest, w) })
			case !ok:
				return r.anything(s, c.n, "what `"+r.script.text(c.n)+"` names is not known: "+f.why())
			case flags && plain == "--":
			case flags && strings.HasPrefix(plain, "-"):
				if plain != "-p" {
					return r.anything(s, c.n, "`"+c.name+" "+plain+"` is not what every sh has")
				}
				return r.harmless(s, c)
			case assigns && syntax.ValidName(name):
				v := known(value)
				set = append(set, func() { r.declareOne(s, c, name, &v, w) })
			case syntax.ValidName(plain):
				set = append(set, func() { r.declareOne(s, c, plain, nil, w) })
			default:
				s.fail(2)
				r.exits(s.fork(), c.n, "`"+plain+"` is no name of a variable")
				r.complain(s, c.n)
				return nil
			}
			flags = false
		}
	}
	if len(set) == 0 {
		return r.harmless(s, c) // it lists them all
	}
	for _, a := range c.n.Assigns {
		v := r.word(s, a.Value)
		if s.dead {
			return nil
		}
		r.assign(s, a.Name.Value, v, a)
	}
	for _, f := range set {
		f()
	}
	s.ok()
	return s
}

// declareOne exports a variable, makes it readonly or local, and sets it where there is something to set.
func (r *run) declareOne(s *state, c *simpleCall, name string, v *text, n syntax.Node) {
	old := r.lookup(s, name)
	if c.name == "local" {
		if s.locals == nil {
			r.giveUp(c.n, "local stands outside a function")
			return
		}
		if _, twice := s.locals[name]; !twice {
			s.locals[name] = outside{v: old, sure: true}
		}
		if v == nil {
			// dash keeps the value outside, busybox too; others begin anew.
			s.vars[name] = variable{set: maybe, exported: old.exported, val: gap("what a local variable begins with is each shell's own way")}
			return
		}
	}
	if v != nil {
		r.assign(s, name, *v, n)
	}
	now := r.lookup(s, name)
	switch c.name {
	case "export":
		now.exported = yes
	case "readonly":
		now.readonly = yes
	}
	s.vars[name] = now
}

func (r *run) echo(s *state, c *simpleCall) *state {
	defer s.ok()
	end := "\n"
	args := c.args
	if c.why != "" {
		r.print(s, gap(c.why), c.n)
		return s
	}
	if len(args) > 0 {
		if first, ok := args[0].plain(); ok && first == "-n" {
			end, args = "", args[1:]
		}
	}
	t := text(nil)
	odd := ""
	for i, a := range args {
		if i > 0 {
			t = t.add(known(" "))
		}
		if i == 0 && strings.HasPrefix(a.prefix(), "-") {
			odd = "what `echo -…` prints is each shell's own way"
		}
		for _, p := range a {
			if strings.Contains(p.s, `\`) {
				odd = `what echo makes of a \ is each shell's own way`
			}
		}
		t = t.add(a)
	}
	t = t.add(known(end))
	if odd != "" {
		t = gap(odd)
	}
	if w := t.why(); w != "" {
		// A gap may hold a \ or be an option, and what follows it may be cut off.
		head := known(t.prefix())
		if end == "" && len(head) == 0 {
			t = gap(w)
		} else {
			t = head.add(text{{why: w, filled: false}})
		}
	}
	r.print(s, t, c.n)
	return s
}

// printf prints where the format is of %s and plain text.
func (r *run) printf(s *state, c *simpleCall) *state {
	bad := func(why string) *state {
		r.print(s, gap(why), c.n)
		r.complain(s, c.n)
		s.unsure(why)
		return s
	}
	if c.why != "" || len(c.args) == 0 {
		return bad("what `" + r.script.text(c.n) + "` prints is not known")
	}
	format, ok := c.args[0].plain()
	if !ok || strings.HasPrefix(format, "-") {
		return bad("what `" + r.script.text(c.n) + "` prints is not known")
	}
	args := c.args[1:]
	t := text(nil)
	for {
		used := false
		for i := 0; i < len(format); i++ {
			next := byte(0)
			if i+1 < len(format) {
				next = format[i+1]
			}
			switch {
			case format[i] == '%' && next == 's':
				used = true
				if len(args) > 0 {
					t, args = t.add(args[0]), args[1:]
				}
				i++
			case format[i] == '%' && next == '%':
				t = t.add(known("%"))
				i++
			case format[i] == '\\' && next == 'n':
				t = t.add(known("\n"))
				i++
			case format[i] == '\\' && next == 't':
				t = t.add(known("\t"))
				i++
			case format[i] == '%' || format[i] == '\\':
				return bad("what printf makes of `" + format + "` is not followed")
			default:
				t = t.add(known(format[i : i+1]))
			}
		}
		if len(args) == 0 || !used {
			break
		}
		if t.size() > maxText {
			r.giveUp(c.n, "what is printed grows beyond all bounds")
			return s
		}
	}
	r.print(s, t, c.n)
	s.ok()
	return s
}

// exit is exit and return.
func (r *run) exit(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	switch {
	case !ok:
		s.unsure(c.unknown())
	case len(args) > 0:
		number := args[0]
		if r.host.Dash { // which reads a number with white space around it
			number = strings.TrimSpace(number)
		}
		n, err := strconv.ParseUint(number, 10, 8)
		if err != nil && c.name == "return" && strings.Contains(number, "\r") {
			r.giveUp(c.n, "whether `return` takes a carriage return behind its number is each shell's own way")
			return s
		}
		if err != nil {
			s.unsure("`" + args[0] + "` is no status")
			if c.name == "return" {
				return r.anything(s, c.n, "`"+args[0]+"` is no status")
			}
		} else {
			s.fail(int(n))
		}
	}
	f := r.frame()
	if c.name == "return" && len(f.calls) > 0 {
		to := f.calls[len(f.calls)-1]
		r.leave(s, to.givens)
		to.returns = append(to.returns, s)
		return nil
	}
	why := "exits"
	if s.statusWhy == "" {
		why += " with status " + strconv.Itoa(s.status)
	}
	r.exits(s, c.n, why)
	return nil
}

// jump is break and continue.
func (r *run) jump(s *state, c *simpleCall) *state {
	args, ok := c.plain()
	n := uint64(1)
	if ok && len(args) > 0 {
		var err error
		n, err = strconv.ParseUint(args[0], 10, 8)
		ok = err == nil && n > 0
	}
	if !ok {
		r.giveUp(c.n, "which loop is left is not known")
		return s
	}
	f := r.frame()
	loops := f.loops
	if len(f.calls) > 0 {
		loops = loops[f.calls[len(f.calls)-1].loops:]
	}
	s.ok()
	if len(loops) == 0 {
		if len(r.frames) > 1 || len(f.calls) > 1 {
			r.giveUp(c.n, c.name+" stands outside a loop")
		}
		return s
	}
	l := loops[len(loops)-min(int(n), len(loops))]
	r.leave(s, l.givens)
	if c.name == "break" {
		l.breaks = append(l.breaks, s)
	} else {
		if n > 1 {
			r.giveUp(c.n, "continue of an outer loop is not followed")
			return s
		}
		l.continues = append(l.continues, s)
	}
	return nil
}
