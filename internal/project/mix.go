package project

import (
	"path"
	"slices"

	"github.com/phialdev/phial/elixir/syntax"
)

// ReleaseSpec is what mix.exs says of a release. What it does not say is absent.
type ReleaseSpec struct {
	Name        string
	Options     Expr
	Cookie      Expr
	Steps       Expr
	Executables Expr // include_executables_for:
	StripBeams  Expr
	At          Pos
}

// Starts says whether an application is named among extra_applications: Known that it is, Absent that it is not.
func (m Mix) Starts(app string) State {
	state := Absent
	m.Extra.each(func(e Expr) {
		switch {
		case e.Is(app):
			state = Known
		case e.Kind == ExprUnknown && state == Absent:
			state = Unknown
		}
	})
	return state
}

// mix reads a mix.exs that stands in dir.
func (r *reader) mix(dir, text string) Mix {
	m := Mix{Dir: dir}
	s := parse(path.Join(dir, "mix.exs"), text)
	r.noteBroken(s)
	sc := scope{w: &world{modules: map[string]*module{}}, m: s.top, building: true}
	if in := firstModule(s.top); in != nil {
		sc.m = in
		for _, end := range []string{".MixProject", ".Mixfile"} {
			if n := len(in.name) - len(end); n > 0 && in.name[n:] == end {
				m.Module = in.name[:n]
			}
		}
	}
	m.reads(s.root, dir, r.p.Has)
	top := Pos{File: s.file}
	if app := sc.function("application", top); app.Kind == ExprList {
		m.Start, m.Extra = app.Get("mod"), app.Get("extra_applications")
		m.Application = app
	} else if len(sc.m.functions["application"]) > 0 {
		m.Start, m.Extra, m.Application = app, app, app
	}
	root := sc.function("project", top)
	if root.Kind != ExprList {
		// Nothing of it can be told, so that everything is where it would be.
		at := root.At
		m.App, m.Version, m.Elixir = unknown[string](at), unknown[string](at), unknown[string](at)
		m.Releases, m.Deps, m.Aliases = unknown[[]Named](at), unknown[[]Dep](at), unknown[[]Named](at)
		return m
	}
	text_ := func(key string, f *Fact[string], as func(Expr) Fact[string]) {
		if e := root.Get(key); !e.Absent() {
			*f = as(e)
		}
	}
	text_("app", &m.App, Expr.name)
	text_("version", &m.Version, Expr.str)
	text_("elixir", &m.Elixir, Expr.str)
	text_("apps_path", &m.AppsPath, Expr.str)
	text_("default_release", &m.DefaultRelease, Expr.name)
	if e := root.Get("releases"); !e.Absent() {
		m.Releases = e.names()
		for _, i := range e.Items {
			if i.Keyed() {
				v := i.Value
				m.ReleaseSpecs = append(m.ReleaseSpecs, ReleaseSpec{i.Key, v, v.Get("cookie"), v.Get("steps"), v.Get("include_executables_for"), v.Get("strip_beams"), i.KeyAt})
			}
		}
	}
	if e := root.Get("aliases"); !e.Absent() {
		m.Aliases = e.names()
	}
	if e := root.Get("deps"); !e.Absent() {
		m.Deps = deps(e)
	}
	return m
}

// firstModule is the first module of a file.
func firstModule(m *module) (found *module) {
	for _, in := range m.inner {
		if found == nil || in.at.Start() < found.at.Start() {
			found = in
		}
	}
	return found
}

// reads notes the files of the project that mix.exs names in a text, such as VERSION.
func (m *Mix) reads(n *syntax.Node, dir string, has func(string) bool) {
	if t := n.Text; n.Kind == syntax.String && t != "" && t != "mix.exs" && t != "mix.lock" && !slices.Contains(m.Reads, t) &&
		path.Ext(t) != ".ex" && !path.IsAbs(t) && path.Dir(t) == "." && t != "." && t != ".." && has(path.Join(dir, t)) {
		m.Reads = append(m.Reads, t)
	}
	if n.Fun != nil {
		m.reads(n.Fun, dir, has)
	}
	for _, a := range n.Args {
		m.reads(a, dir, has)
	}
}

// names gives the keys of a keyword list.
func (e Expr) names() Fact[[]Named] {
	if !e.Keyword() {
		return unknown[[]Named](e.At)
	}
	var all []Named
	for _, i := range e.Items {
		all = append(all, Named{i.Key, i.KeyAt})
	}
	return known(all, e.At)
}

// deps gives the dependencies of a literal list. One element that is computed makes the whole list so: who would know
// what is not in it?
func deps(e Expr) Fact[[]Dep] {
	all := []Dep{}
	computed := false
	var add func(e Expr)
	add = func(e Expr) {
		if e.Kind == ExprOp && e.Text == "++" {
			add(e.Args[0])
			add(e.Args[1])
			return
		}
		if e.Kind != ExprList {
			computed = true
			return
		}
		for _, i := range e.Items {
			if d, ok := dep(i); ok {
				all = append(all, d)
			} else {
				computed = true
			}
		}
	}
	if add(e); computed && len(all) == 0 {
		return unknown[[]Dep](e.At)
	}
	f := known(all, e.At)
	if computed {
		f.State = Unknown // with the ones that stand there
	}
	return f
}

// dep reads {:phoenix, "~> 1.7"}, {:common, path: "../common"} and {:x, "~> 1.0", only: :dev}.
func dep(i Item) (Dep, bool) {
	var d Dep
	given := []Expr{i.Value}
	switch t := i.Value; {
	case i.Keyed():
		d.Name, d.At = i.Key, i.KeyAt
	case t.Kind == ExprTuple && len(t.Items) > 0 && t.Items[0].Value.Kind == ExprAtom:
		d.Name, d.At = t.Items[0].Value.Text, t.At
		given = given[:0]
		for _, i := range t.Items[1:] {
			given = append(given, i.Value)
		}
	default:
		return d, false
	}
	for _, g := range given {
		switch g.Kind {
		case ExprText:
			d.Requirement = g.Text
		case ExprList:
			if p := g.Get("path"); p.Kind == ExprText {
				d.Path = p.Text
			}
			d.Umbrella = d.Umbrella || g.Get("in_umbrella").Is("true")
		}
	}
	return d, true
}
