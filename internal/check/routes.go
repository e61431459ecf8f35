package check

import (
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

func ingressBackends(in *Input, f *Finder) {
	for _, o := range in.Objects.OfKind("Ingress") {
		backends := []manifest.Field{o.At("spec.defaultBackend")}
		for r := range o.At("spec.rules").Items() {
			for p := range r.At("http.paths").Items() {
				backends = append(backends, p.Key("backend"))
			}
		}
		for _, b := range backends {
			s := in.backend(f, o, b.At("service.name"))
			if s == nil {
				continue
			}
			at, by := b.At("service.port.number"), "port"
			if !at.Exists() {
				at, by = b.At("service.port.name"), "name"
			}
			backendPort(f, o, s, at, by)
		}
	}
}

// routeBackends are those of the Gateway API's routes. What stands in another namespace is somebody else's.
func routeBackends(in *Input, f *Finder) {
	for _, kind := range []string{"HTTPRoute", "GRPCRoute"} {
		for _, o := range in.Objects.OfKind(kind) {
			for r := range o.At("spec.rules").Items() {
				for ref := range r.Key("backendRefs").Items() {
					namespace, of := ref.Key("namespace").String(), ref.Key("kind").String()
					if of != "" && of != "Service" || ref.Key("group").String() != "" || namespace != "" && namespace != o.Namespace {
						continue
					}
					if s := in.backend(f, o, ref.Key("name")); s != nil {
						backendPort(f, o, s, ref.Key("port"), "port")
					}
				}
			}
		}
	}
}

// backend is the Service that is named at a place. One that is not there is told of; nil: there is none, or no name.
func (in *Input) backend(f *Finder, o *manifest.Object, at manifest.Field) *manifest.Object {
	name, ok := at.Text()
	if !ok {
		return nil
	}
	s := in.Objects.Find(o, "Service", name)
	if s == nil {
		hint := in.serviceHint(o, name)
		n := f.At(o, at, "no Service %s is among the manifests%s", name, hint).As(finding.Warning, Likely)
		if hint == "" {
			n.As(finding.Info, Hint)
		}
	}
	return s
}

// backendPort holds a port, by its number or its name, against those that a Service has.
func backendPort(f *Finder, o, s *manifest.Object, at manifest.Field, by string) {
	if s.At("spec.type").String() == "ExternalName" || s.At("spec.ports").Len() == 0 {
		return
	}
	want, ok := at.Text()
	if !ok {
		return
	}
	var have []string
	for p := range s.At("spec.ports").Items() {
		if p.Key(by).String() == want {
			return
		}
		if name := p.Key(by).String(); name != "" {
			have = append(have, name)
		}
	}
	n := f.At(o, at, "the Service %s has no port %s; it has %s", s.Name, want, spell.List(have, "and", 6)).Also(s.At("spec.ports"), "its ports")
	if len(have) == 0 {
		n.Cause = "the Service " + s.Name + " has no port " + want + "; its ports have no names"
	}
}

// routeHosts are the hosts of a Gateway API's route; of one that has none its gateway's count, and an absent field stands for
// these.
func routeHosts(route *manifest.Object) (hosts []manifest.Field) {
	for ref := range route.At("spec.parentRefs").Items() {
		if ref.Key("kind").String() == "Service" {
			return nil // it is for clients within the cluster
		}
	}
	for h := range route.At("spec.hostnames").Items() {
		hosts = append(hosts, h)
	}
	if len(hosts) == 0 {
		hosts = append(hosts, route.At("spec.hostnames"))
	}
	return hosts
}
