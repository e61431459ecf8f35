package project

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the goldens anew")

// Projects of different styles give the facts that stand behind them.
func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var parts []string
			want := ""
			for _, f := range a.Files {
				if f.Name == "want" {
					want = string(f.Data)
					continue
				}
				parts = append(parts, f.Name, string(f.Data))
			}
			got := facts_(read(t, parts...))
			if *update {
				a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
				a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); d != "" {
				t.Errorf("%s; -update writes it anew (-file +now):\n%s", file, d)
			}
		})
	}
}

// facts_ writes down all that is known of a project, a line for each fact.
func facts_(p *Project) string {
	var b strings.Builder
	line := func(at Pos, format string, args ...any) {
		fmt.Fprintf(&b, "%s: %s\n", at, fmt.Sprintf(format, args...))
	}
	when := func(e Expr) string {
		if e.Absent() {
			return ""
		}
		return " when " + e.String()
	}
	for _, m := range p.Mixes() {
		fmt.Fprintf(&b, "app %s: %s, module %s, start %s, extra %s\n", m.Dir, say(m.App), m.Module, m.Start, m.Extra)
		for _, r := range m.ReleaseSpecs {
			line(r.At, "release %s: cookie %s, steps %s, executables %s, strip %s", r.Name, r.Cookie, r.Steps, r.Executables, r.StripBeams)
		}
	}
	for _, u := range p.ConfigUnread {
		line(u.At, "configuration unread: %s", u.What)
	}
	for _, c := range p.Configs {
		line(c.At, "config %s %s %s%s", c.App, c.Value, c.Phase, when(c.When))
	}
	for _, r := range p.Reads {
		line(r.At, "reads %s required %v default %s %s in %q%s", r.Name, r.Required, say(r.Default), r.Phase, r.Module, when(r.When))
	}
	for _, tp := range p.Topologies {
		line(tp.At, "topology %s %s config %s %s started %v%s", tp.Name, tp.StrategyName(), tp.Config, tp.Phase, tp.Started, when(tp.When))
		for _, o := range tp.Options {
			line(o.At, "  option %s = %s at %s", o.Name, o.Value, o.Value.At)
		}
		for _, o := range tp.Extra {
			line(o.At, "  extra %s", o.Name)
		}
		for _, o := range tp.Ignored {
			line(o.At, "  ignored %s", o.Name)
		}
	}
	if !p.TopologiesUnread.Absent() {
		line(p.TopologiesUnread.At, "topologies unread: %s", p.TopologiesUnread.Text)
	}
	for _, s := range p.ClusterStarts {
		line(s.At, "libcluster started in %s with %s %s%s", s.Module, s.Topologies, s.Misshapen, when(s.When))
	}
	for _, m := range p.ClusterMistakes {
		line(m.At, "libcluster mistake: %s", m.What)
	}
	for _, d := range p.DNSClusters {
		line(d.At, "dns_cluster %s types %s in %s%s", d.Query, d.ResourceTypes, d.Module, when(d.When))
	}
	for _, s := range p.Supervisors {
		line(s.At, "supervisor %s application %v unclear %q", s.Module, s.Application, s.Unclear)
		for _, c := range s.Children {
			line(c.At, "  child %s %s%s", c.Module, c.Options, when(c.When))
		}
	}
	for _, e := range p.Endpoints {
		line(e.At, "endpoint %s of %s: host %s, origin %s, ssl %s, server %s, port %s, adapter %s", e.Module, e.App, e.URLHost, e.CheckOrigin, e.ForceSSL, e.Server, e.HTTPPort, e.Adapter)
		for _, s := range e.Sockets {
			line(s.At, "  socket %s %s %s", s.Path, s.Module, s.Options)
		}
		for _, s := range e.SSL {
			line(s.At, "  plug SSL %s", s.Value)
		}
	}
	for _, s := range p.Sessions {
		line(s.At, "session %s in %s", s.Store, s.Module)
	}
	for name, all := range map[string][]Use{"upload": p.Uploads} {
		for _, u := range all {
			line(u.At, "%s %s", name, u.What)
		}
	}
	for _, u := range p.Libraries {
		line(u.At, "library %s", u.What)
	}
	for _, u := range p.Uses {
		line(u.At, "uses %s", u.What)
	}
	for _, u := range p.Used {
		line(u.At, "%s uses %s %s", u.Module, u.What, u.Options)
	}
	for _, c := range p.Calls {
		line(c.At, "%s called in %s.%s with %s", c.Name, c.Module, c.In, c.Args)
	}
	for _, o := range p.Obans {
		line(o.At, "oban %s queues %s plugins %s grace %s started %v", o.Name, o.Queues, o.Plugins, o.Grace, o.Started)
	}
	for _, s := range p.Schedulers {
		line(s.At, "scheduler %s jobs %s", s.Module, s.Jobs)
	}
	for _, r := range p.Repos {
		line(r.At, "repo %s pool %s url %s", r.Module, r.PoolSize, r.URL)
	}
	for _, u := range p.Migrations.Concurrent {
		line(u.At, "migration of %d: %s", p.Migrations.Count, u.What)
	}
	if at, ok := p.MigratesAtStart(); ok {
		line(at, "migrates at start")
	}
	for _, l := range slices.Concat(p.Pipelines, p.Others) {
		line(l.At, "pipeline %s of %s: brokers %s, group %s, topics %s, concurrency %s, processors %s, batchers %s, by %s, options %s", l.Module, l.Producer, say(l.Brokers), say(l.Group), say(l.Topics), say(l.Concurrency),
			l.Processors, l.Batchers, l.Partition, l.Options)
	}
	for _, v := range p.VMArgs {
		for _, f := range v.Flags {
			line(f.At, "flags %s, taken %v", f, v.Taken)
		}
	}
	for _, d := range p.Dockerfiles {
		writeDockerfile(line, d)
	}
	for _, s := range p.CI {
		line(s.At, "step %q uses %q: %q", s.Name, s.Uses, s.Text)
		for _, tag := range s.ImageTags() {
			line(tag.At, "  image %s tag %q computed %v", tag.Ref, tag.Tag, tag.Computed())
		}
	}
	for _, h := range p.Health {
		line(h.At, "health %s", h.Path)
	}
	return b.String()
}

func writeDockerfile(line func(Pos, string, ...any), d Dockerfile) {
	for n, s := range d.Stages {
		line(s.At, "stage %d %q from %s = %s by arg %v, stage %d", n, s.Name, s.Image.Written, say(s.Image.Ref), s.Image.ByArg, s.Image.Stage)
		for _, i := range s.Instructions {
			line(i.At, "  %s %q exec %v flags %q to line %d", i.Name, i.Words, i.Exec, i.Flags, i.End)
		}
		for _, name := range slices.Sorted(maps.Keys(d.Env(n))) {
			line(s.At, "  env %s = %s", name, say(d.Env(n)[name]))
		}
	}
	if s, i, ok := d.Release(); ok {
		line(d.Stages[s].Instructions[i].At, "release built; rel copied: %d, config copied: %d", d.Copied("rel", s, i), d.Copied("config", s, i))
	}
}
