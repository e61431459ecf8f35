package project

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/elixir/syntax"
)

// ConfigCall is a call of config: what it says of an application, and when it is read.
type ConfigCall struct {
	App   string
	Keys  []Named // the first of those it sets
	Value Expr    // a keyword list, with those keys
	Phase Phase
	When  Expr // what has to hold; absent: nothing
	At    Pos
}

// scripts evaluates the configuration as a release for production would.
type scripts struct {
	r     *reader
	w     *world
	facts *facts
	read  map[string]bool
	phase Phase
	apart bool // files that nothing imports
}

// config reads config/*.exs: first what is compiled in, then what is read at boot, then for what they name the files
// that nothing imports. Those for development and tests are left out.
func (r *reader) config(w *world, f *facts) error {
	s := &scripts{r: r, w: w, facts: f, read: map[string]bool{}, phase: Building}
	roots := []string{"config/config.exs"}
	for _, a := range r.p.Apps {
		if file := path.Join(a.Dir, "config/config.exs"); !r.p.Has("config/config.exs") && r.p.Has(file) {
			roots = append(roots, file)
		}
	}
	for _, file := range roots {
		if err := s.file(file, Expr{}, 0); err != nil {
			return err
		}
	}
	s.phase = Booting
	for _, file := range []string{"config/runtime.exs", "config/releases.exs"} {
		if err := s.file(file, Expr{}, 0); err != nil {
			return err
		}
	}
	// Files that nothing imports say nothing for certain.
	apart := &scripts{r: r, w: &world{settings: newSettings(), modules: w.modules}, facts: f, read: s.read, phase: Building, apart: true}
	for _, file := range r.sources("config", ".exs") {
		if base := path.Base(file); base == "dev.exs" || base == "test.exs" || s.read[file] {
			continue
		}
		if err := apart.file(file, Expr{}, 0); err != nil {
			return err
		}
	}
	// What is read at boot wins over what was compiled in.
	order := []string{"config/runtime.exs", "config/releases.exs", "config/prod.exs", "config/config.exs"}
	f.sort(func(file string) int {
		if n := slices.Index(order, file); n >= 0 {
			return n
		}
		return len(order)
	})
	return nil
}

// harmless are modules whose functions do not call config, whatever they are called for: Elixir's own, and two that read
// .env files.
var harmless = strings.Fields(`Access Agent Application Atom Base Bitwise Calendar Code Config Date DateTime Dotenv Dotenvy Enum Exception File Float
	Function GenServer IO Inspect Integer Kernel Keyword List Logger Macro Map MapSet Mix Module NaiveDateTime Node Path Process Range Regex Registry
	Stream String StringIO Supervisor System Task Time Tuple URI Version`)

const maxImports = 20 // in one another

func (s *scripts) file(name string, when Expr, depth int) error {
	if !s.r.p.Has(name) || depth > maxImports {
		return nil
	}
	text, err := s.r.optional(name)
	if err != nil {
		return err
	}
	s.read[name] = true
	src := parse(name, text)
	f := &frame{scope: scope{w: s.w, m: src.top, building: s.phase == Building}, when: when}
	look := &lookout{facts: s.facts, script: s.phase, config: true}
	look.walker = newWalker(nil, look.node)
	var failed error
	look.walker.call = func(c call, f *frame) {
		switch {
		case c.module != "" && c.module != "Config":
		case c.name == "config" && len(c.args) >= 2:
			s.config(c, f)
		case c.name == "import_config" && len(c.args) == 1:
			if err := s.imports(c, f, name, depth); err != nil {
				failed = err
			}
		}
		look.call(c, f)
	}
	look.walker.step = func(n *syntax.Node, f *frame) {
		if c, ok := f.m.called(n); ok && c.module != "" && !strings.HasPrefix(c.module, ":") && !slices.Contains(harmless, first(c.module)) {
			s.w.settings.lose("", src.at(n), c.module+"."+c.name+" may configure more")
		}
	}
	if src.broken.At.Line > 0 {
		s.w.settings.lose("", src.broken.At, name+" could not be read whole: "+src.broken.What)
		if s.w.settings.broken = s.w.settings.lost[""]; !s.apart {
			s.r.noteBroken(src)
		}
	}
	look.walker.body(src.root, f)
	return failed
}

// config takes over `config :app, key: value` and `config :app, Key, value`.
func (s *scripts) config(c call, f *frame) {
	app := f.reduce(c.args[0])
	if app.Kind != ExprAtom {
		s.w.settings.lose("", app.At, "which application is configured is computed")
		return
	}
	at := f.m.src.at(c.node)
	say := f.reduce(c.args[1])
	if len(c.args) >= 3 {
		key := say
		if key.Kind != ExprAtom && key.Kind != ExprModule {
			s.w.settings.lose(app.Text, key.At, "which key of "+app.Text+" is configured is computed")
			return
		}
		say = Expr{Kind: ExprList, At: at, Items: []Item{{key.Text, key.At, f.reduce(c.args[2])}}}.weigh()
	}
	entry := ConfigCall{App: app.Text, Value: say, Phase: f.phase(s.phase), When: f.when, At: at}
	for _, i := range say.Items {
		if i.Keyed() {
			entry.Keys = append(entry.Keys, Named{i.Key, i.KeyAt})
		}
	}
	s.facts.calls = append(s.facts.calls, entry)
	if !say.Keyword() {
		s.w.settings.lose(app.Text, say.At, "what is configured of "+app.Text+" is computed")
		return
	}
	s.w.settings.put(app.Text, say, f.when)
}

// imports follows import_config.
func (s *scripts) imports(c call, f *frame, from string, depth int) error {
	name := f.reduce(c.args[0]).Eval(func(string) EnvValue { return EnvValue{Unknown: "it is read when the release is built"} })
	if name.Kind != ExprText {
		s.w.settings.lose("", name.At, "which file is imported is computed")
		return nil
	}
	full := path.Join(path.Dir(from), name.Text)
	files := []string{full}
	if strings.ContainsAny(full, "*?[{") {
		files = nil
		for file := range s.r.p.files {
			if ok, err := path.Match(full, file); ok && err == nil {
				files = append(files, file)
			}
		}
		slices.Sort(files)
	}
	for _, file := range files {
		if !s.r.p.Has(file) {
			// A secret of the machine that builds, mostly.
			s.w.settings.lose("", name.At, file+" is not there")
			continue
		}
		if err := s.file(file, f.when, depth+1); err != nil {
			return err
		}
	}
	return nil
}
