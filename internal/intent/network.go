package intent

import (
	"strconv"

	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/mesh"
)

// services are all of a set.
func (b *builder) services() {
	for _, o := range b.set.OfKind("Service") {
		if o.Group() != "" {
			continue
		}
		s := mesh.Service{
			Name: o.Name, Namespace: b.namespace(o), From: o.String(),
			Headless:    o.At("spec.clusterIP").String() == "None",
			NotReadyToo: o.At("spec.publishNotReadyAddresses").True() || o.At("metadata.annotations").Key("service.alpha.kubernetes.io/tolerate-unready-endpoints").String() == "true",
			Ports:       o.At("spec.ports").Len(), IPv6: only(o, "IPv6"), IPv4: only(o, "IPv4"),
			Selector: texts(o.At("spec.selector")), Labels: texts(o.At("metadata.labels")),
		}
		b.in.Services = append(b.in.Services, s)
	}
}

func texts(f manifest.Field) map[string]string { return map[string]string(manifest.LabelsOf(f)) }

// policies are all of a set.
func (b *builder) policies() {
	for _, o := range b.set.OfKind("NetworkPolicy") {
		if o.Group() != "networking.k8s.io" {
			continue
		}
		p := mesh.Policy{Name: o.Name, Namespace: b.namespace(o), Pods: selector(o.At("spec.podSelector")), From: o.String()}
		in, out := true, o.At("spec.egress").Exists()
		if types := o.At("spec.policyTypes"); types.Len() > 0 {
			in, out = false, false
			for t := range types.Items() {
				in, out = in || t.String() == "Ingress", out || t.String() == "Egress"
			}
		}
		if in {
			rules := rules(o.At("spec.ingress"), "from")
			p.Ingress = &rules
		}
		if out {
			rules := rules(o.At("spec.egress"), "to")
			p.Egress = &rules
		}
		b.in.Policies = append(b.in.Policies, p)
	}
}

func rules(list manifest.Field, who string) []mesh.PolicyRule {
	all := []mesh.PolicyRule{}
	for f := range list.Items() {
		var r mesh.PolicyRule
		for p := range f.Key(who).Items() {
			var peer mesh.PolicyPeer
			if s := p.Key("podSelector"); s.Exists() {
				pods := selector(s)
				peer.Pods = &pods
			}
			if s := p.Key("namespaceSelector"); s.Exists() {
				names := selector(s)
				peer.Namespaces = &names
			}
			peer.Block = p.Key("ipBlock").Exists()
			r.Peers = append(r.Peers, peer)
		}
		ports := f.Key("ports")
		for p := range ports.Items() {
			if proto := p.Key("protocol").String(); proto == "" || proto == "TCP" {
				r.Ports = append(r.Ports, policyPort(p))
			}
		}
		if ports.Len() > 0 && len(r.Ports) == 0 { // of other protocols alone: no TCP port
			r.Ports = []mesh.PolicyPort{{First: 1}}
		}
		all = append(all, r)
	}
	return all
}

func policyPort(f manifest.Field) mesh.PolicyPort {
	text, ok := f.Key("port").Text()
	if !ok || text == "" {
		return mesh.PolicyPort{All: true}
	}
	first, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return mesh.PolicyPort{Name: text}
	}
	p := mesh.PolicyPort{First: uint16(first), Last: uint16(first)}
	if last, ok := f.Key("endPort").Int(); ok && last >= int64(first) && last < 1<<16 {
		p.Last = uint16(last)
	}
	return p
}

func selector(f manifest.Field) mesh.Selector {
	s := mesh.Selector{Labels: texts(f.Key("matchLabels"))}
	for e := range f.Key("matchExpressions").Items() {
		r := mesh.Requirement{Key: e.Key("key").String(), Op: e.Key("operator").String()}
		for v := range e.Key("values").Items() {
			r.Values = append(r.Values, v.String())
		}
		s.Exprs = append(s.Exprs, r)
	}
	return s
}

// namedPorts are the TCP ports of a workload's containers that have names, by which
// policies may speak of them.
func namedPorts(w Runs) map[string]uint16 {
	var all map[string]uint16
	for c := range w.Containers() {
		for p := range c.Ports() {
			name, proto := p.Key("name").String(), p.Key("protocol").String()
			n, ok := p.Key("containerPort").Int()
			if _, before := all[name]; name == "" || before || !ok || n < 1 || n >= 1<<16 || proto != "" && proto != "TCP" {
				continue
			}
			if all == nil {
				all = map[string]uint16{}
			}
			all[name] = uint16(n)
		}
	}
	return all
}
