package abi

import (
	"path"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// call is a program that a script names.
type call struct {
	name   string
	script string
	line   uint
	chain  bool
	may    bool // the script goes on without it
}

// scan collects what a script defines, guards and calls.
func (s *script) scan(f *syntax.File) {
	may := map[syntax.Node]bool{}  // what is under these may fail
	skip := map[syntax.Node]bool{} // what is under these runs on other systems only
	var above []syntax.Node
	syntax.Walk(f, func(n syntax.Node) bool {
		if n == nil {
			above = above[:len(above)-1]
			return true
		}
		under := func(marked map[syntax.Node]bool) bool {
			return slices.ContainsFunc(above, func(a syntax.Node) bool { return marked[a] })
		}
		above = append(above, n)
		switch n := n.(type) {
		case *syntax.FuncDecl:
			for _, name := range append(n.Names, n.Name) {
				if name != nil {
					s.functions[name.Value] = true
				}
			}
		case *syntax.BinaryCmd:
			if n.Op == syntax.OrStmt && harmless(n.Y) {
				may[n.X] = true
			}
		case *syntax.IfClause:
			if asksForSystem(n.Cond) {
				for _, st := range n.Then {
					skip[st] = true
				}
			}
		case *syntax.Assign:
			if n.Name != nil && n.Value != nil {
				s.assign(n.Name.Value, n.Value.Parts)
			}
		case *syntax.CallExpr:
			if !under(skip) {
				s.call(n.Args, under(may))
			}
		}
		return true
	})
}

// harmless says whether a command does nothing but let the script go on.
func harmless(s *syntax.Stmt) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok {
		return false
	}
	if len(c.Args) == 0 {
		return len(c.Assigns) > 0
	}
	name, _ := literal(c.Args[0])
	return name == "true" || name == ":"
}

// asksForSystem says whether a condition is about the operating system, as Elixir's own
// scripts ask for Cygwin.
func asksForSystem(cond []*syntax.Stmt) (asks bool) {
	for _, st := range cond {
		syntax.Walk(st, func(n syntax.Node) bool {
			if p, ok := n.(*syntax.ParamExp); ok && p.Param != nil && p.Param.Value == "OSTYPE" {
				asks = true
			}
			return true
		})
	}
	return asks
}

// assign takes notice of variables that change where things are found.
func (s *script) assign(name string, value []syntax.WordPart) {
	switch name {
	case "LD_LIBRARY_PATH":
		s.setsLibPath = true
	case "PATH":
		for _, part := range quoted(value) {
			switch part := part.(type) {
			case *syntax.Lit:
				for _, dir := range strings.Split(part.Value, ":") {
					if strings.HasPrefix(dir, "/") {
						s.path = append(s.path, dir)
					}
				}
			case *syntax.ParamExp:
				s.setsPath = s.setsPath || part.Param == nil || part.Param.Value != "PATH"
			default:
				s.setsPath = true
			}
		}
	}
}

// exports is assign for export NAME=VALUE, which to POSIX is a command like any other.
func (s *script) exports(words []*syntax.Word) {
	for _, w := range words {
		if name, value, ok := strings.Cut(lead(w), "="); ok {
			s.assign(name, slices.Concat([]syntax.WordPart{&syntax.Lit{Value: value}}, w.Parts[1:]))
		}
	}
}

// quoted gives the parts of a word without the quotes around them.
func quoted(parts []syntax.WordPart) (all []syntax.WordPart) {
	for _, p := range parts {
		switch p := p.(type) {
		case *syntax.DblQuoted:
			all = append(all, p.Parts...)
		case *syntax.SglQuoted:
			all = append(all, &syntax.Lit{Value: p.Value})
		default:
			all = append(all, p)
		}
	}
	return all
}

// literal gives a word that says the same whenever it is read.
func literal(w *syntax.Word) (string, bool) {
	var b strings.Builder
	for _, p := range quoted(w.Parts) {
		l, ok := p.(*syntax.Lit)
		if !ok {
			return "", false
		}
		b.WriteString(l.Value)
	}
	return strings.ReplaceAll(b.String(), `\`, ""), true
}

// call keeps the program that a command names, and the one that exec, env and the like are given.
func (s *script) call(words []*syntax.Word, may bool) {
	if len(words) == 0 {
		return
	}
	name, ok := literal(words[0])
	if !ok || name == "" {
		return
	}
	rest := words[1:]
	switch path.Base(name) {
	case "command":
		if len(rest) > 0 {
			if flag, _ := literal(rest[0]); flag == "-v" || flag == "-V" {
				s.guard(rest[1:])
				return
			}
		}
		s.call(arguments(rest), may)
		return
	case "exec", "builtin":
		s.call(arguments(rest), may)
		return
	case "export", "readonly":
		s.exports(rest)
		return
	case "type", "hash":
		s.guard(rest)
		return
	case "which":
		s.guard(rest)
	case "[", "test", "[[":
		s.tested(rest)
		return
	case "env", "nohup":
		defer s.call(arguments(rest), may)
	}
	if strings.Contains(name, "/") && !strings.HasPrefix(name, "/") || strings.ContainsAny(name, "*?[{~") && name != "[" {
		return // below the directory it runs in, or not a name
	}
	s.calls = append(s.calls, call{name: name, script: s.name, line: words[0].Pos().Line(), may: may})
}

func (s *script) guard(words []*syntax.Word) {
	for _, w := range words {
		if name, ok := literal(w); ok {
			s.guarded[name] = true
		}
	}
}

// tested is for [ -x /usr/bin/tool ].
func (s *script) tested(words []*syntax.Word) {
	for i, w := range words {
		if flag, _ := literal(w); i+1 < len(words) && (flag == "-x" || flag == "-e" || flag == "-f") {
			s.guard(words[i+1 : i+2])
		}
	}
}

// arguments leaves out the flags and the variables in front of a command.
func arguments(words []*syntax.Word) []*syntax.Word {
	for i, w := range words {
		if s := lead(w); !strings.HasPrefix(s, "-") && !strings.Contains(s, "=") {
			return words[i:]
		}
	}
	return nil
}

// lead gives the literal text that a word begins with.
func lead(w *syntax.Word) string {
	if len(w.Parts) > 0 {
		if l, ok := w.Parts[0].(*syntax.Lit); ok {
			return l.Value
		}
	}
	return ""
}

// builtins are what shells do themselves: POSIX and what bash adds.
var builtins = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`. : [ [[ alias bg bind break builtin caller case cd command compgen complete continue
		declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for function getopts
		hash help history if in jobs kill let local logout mapfile popd printf pushd pwd read readarray readonly return
		select set shift shopt source suspend test then time times trap true type typeset ulimit umask unalias unset
		until wait while { } !`) {
		m[name] = true
	}
	return m
}()
