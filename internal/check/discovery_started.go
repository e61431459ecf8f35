package check

import (
	"slices"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
)

// notStarted finds topologies that nobody starts, and starts without any.
func notStarted(in *Input, f *Finder) {
	p := in.Project
	for _, m := range p.ClusterMistakes {
		f.In(in.projectName(), m.At, "%s", m.What).
			Mend("write it where libcluster looks: config :libcluster, topologies: [NAME: [strategy: ..., config: [...]]]")
	}
	for _, c := range p.ClusterStarts {
		if c.Misshapen != "" {
			f.In(in.projectName(), c.At, "%s", c.Misshapen).
				Mend("write {Cluster.Supervisor, [topologies, [name: MyApp.ClusterSupervisor]]}, with the list of topologies as its first element")
		}
	}
	if !p.TopologiesUnread.Absent() {
		return
	}
	var whole []project.Supervisor // of applications, that were read to their end
	for _, s := range p.Supervisors {
		if s.Application && s.Unclear == "" {
			whole = append(whole, s)
		}
	}
	if l, ok := in.locked("libcluster"); ok && before(l.Version, 3, 0, 0) {
		return // it starts what is configured by itself
	}
	if len(p.Topologies) > 0 && len(p.ClusterStarts) == 0 {
		if p.ClusterNamed.Line > 0 {
			return // something starts it, in a way that was not followed
		}
		t := p.Topologies[0]
		const text = "%s is configured, and nothing starts Cluster.Supervisor"
		const child = "{Cluster.Supervisor, [Application.get_env(:libcluster, :topologies, []), [name: MyApp.ClusterSupervisor]]}"
		switch len(whole) {
		case 1: // what is to be mended is there
			f.In(in.projectName(), whole[0].At, text, topologyName(t)).As(warningLikely()).place(in, t.At, "configured here").
				Mend("make %s the first child of %s", child, whole[0].Module)
		case 0:
			f.In(in.projectName(), t.At, text, topologyName(t)).As(finding.Info, Hint).
				Saw("not all children of the application's supervisor could be read").Mend("make %s a child of the application's supervisor", child)
		default:
			f.In(in.projectName(), t.At, text, topologyName(t)).As(warningLikely()).Mend("make %s a child of the application's supervisor", child)
		}
		return
	}
	for _, c := range p.ClusterStarts {
		if c.Misshapen != "" || !c.Topologies.Literal() {
			return // it may be given any
		}
	}
	for _, t := range p.Topologies {
		if !t.Started && !t.Anonymous {
			f.In(in.projectName(), t.At, "%s is configured, and no Cluster.Supervisor is given it", topologyName(t)).As(warningLikely()).
				place(in, p.ClusterStarts[0].At, "given others").Mend("give it to Cluster.Supervisor as well, or take it out")
		}
	}
	if len(p.Topologies) > 0 || len(p.ClusterMistakes) > 0 { // those that are in the wrong place were told of
		return
	}
	for _, c := range p.ClusterStarts {
		n := f.In(in.projectName(), c.At, "Cluster.Supervisor is given no topologies in production: it starts nothing, and says nothing").As(finding.Info, Hint).
			Mend("set config :libcluster, topologies: [...] in config/runtime.exs or config/prod.exs")
		if len(in.replicated()) > 0 {
			n.As(warningLikely())
		}
	}
}

// discovers are the children that look for other nodes.
var discovers = []string{"Cluster.Supervisor", "DNSCluster"}

func discoveryLast(in *Input, f *Finder) {
	serves, runs := map[string]string{}, map[string]string{}
	for _, e := range in.Project.Endpoints {
		serves[e.Module] = "takes requests"
	}
	if l, ok := in.locked("quantum"); ok && before(l.Version, 3) { // later ones have a schedule on each node, joined or not
		for _, s := range in.Project.Schedulers {
			runs[s.Module] = "runs jobs"
		}
	}
	// Horde.Registry starts nothing: what it holds is merged when the node joins.
	for _, what := range []string{"Horde.DynamicSupervisor", "Horde.Supervisor"} {
		runs[what] = "starts what is to run once"
		for _, u := range in.Project.UsedAs(what) {
			runs[u.Module] = "starts what is to run once"
		}
	}
	for _, s := range in.Project.Supervisors {
		last := -1
		for i, c := range s.Children {
			if slices.Contains(discovers, c.Module) {
				last = i
			}
		}
		for _, c := range s.Children[:max(last, 0)] {
			const text = "%s is started after %s, which %s while the node is still alone"
			if why := runs[c.Module]; why != "" {
				f.In(in.projectName(), s.Children[last].At, text, s.Children[last].Module, c.Module, why).place(in, c.At, c.Module)
				break
			}
			if why := serves[c.Module]; why != "" {
				f.In(in.projectName(), s.Children[last].At, text, s.Children[last].Module, c.Module, why).place(in, c.At, c.Module).As(finding.Info, Hint)
				break
			}
		}
	}
}
