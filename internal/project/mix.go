package project

import (
	"path"
	"slices"
	"strings"
)

// readMix reads a mix.exs that stands in dir.
func readMix(dir, src string, has func(string) bool) Mix {
	m := Mix{Dir: dir}
	s := newSource(path.Join(dir, "mix.exs"), src)
	for _, end := range []string{".MixProject", ".Mixfile"} {
		if base, ok := strings.CutSuffix(s.module(), end); ok {
			m.Module = base
		}
	}
	for _, t := range s.tokens {
		if t.kind == text && t.text != "" && t.text != "mix.exs" && t.text != "mix.lock" && !slices.Contains(m.Reads, t.text) &&
			path.Ext(t.text) != ".ex" && !path.IsAbs(t.text) && path.Dir(t.text) == "." && t.text != "." && t.text != ".." && has(path.Join(dir, t.text)) {
			m.Reads = append(m.Reads, t.text)
		}
	}
	root := s.function("project", Pos{File: s.file}, 0)
	if root.kind != aList {
		// Nothing of it can be told, so that everything is where it would be.
		at := root.at
		m.App, m.Version, m.Elixir = unknown[string](at), unknown[string](at), unknown[string](at)
		m.Releases, m.Deps, m.Aliases = unknown[[]Named](at), unknown[[]Dep](at), unknown[[]Named](at)
		return m
	}
	if v, ok := root.get("app"); ok {
		m.App = v.name()
	}
	if v, ok := root.get("version"); ok {
		m.Version = v.str()
	}
	if v, ok := root.get("elixir"); ok {
		m.Elixir = v.str()
	}
	if v, ok := root.get("apps_path"); ok {
		m.AppsPath = v.str()
	}
	if v, ok := root.get("default_release"); ok {
		m.DefaultRelease = v.name()
	}
	if v, ok := root.get("releases"); ok {
		m.Releases = names(v)
	}
	if v, ok := root.get("aliases"); ok {
		m.Aliases = names(v)
	}
	if v, ok := root.get("deps"); ok {
		m.Deps = deps(v)
	}
	return m
}

// names gives the keys of a keyword list.
func names(v value) Fact[[]Named] {
	if v.kind != aList {
		return unknown[[]Named](v.at)
	}
	var all []Named
	for _, it := range v.items {
		if it.keyAt.File == "" {
			return unknown[[]Named](v.at)
		}
		all = append(all, Named{it.key, it.keyAt})
	}
	return known(all, v.at)
}

// deps gives the dependencies of a literal list. One element that is computed makes the whole list so: who would know
// what is not in it?
func deps(v value) Fact[[]Dep] {
	if v.kind != aList {
		return unknown[[]Dep](v.at)
	}
	all := []Dep{}
	computed := false
	for _, it := range v.items {
		if it.keyAt.File != "" { // phoenix: "~> 1.7"
			all = append(all, Dep{Name: it.key, Requirement: it.value.str().Value, At: it.keyAt})
			continue
		}
		t := it.value
		if t.kind != aTuple || len(t.items) == 0 || t.items[0].value.kind != anAtom {
			computed = true
			continue
		}
		d := Dep{Name: t.items[0].value.text, At: t.at}
		for _, opt := range t.items[1:] {
			switch opts := opt.value; {
			case opt.keyAt.File != "":
				d.option(opt.key, opt.value)
			case opts.kind == aText:
				d.Requirement = opts.text
			case opts.kind == aList:
				for _, o := range opts.items {
					d.option(o.key, o.value)
				}
			}
		}
		all = append(all, d)
	}
	f := known(all, v.at)
	if computed {
		f.State = Unknown // with the ones that stand there
	}
	return f
}

func (d *Dep) option(name string, v value) {
	switch {
	case name == "path" && v.kind == aText:
		d.Path = v.text
	case name == "in_umbrella" && v.kind == anAtom:
		d.Umbrella = v.text == "true"
	}
}
