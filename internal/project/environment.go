package project

import (
	"slices"
	"strconv"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// EnvRead is a reading of a variable of the environment.
type EnvRead struct {
	EnvVar
	Phase  Phase
	Module string // in which it stands; empty in the configuration
	When   Expr   // what has to hold for it to be read; absent: nothing
}

// environment notes System.get_env("NAME"), with the default that it is given, and its sisters.
func (l *lookout) environment(c call, f *frame) {
	if c.module != "System" || len(c.args) == 0 || c.args[0].Kind != syntax.String {
		return
	}
	if c.name != "get_env" && c.name != "fetch_env" && c.name != "fetch_env!" {
		return
	}
	src := f.m.src
	v := EnvVar{Name: c.args[0].Text, Required: c.name == "fetch_env!", At: src.at(c.node)}
	other := l.walker.other[c.node]
	if len(c.args) > 1 {
		other = c.args[1]
	}
	switch {
	case other == nil:
	case other.Kind == syntax.Call && other.Fun == nil && other.Text == "raise":
		v.Required = true
	case other.Kind == syntax.String:
		v.Default = known(other.Text, src.at(other))
	case other.Kind == syntax.Integer:
		v.Default = known(other.Text, src.at(other))
	default:
		v.Default = unknown[string](src.at(other))
	}
	l.reads = append(l.reads, EnvRead{v, f.phase(l.script), f.m.name, f.when})
}

// listens notes what starts an endpoint in a release, and ports that stand in the configuration.
func (l *lookout) listens(n *syntax.Node, f *frame) {
	if n.Kind != syntax.Tuple || len(n.Args) != 2 || n.Args[0].Kind != syntax.Atom {
		return
	}
	src := f.m.src
	switch key, value := n.Args[0], n.Args[1]; key.Text {
	case "server":
		if value.Kind == syntax.Atom && value.Text == "true" {
			l.servers = append(l.servers, known(true, src.at(key)))
		}
	case "http", "http_options":
		if p := keyword(value, "port"); p != nil && p.Kind == syntax.Integer {
			if port, err := strconv.Atoi(strings.ReplaceAll(p.Text, "_", "")); err == nil && port >= 1024 && port <= 65535 {
				l.ports = append(l.ports, known(port, src.at(p)))
			}
		}
	}
}

// environment sums up what was read of the environment, and of ports.
func (p *Project) environment(f *facts) {
	p.Reads = f.reads
	for _, r := range f.reads {
		config := strings.HasPrefix(r.At.File, "config/")
		if config && r.At.File != "config/runtime.exs" {
			continue
		}
		if config && !slices.ContainsFunc(p.Runtime, func(o EnvVar) bool { return o.Name == r.Name }) {
			p.Runtime = append(p.Runtime, r.EnvVar)
		}
		if r.Name == "PORT" && p.Port.Name == "" {
			p.Port = r.EnvVar
		}
		if config && r.Name == "PHX_SERVER" && !p.Server.Known() {
			p.Server = known(true, r.At)
		}
	}
	if len(f.servers) > 0 && !p.Server.Known() {
		p.Server = f.servers[0]
	}
	if len(f.ports) > 0 {
		p.FixedPort = f.ports[0]
	}
}
