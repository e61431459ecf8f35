package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
)

// defaultHost finds endpoints with sockets that take a host for theirs which the generator has written, or nobody: no browser
// comes from there. Where an Ingress says the right one, otherHost does.
func defaultHost(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		if slices.ContainsFunc(in.ingressHosts(b), func(h manifest.Field) bool { return h.String() != "" && !strings.Contains(h.String(), "*") }) {
			continue
		}
		s := in.surroundings(b)
		outside := ""
		for _, service := range in.Selecting("Service", b.Workload) {
			if by := in.outsideOf(service); by != "" && clientPorts(b, service) {
				outside = by
			}
		}
		for _, e := range in.projectOf(b).Endpoints {
			if len(e.Sockets) == 0 || in.off(e, s) {
				continue
			}
			n := in.madeUpHost(b, e, s, f)
			if n == nil {
				continue
			}
			n.Title = "a host that nobody comes from"
			if outside == "" {
				n.As(finding.Info, Hint) // nobody may come from outside
			} else {
				n.Saw("%s", outside)
			}
		}
	}
}

// madeUpHost tells of one endpoint; nil: its host may be right, or is not known.
func (in *Input) madeUpHost(b Beam, e *project.Endpoint, s *surroundings, f *Finder) *Finding {
	const refused = "sockets of browsers that come from anywhere else are refused"
	origin := e.CheckOrigin.Eval(s.get)
	if origin.Kind == project.ExprList && len(origin.Items) > 0 {
		for _, i := range origin.Items {
			if t, ok := i.Value.AsText(); !ok || !madeUp(hostOf(t)) {
				return nil
			}
		}
		return f.In(subjectOf(in.Project), e.CheckOrigin.At, "check_origin: of %s lists hosts that nobody comes from: %s", e.Module, refused).
			Mend("list the hosts by which people reach the app, or leave check_origin: out and set url:")
	}
	if checks, known := checksOrigin(origin, nil); !checks || !known {
		return nil
	}
	host, ok := e.URLHost.Eval(s.get).AsText()
	if e.URLHost.Absent() {
		return f.In(subjectOf(in.Project), e.At, "%s has no url: in production, so it takes localhost for its host: %s", e.Module, refused).
			Mend("set url: [host: ...] for it in config/runtime.exs, from PHX_HOST")
	}
	if !ok || !madeUp(host) {
		return nil
	}
	if v, set := b.Container.EnvVar(beam.EnvPhoenixHost); set && v.Value().String() == host {
		return f.At(b.Object, v.Value(), "PHX_HOST is %s: %s", host, refused).place(in, e.URLHost.At, "its url:")
	}
	n := f.In(subjectOf(in.Project), e.URLHost.At, "%s takes %s for its host: %s", e.Module, host, refused)
	if names := e.URLHost.Variables(); len(names) > 0 {
		n.Mend("set %s in the container to the host by which people reach the app", names[0]).Also(environmentOf(b), "it is not set here")
	}
	return n
}

// hostOf is the host of an origin: //shop.example.com, https://shop.example.com:8443.
func hostOf(origin string) string {
	_, host, ok := strings.Cut(origin, "//")
	if !ok {
		host = origin
	}
	host, _, _ = strings.Cut(host, ":")
	return host
}

// madeUp says whether a host is nobody's in production: the machine itself, or one that stands for another.
func madeUp(host string) bool {
	return loopback("@"+host) || host == "example.com"
}
