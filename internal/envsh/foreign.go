package envsh

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// follow reads the shell for a run. Expansions that only other shells have are no error yet: dash ends where it comes to
// one, and not before. They are in foreign then.
func (m *masked) follow() (f *syntax.File, foreign map[*syntax.ParamExp]bool, err error) {
	if len(m.out) == 0 {
		return &syntax.File{}, nil, nil
	}
	f, err = m.parse()
	if err == nil {
		return f, nil, nil
	}
	out := m.out
	places := m.maskForeign()
	if len(places) == 0 {
		return nil, nil, err
	}
	plain, failed := m.parse()
	if failed != nil {
		m.out = out
		return nil, nil, err
	}
	foreign = map[*syntax.ParamExp]bool{}
	syntax.Walk(plain, func(n syntax.Node) bool {
		if p, ok := n.(*syntax.ParamExp); ok && places[p.Pos().Offset()] {
			foreign[p] = true
		}
		return true
	})
	return plain, foreign, nil
}

// maskForeign writes a plain ${NAME} of the same length in the place of each of those expansions, and gives where they are.
func (m *masked) maskForeign() map[uint]bool {
	f, err := syntax.NewParser(syntax.Variant(syntax.LangBash)).Parse(strings.NewReader(m.out), "")
	if err != nil {
		return nil
	}
	places := map[uint]bool{}
	out := []byte(m.out)
	syntax.Walk(f, func(n syntax.Node) bool {
		p, ok := n.(*syntax.ParamExp)
		if !ok || !foreignExpansion(p) {
			return true
		}
		from, to := p.Pos().Offset(), p.End().Offset()
		if to-from < uint(len("${_}")) || to > uint(len(out)) || out[from+1] != '{' {
			return true
		}
		for i := from + 2; i < to-1; i++ {
			out[i] = '_'
		}
		places[from] = true
		return false
	})
	m.out = string(out)
	return places
}

// foreignExpansion tells whether dash says "Bad substitution" of an expansion.
func foreignExpansion(p *syntax.ParamExp) bool {
	if p.Excl || p.Slice != nil || p.Repl != nil || p.Index != nil || p.Names != 0 {
		return true
	}
	if p.Exp == nil {
		return false
	}
	switch p.Exp.Op {
	case syntax.UpperFirst, syntax.UpperAll, syntax.LowerFirst, syntax.LowerAll, syntax.OtherParamOps:
		return true
	default:
		return false
	}
}

// badSubstitution is what becomes of one: dash ends there; of another shell it is not known what it makes of it.
func (r *run) badSubstitution(s *state, p *syntax.ParamExp) {
	what := "`" + r.script.text(p) + "`"
	if r.host.Dash {
		before := len(r.endings)
		r.dies(s, p, "sh does not have "+what+": Bad substitution", true)
		if len(r.endings) > before {
			r.endings[before].Foreign = true
		}
		return
	}
	r.odd = r.unclear == ""
	r.giveUp(p, what+": sh does not have this")
}
