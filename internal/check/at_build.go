package check

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// atBuild finds topologies and queries that hang on what only the build reads.
func atBuild(in *Input, f *Finder) {
	report := func(e project.Expr, what string) {
		v, ok := e.Find(project.ExprBuildEnv)
		if !ok || in.inDockerfiles(v.Text) {
			return // given to the build on purpose
		}
		n := f.In(in.projectName(), v.At, "%s hangs on %s, which is read when the release is built: what a pod is given changes nothing", what, v.Text)
		for _, b := range in.OfProject() {
			if e, ok := b.Container.EnvVar(v.Text); ok {
				n.Also(e.Key("name"), "set here, without effect")
			}
		}
	}
	for _, t := range in.Project.Topologies {
		for _, o := range t.Options {
			report(o.Value, o.Name+": of "+topologyName(t))
		}
		report(t.When, topologyName(t))
	}
	for _, q := range in.Project.DNSClusters {
		report(q.Query, "dns_cluster's query")
	}
}

// otherAtBuild finds variables that only the build reads, though a pod is given them, or that the build fails without.
func otherAtBuild(in *Input, f *Finder) {
	reads := in.Project.Reads
	told := map[string]bool{}
	for _, b := range in.OfProject() {
		for e := range b.Container.Env() {
			i := slices.IndexFunc(reads, func(r project.EnvRead) bool { return r.Name == e.Called && r.Phase == project.Building })
			later := slices.ContainsFunc(reads, func(r project.EnvRead) bool { return r.Name == e.Called && r.Phase != project.Building })
			if i < 0 || later || told[e.Called] || in.discoveryReads(e.Called) || in.inDockerfiles(e.Called) || strings.Contains(in.Project.EnvSh.Text, e.Called) || e.Called == "MIX_ENV" {
				continue
			}
			told[e.Called] = true
			f.In(in.projectName(), reads[i].At, "%s is read when the release is built, and nowhere else: what a pod is given changes nothing", e.Called).
				Also(e.Key("name"), "set here, without effect")
		}
	}
	var rest []project.EnvRead // that may be meant so
	for _, r := range reads {
		if base := path.Base(r.At.File); base != "config.exs" && base != "prod.exs" {
			continue // nothing may read it
		}
		if r.Phase != project.Building || r.Module != "" || !r.When.Absent() || told[r.Name] || in.inDockerfiles(r.Name) || in.discoveryReads(r.Name) || in.inCI(r.Name) {
			continue
		}
		told[r.Name] = true
		if !r.Required {
			later := slices.ContainsFunc(reads, func(o project.EnvRead) bool { return o.Name == r.Name && o.Phase != project.Building })
			if !later && !strings.HasPrefix(r.Name, "MIX_") && r.Name != "CI" {
				rest = append(rest, r)
			}
			continue
		}
		n := f.In(in.projectName(), r.At, "%s is read when the release is built: the build fails without it, and with it what it is there stands in the release", r.Name)
		if len(in.deployed()) == 0 {
			n.As(finding.Info, Hint).Saw("no Dockerfile builds the release; what does may set it")
		} else {
			n.As(warningLikely())
		}
	}
	if len(rest) == 0 {
		return
	}
	var names []string
	for _, r := range rest {
		names = append(names, r.Name)
	}
	what := " is"
	if len(names) > 1 {
		what = " are"
	}
	n := f.In(in.projectName(), rest[0].At, "%s read when the release is built, and nowhere else", spell.List(names, "and", 6)+what).As(finding.Info, Hint)
	for _, r := range rest[1:] {
		n.place(in, r.At, r.Name)
	}
}

// discoveryReads says whether a topology or dns_cluster's query hangs on a variable that the build reads; that is told by itself.
func (in *Input) discoveryReads(name string) bool {
	hangs := func(e project.Expr) bool {
		v, ok := e.Find(project.ExprBuildEnv)
		return ok && v.Text == name
	}
	for _, t := range in.Project.Topologies {
		if hangs(t.When) || hangs(t.Config) {
			return true
		}
	}
	return slices.ContainsFunc(in.Project.DNSClusters, func(d project.DNSQuery) bool { return hangs(d.Query) })
}

// inCI says whether a pipeline that was read names a variable.
func (in *Input) inCI(name string) bool {
	return slices.ContainsFunc(in.Project.CI, func(s project.CIStep) bool { return strings.Contains(in.ProjectText(s.At.File), name) })
}
