package check

import (
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

func notHeadless(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		for _, s := range in.discoveryServices(b) {
			ip := s.At("spec.clusterIP")
			if headless(s.Object) || s.At("spec.type").String() == "ExternalName" {
				continue
			}
			at := ip
			if ip.Null() {
				at = s.At("metadata.name")
			}
			n := f.At(b.Object, at, "the Service %s has an address of its own, and the nodes of %s are to be found by it", s.Name, b.Name).
				Also(s.named, "asked for here")
			if s.named.Name() == "serviceName" && len(queries(b)) == 0 && !strings.Contains(nodeHost(b), b.Name) && in.clustered(b) == "" {
				n.As(finding.Warning, Likely) // pods have no names, which nothing here is known to use
			}
			in.mendNotHeadless(n, b, s)
		}
	}
}

// mendNotHeadless says what to do about a Service that discovery asks for in vain. It is made headless only where that takes it
// from nobody; where there is a headless one, that one was meant.
func (in *Input) mendNotHeadless(n *Finding, b Beam, s finder) {
	services := in.Selecting("Service", b.Workload)
	if i := slices.IndexFunc(services, headless); i >= 0 {
		meant := services[i]
		n.Mend("did you mean %s? It is headless, and selects the same pods", meant.Name).Also(meant.At("metadata.name"), "this one is headless")
		if rest, ok := strings.CutPrefix(s.named.String(), s.Name); ok && s.what() != "serviceName" && (rest == "" || rest[0] == '.') && !strings.Contains(rest, ",") {
			n.Edited(in.Objects.Replace(s.named, meant.Name+rest))
		}
		return
	}
	if by := in.clientsOf(s.Object); by != "" {
		n.Mend("give discovery a Service of its own, with clusterIP: None and publishNotReadyAddresses: true, and name that one; %s is for clients: %s", s.Name, by)
		return
	}
	// Another Service for clients: without one, nothing would be left to reach the app by.
	if len(services) > 1 && s.At("spec.clusterIP").Null() {
		n.Edited(in.Objects.Insert(s.At("spec"), "clusterIP", "None"))
	}
}

// clientsOf says by what a Service is seen to be for clients; empty where nothing says so. A headless one has neither a
// type nor other ports than its pods have.
func (in *Input) clientsOf(s *manifest.Object) string {
	if by := in.outsideOf(s); by != "" {
		return by
	}
	for p := range s.At("spec.ports").Items() {
		port, target := p.Key("port").String(), p.Key("targetPort")
		if target.Null() || target.String() == port {
			continue
		}
		for _, w := range in.Selected(s, s.At("spec.selector")) {
			if n, ok := portNumber(w, target); ok {
				if number, _ := p.Key("port").Int(); number == n {
					continue
				}
			}
			return "its port " + port + " leads to " + target.String()
		}
	}
	return ""
}

// outsideOf is clientsOf for those from outside of the cluster.
func (in *Input) outsideOf(s *manifest.Object) string {
	if kind := s.At("spec.type").String(); kind == "LoadBalancer" || kind == "NodePort" {
		return "its type is " + kind
	}
	if by := in.routesTo()[s.Name]; by != nil {
		for _, o := range by {
			if manifest.SameNamespace(o, s) && in.Objects.Near(o, s) {
				return o.Label() + " leads to it"
			}
		}
	}
	return ""
}

// routesTo are the Ingresses and routes of gateways by the names of the Services that they lead to.
func (in *Input) routesTo() map[string][]*manifest.Object {
	if in.routes != nil {
		return in.routes
	}
	in.routes = map[string][]*manifest.Object{}
	add := func(o *manifest.Object, name string) {
		if name != "" && !slices.Contains(in.routes[name], o) {
			in.routes[name] = append(in.routes[name], o)
		}
	}
	for _, o := range in.Objects.OfKind("Ingress") {
		add(o, o.At("spec.defaultBackend.service.name").String())
		for r := range o.At("spec.rules").Items() {
			for name := range leadsTo(r) {
				add(o, name)
			}
		}
	}
	for _, kind := range []string{"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"} {
		for _, o := range in.Objects.OfKind(kind) {
			for r := range o.At("spec.rules").Items() {
				for ref := range r.Key("backendRefs").Items() {
					if k := ref.Key("kind").String(); k == "" || k == "Service" {
						add(o, ref.Key("name").String())
					}
				}
			}
		}
	}
	return in.routes
}
