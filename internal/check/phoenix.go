package check

import (
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

// phoenix are rules about the way from browsers to Phoenix.
var phoenix = []Rule{
	{
		Code: "PHX-01", Title: "another host than the Ingress has",
		Severity: finding.Warning, Confidence: Likely, Needs: Manifests,
		Looks: "PHX_HOST against the hosts of the Ingresses that lead to the release.",
		Why:   "Phoenix refuses the sockets of browsers that come from another host: LiveView reconnects for ever. Could not check origin.",
		Fix:   "set PHX_HOST to the Ingress's host, or list every host in check_origin",
		Check: otherHost,
	},
}

func otherHost(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		e, ok := b.Container.EnvVar(beam.EnvPhoenixHost)
		host, literal := e.Value().Text()
		if !ok || !literal || host == "" || strings.Contains(host, "$(") {
			continue
		}
		var hosts []manifest.Field
		known := true
		for _, s := range in.Selecting("Service", b.Workload) {
			for _, i := range in.Objects.OfKind("Ingress") {
				if !manifest.SameNamespace(i, s) || !in.Objects.Near(b.Object, i) {
					continue
				}
				for r := range i.At("spec.rules").Items() {
					if !leadsTo(r, s.Name) {
						continue
					}
					h := r.Key("host")
					if h.String() == "" || strings.Contains(h.String(), "*") {
						known = false
					}
					hosts = append(hosts, h)
				}
			}
		}
		if len(hosts) == 0 || !known {
			continue
		}
		matches := false
		for _, h := range hosts {
			matches = matches || strings.EqualFold(h.String(), host)
		}
		if !matches {
			f.At(b.Object, e.Value(), "PHX_HOST is %s, and the Ingress leads %s here", host, hosts[0]).Also(hosts[0], "the Ingress's host")
		}
	}
}

// leadsTo says whether a rule of an Ingress has a backend of this name.
func leadsTo(rule manifest.Field, service string) bool {
	for p := range rule.At("http.paths").Items() {
		if p.At("backend.service.name").String() == service || p.At("backend.serviceName").String() == service {
			return true
		}
	}
	return false
}
