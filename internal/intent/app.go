package intent

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/mesh"
	"github.com/phialdev/phial/internal/project"
)

// AppOf is what a project says of the release that its name's workloads run. Shown gives
// a place of the project as people are to see it.
func AppOf(p *project.Project, shown func(project.Pos) string) App {
	app := App{
		Known: true, Name: releaseName(p), Image: map[string]mesh.Setting{}, MayAsk: mayAsk(p, shown),
	}
	templates(p, &app, shown)
	for _, r := range p.Mix.ReleaseSpecs {
		app.Cookie = app.Cookie || !r.Cookie.Nil()
	}
	if packed(p, "distillery") && p.EnvSh.Text == "" {
		app.Foreign = "Distillery builds the release, whose start script and vm.args name the node"
	}
	app.Commands = commands(p, shown)
	image(p, &app, shown)
	s := source{p, shown}
	s.libcluster(&app)
	s.dnsClusters(&app)
	s.kernel(&app)
	if app.Unread == "" {
		app.Unread = s.connects()
	}
	if why := s.broken(); why != "" {
		app.Unread = why
	}
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

type source struct {
	*project.Project
	shown func(project.Pos) string
}

// libcluster are the topologies that a release for production starts.
func (s source) libcluster(app *App) {
	for _, t := range s.Topologies {
		d := Discovery{Strategy: t.StrategyName(), At: s.shown(t.At), Options: map[string]Option{}}
		switch {
		case s.isBroken(t.At.File):
			continue // what is seen of it may not be all
		case t.Started && !t.Anonymous && slices.ContainsFunc(s.ClusterMistakes, func(m project.Use) bool { return m.At == t.At }):
			d.Fails = "the app does not boot: its topology " + t.Name + " has no strategy"
		case d.Strategy == "":
			app.Unread = "the strategy of topology " + cmp.Or(t.Name, "without a name") + " is computed (" + s.shown(t.At) + ")"
			continue
		case t.Anonymous && t.Started:
			d.Fails = "the app does not boot: its topology has no name, and libcluster takes each of its options for one"
		case !t.Started && len(s.ClusterStarts) == 0 && s.unclear() != "":
			app.Unread = "what starts topology " + cmp.Or(t.Name, "without a name") + " was not seen: " + s.unclear()
			continue
		case !t.Started && len(s.ClusterStarts) == 0:
			d.Idle = "nothing starts Cluster.Supervisor"
		case !t.Started:
			d.Idle = "Cluster.Supervisor is not given it"
		}
		for _, o := range t.Options {
			d.Options[o.Name] = s.option(o.Value, t.Phase)
		}
		d.When = s.condition(t.When, t.Phase)
		if d.Strategy == "Epmd" {
			d.Hosts, d.Unread = names(t.Option("hosts"))
		}
		app.Finds = append(app.Finds, d)
	}
	switch {
	case !s.TopologiesUnread.Absent() && s.uses("libcluster"):
		app.Unread = "not all of libcluster's topologies could be read: " + unknown(s.TopologiesUnread) + " (" + s.shown(s.TopologiesUnread.At) + ")"
	case len(s.Topologies) == 0:
		for _, c := range s.ClusterStarts {
			if e := c.Topologies; !e.Absent() && !e.Nil() && (e.Kind != project.ExprList || len(e.Items) > 0) {
				app.Unread = "which topologies Cluster.Supervisor is given could not be read (" + s.shown(c.At) + ")"
			}
		}
	}
}

// others are packages that look for nodes in ways of their own.
var others = []string{"peerage", "ekka", "partisan", "gen_cluster", "nodefinder", "bonny_cluster", "datapio_cluster", "erlang_node_discovery"}

// connects says what else may connect the nodes; empty: nothing does.
func (s source) connects() string {
	for _, name := range others {
		if s.uses(name) {
			return name + " looks for nodes in its own way"
		}
	}
	if why := s.unclear(); why != "" {
		if s.uses("libcluster") && len(s.Topologies)+len(s.ClusterStarts) == 0 {
			return "what starts libcluster was not seen: " + why
		}
		if s.uses("dns_cluster") && len(s.DNSClusters) == 0 {
			return "what starts dns_cluster was not seen: " + why
		}
	}
	for _, name := range []string{"Node.connect", ":net_kernel.connect_node"} {
		if calls := s.CallsOf(name); len(calls) > 0 {
			return "the code connects nodes itself, by " + name + " (" + s.shown(calls[0].At) + ")"
		}
	}
	for _, l := range s.Lock {
		if slices.Contains(others, l.Name) || (l.Name == "libcluster" || l.Name == "dns_cluster") && !s.uses(l.Name) {
			return l.Name + " is brought by another package, which may start it"
		}
	}
	return ""
}

// unclear says why not all children of the project's supervisors could be read; empty: they could.
func (s source) unclear() string {
	for _, sup := range s.Supervisors {
		if sup.Unclear != "" {
			return sup.Module + ": " + sup.Unclear
		}
	}
	return s.unread()
}

// packed says whether a package is among those of the project, also through another one.
func packed(p *project.Project, name string) bool {
	_, ok := p.Dep(name)
	return ok || slices.ContainsFunc(p.Lock, func(l project.Locked) bool { return l.Name == name })
}

func (s source) uses(dep string) bool {
	_, ok := s.Dep(dep)
	return ok
}

func (s source) dnsClusters(app *App) {
	for _, q := range s.DNSClusters {
		if s.isBroken(q.At.File) {
			continue
		}
		d := Discovery{Strategy: DNSCluster, At: s.shown(q.At), Options: map[string]Option{}, When: s.condition(q.When, project.Running), Whole: s.wholeNames()}
		if !q.Query.Absent() {
			d.Options["query"] = s.option(q.Query, project.Running)
		}
		if !q.ResourceTypes.Absent() {
			types, why := names(q.ResourceTypes)
			d.OnlyA = why == "" && slices.Equal(types, []string{"a"})
		}
		app.Finds = append(app.Finds, d)
	}
}

// wholeNames says whether dns_cluster is one of before 0.1.2, which does not go through the search list.
func (s source) wholeNames() bool {
	for _, l := range s.Lock {
		if l.Name == "dns_cluster" {
			return l.Version == "0.1.0" || l.Version == "0.1.1"
		}
	}
	return false
}

// names are a list of node names as they stand there.
func names(e project.Expr) (all []string, unread string) {
	if e.Absent() {
		return nil, ""
	}
	for _, i := range e.Items {
		if i.Value.Kind != project.ExprAtom {
			return nil, "one of its hosts is computed"
		}
		all = append(all, i.Value.Text)
	}
	if e.Kind != project.ExprList {
		return nil, "its list of hosts is computed"
	}
	return all, ""
}

// raised is how a value that the app does not boot with begins to say why it is not known.
const raised = "the app does not boot: "

// option works an expression out in the environment that a replica starts with.
func (s source) option(e project.Expr, phase project.Phase) Option {
	from := s.shown(e.At)
	return func(env func(string) (mesh.Setting, bool)) mesh.Setting {
		at := from
		v := e.Eval(variables(env, phase, &at))
		switch v.Kind {
		case project.ExprText, project.ExprAtom, project.ExprModule, project.ExprInteger:
			if v.Nil() {
				return mesh.Setting{From: at}
			}
			return mesh.Setting{Value: v.Text, From: at}
		case project.ExprRaise:
			return mesh.NotKnown(raised+v.Text, at)
		case project.ExprAbsent:
			return mesh.Setting{From: at}
		case project.ExprTuple:
			if text, ok := address(v); ok {
				return mesh.Setting{Value: text, From: at}
			}
		}
		return mesh.NotKnown(cmp.Or(unknown(v), "it is computed"), at)
	}
}

// address writes a tuple of numbers, such as {127, 0, 0, 1}, as a flag has it.
func address(tuple project.Expr) (string, bool) {
	parts := make([]string, len(tuple.Items))
	for i, item := range tuple.Items {
		if item.Value.Kind != project.ExprInteger {
			return "", false
		}
		parts[i] = item.Value.Text
	}
	return "{" + strings.Join(parts, ",") + "}", true
}

// condition works out whether something is there; nil: it always is.
func (s source) condition(e project.Expr, phase project.Phase) Condition {
	if e.Absent() {
		return nil
	}
	return func(env func(string) (mesh.Setting, bool)) (mesh.Tri, string) {
		var at string
		switch v := e.Eval(variables(env, phase, &at)); v.Kind {
		case project.ExprAtom:
			return mesh.TriOf(!v.Nil() && v.Text != "false"), ""
		case project.ExprText, project.ExprInteger, project.ExprModule, project.ExprList:
			return mesh.Yes, ""
		default:
			return mesh.Unknown, cmp.Or(unknown(v), "it is there under a condition ("+e.String()+")")
		}
	}
}

// unknown is why a value is not known, and empty where it does not say.
func unknown(v project.Expr) string {
	if u, ok := v.Find(project.ExprUnknown); ok {
		return u.Text
	}
	return v.Text
}

// variables reads variables as a replica has them, and notes where the last one stands.
func variables(env func(string) (mesh.Setting, bool), phase project.Phase, at *string) project.Env {
	return func(name string) project.EnvValue {
		set, ok := env(name)
		switch {
		case phase == project.Building:
			return project.EnvValue{Unknown: name + " is read when the release is built"}
		case !ok:
			return project.EnvValue{}
		case !set.Known():
			return project.EnvValue{Set: true, Unknown: set.Why}
		}
		if set.From != "" {
			*at = set.From
		}
		return project.EnvValue{Value: set.Value, Set: true}
	}
}
