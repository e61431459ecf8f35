package envsh

import (
	"errors"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// Facts are what stands in a script, each with its place, whatever an environment makes of it.
type Facts struct {
	Assigns []Assign
	Reads   []Read
	Calls   []Call
	Tags    []Tag        // of EEx, whose text is not known
	Odd     []Odd        // what not every sh understands
	Err     *SyntaxError // why sh does not understand the script; the rest is then what bash would read, or nothing
}

// An Assign is a place where a variable is set or exported.
type Assign struct {
	Pos      Pos
	Name     string
	Value    string // as it is written; empty for `export NAME`
	Sets     bool   // it is not only exported
	Exports  bool
	IfUnset  bool     // what is given from outside wins: ${NAME:-…}, ${NAME:=…}, or within [ -z "$NAME" ]
	Guards   []string // variables that conditions around it read, without its own
	Commands []string // the patterns of RELEASE_COMMAND for which alone it is done; nil: all
	Maybe    bool     // it stands in a condition, a loop or a function; that of IfUnset and Commands not counted
}

// A Read is a place where a variable is read.
type Read struct {
	Pos     Pos
	Name    string
	Default bool // something stands in where it is not set: ${NAME:-…}
	Needed  bool // the script ends where it is not set: ${NAME:?…}
}

// A Call is a command that is no assignment.
type Call struct {
	Pos  Pos
	Name string
	Args []string // as they are written
	Text string
}

// Odd is something that not every sh understands.
type Odd struct {
	Pos  Pos
	Text string
	Why  string
}

// Parse reads what stands in a script.
func Parse(src Source, rel Release) *Facts {
	f := &Facts{}
	m, err := mask(src, rel)
	if err != nil {
		errors.As(err, &f.Err)
		return f
	}
	f.Tags = m.tags
	file, err := m.parse()
	if err != nil {
		errors.As(err, &f.Err)
		f.Odd = append(f.Odd, Odd{f.Err.Pos, lineOf(m.src, f.Err.Pos.Line), f.Err.Why})
		if file, err = syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(m.out), ""); err != nil {
			return f
		}
	}
	c := collector{m: m, f: f}
	for _, st := range file.Stmts {
		c.walk(st, around{})
	}
	return f
}

func lineOf(src string, line int) string {
	for l := range strings.Lines(src) {
		if line--; line == 0 {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

// around is what stands around a command.
type around struct {
	guards   []string
	unset    []string // variables that are known to be unset or empty here
	commands []string
	maybe    bool
}

func (a around) with(cond syntax.Node) around {
	a.guards = slices.Clone(a.guards)
	own := ""
	if st, ok := cond.(*syntax.Stmt); ok {
		if call, ok := st.Cmd.(*syntax.CallExpr); ok && !st.Negated {
			if name, filled, ok := asksIfSet(call); ok && !filled {
				own = name
			}
		}
	}
	if own != "" {
		a.unset = append(slices.Clone(a.unset), own)
	}
	n := 0
	syntax.Walk(cond, func(x syntax.Node) bool {
		if p, ok := x.(*syntax.ParamExp); ok && p.Param != nil && syntax.ValidName(p.Param.Value) {
			n++
			if !slices.Contains(a.guards, p.Param.Value) {
				a.guards = append(a.guards, p.Param.Value)
			}
		}
		return true
	})
	if own == "" || n == 0 {
		a.maybe = true
	}
	return a
}

type collector struct {
	m *masked
	f *Facts
}

func (c *collector) all(list []*syntax.Stmt, a around) {
	for _, st := range list {
		c.walk(st, a)
	}
}

func (c *collector) walk(n syntax.Node, a around) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.IfClause:
			c.all(n.Cond, a)
			inner := a
			if len(n.Cond) > 0 {
				inner = a.with(n.Cond[len(n.Cond)-1])
			}
			c.all(n.Then, inner)
			if n.Else != nil {
				outer := inner
				outer.unset, outer.maybe = a.unset, true
				if name := setThen(n); name != "" {
					outer.unset, outer.maybe = append(slices.Clone(a.unset), name), a.maybe
				}
				c.walk(n.Else, outer)
			}
			return false
		case *syntax.CaseClause:
			c.walk(n.Word, a)
			onCommand := isCommand(n.Word)
			for _, item := range n.Items {
				inner := a.with(n.Word)
				if onCommand {
					inner = a
					inner.commands = slices.Clone(a.commands)
				}
				for _, p := range item.Patterns {
					c.walk(p, a)
					if onCommand {
						inner.commands = append(inner.commands, c.m.text(p))
					}
				}
				c.all(item.Stmts, inner)
			}
			return false
		case *syntax.BinaryCmd:
			if n.Op != syntax.AndStmt && n.Op != syntax.OrStmt {
				return true
			}
			c.walk(n.X, a)
			inner := a.with(n.X)
			if n.Op == syntax.OrStmt {
				inner.unset, inner.maybe = a.unset, true
				if call, ok := n.X.Cmd.(*syntax.CallExpr); ok && !n.X.Negated {
					if name, filled, ok := asksIfSet(call); ok && filled {
						inner.unset, inner.maybe = append(slices.Clone(a.unset), name), a.maybe
					}
				}
			}
			c.walk(n.Y, inner)
			return false
		case *syntax.WhileClause, *syntax.ForClause, *syntax.FuncDecl:
			if a.maybe {
				return true
			}
			inner := a
			inner.maybe = true
			c.walk(n, inner)
			return false
		case *syntax.ParamExp:
			c.read(n, a)
		case *syntax.CallExpr:
			c.call(n, a)
		case *syntax.DeclClause:
			for _, as := range n.Args {
				if as.Name != nil {
					c.assign(as, as.Name.Value, as.Value, !as.Naked, n.Variant.Value == "export", a)
				}
			}
			if v := n.Variant.Value; v != "export" && v != "readonly" && v != "local" {
				c.odd(n, v+" is not a command of sh's")
			}
		case *syntax.TestClause:
			c.odd(n, "[[ is not a command of dash's: it is not found, and the condition fails")
		case *syntax.Subshell:
			if (&run{}).arithmetic(n) {
				c.odd(n, "(( )) is not a command of sh's")
			}
		case *syntax.SglQuoted:
			if n.Dollar {
				c.odd(n, "$'…' is not what dash reads")
			}
		}
		return true
	})
}

// setThen gives NAME for if [ -n "$NAME" ]: in the else it is unset.
func setThen(n *syntax.IfClause) string {
	if len(n.Cond) != 1 || n.Cond[0].Negated {
		return ""
	}
	if call, ok := n.Cond[0].Cmd.(*syntax.CallExpr); ok {
		if name, filled, ok := asksIfSet(call); ok && filled {
			return name
		}
	}
	return ""
}

// isCommand tells whether a word is $RELEASE_COMMAND or $1.
func isCommand(w *syntax.Word) bool {
	parts := w.Parts
	if q, ok := parts[0].(*syntax.DblQuoted); ok && len(parts) == 1 {
		parts = q.Parts
	}
	if len(parts) != 1 {
		return false
	}
	p, ok := parts[0].(*syntax.ParamExp)
	return ok && p.Param != nil && (p.Param.Value == "RELEASE_COMMAND" || p.Param.Value == "1") && !p.Length
}

func (c *collector) odd(n syntax.Node, why string) {
	c.f.Odd = append(c.f.Odd, Odd{c.m.pos(n.Pos()), c.m.text(n), why})
}

func (c *collector) read(p *syntax.ParamExp, a around) {
	if p.Param == nil || !syntax.ValidName(p.Param.Value) {
		return
	}
	r := Read{Pos: c.m.pos(p.Pos()), Name: p.Param.Value}
	if p.Exp != nil {
		switch p.Exp.Op {
		case syntax.DefaultUnset, syntax.DefaultUnsetOrNull, syntax.AlternateUnset, syntax.AlternateUnsetOrNull:
			r.Default = true
		case syntax.AssignUnset, syntax.AssignUnsetOrNull:
			r.Default = true
			as := Assign{Pos: r.Pos, Name: r.Name, Sets: true, IfUnset: true}
			if p.Exp.Word != nil && len(p.Exp.Word.Parts) > 0 {
				as.Value = c.m.text(p.Exp.Word)
			}
			c.put(as, a)
		case syntax.ErrorUnset, syntax.ErrorUnsetOrNull:
			r.Needed = true
		}
	}
	c.f.Reads = append(c.f.Reads, r)
}

func (c *collector) put(as Assign, a around) {
	as.IfUnset = as.IfUnset || slices.Contains(a.unset, as.Name)
	as.Commands, as.Maybe = a.commands, a.maybe
	for _, g := range a.guards {
		if g != as.Name {
			as.Guards = append(as.Guards, g)
		}
	}
	// [ -z "$OTHER" ] is a condition like any other.
	for _, u := range a.unset {
		as.Maybe = as.Maybe || u != as.Name
	}
	c.f.Assigns = append(c.f.Assigns, as)
}

func (c *collector) assign(n syntax.Node, name string, value *syntax.Word, sets, exports bool, a around) {
	as := Assign{Pos: c.m.pos(n.Pos()), Name: name, Sets: sets, Exports: exports}
	if value != nil && len(value.Parts) > 0 {
		as.Value = c.m.text(value)
		as.IfUnset = ownDefault(value, name)
	}
	c.put(as, a)
}

// ownDefault tells whether a value is ${NAME:-…} of its own name.
func ownDefault(w *syntax.Word, name string) bool {
	parts := w.Parts
	if q, ok := parts[0].(*syntax.DblQuoted); ok && len(parts) == 1 {
		parts = q.Parts
	}
	if len(parts) != 1 {
		return false
	}
	p, ok := parts[0].(*syntax.ParamExp)
	if !ok || p.Param == nil || p.Param.Value != name {
		return false
	}
	return p.Exp == nil && !p.Length || p.Exp != nil && (p.Exp.Op == syntax.DefaultUnset || p.Exp.Op == syntax.DefaultUnsetOrNull ||
		p.Exp.Op == syntax.ErrorUnset || p.Exp.Op == syntax.ErrorUnsetOrNull || p.Exp.Op == syntax.AssignUnset || p.Exp.Op == syntax.AssignUnsetOrNull)
}

func (c *collector) call(n *syntax.CallExpr, a around) {
	for _, as := range n.Assigns {
		if as.Name == nil {
			continue
		}
		if len(n.Args) == 0 {
			c.assign(as, as.Name.Value, as.Value, true, false, a)
		}
	}
	if len(n.Args) == 0 {
		return
	}
	name := n.Args[0].Lit()
	if declares[name] {
		for _, w := range n.Args[1:] {
			if id, value, ok := assignment(w); ok {
				c.assign(w, id, value, true, name == "export", a)
			} else if l := w.Lit(); syntax.ValidName(l) {
				c.assign(w, l, nil, false, name == "export", a)
			}
		}
		return
	}
	if id := appends(c.m.text(n.Args[0])); id != "" || strings.Contains(name, "+=") {
		c.odd(n, "+= is not what dash reads: it looks for a command of that name")
		return
	}
	if c.m.control(name) != "" {
		return
	}
	call := Call{Pos: c.m.pos(n.Pos()), Name: name, Text: c.m.text(n)}
	for _, w := range n.Args[1:] {
		call.Args = append(call.Args, c.m.text(w))
		if (name == "[" || name == "test") && w.Lit() == "==" {
			c.odd(n, "== is no operator of dash's [: the test fails")
		}
	}
	c.f.Calls = append(c.f.Calls, call)
	switch {
	case name == "[[":
		c.odd(n, "[[ is not a command of dash's: it is not found, and the condition fails")
	case name == "source":
		c.odd(n, "source is not a command of dash's: it is `.`")
	case foreign[name]:
		c.odd(n, name+" is not a command of sh's")
	case name == "echo" && len(call.Args) > 0 && call.Args[0] == "-e":
		c.odd(n, "echo -e prints the -e with dash")
	case name == "set" && slices.Contains(call.Args, "pipefail"):
		c.odd(n, "pipefail is not an option of dash's: the shell ends here")
	}
}

// Sets gives the places where a variable is set.
func (f *Facts) Sets(name string) (all []Assign) {
	for _, a := range f.Assigns {
		if a.Name == name && a.Sets {
			all = append(all, a)
		}
	}
	return all
}

// Overrides gives the places where a variable is set without regard to what was given from outside, for all commands.
func (f *Facts) Overrides(name string) (all []Assign) {
	for _, a := range f.Sets(name) {
		if !a.IfUnset && !a.Maybe && a.Commands == nil {
			all = append(all, a)
		}
	}
	return all
}
