package project

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// code reads what stands in lib.
func (r *reader) code() error {
	dirs := []string{"lib"}
	for _, a := range r.p.Apps {
		dirs = append(dirs, path.Join(a.Dir, "lib"))
	}
	for _, dir := range dirs {
		for _, file := range r.sources(dir, ".ex") {
			src, err := r.optional(file)
			if err != nil {
				return err
			}
			s := newSource(file, src)
			r.strategies(s)
			r.uses(s)
			r.routes(s)
			r.pipelines(s)
			r.migrator(s)
			for i := range s.tokens {
				if v, ok := s.envVar(i); ok {
					r.port(v)
				}
			}
		}
	}
	return nil
}

// distribution are modules that make sense only where nodes know of one another.
var distribution = []string{":pg", ":global", ":mnesia", ":rpc", ":erpc", ":ra", ":khepri"}

// uses notes the first call of each.
func (r *reader) uses(s *source) {
	note := func(what string, i int) {
		if !slices.ContainsFunc(r.p.Uses, func(u Use) bool { return u.What == what }) {
			r.p.Uses = append(r.p.Uses, Use{what, s.at(i)})
		}
	}
	for i, t := range s.tokens {
		switch {
		case t.kind == atom && slices.Contains(distribution, ":"+t.text) &&
			(s.is(i+1, mark, ".") || s.is(i-1, opening, "{") && s.is(i+1, mark, ",")):
			note(":"+t.text, i)
		case t.is(alias, "Node") && s.is(i+1, mark, ".") && (s.is(i+2, word, "list") || s.is(i+2, word, "connect") || s.is(i+2, word, "spawn")):
			note("Node."+s.tokens[i+2].text, i)
		case t.is(alias, "Phoenix.Tracker") || t.is(alias, "Phoenix.Presence") || t.is(alias, "Phoenix.PubSub"):
			note(t.text, i)
		case t.kind == alias && (strings.HasPrefix(t.text, "Horde.") || strings.HasPrefix(t.text, "Mnesia.")):
			note(t.text, i)
		}
	}
}

// routes collects what looks like a health check: `get "/health"` of a router, with the scopes around it, and a path in
// parts beside "GET", as plugs and plain HTTP servers match it.
func (r *reader) routes(s *source) {
	add := func(p string, i int) {
		if healthy(p) && !slices.ContainsFunc(r.p.Health, func(h Route) bool { return h.Path == p }) {
			r.p.Health = append(r.p.Health, Route{p, s.at(i)})
		}
	}
	var scopes []string // one for each `do` that is open
	pending := ""
	for i, t := range s.tokens {
		switch {
		case t.is(word, "scope") && s.kind(i+1, text):
			pending = s.tokens[i+1].text
		case t.is(word, "scope") && s.is(i+1, opening, "(") && s.kind(i+2, text):
			pending = s.tokens[i+2].text
		case t.is(word, "do") || t.is(word, "fn"):
			scopes = append(scopes, pending)
			pending = ""
		case t.is(word, "end") && len(scopes) > 0:
			scopes = scopes[:len(scopes)-1]
		case (t.is(word, "get") || t.is(word, "forward")) && i+1 < len(s.tokens):
			j := i + 1
			if s.is(j, opening, "(") {
				j++
			}
			if s.kind(j, text) && strings.HasPrefix(s.tokens[j].text, "/") {
				add(path.Join(append(append([]string{"/"}, scopes...), s.tokens[j].text)...), j)
			}
		case t.is(key, "request_path") && s.kind(i+1, text):
			add(s.tokens[i+1].text, i+1)
		case t.is(text, "GET") && s.is(i+1, mark, ","):
			j := i + 2
			if s.is(j, key, "path_info") {
				j++
			}
			if v, _ := s.read(j, 0); v.kind == aList {
				if p, ok := joined(v); ok {
					add(p, j)
				}
			}
		case t.is(key, "path_info") && s.is(i+1, opening, "["):
			if v, _ := s.read(i+1, 0); v.kind == aList {
				if p, ok := joined(v); ok {
					add(p, i+1)
				}
			}
		}
	}
}

// joined makes a path of a list of texts.
func joined(v value) (string, bool) {
	parts := []string{"/"}
	for _, it := range v.items {
		if it.value.kind != aText {
			return "", false
		}
		parts = append(parts, it.value.text)
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

// module gives the first module that a file defines.
func (s *source) module() string {
	for i := range s.tokens {
		if s.is(i, word, "defmodule") && s.kind(i+1, alias) {
			return s.tokens[i+1].text
		}
	}
	return ""
}

// migrator finds the module that `mix phx.gen.release --ecto` makes.
func (r *reader) migrator(s *source) {
	if path.Base(s.file) != "release.ex" || r.p.Migrator.Module != "" {
		return
	}
	for i := range s.tokens {
		if s.is(i, word, "def") && s.is(i+1, word, "migrate") && (!s.is(i+2, opening, "(") || s.is(i+3, closing, ")")) {
			r.p.Migrator.Module = s.module()
			r.p.Migrator.At = s.at(i)
			return
		}
	}
}

// pipelines finds `producer: [module: {BroadwayKafka.Producer, [...]}, ...]`.
func (r *reader) pipelines(s *source) {
	for i := range s.tokens {
		if !s.is(i, key, "producer") {
			continue
		}
		producer, _ := s.read(i+1, 0)
		m, _ := producer.get("module")
		if m.kind != aTuple || len(m.items) == 0 || m.items[0].value.text != "BroadwayKafka.Producer" {
			continue
		}
		p := Pipeline{At: m.at}
		p.Module = s.module()
		opts := value{items: m.items[1:]}
		if len(m.items) == 2 && m.items[1].keyAt.File == "" {
			opts = m.items[1].value
		}
		if v, ok := opts.get("topics"); ok {
			p.Topics = texts(v)
		}
		if v, ok := opts.get("group_id"); ok {
			p.Group = v.str()
		}
		if v, ok := opts.get("hosts"); ok {
			p.Brokers = brokers(v)
		}
		if v, ok := producer.get("concurrency"); ok {
			p.Concurrency = unknown[int](v.at)
			if n, err := strconv.Atoi(v.text); err == nil && v.kind == aNumber {
				p.Concurrency = known(n, v.at)
			}
		}
		r.p.Pipelines = append(r.p.Pipelines, p)
	}
}

func texts(v value) Fact[[]string] {
	if v.kind != aList || len(v.items) == 0 {
		return unknown[[]string](v.at)
	}
	var all []string
	for _, it := range v.items {
		if it.value.kind != aText {
			return unknown[[]string](v.at)
		}
		all = append(all, it.value.text)
	}
	return known(all, v.at)
}

// brokers reads [kafka: 9092], [{"kafka", 9092}] and "kafka:9092,other:9092".
func brokers(v value) Fact[[]string] {
	var all []string
	switch v.kind {
	case aText:
		all = strings.Split(v.text, ",")
	case aList:
		for _, it := range v.items {
			host, port := it.key, it.value
			if t := it.value; it.keyAt.File == "" && t.kind == aTuple && len(t.items) == 2 {
				host, port = t.items[0].value.text, t.items[1].value
			}
			if host == "" || port.kind != aNumber {
				return unknown[[]string](v.at)
			}
			all = append(all, host+":"+port.text)
		}
	}
	for i, b := range all {
		all[i] = strings.TrimSpace(b)
		host, port, ok := strings.Cut(all[i], ":")
		if _, err := strconv.ParseUint(port, 10, 16); !ok || err != nil || host == "" || host == "localhost" || strings.HasPrefix(host, "127.") {
			return unknown[[]string](v.at)
		}
	}
	if len(all) == 0 {
		return unknown[[]string](v.at)
	}
	return known(all, v.at)
}
