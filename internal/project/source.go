package project

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/phialdev/phial/elixir/syntax"
)

// source is a file of Elixir that was read.
type source struct {
	file  string
	text  string
	root  *syntax.Node
	lines []int // offsets at which lines begin
	top   *module
	// broken is the first place that is no Elixir, or was not read; Line 0: all was.
	broken Use
	left   int // values that may still be reduced, so that no file can make us read for ever
}

// maxValues are reduced of one file at most.
const maxValues = 200_000

func parse(file, text string) *source {
	s := &source{file: file, text: text, left: maxValues, lines: []int{0}}
	for i := 0; ; {
		n := strings.IndexByte(text[i:], '\n')
		if n < 0 {
			break
		}
		i += n + 1
		s.lines = append(s.lines, i)
	}
	f := syntax.Parse(text, syntax.Options{})
	s.root = f.Root
	for _, e := range f.Errors {
		if e.Limit { // the expression alone is not known
			continue
		}
		s.broken = Use{e.Message, s.offset(min(e.Offset, len(text)))}
		if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
			s.broken.What = "it is no text"
		}
		break
	}
	s.top = &module{src: s}
	s.top.collect(s.root)
	return s
}

// at is where a node begins.
func (s *source) at(n *syntax.Node) Pos { return s.offset(n.Start()) }

func (s *source) offset(o int) Pos {
	line := sort.Search(len(s.lines), func(i int) bool { return s.lines[i] > o }) - 1
	return Pos{s.file, line + 1, o - s.lines[line] + 1}
}

// module is a module, or what of a file stands in none.
type module struct {
	src        *source
	name       string
	parent     *module
	at         *syntax.Node // its name
	body       *syntax.Node
	inner      map[*syntax.Node]*module // modules in it, by their defmodule
	aliases    map[string]string
	attributes map[string][]*definition
	functions  map[string][]*definition // without arguments
	taking     map[string][]*taking     // clauses of functions with arguments, by name/arity
}

// definition is an attribute that is set, or a function without arguments.
type definition struct {
	at   Pos
	body *syntax.Node // nil: it has another form than is read
	busy bool
	done bool
	expr Expr
}

// collect notes what a module has. Modules in it are modules of their own.
func (m *module) collect(n *syntax.Node) {
	m.body = n
	m.aliases, m.attributes, m.functions, m.inner = map[string]string{}, map[string][]*definition{}, map[string][]*definition{}, map[*syntax.Node]*module{}
	m.taking = map[string][]*taking{}
	m.gather(n)
}

func (m *module) gather(n *syntax.Node) {
	if n.Kind == syntax.Call && n.Fun == nil && len(n.Args) > 0 {
		switch n.Text {
		case "defmodule":
			if body := block(n); body != nil {
				in := &module{src: m.src, parent: m, at: n.Args[0]}
				in.name, _ = m.alias(n.Args[0])
				if m.name != "" && n.Args[0].Kind == syntax.Call {
					in.name = m.name + "." + written(n.Args[0])
					m.aliases[first(written(n.Args[0]))] = m.name + "." + first(written(n.Args[0]))
				}
				m.inner[n] = in
				in.collect(body)
				return
			}
		case "alias":
			m.addAlias(n)
		case "@":
			if a := n.Args[0]; a.Kind == syntax.Call && a.Fun == nil && len(a.Args) == 1 {
				m.attributes[a.Text] = append(m.attributes[a.Text], &definition{at: m.src.at(n), body: a.Args[0]})
			}
		case "def", "defp":
			head := n.Args[0]
			if head.Kind == syntax.Variable || head.Kind == syntax.Call && head.Fun == nil && len(head.Args) == 0 {
				d := &definition{at: m.src.at(head), body: block(n)}
				if kw := n.Args[len(n.Args)-1]; len(n.Args) < 2 || len(kw.Args) != 1 {
					d.body = nil // rescue and the like
				}
				m.functions[head.Text] = append(m.functions[head.Text], d)
			} else {
				m.addTaking(n)
			}
		}
	}
	if n.Fun != nil {
		m.gather(n.Fun)
	}
	for _, a := range n.Args {
		m.gather(a)
	}
}

// addAlias reads alias A.B, alias A.B, as: C and alias A.{B, C}.
func (m *module) addAlias(n *syntax.Node) {
	target := n.Args[0]
	if target.Kind == syntax.Call && target.Fun != nil && len(target.Fun.Args) == 2 && target.Fun.Args[1].Text == "{}" {
		base, ok := m.alias(target.Fun.Args[0])
		for _, a := range target.Args {
			if w := written(a); ok && w != "" {
				m.aliases[last(w)] = base + "." + w
			}
		}
		return
	}
	full, ok := m.alias(target)
	if !ok {
		return
	}
	as := last(full)
	if len(n.Args) > 1 {
		if v := keyword(n.Args[1], "as"); v != nil && written(v) != "" {
			as = written(v)
		}
	}
	if as != full {
		m.aliases[as] = full
	}
}

// alias is the full name of a module that is named in m.
func (m *module) alias(n *syntax.Node) (string, bool) {
	switch {
	case n.Kind == syntax.Variable && n.Text == "__MODULE__" && m.name != "":
		return m.name, true
	case n.Kind == syntax.Atom && strings.HasPrefix(n.Text, "Elixir."):
		return strings.TrimPrefix(n.Text, "Elixir."), true
	case n.Kind != syntax.Call || n.Text != "__aliases__" || len(n.Args) == 0:
		return "", false
	}
	head := n.Args[0]
	if head.Kind == syntax.Variable && head.Text == "__MODULE__" && m.name != "" && len(n.Args) > 1 {
		return m.name + "." + joinAtoms(n.Args[1:]), true
	}
	w := written(n)
	if w == "" {
		return "", false
	}
	if rest, ok := strings.CutPrefix(w, "Elixir."); ok {
		return rest, true
	}
	for in := m; in != nil; in = in.parent {
		if full, ok := in.aliases[first(w)]; ok {
			return full + strings.TrimPrefix(w, first(w)), true
		}
	}
	return w, true
}

// written is a module's name as it stands there; empty where it is computed.
func written(n *syntax.Node) string {
	name, _ := n.Alias()
	return name
}

func joinAtoms(parts []*syntax.Node) string {
	names := make([]string, len(parts))
	for i, p := range parts {
		if p.Kind != syntax.Atom {
			return ""
		}
		names[i] = p.Text
	}
	return strings.Join(names, ".")
}

func first(name string) string { before, _, _ := strings.Cut(name, "."); return before }

func last(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }

// keyword finds a key in a keyword list; nil where there is none.
func keyword(n *syntax.Node, key string) *syntax.Node {
	if n == nil || n.Kind != syntax.List {
		return nil
	}
	v, _ := n.Get(key)
	return v
}

// block is the do block of a call; nil where there is none.
func block(n *syntax.Node) *syntax.Node {
	v, _ := n.Section("do")
	return v
}

// call is a call, with what is piped into it as its first argument.
type call struct {
	module string // full name, or with its colon; "" for a local one, "?" where it is computed
	name   string
	args   []*syntax.Node
	node   *syntax.Node
}

// is says whether it is a call of a module's function.
func (c call) is(module, name string) bool { return c.name == name && c.module == module }

// called reads a node as a call; pipes are followed.
func (m *module) called(n *syntax.Node) (call, bool) {
	if n.Kind != syntax.Call {
		return call{}, false
	}
	if n.Fun == nil {
		if n.Text == "|>" && len(n.Args) == 2 {
			c, ok := m.called(n.Args[1])
			if ok {
				c.args = append([]*syntax.Node{n.Args[0]}, c.args...)
			}
			return c, ok
		}
		return call{"", n.Text, n.Args, n}, true
	}
	c := call{module: "?", args: n.Args, node: n}
	f := n.Fun
	if f.Kind != syntax.Call || f.Text != "." || f.Fun != nil || len(f.Args) != 2 || f.Args[1].Kind != syntax.Atom {
		return c, true
	}
	c.name = f.Args[1].Text
	if full, ok := m.alias(f.Args[0]); ok {
		c.module = full
	} else if f.Args[0].Kind == syntax.Atom {
		c.module = ":" + f.Args[0].Text
	}
	return c, true
}
