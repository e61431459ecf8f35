package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// unrouted finds probes for paths that no route of the endpoint is for: they are answered with 404.
func unrouted(in *Input, f *Finder) {
	if len(in.Project.ConfigUnread) > 0 {
		return
	}
	for _, b := range in.OfProject() {
		if !alone(b) || managed(b.Workload) {
			continue
		}
		p, s := in.projectOf(b), in.surroundings(b)
		for _, pr := range probes(b.Container) {
			get := pr.Key("httpGet")
			path, ok := get.Key("path").Text()
			n, known := portNumber(b.Workload, get.Key("port"))
			if !ok || !known || strings.Contains(path, "$") {
				continue
			}
			e := listensOn(p, s, n)
			if e == nil || len(e.SSL) > 0 || !e.ForceSSL.Nil() {
				continue // redirected before any route is looked for, or not known who is asked
			}
			i := slices.IndexFunc(in.Project.Routings, func(r project.Routing) bool { return r.Endpoint == e.Module })
			if i < 0 {
				continue
			}
			r := in.Project.Routings[i]
			if answers, sure := r.Answers(path); answers || !sure {
				continue
			}
			effect := "the pod is never ready"
			if pr.kind != "readiness" {
				effect = "the pod is restarted again and again"
			}
			f.At(b.Object, get.Key("path"), "the %s probe asks for %s, and %s has no such route: it answers 404, and %s", pr.kind, path, r.Router, effect).
				place(in, r.At, r.Router).mendRoute(r, path)
		}
	}
}

// mendRoute names the routes that may be meant.
func (n *Finding) mendRoute(r project.Routing, path string) *Finding {
	for _, p := range r.Patterns {
		if !p.Prefix && strings.EqualFold(strings.Trim(p.Path, "/"), strings.Trim(path, "/")) {
			return n.Mend("ask for %s, as the router has it", p.Path)
		}
	}
	return n.Mend("add get %q to %s, or ask for a path that it has", path, r.Router)
}

// listensOn is the endpoint that certainly listens for HTTP on a port, where only one does.
func listensOn(p *project.Project, s *surroundings, port int64) (found *project.Endpoint) {
	for _, e := range p.Endpoints {
		n, ok := e.HTTPPort.Eval(s.get).AsInt()
		if !ok {
			return nil
		}
		if int64(n) == port {
			if found != nil {
				return nil
			}
			found = e
		}
	}
	return found
}

// otherScheme finds probes that speak HTTP to a port of TLS, or the other way round.
func otherScheme(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for c := range b.Containers() {
			for _, pr := range probes(c) {
				get := pr.Key("httpGet")
				at := get.Key("port")
				n, known := portIn(c, at)
				if !get.IsMap() || !known {
					continue
				}
				tls := strings.EqualFold(get.Key("scheme").String(), "HTTPS")
				place := get.Key("scheme")
				if !place.Exists() {
					place = at
				}
				plain, secure, sure := false, false, false
				var by project.Pos
				if c.Field == b.Container.Field && in.ofProject(b) && !managed(b.Workload) {
					plain, secure, by, sure = in.speaks(b, n)
				}
				name := portName(c, n)
				switch {
				case plain && secure:
				case tls && plain:
					f.At(b.Object, place, "the %s probe asks port %d by HTTPS, and the endpoint speaks HTTP there: no probe succeeds", pr.kind, n).
						sureIf(sure).Mend("leave scheme: out, or ask the port of https:").place(in, by, "its port")
				case !tls && secure:
					f.At(b.Object, place, "the %s probe asks port %d by HTTP, and the endpoint speaks HTTPS there: no probe succeeds", pr.kind, n).
						sureIf(sure).Mend("set scheme: HTTPS, or ask the port of http:").place(in, by, "its port")
				case plain || secure:
				case !tls && name == "https":
					f.At(b.Object, place, "the %s probe asks the port https by HTTP", pr.kind).As(finding.Info, Hint).Mend("set scheme: HTTPS, if the app speaks TLS there")
				case tls && name == "http":
					f.At(b.Object, place, "the %s probe asks the port http by HTTPS", pr.kind).As(finding.Info, Hint).Mend("leave scheme: out, if the app speaks HTTP there")
				}
			}
		}
	}
}

func (n *Finding) sureIf(sure bool) *Finding {
	if !sure {
		n.As(warningLikely())
	}
	return n
}

// speaks says what the project's endpoints speak on a port, as far as it is known, and whether nothing else may.
func (in *Input) speaks(b Beam, port int64) (plain, secure bool, at project.Pos, sure bool) {
	s := in.surroundings(b)
	p := in.projectOf(b)
	sure = alone(b) && len(in.Project.Broken) == 0 && len(in.Project.ConfigUnread) == 0 && len(p.Endpoints) == 1
	for _, e := range p.Endpoints {
		if strings.Contains(in.ProjectText(e.At.File), "def init(") {
			sure = false
		}
		for _, way := range []struct {
			port project.Expr
			is   *bool
		}{{e.HTTPPort, &plain}, {e.Config.Get("https").Get("port"), &secure}} {
			if n, ok := way.port.Eval(s.get).AsInt(); ok && int64(n) == port {
				*way.is, at = true, way.port.At
			}
		}
	}
	return plain, secure, at, sure
}

// portIn is a port that a probe asks of its own container, by number or name.
func portIn(c manifest.Container, at manifest.Field) (int64, bool) {
	if n, ok := at.Int(); ok {
		return n, true
	}
	for p := range c.Ports() {
		if p.Key("name").String() == at.String() && at.String() != "" {
			return p.Key("containerPort").Int()
		}
	}
	return 0, false
}

// portName is what a container calls a port.
func portName(c manifest.Container, number int64) string {
	for p := range c.Ports() {
		if n, ok := p.Key("containerPort").Int(); ok && n == number {
			return p.Key("name").String()
		}
	}
	return ""
}
