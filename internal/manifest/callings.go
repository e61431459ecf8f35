package manifest

import (
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// callings finds names that Kubernetes does not take, of an object and of what is in it.
func (w *misfits) callings(o *Object) {
	const (
		subdomain = "it may have a to z, 0 to 9, - and dots, and begins and ends with a letter or digit"
		label     = "it may have a to z, 0 to 9 and -, up to 63, and begins and ends with a letter or digit"
		port      = "it may have a to z, 0 to 9 and -, up to 15, and a letter among them"
		value     = "it may have letters, digits, -, _ and dots, up to 63, and begins and ends with a letter or digit"
	)
	check := func(f Field, takes func(string) []string, what, may string) {
		name, ok := f.Text()
		if !ok || ordinary(name) || made(name) || len(takes(name)) == 0 {
			return
		}
		m := w.add(f, "%s is no %s: %s", name, what, may)
		dashes := strings.NewReplacer("_", "-", ".", "-", " ", "-")
		if meant := dashes.Replace(strings.ToLower(name)); len(takes(meant)) == 0 {
			m.Meant = meant
		}
	}
	labels := func(f Field) {
		for _, v := range f.Fields() {
			check(v, validation.IsValidLabelValue, "value of a label", value)
		}
	}
	switch {
	case o.Group() == "rbac.authorization.k8s.io":
		// Those may have colons.
	case o.Kind == "Namespace":
		check(o.At("metadata.name"), validation.IsDNS1123Label, "name of a namespace", label)
	case o.Kind == "Service":
		check(o.At("metadata.name"), validation.IsDNS1123Label, "name of a Service", label)
	default:
		check(o.At("metadata.name"), validation.IsDNS1123Subdomain, "name that Kubernetes takes", subdomain)
	}
	check(o.At("metadata.namespace"), validation.IsDNS1123Label, "name of a namespace", label)
	labels(o.At("metadata.labels"))
	if o.Kind == "Service" {
		for p := range o.At("spec.ports").Items() {
			check(p.Key("name"), validation.IsDNS1123Label, "name of a port", label)
		}
	}
	pods, ok := o.Workload()
	if !ok {
		return
	}
	if o.Kind != "Pod" {
		labels(pods.Template.At("metadata.labels"))
	}
	for c := range pods.Containers() {
		check(c.Key("name"), validation.IsDNS1123Label, "name of a container", label)
		for p := range c.Ports() {
			check(p.Key("name"), validation.IsValidPortName, "name of a port", port)
		}
	}
	for v := range pods.Pod.Key("volumes").Items() {
		check(v.Key("name"), validation.IsDNS1123Label, "name of a volume", label)
	}
}

// ordinary says of most names there are, without a closer look, that they may be anybody's: web, prod-1.
func ordinary(name string) bool {
	if name == "" || len(name) > 15 || name[0] < 'a' || name[0] > 'z' || name[len(name)-1] == '-' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || name[i-1] == '-') {
			return false
		}
	}
	return true
}
