package check

import (
	"path"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/project"
)

// projectOf is what the project says of the release that a workload runs: of an umbrella, without the applications that are
// certainly not in it.
func (in *Input) projectOf(b Beam) *project.Project {
	apps := in.releaseApps(b)
	if apps == nil {
		return in.Project
	}
	p := *in.Project
	other := func(at project.Pos) bool {
		for _, m := range p.Apps {
			if strings.HasPrefix(at.File, m.Dir+"/") {
				return m.App.Known() && !slices.Contains(apps, m.App.Value)
			}
		}
		return false
	}
	p.Endpoints = without(p.Endpoints, func(e *project.Endpoint) bool { return other(e.At) })
	p.SSL = without(p.SSL, func(o project.Option) bool { return other(o.At) })
	p.Sessions = without(p.Sessions, func(s project.Session) bool { return other(s.At) })
	p.Uploads = without(p.Uploads, func(u project.Use) bool { return other(u.At) })
	p.Used = without(p.Used, func(u project.Used) bool { return other(u.At) })
	p.Libraries = without(p.Libraries, func(u project.Use) bool { return other(u.At) })
	p.Calls = without(p.Calls, func(c project.Call) bool { return other(c.At) })
	p.Obans = without(p.Obans, func(o project.Oban) bool { return other(o.At) })
	p.Schedulers = without(p.Schedulers, func(s project.Scheduler) bool { return other(s.At) })
	p.Repos = without(p.Repos, func(r project.Repo) bool { return other(r.At) })
	p.Supervisors = without(p.Supervisors, func(s project.Supervisor) bool { return other(s.At) })
	p.DNSClusters = without(p.DNSClusters, func(d project.DNSQuery) bool { return other(d.At) })
	p.ClusterStarts = without(p.ClusterStarts, func(s project.ClusterStart) bool { return other(s.At) })
	p.Pipelines = without(p.Pipelines, func(l project.Pipeline) bool { return other(l.At) })
	p.Migrations.Concurrent = without(p.Migrations.Concurrent, func(u project.Use) bool { return other(u.At) })
	return &p
}

func without[T any](all []T, drop func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), drop)
}

// releaseApps are the umbrella's applications that are in a workload's release; nil where that is not known, or all.
func (in *Input) releaseApps(b Beam) []string {
	releases := in.Project.Mix.ReleaseSpecs
	if !in.Project.Umbrella() || len(releases) < 2 {
		return nil
	}
	i := -1
	for _, called := range []func(name string) bool{
		func(name string) bool { return startsNamed(b.Container, name) },
		func(name string) bool { return asApp(path.Base(imageName(b.Container))) == name },
		func(name string) bool { return asApp(b.Name) == name },
	} {
		if i < 0 {
			i = slices.IndexFunc(releases, func(r project.ReleaseSpec) bool { return called(r.Name) })
		}
	}
	if i < 0 {
		return nil
	}
	list := releases[i].Options.Get("applications")
	if !list.Keyword() || len(list.Items) == 0 {
		return nil
	}
	var apps []string
	for _, item := range list.Items {
		apps = append(apps, item.Key)
	}
	for n := 0; n < len(apps); n++ { // what they depend on is in it as well
		for _, m := range in.Project.Apps {
			if m.App.Value != apps[n] {
				continue
			}
			for _, d := range m.Deps.Value {
				if d.Umbrella && !slices.Contains(apps, d.Name) {
					apps = append(apps, d.Name)
				}
			}
		}
	}
	return apps
}
