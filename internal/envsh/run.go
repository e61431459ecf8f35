package envsh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// What a script may take. A real one is a few dozen lines.
const (
	maxSource = 64 << 10
	maxText   = 64 << 10
	maxSteps  = 20_000
	maxDepth  = 100
)

// A run follows one script.
type run struct {
	ctx     context.Context //nolint:containedctx // a run is one call
	script  *masked
	env     Env
	host    Host
	release Release
	magic   map[string]bool

	steps, depth int
	frames       []*frame
	endings      []Ending
	unclear      string // why it was given up
	odd          bool   // because of what not every sh has
	foreign      map[*syntax.ParamExp]bool
	docs         int      // heredocs around this word
	noTools      string   // why the usual commands may be others
	subst        *outcome // of the last command substitution of this command
	fd1, fd2     truth    // whether what goes there is looked at
	givens       int      // how many commands around this one have an input of their own

	arrived *arrivals // of an entry; nil: it is env.sh
	bash    bool      // bash reads it
	// pipefail says that a pipe may fail by any of its commands.
	pipefail bool
}

// A frame is a shell of its own: the script's, a subshell, a command substitution, a part of a pipeline.
type frame struct {
	exits  []*state // where it ended before its end
	loops  []*loop
	calls  []*call
	givens int
}

type loop struct {
	breaks, continues []*state
	givens            int
}

// A call is a function that is being run, or the script itself.
type call struct {
	name    string
	returns []*state
	loops   int // of its frame, when it began
	givens  int
}

// Run follows a script in an environment. The error is that of the context, or says what about the input is not a script.
func Run(ctx context.Context, src Source, rel Release, env Env, host Host) (*Result, error) {
	if host.Name == "" {
		host.Name = host.Short
	}
	r := &run{ctx: ctx, env: env, host: host, release: rel, magic: shellsOwn}
	s := r.start()
	res := &Result{release: rel, host: host, Windows: windows(string(src.Text))}
	m, err := mask(src, rel)
	var file *syntax.File
	if err == nil {
		r.script = m
		file, r.foreign, err = m.follow()
	}
	var odd *SyntaxError
	switch {
	case errors.As(err, &odd) && res.Windows && brokenByEnds(src, rel):
		r.endings, s = []Ending{{Pos: odd.Pos, Why: "sh does not read on behind the line ends of Windows: " + odd.Why, Status: 2}}, nil
	case errors.As(err, &odd):
		if r.unclear, r.odd = odd.Error(), odd.Foreign; odd.Sure {
			res.Broken = odd
		}
	case err != nil:
		return nil, err
	default:
		s = r.whole(s, file)
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("following %s: %w", src.Name, err)
	}
	r.result(res, s)
	return res, nil
}

// start is the shell as bin/APP has it when it comes to env.sh.
func (r *run) start() *state {
	s := r.begin()
	s.opts['e'] = yes
	r.before(s)
	return s
}

// begin is a shell that has just begun.
func (r *run) begin() *state {
	const own = 9 // IFS, and what bin/APP sets
	s := &state{
		vars:  make(map[string]variable, len(r.env.Vars)+len(shellsOwn)+own),
		funcs: map[string]*syntax.FuncDecl{},
		opts:  map[rune]truth{},
		inWhy: "standard input is not known",
	}
	s.vars["IFS"] = variable{set: yes, val: known(" \t\n")}
	for name, v := range r.env.Vars {
		if !syntax.ValidName(name) {
			continue // no shell has it
		}
		val := known(v.Text)
		if v.Unknown != "" {
			val = text{{why: v.Unknown, filled: v.Filled}}
			if v.Parts != nil {
				val = nil
				for _, p := range v.Parts {
					val = val.add(text{{s: p.Text, why: p.Unknown}})
				}
			}
		}
		set := maybe
		if v.Unknown == "" || v.Filled || v.Parts != nil {
			set = yes
		}
		s.vars[name] = variable{set: set, val: val, exported: set, from: v.From}
	}
	for name := range shellsOwn {
		s.vars[name] = variable{set: maybe, exported: maybe, val: gap("the shell has its own idea of " + name)}
	}
	return s
}

func (r *run) unsure(name string) string {
	if r.env.Unsure == nil {
		return ""
	}
	return r.env.Unsure(name)
}

// whole runs the script itself.
func (r *run) whole(s *state, file *syntax.File) *state {
	top := &call{}
	r.frames = []*frame{{calls: []*call{top}}}
	s = r.list(s, file.Stmts, false)
	for _, t := range top.returns {
		s = r.join(s, t, "where the script returns is not known")
	}
	if s == nil || len(file.Stmts) == 0 {
		return s
	}
	// The status of the last command is that of the file, and bin/APP reads it under `set -e`: a script that ends with
	// [ -n "$X" ] && export Y=1 ends bin/APP where X is empty.
	return r.errexit(s, file.Stmts[len(file.Stmts)-1], false)
}

// result puts down what is left.
func (r *run) result(res *Result, s *state) {
	res.Vars, res.Shell = map[string]Value{}, map[string]Value{}
	if r.unclear == "" && s == nil && len(r.endings) == 0 {
		r.unclear = "the script does not come to its end"
	}
	if r.unclear != "" {
		res.Unclear, res.Foreign = r.unclear, r.odd
		for name := range r.env.Vars {
			res.Vars[name] = Value{Unknown: r.unclear}
		}
		res.Unsure = func(string) string { return res.Unclear }
		res.names = func(string) Value { return Value{Unknown: res.Unclear} }
		return
	}
	res.Perhaps = r.endings
	if s == nil {
		res.Ends, res.Perhaps = &r.endings[0], r.endings[1:]
		res.Unsure = func(string) string { return "" }
		res.names = func(string) Value { return Value{Unknown: "the script ends at " + res.Ends.Pos.String()} }
		return
	}
	res.Vars = make(map[string]Value, len(s.vars))
	for name, v := range s.vars {
		switch {
		case v.set == no:
		case v.exported != no:
			res.Vars[name] = v.value(name, v.exported)
		default:
			res.Shell[name] = v.value(name, yes)
		}
	}
	res.Unsure, res.Lost = r.leftUnsure(s), r.leftLost(s)
	res.names = func(name string) Value { return r.lookup(s, name).value(name, yes) }
}

// leftUnsure says of what is not in a state whether it may be set.
func (r *run) leftUnsure(s *state) func(name string) string {
	return func(name string) string {
		if _, ok := s.vars[name]; ok {
			return "" // unset, or not exported
		}
		if s.lost != "" {
			return s.lost
		}
		return r.unsure(name)
	}
}

// leftLost says why anything may be set besides what is in a state.
func (r *run) leftLost(s *state) string {
	if s.lost != "" {
		return s.lost
	}
	return r.env.Lost
}

// value is what others see of a variable.
func (v variable) value(name string, exported truth) Value {
	plain, ok := v.val.plain()
	switch {
	case v.set == no:
		return Value{}
	case ok && v.set == yes && exported == yes:
		return Value{Text: plain, From: v.from}
	case ok && v.set == yes:
		return Value{Unknown: "whether " + name + " is exported is not known", From: v.from}
	case ok:
		return Value{Unknown: "whether " + name + " is set is not known", From: v.from}
	}
	val := Value{Unknown: v.val.why(), From: v.from}
	if v.set == yes && exported == yes {
		for _, p := range v.val {
			val.Parts = append(val.Parts, Part{Text: p.s, Unknown: p.why})
		}
		val.Filled = v.val.empty() == no
	}
	return val
}

func (r *run) frame() *frame { return r.frames[len(r.frames)-1] }

// at names the place of a node.
func (r *run) at(n syntax.Node) string { return r.script.pos(n.Pos()).String() }

func (r *run) line(n syntax.Node) string {
	return "line " + strconv.Itoa(r.script.pos(n.Pos()).Line)
}

// giveUp says that the script can't be followed any further. Nothing that it leaves is known then.
func (r *run) giveUp(n syntax.Node, why string) {
	if r.unclear == "" {
		r.unclear = r.at(n) + ": " + why
	}
}

// stopped tells whether there is no point in going on.
func (r *run) stopped(n syntax.Node) bool {
	r.steps++
	if r.steps > maxSteps {
		r.giveUp(n, "the script does not come to an end")
	}
	return r.unclear != "" || r.ctx.Err() != nil
}

// exits records that the shell ends here, on this way. Only the end of the script's own shell ends bin/APP.
func (r *run) exits(s *state, n syntax.Node, why string) {
	f := r.frame()
	r.leave(s, f.givens)
	f.exits = append(f.exits, s)
	if len(r.frames) > 1 {
		return
	}
	e := Ending{Pos: r.script.pos(n.Pos()), Text: r.script.text(n), Why: why, Status: s.status}
	if s.statusWhy != "" {
		e.Status = -1
	}
	if !slices.ContainsFunc(r.endings, func(o Ending) bool { return o.Pos == e.Pos }) {
		r.endings = append(r.endings, e)
	}
}

// errexit is what `set -e` makes of a command's status.
func (r *run) errexit(s *state, n syntax.Node, tested bool) *state {
	if s == nil || tested {
		return s
	}
	e, failed := s.opts['e'], s.failed()
	if e == no || failed == no {
		return s
	}
	why := "fails, and `set -e` holds"
	if failed == maybe {
		why = "may fail, and `set -e` holds"
	}
	out := s.fork()
	r.exits(out, n, why)
	if e == yes && failed == yes {
		return nil
	}
	if e == yes {
		s.ok() // it goes on only where it did not fail
	}
	return s
}

// list runs one command after the other. nil says that what comes after it is not reached.
func (r *run) list(s *state, all []*syntax.Stmt, tested bool) *state {
	for _, st := range all {
		if s == nil || r.stopped(st) {
			return s
		}
		s = r.stmt(s, st, tested)
	}
	return s
}

func (r *run) stmt(s *state, st *syntax.Stmt, tested bool) *state {
	if r.depth++; r.depth > maxDepth {
		r.giveUp(st, "commands are nested too deep")
	}
	defer func() { r.depth-- }()
	if r.unclear != "" {
		return s
	}
	if st.Coprocess || st.Disown {
		r.giveUp(st, "no POSIX shell has this")
		return s
	}
	if st.Background {
		// What it does, it does in a shell of its own; what it prints comes at any time.
		if r.arrived != nil {
			r.arrived.behind++
		}
		r.subshell(s, func(sub *state) *state { return r.redirected(sub, st, true) })
		if r.arrived != nil {
			r.arrived.behind--
		}
		if r.fd1 != no || r.fd2 != no {
			s.out = s.out.add(gap(r.line(st) + " runs in the background"))
		}
		s.ok()
		return s
	}
	s = r.redirected(s, st, tested || st.Negated)
	if s != nil && st.Negated {
		switch s.failed() {
		case yes:
			s.ok()
		case no:
			s.fail(1)
		}
		return s
	}
	switch c := st.Cmd.(type) {
	case nil, *syntax.CallExpr, *syntax.Subshell:
		return r.errexit(s, st, tested)
	case *syntax.BinaryCmd:
		if c.Op == syntax.Pipe {
			return r.errexit(s, st, tested)
		}
	}
	return s
}

func (r *run) command(s *state, st *syntax.Stmt, tested bool) *state {
	switch c := st.Cmd.(type) {
	case nil:
		s.ok()
		return s
	case *syntax.CallExpr:
		return r.simple(s, c, tested)
	case *syntax.Block:
		return r.list(s, c.Stmts, tested)
	case *syntax.Subshell:
		if r.arithmetic(c) {
			s.forgetAll(r.line(c) + " is (( )), which sh does not have")
			return s
		}
		end := r.subshell(s, func(sub *state) *state { return r.list(sub, c.Stmts, tested) })
		r.take(s, end)
		return s
	case *syntax.IfClause:
		return r.ifClause(s, c, tested)
	case *syntax.WhileClause:
		return r.while(s, c, tested)
	case *syntax.ForClause:
		return r.forClause(s, c, tested)
	case *syntax.CaseClause:
		return r.caseClause(s, c, tested)
	case *syntax.BinaryCmd:
		return r.binary(s, c, tested)
	case *syntax.FuncDecl:
		if c.Name == nil || builtins[c.Name.Value] {
			r.giveUp(c, "a function is named like a command of the shell's own")
			return s
		}
		s.funcs[c.Name.Value] = c
		s.ok()
		return s
	}
	r.giveUp(st, "no POSIX shell has this")
	return s
}

func containsPath(path, part string) bool {
	return strings.Contains(":"+path+":", ":"+part+":")
}

func oneLine(b []byte) string {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		return string(bytes.TrimSpace(b[:i])) + " …"
	}
	return string(bytes.TrimSpace(b))
}
