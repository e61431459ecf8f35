package project

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Repo is a module that uses Ecto.Repo.
type Repo struct {
	Module   string
	Config   Expr // what the configuration of a release says of it
	PoolSize Expr // absent: Ecto's default, 10
	URL      Expr
	At       Pos
}

// Migrations are those of a project.
type Migrations struct {
	Count      int
	Concurrent []Use // those that build an index concurrently, which Ecto's lock can't cover
}

// Migrator is the module that migrates in a release.
type Migrator struct {
	Module string // empty where there is none
	At     Pos
}

// migrator finds the module that `mix phx.gen.release --ecto` makes.
func (l *lookout) migrator(m *module) {
	if path.Base(m.src.file) != "release.ex" {
		return
	}
	var all []*module
	var gather func(m *module)
	gather = func(m *module) {
		all = append(all, m)
		for _, in := range m.inner {
			gather(in)
		}
	}
	gather(m)
	for _, m := range all {
		for _, d := range m.functions["migrate"] {
			l.migrators = append(l.migrators, Migrator{m.name, d.at})
		}
	}
}

// repos finds the databases.
func (p *Project) repos() {
	for _, u := range p.UsedAs("Ecto.Repo") {
		r := Repo{Module: u.Module, Config: p.configOf(u), At: u.At}
		r.PoolSize, r.URL = r.Config.Get("pool_size"), r.Config.Get("url")
		p.Repos = append(p.Repos, r)
	}
}

// MigratesAtStart says where the application migrates while it starts.
func (p *Project) MigratesAtStart() (Pos, bool) {
	for _, s := range p.Supervisors {
		if i := s.Index("Ecto.Migrator"); i >= 0 {
			return s.Children[i].At, true
		}
	}
	for _, c := range p.Calls {
		if c.In != "start" && c.In != "init" {
			continue
		}
		if strings.HasPrefix(c.Name, "Ecto.Migrator.") || strings.HasSuffix(c.Name, "Release.migrate") {
			return c.At, true
		}
	}
	return Pos{}, false
}

var concurrently = regexp.MustCompile(`(?i)concurrently:\s*true|index\s+concurrently`)

// migrations looks through priv/*/migrations.
func (r *reader) migrations() error {
	for _, m := range r.p.Mixes() {
		for _, file := range r.sources(path.Join(m.Dir, "priv"), ".exs", ".sql") {
			if !slices.Contains(strings.Split(path.Dir(file), "/"), "migrations") {
				continue
			}
			text, err := r.optional(file)
			if err != nil {
				return err
			}
			r.p.Migrations.Count++
			if at := concurrently.FindStringIndex(text); at != nil {
				r.p.Migrations.Concurrent = append(r.p.Migrations.Concurrent, Use{text[at[0]:at[1]], place(file, text, at[0])})
			}
		}
	}
	return nil
}

// place is an offset in a text.
func place(file, text string, offset int) Pos {
	return Pos{file, 1 + strings.Count(text[:offset], "\n"), offset - strings.LastIndexByte(text[:offset], '\n')}
}
