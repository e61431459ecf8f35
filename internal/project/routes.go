package project

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// route notes `get "/health"` and `forward "/health"` of a router, with the scopes around them.
func (l *lookout) route(c call, f *frame) {
	if c.module != "" || c.name != "get" && c.name != "forward" || len(c.args) == 0 {
		return
	}
	if p := c.args[0]; p.Kind == syntax.String && strings.HasPrefix(p.Text, "/") {
		l.healthy(path.Join("/", f.route, p.Text), f.m.src.at(p), func() *Answer { return l.answered(c, f) })
	}
}

// paths notes paths as plugs and plain HTTP servers match them: by request_path, or in parts beside "GET".
func (l *lookout) paths(n *syntax.Node, f *frame) {
	src := f.m.src
	answer := func() *Answer { return matching(f) }
	for i, a := range n.Args {
		switch {
		case a.Kind == syntax.Tuple && len(a.Args) == 2 && a.Args[0].Kind == syntax.Atom && a.Args[0].Bare():
			switch v := a.Args[1]; a.Args[0].Text {
			case "request_path":
				if v.Kind == syntax.String {
					l.healthy(v.Text, src.at(v), answer)
				}
			case "path_info":
				if p, ok := joined(v); ok {
					l.healthy(p, src.at(v), answer)
				}
			}
		case a.Kind == syntax.String && a.Text == "GET" && i+1 < len(n.Args):
			if p, ok := joined(n.Args[i+1]); ok {
				l.healthy(p, src.at(n.Args[i+1]), answer)
			}
		}
	}
}

// matching is the answer of a plug that matches paths itself: all of the function in which it does so.
func matching(f *frame) *Answer {
	if f.fn == "" || f.m.name == "" {
		return nil
	}
	return follow(f.m, f.m.clauses(f.fn)...)
}

func (l *lookout) healthy(p string, at Pos, answer func() *Answer) {
	if healthy(p) && l.lacks(p) {
		l.health = append(l.health, Route{p, at, answer()})
	}
}

// lacks says that a path is not noted, and that there is room for it.
func (f *facts) lacks(p string) bool {
	return len(f.health) < maxNoted && !slices.ContainsFunc(f.health, func(h Route) bool { return h.Path == p })
}

// joined makes a path of a list of texts.
func joined(n *syntax.Node) (string, bool) {
	parts := []string{"/"}
	if n.Kind != syntax.List {
		return "", false
	}
	for _, a := range n.Args {
		if a.Kind != syntax.String {
			return "", false
		}
		parts = append(parts, a.Text)
	}
	return path.Join(parts...), len(parts) > 1
}

var healthWords = []string{"health", "healthz", "healthcheck", "health_check", "health-check", "ready", "readyz", "readiness",
	"live", "livez", "liveness", "alive", "ping", "up", "status"}

// healthy says whether the last parts of a path say what it is for.
func healthy(p string) bool {
	if strings.ContainsAny(p, ":*") {
		return false
	}
	parts := strings.Split(strings.Trim(p, "/"), "/")
	last := parts[len(parts)-1]
	if last == "status" || last == "up" || last == "ping" || last == "live" || last == "alive" {
		return len(parts) == 1 && last != "status" || len(parts) > 1 && slices.Contains(healthWords, parts[len(parts)-2])
	}
	return slices.Contains(healthWords, last)
}
