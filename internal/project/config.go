package project

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// config reads what the configuration says of the environment, of ports and of libcluster.
func (r *reader) config() error {
	// What is read at boot comes first, for it wins over what was compiled in.
	order := []string{"config/runtime.exs", "config/prod.exs", "config/config.exs"}
	for _, f := range r.sources("config", ".exs") {
		if !slices.Contains(order, f) {
			order = append(order, f)
		}
	}
	for _, file := range order {
		src, err := r.optional(file)
		if err != nil {
			return err
		}
		base := strings.TrimSuffix(path.Base(file), ".exs")
		if base == "dev" || base == "test" {
			continue // no release is made of them
		}
		s := newSource(file, src)
		r.strategies(s)
		for i := range s.tokens {
			if v, ok := s.envVar(i); ok && base == "runtime" {
				if !slices.ContainsFunc(r.p.Runtime, func(o EnvVar) bool { return o.Name == v.Name }) {
					r.p.Runtime = append(r.p.Runtime, v)
				}
				r.port(v)
				if v.Name == "PHX_SERVER" && !r.p.Server.Known() {
					r.p.Server = known(true, v.At)
				}
			}
			if s.is(i, key, "server") && s.is(i+1, word, "true") && !r.p.Server.Known() {
				r.p.Server = known(true, s.at(i))
			}
			if s.is(i, key, "port") && s.kind(i+1, number) && !r.p.FixedPort.Known() {
				if n, err := strconv.Atoi(strings.ReplaceAll(s.tokens[i+1].text, "_", "")); err == nil && n >= 1024 && n <= 65535 && s.http(i) {
					r.p.FixedPort = known(n, s.at(i+1))
				}
			}
		}
	}
	return nil
}

// port remembers the first reading of PORT.
func (r *reader) port(v EnvVar) {
	if v.Name == "PORT" && r.p.Port.Name == "" {
		r.p.Port = v
	}
}

// http says whether the `port:` at i is one of `http: [... port: N ...]`.
func (s *source) http(i int) bool {
	depth := 0
	for i--; i >= 0; i-- {
		switch t := s.tokens[i]; {
		case t.kind == closing:
			depth++
		case t.kind == opening && depth > 0:
			depth--
		case t.kind == opening:
			return s.is(i-1, key, "http") || s.is(i-1, key, "http_options")
		}
	}
	return false
}

// envVar reads System.get_env("NAME"), with the default that it is given, and its sisters.
func (s *source) envVar(i int) (EnvVar, bool) {
	if !s.is(i, alias, "System") || !s.is(i+1, mark, ".") || !s.kind(i+2, word) || !s.is(i+3, opening, "(") || !s.kind(i+4, text) {
		return EnvVar{}, false
	}
	call := s.tokens[i+2].text
	if call != "get_env" && call != "fetch_env" && call != "fetch_env!" {
		return EnvVar{}, false
	}
	v := EnvVar{Name: s.tokens[i+4].text, Required: call == "fetch_env!", At: s.at(i)}
	next := i + 5
	switch {
	case s.is(next, mark, ","):
		next++
	case s.is(next, closing, ")") && s.is(next+1, mark, "||"):
		next += 2
	default:
		return v, true
	}
	switch {
	case s.is(next, word, "raise"):
		v.Required = true
	case s.kind(next, text):
		v.Default = known(s.tokens[next].text, s.at(next))
	case s.kind(next, number):
		v.Default = known(s.tokens[next].text, s.at(next))
	default:
		v.Default = unknown[string](s.at(next))
	}
	return v, true
}

// strategies collects libcluster's strategies, each with the options that stand beside it.
func (r *reader) strategies(s *source) {
	const prefix = "Cluster.Strategy."
	var open []int // brackets around i
	for i, t := range s.tokens {
		switch {
		case t.kind == opening:
			open = append(open, i)
		case t.kind == closing && len(open) > 0:
			open = open[:len(open)-1]
		}
		if !s.is(i, key, "strategy") || !s.kind(i+1, alias) {
			continue
		}
		name := strings.TrimPrefix(s.tokens[i+1].text, "Elixir.")
		if !strings.HasPrefix(name, prefix) {
			continue
		}
		found := Strategy{Use: Use{strings.TrimPrefix(name, prefix), s.at(i + 1)}}
		if len(open) > 0 {
			around, _ := s.read(open[len(open)-1], 0)
			found.Config = options(around)
		}
		r.p.Strategies = append(r.p.Strategies, found)
	}
}

// options gives what is under config: in a topology.
func options(topology value) map[string]string {
	config, _ := topology.get("config")
	all := map[string]string{}
	for _, it := range config.items {
		switch it.value.kind {
		case aText:
			all[it.key] = Text(it.value.text)
		case anAtom:
			all[it.key] = ":" + it.value.text
		default:
			all[it.key] = ""
		}
	}
	return all
}
