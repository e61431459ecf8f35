package envsh

import (
	"mvdan.cc/sh/v3/syntax"
)

// effects is what commands may do to the shell, however often they run and whichever way they take.
type effects struct {
	sets map[string]bool // variables that they may set
	all  string          // why it may be anything
}

func (r *run) effects(s *state, lists ...[]*syntax.Stmt) effects {
	e := effects{sets: map[string]bool{}}
	for _, l := range lists {
		for _, st := range l {
			r.collect(s, st, &e, map[string]bool{})
		}
	}
	return e
}

func (r *run) collect(s *state, n syntax.Node, e *effects, seen map[string]bool) {
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.CmdSubst, *syntax.Subshell:
			return false // a shell of its own
		case *syntax.FuncDecl:
			e.all = "a function's declaration"
		case *syntax.WordIter:
			e.sets[n.Name.Value] = true
		case *syntax.ParamExp:
			if n.Exp != nil && (n.Exp.Op == syntax.AssignUnset || n.Exp.Op == syntax.AssignUnsetOrNull) {
				e.sets[n.Param.Value] = true
			}
		case *syntax.CallExpr:
			for _, a := range n.Assigns {
				e.sets[a.Name.Value] = true
			}
			if len(n.Args) > 0 {
				r.collectCall(s, n, e, seen)
			}
		}
		return true
	})
}

// collectCall is for what a command does by its name.
func (r *run) collectCall(s *state, c *syntax.CallExpr, e *effects, seen map[string]bool) {
	name := c.Args[0].Lit()
	if r.script.control(name) != "" {
		return
	}
	switch name {
	case "":
		e.all = "a command whose name is not known"
	case "export", "readonly", "local", "unset", "read":
		for _, a := range c.Args[1:] {
			id, _, ok := assignment(a)
			if !ok {
				id = a.Lit()
			}
			switch {
			case syntax.ValidName(id):
				e.sets[id] = true
			case id == "" || id[0] != '-' || name == "unset":
				e.all = "`" + name + "` of a name that is not known"
			}
		}
	case "set", "shift", "eval", ".", "exec", "trap", "alias", "unalias", "getopts", "cd":
		e.all = "`" + name + "`"
	case ":", "[", "test", "echo", "printf", "true", "false", "break", "continue", "return", "exit":
	default:
		if f, ok := s.funcs[name]; ok {
			if f == nil {
				e.all = "a function that is not known"
			} else if !seen[name] {
				seen[name] = true
				r.collect(s, f.Body, e, seen)
			}
			return
		}
		if builtins[name] || s.lost != "" || foreign[name] || appends(name) != "" {
			e.all = "`" + name + "`"
		}
	}
}
