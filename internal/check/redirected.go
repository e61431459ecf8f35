package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/project"
	"github.com/phialdev/phial/internal/spell"
)

// redirected finds probes that Plug.SSL answers with a redirect: of each that redirects, all at once.
func redirected(in *Input, f *Finder) {
	for _, b := range in.OfProject() {
		for _, e := range in.projectOf(b).Endpoints {
			if e.ForceSSL.Kind == project.ExprList && e.ForceSSL.At.File != "config/runtime.exs" {
				if n := in.redirects(b, e, e.ForceSSL, f, "%s answered by force_ssl with a redirect, and the kubelet takes that for healthy, whatever the app is like"); n != nil {
					n.As(finding.Info, Hint).place(in, e.ForceSSL.At, "force_ssl")
					if i := in.strictBalancer(b); i != nil {
						n.As(finding.Warning, Likely).Also(i.At("metadata.name"), "its load balancer wants 200")
						n.Cause = strings.Replace(n.Cause, "and the kubelet takes that for healthy, whatever the app is like", "and the load balancer of "+i.Name+" takes only 200 for healthy", 1)
					}
				}
			}
			for _, plug := range e.SSL {
				if !plug.Value.Get("host").Nil() {
					continue
				}
				if n := in.redirects(b, e, plug.Value, f, "%s redirected by Plug.SSL to https at the pod's own address, where nobody listens: the pod is never healthy"); n != nil {
					n.place(in, plug.At, "Plug.SSL")
				}
			}
		}
	}
}

// redirects tells of the probes of an endpoint that some options of Plug.SSL redirect; nil: of none.
func (in *Input) redirects(b Beam, e *project.Endpoint, options project.Expr, f *Finder, text string) (n *Finding) {
	s := in.surroundings(b)
	var kinds []string
	var at []manifest.Field
	for _, pr := range probes(b.Container) {
		get := pr.Key("httpGet")
		if get.IsMap() && get.Key("scheme").String() != "HTTPS" && in.asks(b, e, get, s) && sends(options, get) {
			kinds, at = append(kinds, pr.kind), append(at, get.Key("path"))
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	probes := "the " + spell.List(kinds, "and", 3) + " probe is"
	if len(kinds) > 1 {
		probes = "the " + spell.List(kinds, "and", 3) + " probes are"
	}
	n = f.At(b.Object, at[0], text, probes)
	for i := range kinds[1:] {
		n.Also(at[i+1], "the %s probe", kinds[i+1])
	}
	return n
}

// asks says whether a probe asks an endpoint, as far as ports tell.
func (in *Input) asks(b Beam, e *project.Endpoint, get manifest.Field, s *surroundings) bool {
	n, ok := portNumber(b.Workload, get.Key("port"))
	port, known := e.HTTPPort.Eval(s.get).AsInt()
	return !ok || !known || n == int64(port)
}

// sends says whether Plug.SSL redirects a probe. An exclude: that is computed may spare it.
func sends(options project.Expr, get manifest.Field) bool {
	host, path := "", get.Key("path").String()
	for h := range get.Key("httpHeaders").Items() {
		switch strings.ToLower(h.Key("name").String()) {
		case "host":
			host = h.Key("value").String()
		case "x-forwarded-proto":
			if h.Key("value").String() == "https" {
				return false
			}
		}
	}
	exclude := options.Get("exclude")
	if exclude.Absent() {
		return host != "localhost"
	}
	if exclude.Kind != project.ExprList || !exclude.Literal() {
		return false
	}
	hosts, paths := exclude, project.Expr{}
	if exclude.Keyword() && len(exclude.Items) > 0 {
		hosts, paths = exclude.Get("hosts"), exclude.Get("paths")
	}
	among := func(list project.Expr, what string) bool {
		return slices.ContainsFunc(list.Items, func(i project.Item) bool {
			t, ok := i.Value.AsText()
			return !ok || t == what
		})
	}
	return !among(hosts, host) && !among(paths, path)
}

// strictBalancer is an Ingress whose load balancer asks the pods itself and takes nothing but 200.
func (in *Input) strictBalancer(b Beam) *manifest.Object {
	for _, h := range in.ingressHosts(b) {
		i := h.Object()
		class := i.At("spec.ingressClassName").String() + i.At("metadata.annotations").Key("kubernetes.io/ingress.class").String()
		if class == "alb" || class == "gce" || class == "gce-internal" {
			return i
		}
	}
	return nil
}
