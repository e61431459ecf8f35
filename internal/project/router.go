package project

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// Routing is what an endpoint answers to GET: the routes of the routers that are plugged into it.
type Routing struct {
	Endpoint string
	Router   string // the first that is plugged in; empty: none
	At       Pos    // where that begins
	Patterns []Pattern
	Unread   string // why there may be more; empty: these are all
}

// Pattern is a path as a router has it: /users/:id.
type Pattern struct {
	Path   string
	Prefix bool // it is for all that is below as well
	At     Pos
}

// Answers says whether a path is answered, and known where that is certain.
func (r Routing) Answers(path string) (answers, known bool) {
	path, _, _ = strings.Cut(path, "?")
	asked := segments(path)
	for _, p := range r.Patterns {
		if p.takes(asked) {
			return true, true
		}
	}
	return false, r.Unread == "" && r.Router != ""
}

func (p Pattern) takes(asked []string) bool {
	parts := segments(p.Path)
	for i, part := range parts {
		if strings.HasPrefix(part, "*") {
			return true
		}
		if i >= len(asked) || asked[i] != part && !strings.ContainsAny(part, ":*") {
			return false
		}
	}
	return p.Prefix || len(parts) == len(asked)
}

func segments(path string) []string {
	return strings.FieldsFunc(path, func(r rune) bool { return r == '/' })
}

// passing are plugs that answer nothing by themselves, or nothing that a route is for.
var passing = []string{
	"Plug.Static", "Plug.RequestId", "Plug.Telemetry", "Plug.Parsers", "Plug.MethodOverride", "Plug.Head", "Plug.Session", "Plug.SSL", "Plug.Logger",
	"Plug.RewriteOn", "Plug.CSRFProtection", "Plug.Run", "Phoenix.LiveDashboard.RequestLogger", "Phoenix.CodeReloader", "Phoenix.LiveReloader",
	"Phoenix.Ecto.CheckRepoStatus", "Phoenix.Ecto.SQL.Sandbox", "Sentry.PlugContext", "Sentry.PlugCapture", "Tidewave", "CORSPlug", "Corsica", "RemoteIp",
}

// routings reads what endpoints answer.
func routings(w *world, endpoints []*Endpoint) (all []Routing) {
	for _, e := range endpoints {
		m := w.module(e.Module)
		if m == nil || m.body == nil {
			continue
		}
		r := &routing{w: w, Routing: Routing{Endpoint: e.Module}, left: maxRoutes}
		r.plugs(m, m.body)
		if r.Unread == "" && m.src.broken.At.Line > 0 {
			r.unread(m, m.body, "its file was not read whole")
		}
		all = append(all, r.Routing)
	}
	slices.SortStableFunc(all, func(a, b Routing) int { return cmp.Compare(a.Endpoint, b.Endpoint) })
	return all
}

// maxRoutes bounds what is read of one endpoint's routers.
const maxRoutes = 20_000

type routing struct {
	Routing
	w    *world
	left int
}

func (r *routing) unread(m *module, n *syntax.Node, why string) {
	if r.Unread == "" {
		r.Unread = m.src.at(n).String() + ": " + why
	}
}

// plugs goes over the body of an endpoint.
func (r *routing) plugs(m *module, body *syntax.Node) {
	for _, n := range body.Block() {
		switch {
		case n.Kind != syntax.Call || n.Fun != nil:
		case n.Text == "plug" && len(n.Args) > 0:
			r.plug(m, n)
		case n.Text == "if" || n.Text == "unless":
			for _, section := range []string{"do", "else"} {
				if b, ok := n.Section(section); ok {
					r.plugs(m, b)
				}
			}
		case (n.Text == "def" || n.Text == "defoverridable") && len(n.Args) > 0:
			if head := n.Args[0]; n.Text == "defoverridable" || head.Text == "call" {
				r.unread(m, n, "the endpoint's own call/2")
			}
		case n.Text == "use" && len(n.Args) > 0:
			if what, ok := m.alias(n.Args[0]); !ok || what != "Phoenix.Endpoint" && !slices.Contains(passing, what) {
				r.unread(m, n, "what "+cmp.Or(what, "a use")+" brings")
			}
		}
	}
}

func (r *routing) plug(m *module, n *syntax.Node) {
	what, ok := m.alias(n.Args[0])
	if !ok {
		r.unread(m, n, "a plug that is a function")
		return
	}
	if slices.Contains(passing, what) {
		return
	}
	router := r.w.module(what)
	if router == nil || !routes(router) {
		r.unread(m, n, "the plug "+what)
		return
	}
	if r.Router == "" {
		r.Router, r.At = what, router.src.at(router.at)
	}
	if router.src.broken.At.Line > 0 {
		r.unread(m, n, "the file of "+what+" was not read whole")
	}
	r.block(router, router.body, "/")
}

// routes says whether a module is a router of Phoenix', by what it uses.
func routes(m *module) bool {
	return m.body != nil && slices.ContainsFunc(m.body.Block(), func(n *syntax.Node) bool { return usesRouter(m, n) })
}

func usesRouter(m *module, n *syntax.Node) bool {
	if !n.Call("use") || len(n.Args) == 0 {
		return false
	}
	if what, ok := m.alias(n.Args[0]); ok && what == "Phoenix.Router" {
		return true
	}
	return len(n.Args) == 2 && n.Args[1].IsAtom("router")
}

// block goes over the body of a router, or of a scope in it.
func (r *routing) block(m *module, body *syntax.Node, under string) {
	for _, n := range body.Block() {
		if r.left--; r.left < 0 {
			r.unread(m, n, "there are too many routes")
			return
		}
		r.entry(m, n, under)
	}
}

func (r *routing) entry(m *module, n *syntax.Node, under string) {
	if n.Kind != syntax.Call {
		return // a text, an atom: nothing is done with it
	}
	if n.Fun != nil {
		r.unread(m, n, "a call of another module's")
		return
	}
	add := func(p *syntax.Node, prefix bool) {
		if p == nil || p.Kind != syntax.String {
			r.unread(m, n, "a path that is computed")
			return
		}
		r.Patterns = append(r.Patterns, Pattern{strings.TrimSuffix(under, "/") + "/" + strings.TrimPrefix(p.Text, "/"), prefix, m.src.at(n)})
	}
	arg := func(i int) *syntax.Node {
		if i < len(n.Args) {
			return n.Args[i]
		}
		return nil
	}
	switch n.Text {
	case "import", "alias", "require", "@", "pipeline", "pipe_through", "plug", "def", "defp", "defmacro", "defmacrop", "defmodule", "__aliases__",
		"post", "put", "patch", "delete", "options", "connect", "trace", "head":
	case "use":
		if what, ok := m.alias(n.Args[0]); !usesRouter(m, n) && (!ok || what != "Plug.ErrorHandler") {
			r.unread(m, n, "what "+cmp.Or(what, "a use")+" brings")
		}
	case "get", "live":
		add(arg(0), false)
	case "match":
		if verb := arg(0); verb == nil || verb.Kind != syntax.Atom || verb.Text == "*" || verb.Text == "get" {
			add(arg(1), false)
		}
	case "forward", "resources", "resource":
		add(arg(0), true)
	case "scope":
		r.scope(m, n, under)
	case "live_session", "if", "unless":
		r.sections(m, n, under)
	default:
		if p := arg(0); p != nil && p.Kind == syntax.String && strings.HasPrefix(p.Text, "/") {
			add(p, true) // a macro that is given where: live_dashboard "/dashboard"
			return
		}
		r.unread(m, n, "what "+n.Text+" brings")
	}
}

func (r *routing) sections(m *module, n *syntax.Node, under string) {
	for _, section := range []string{"do", "else"} {
		if b, ok := n.Section(section); ok {
			r.block(m, b, under)
		}
	}
}

func (r *routing) scope(m *module, n *syntax.Node, under string) {
	if len(n.Args) == 0 {
		return
	}
	p := n.Args[0]
	if p.Kind == syntax.List {
		p = keyword(p, "path")
	} else if _, named := m.alias(p); named {
		p = nil
	}
	switch {
	case p == nil: // it adds nothing to the path
	case p.Kind == syntax.String:
		under = strings.TrimSuffix(under, "/") + "/" + strings.TrimPrefix(p.Text, "/")
	default:
		r.unread(m, n, "a scope whose path is computed")
	}
	r.sections(m, n, under)
}
