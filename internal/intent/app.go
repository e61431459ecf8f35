package intent

import (
	"cmp"
	"strings"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// AppOf is what a project says of the release that its name's workloads run. Shown gives
// a place of the project as people are to see it.
func AppOf(p *project.Project, shown func(project.Pos) string) App {
	app := App{
		Known: true, Name: releaseName(p), EnvSh: envsh.Source{Name: "rel/env.sh.eex", Text: []byte(p.EnvSh.Text)},
		Image: map[string]mesh.Setting{},
	}
	for _, f := range p.VMArgs {
		if f.Taken && strings.HasSuffix(f.File, "/vm.args.eex") {
			for _, flag := range f.Flags {
				app.VMArgs += strings.Join(flag.Words, " ") + "\n"
			}
		}
	}
	for _, r := range p.Mix.ReleaseSpecs {
		app.Cookie = app.Cookie || !r.Cookie.Nil()
	}
	image(p, &app, shown)
	s := source{p, shown}
	s.libcluster(&app)
	s.dnsClusters(&app)
	return app
}

// releaseName is the one that mix release makes where it is not told which.
func releaseName(p *project.Project) string {
	switch {
	case p.Mix.DefaultRelease.Known():
		return p.Mix.DefaultRelease.Value
	case len(p.Mix.Releases.Value) == 1:
		return p.Mix.Releases.Value[0].Name
	case p.Mix.Releases.State == project.Absent && p.Mix.App.Known():
		return p.Mix.App.Value
	}
	return ""
}

// image takes over what the image's own environment is, where there is one Dockerfile.
func image(p *project.Project, app *App, shown func(project.Pos) string) {
	if len(p.Dockerfiles) != 1 || p.Dockerfiles[0].Final() < 0 {
		return
	}
	for name, f := range p.Dockerfiles[0].Env(p.Dockerfiles[0].Final()) {
		if f.Known() {
			app.Image[name] = mesh.Setting{Value: f.Value, From: shown(f.At)}
		} else {
			app.Image[name] = mesh.NotKnown("the Dockerfile computes it", shown(f.At))
		}
	}
}

type source struct {
	*project.Project
	shown func(project.Pos) string
}

// libcluster are the topologies that a release for production starts.
func (s source) libcluster(app *App) {
	for _, t := range s.Topologies {
		d := Discovery{Strategy: t.StrategyName(), At: s.shown(t.At), Options: map[string]Option{}}
		switch {
		case d.Strategy == "":
			app.Unread = "the strategy of topology " + cmp.Or(t.Name, "without a name") + " is computed"
			continue
		case !t.When.Absent():
			app.Unread = "topology " + t.Name + " is there under a condition (" + t.When.String() + ")"
			continue
		case t.Anonymous:
			d.Idle = "its topology has no name, so libcluster does not see it"
		case !t.Started && len(s.ClusterStarts) == 0:
			d.Idle = "nothing starts Cluster.Supervisor"
		case !t.Started:
			d.Idle = "Cluster.Supervisor is not given it"
		}
		for _, o := range t.Options {
			d.Options[o.Name] = s.option(o.Value, t.Phase)
		}
		app.Finds = append(app.Finds, d)
	}
	switch {
	case !s.TopologiesUnread.Absent() && s.uses("libcluster"):
		app.Unread = "not all of libcluster's topologies could be read: " + s.TopologiesUnread.String()
	case len(s.Topologies) == 0 && len(s.ClusterStarts) > 0:
		for _, c := range s.ClusterStarts {
			if c.Topologies.Kind == project.ExprUnknown {
				app.Unread = "what Cluster.Supervisor is given is computed: " + c.Topologies.Text
			}
		}
	}
}

func (s source) uses(dep string) bool {
	_, ok := s.Dep(dep)
	return ok
}

func (s source) dnsClusters(app *App) {
	for _, q := range s.DNSClusters {
		if !q.When.Absent() {
			app.Unread = "dns_cluster is started under a condition (" + q.When.String() + ")"
			continue
		}
		d := Discovery{Strategy: DNSCluster, At: s.shown(q.At), Options: map[string]Option{}}
		if !q.Query.Absent() {
			d.Options["query"] = s.option(q.Query, project.Running)
		}
		if !q.ResourceTypes.Absent() {
			d.Options["resource_types"] = s.option(q.ResourceTypes, project.Running)
		}
		app.Finds = append(app.Finds, d)
	}
}

// option works an expression out in the environment that a replica starts with.
func (s source) option(e project.Expr, phase project.Phase) Option {
	from := s.shown(e.At)
	return func(env func(string) (mesh.Setting, bool)) mesh.Setting {
		at := from
		v := e.Eval(func(name string) project.EnvValue {
			set, ok := env(name)
			if phase == project.Building {
				return project.EnvValue{Unknown: name + " is read when the release is built"}
			}
			switch {
			case !ok:
				return project.EnvValue{}
			case !set.Known():
				return project.EnvValue{Set: true, Unknown: set.Why}
			}
			if set.From != "" {
				at = set.From
			}
			return project.EnvValue{Value: set.Value, Set: true}
		})
		switch v.Kind {
		case project.ExprText, project.ExprAtom, project.ExprModule, project.ExprInteger:
			if v.Nil() {
				return mesh.Setting{From: at}
			}
			return mesh.Setting{Value: v.Text, From: at}
		case project.ExprRaise:
			return mesh.NotKnown("the app does not boot: "+v.Text, at)
		case project.ExprAbsent:
			return mesh.Setting{From: at}
		}
		why := v.Text
		if u, ok := v.Find(project.ExprUnknown); ok {
			why = u.Text
		}
		return mesh.NotKnown(cmp.Or(why, "it is computed"), at)
	}
}
