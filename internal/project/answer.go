package project

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// Answer is the code of the project that answers a path, as far as the router tells.
type Answer struct {
	Module  string
	Calls   []string // functions of other modules that it calls: Node.list, Shop.Repo.query
	Unclear bool     // it also calls what is not followed
	Refuses bool     // it names a status of 500 and more, so it does not always answer that all is well
}

// AsksNodes is the call by which it asks for other nodes; empty where none is seen.
func (a *Answer) AsksNodes() string {
	if a == nil {
		return ""
	}
	for _, c := range a.Calls {
		if slices.Contains([]string{"Node.list", "Node.ping", ":erlang.nodes", ":net_adm.ping"}, c) || strings.HasPrefix(c, "Horde.Cluster.") {
			return c
		}
	}
	return ""
}

// maxSteps bounds the functions that are called in one answer.
const maxSteps = 100

// answered finds what answers `get path, Controller, :action`, `forward path, Plug`, and `get path do … end`.
func (l *lookout) answered(c call, f *frame) *Answer {
	if body := block(c.node); body != nil {
		return follow(f.m, body)
	}
	if len(c.args) < 2 {
		return nil
	}
	name, ok := f.m.alias(c.args[1])
	if !ok || f.w == nil {
		return nil
	}
	action := "call"
	if len(c.args) > 2 && c.args[2].Kind == syntax.Atom && c.name == "get" {
		action = c.args[2].Text
	}
	m := f.w.module(strings.TrimPrefix(f.under+"."+name, "."))
	if m == nil {
		m = f.w.module(name)
	}
	if m == nil {
		return nil
	}
	return follow(m, m.clauses(action)...)
}

// clauses are the bodies of a module's functions of a name, whatever they take.
func (m *module) clauses(name string) (all []*syntax.Node) {
	for _, n := range m.body.Block() {
		if n.Kind != syntax.Call || n.Fun != nil || n.Text != "def" && n.Text != "defp" || len(n.Args) < 2 {
			continue
		}
		head := n.Args[0]
		if head.Kind == syntax.Call && head.Text == "when" && head.Fun == nil && len(head.Args) > 0 {
			head = head.Args[0]
		}
		if head.Text == name {
			all = append(all, n.Args[1])
		}
	}
	return all
}

// follow notes what some code of a module calls, by way of the module's own functions. Nil: there is no code.
func follow(m *module, bodies ...*syntax.Node) *Answer {
	if len(bodies) == 0 {
		return nil
	}
	a := &Answer{Module: m.name}
	plugs := slices.ContainsFunc(m.body.Block(), func(n *syntax.Node) bool { return n.Call("plug") })
	if plugs && m.name != "" && len(m.clauses("call")) == 0 && !m.routes() {
		a.Unclear = true // it runs before every action
	}
	done := map[string]bool{}
	for len(bodies) > 0 {
		body := bodies[0]
		bodies = bodies[1:]
		body.Walk(func(n *syntax.Node) bool {
			if len(done)+len(a.Calls) > maxSteps {
				a.Unclear = true
				return false
			}
			a.Refuses = a.Refuses || n.Kind == syntax.Integer && len(n.Text) == 3 && n.Text[0] == '5' ||
				n.Kind == syntax.Atom && (n.Text == "service_unavailable" || n.Text == "internal_server_error")
			c, ok := m.called(n)
			if !ok || n.Fun == nil && n.Text == "|>" {
				return true
			}
			switch {
			case c.module == "?" && n.NoParens() && len(c.args) == 0: // a field of a map
			case c.module != "":
				if name := c.module + "." + c.name; !slices.Contains(a.Calls, name) {
					a.Calls = append(a.Calls, name)
				}
				a.Unclear = a.Unclear || c.module == "?"
			case done[c.name]:
			default:
				done[c.name] = true
				own := m.clauses(c.name)
				bodies = append(bodies, own...)
				a.Unclear = a.Unclear || len(own) == 0 && !plain(c.name)
			}
			return true
		})
	}
	slices.Sort(a.Calls)
	return a
}

// routes says whether a module is a router of Plug's, whose plugs are its own way of working.
func (m *module) routes() bool {
	for _, n := range m.body.Block() {
		if n.Call("use") && len(n.Args) > 0 {
			if what, ok := m.alias(n.Args[0]); ok && what == "Plug.Router" {
				return true
			}
		}
	}
	return false
}

// plain says whether a local call is one of the language's, or of what every controller imports to answer.
func plain(name string) bool {
	if name == "" || name[0] != '_' && (name[0] < 'a' || name[0] > 'z') {
		return true // an operator
	}
	if strings.HasPrefix(name, "sigil_") {
		return true
	}
	return slices.Contains(plainCalls, name)
}

var plainCalls = strings.Fields(`__aliases__ __block__ if unless case cond with for fn do else in not and or when raise is_nil is_binary is_list is_atom is_map
	to_string inspect length hd tl elem map_size node self send alias require import
	json text html render send_resp put_status put_resp_content_type put_resp_header resp halt assign put_view put_layout put_root_layout`)
