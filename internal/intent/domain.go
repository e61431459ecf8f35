package intent

import (
	"regexp"
	"slices"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// inService is the full name of a Service, or of a pod below it, up to the cluster's domain.
var inService = regexp.MustCompile(`(?:^|[^a-zA-Z0-9._$(){}-])(?:[a-zA-Z0-9_$(){}-]+\.){2,4}svc\.([a-z0-9-]+(?:\.[a-z0-9-]+)+)`)

const (
	defaultDomain = "cluster.local"
	// ofAllClusters is the domain of Services that several clusters share, beside that of each.
	ofAllClusters = "clusterset.local"
)

// domainOf is the cluster's as the workloads' environment takes it for; Kubernetes' default
// where it says nothing. Of two, one of which is that default misspelt, the default is meant.
func (b *builder) domainOf(runs []Runs) mesh.Setting {
	var named []mesh.Setting
	add := func(name, from string) {
		if name != ofAllClusters && !slices.ContainsFunc(named, func(s mesh.Setting) bool { return s.Value == name }) {
			named = append(named, mesh.Setting{Value: name, From: from})
		}
	}
	for _, r := range runs {
		for c := range r.Containers() {
			for called, v := range b.texts(c) {
				if m := inService.FindStringSubmatch(v.String()); m != nil {
					add(m[1], v.Position().String())
				} else if called == beam.EnvLibclusterDomain && v.String() != "" {
					add(v.String(), v.Position().String())
				}
			}
		}
	}
	right := mesh.Setting{Value: defaultDomain, From: "Kubernetes' default"}
	if i := slices.IndexFunc(named, func(s mesh.Setting) bool { return s.Value == defaultDomain }); i >= 0 {
		right = named[i]
	}
	slip := func(s mesh.Setting) bool { return misspelt(s.Value, defaultDomain) }
	switch others := slices.DeleteFunc(slices.Clone(named), func(s mesh.Setting) bool { return s == right }); {
	case len(others) == 0, len(others) < len(named) && !slices.ContainsFunc(others, func(s mesh.Setting) bool { return !slip(s) }):
		return right
	case len(named) == 1 && slip(named[0]):
		return mesh.NotKnown("the manifests name the cluster's domain "+named[0].Value+", which is "+defaultDomain+" but for a letter", named[0].From)
	case len(named) == 1:
		return named[0]
	}
	return mesh.NotKnown("the manifests name two domains of the cluster, "+named[0].Value+" ("+named[0].From+") and "+named[1].Value+" ("+named[1].From+"), and one of them is wrong", named[0].From)
}

// texts are the values that stand in a container's environment, and in ConfigMaps that it takes them from.
func (b *builder) texts(c manifest.Container) func(yield func(string, manifest.Field) bool) {
	return func(yield func(string, manifest.Field) bool) {
		for e := range c.Env() {
			v := e.Value()
			if ref := e.From().Key("configMapKeyRef"); ref.IsMap() {
				if o := b.set.Find(e.Object(), "ConfigMap", ref.Key("name").String()); o != nil {
					v = o.At("data").Key(ref.Key("key").String())
				}
			}
			if !yield(e.Called, v) {
				return
			}
		}
		for f := range c.Key("envFrom").Items() {
			ref := f.Key("configMapRef")
			if !ref.IsMap() {
				continue
			}
			o := b.set.Find(f.Object(), "ConfigMap", ref.Key("name").String())
			if o == nil {
				continue
			}
			for called, v := range o.At("data").Fields() {
				if !yield(f.Key("prefix").String()+called, v) {
					return
				}
			}
		}
	}
}

// misspelt says whether a name is another with one letter lost, doubled, or swapped with the
// next: names that differ otherwise, as those of several clusters do, may be meant.
func misspelt(name, of string) bool {
	a, b := []rune(name), []rune(of)
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	switch len(a) - len(b) {
	case -1: // lost
		return slices.Equal(a[i:], b[i+1:])
	case 1: // doubled
		return i > 0 && a[i] == a[i-1] && slices.Equal(a[i+1:], b[i:])
	case 0:
		return i+1 < len(a) && a[i] == b[i+1] && a[i+1] == b[i] && slices.Equal(a[i+2:], b[i+2:])
	}
	return false
}
