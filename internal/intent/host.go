package intent

import (
	"cmp"
	"slices"
	"strings"

	"github.com/phialdev/phial/internal/envsh"
	"github.com/phialdev/phial/internal/mesh"
)

// host is what a pod calls itself, and where its image says how its commands do so. On the
// machine's network it has the machine's name, which is not known.
func (b *builder) host(w Runs, r *mesh.Replica) envsh.Host {
	h := envsh.Host{Busybox: b.app.Busybox, Dash: b.app.Dash}
	if w.Pod.Key("hostNetwork").True() {
		return h
	}
	h.Short = shortened(cmp.Or(r.Hostname, r.Pod))
	switch {
	case r.Subdomain == "":
		h.FQDN = h.Short
	case b.domain.Known():
		h.FQDN = strings.Join([]string{h.Short, r.Subdomain, r.Namespace, "svc", b.domain.Value}, ".")
	}
	h.Name = h.Short
	if w.Pod.Key("setHostnameAsFQDN").True() {
		h.Name = h.FQDN
	}
	if b.oneAddress(w, r) {
		h.Addrs = []string{r.IP}
	}
	return h
}

// shortened is a host name as the kubelet cuts it to what Linux takes for a label.
func shortened(name string) string {
	if len(name) > 63 {
		name = strings.TrimRight(name[:63], "-.")
	}
	return name
}

// hostname is HOSTNAME, which the container runtime sets to what the pod calls itself.
func (b *builder) hostname(w Runs, r *mesh.Replica) mesh.Setting {
	if name := b.host(w, r).Name; name != "" {
		return mesh.Setting{Value: name, From: "the container runtime, which sets HOSTNAME"}
	}
	if at := w.Pod.Key("hostNetwork"); at.True() {
		return mesh.NotKnown("HOSTNAME is the name of the machine that the pod runs on", at.Position().String())
	}
	return mesh.NotKnown("HOSTNAME has the cluster's domain in it, which is not known", b.domain.From)
}

// oneAddress says whether a pod has one address by all that is known, so that its host name
// stands for that.
func (b *builder) oneAddress(w Runs, r *mesh.Replica) bool {
	if w.Pod.Key("hostAliases").Len() > 0 || w.Template.At("metadata.annotations").Key("k8s.v1.cni.cncf.io/networks").Exists() {
		return false
	}
	return !slices.ContainsFunc(b.dualStack()[r.Namespace], func(s map[string]string) bool {
		return mesh.Selector{Labels: s}.Selects(r.Labels)
	})
}

// dualStack gives the selectors of Services with addresses of both families, by namespace.
func (b *builder) dualStack() map[string][]map[string]string {
	if b.dual != nil {
		return b.dual
	}
	b.dual = map[string][]map[string]string{}
	for _, o := range b.set.OfKind("Service") {
		if o.Group() != "" || !strings.HasSuffix(o.At("spec.ipFamilyPolicy").String(), "DualStack") {
			continue
		}
		if s := texts(o.At("spec.selector")); len(s) > 0 {
			n := b.namespace(o)
			b.dual[n] = append(b.dual[n], s)
		}
	}
	return b.dual
}
