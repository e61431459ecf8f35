package check

import (
	"slices"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/manifest"
	"github.com/phialdev/phial/internal/spell"
)

// wrongPort finds names and numbers of ports that a container does not have, as far as the manifests tell.
func wrongPort(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		first := map[string]*Finding{} // of a name, which is one mistake however many ask for it
		for c := range b.Containers() {
			for _, p := range probes(c) {
				for _, how := range []string{"httpGet", "tcpSocket"} {
					at := p.Key(how).Key("port")
					name, ok := at.Text()
					if _, number := at.Int(); !ok || number {
						continue
					}
					if !hasPort(c, name) {
						n := f.At(b.Object, at, "the %s probe asks the port %s, which the container %s does not have%s", p.kind, name, c.Called, spell.Hint(name, portNames(c)))
						if s, target := in.serviceCalls(b, name); s != nil {
							n.Mend("ask port %d, or call the container's port %s: the kubelet knows the names of the container's ports alone", target, name).
								Also(s.At("spec.ports"), "the Service %s calls %d so", s.Name, target)
						} else if names := portNames(c); len(names) == 1 {
							n.Mend("ask the port %s, or call the container's port %s", names[0], name)
						}
						n.beneath(first, name)
					}
				}
			}
		}
		port, set := b.Container.EnvVar(beam.EnvPort)
		listens, known := parsePort(port.Value().String())
		for _, s := range in.Selecting("Service", b.Workload) {
			for p := range s.At("spec.ports").Items() {
				at := p.Key("targetPort")
				if at.Null() {
					continue
				}
				if _, number := at.Int(); !number {
					names := portNames(slices.Collect(b.Containers())...)
					if _, ok := containerPort(b.Workload, at.String()); !ok && !slices.Contains(names, at.String()) {
						f.At(b.Object, at, "the Service %s leads to the port %s, which the pods of %s do not have%s", s.Name, at, b.Name, spell.Hint(at.String(), names)).
							beneath(first, at.String())
					}
					continue
				}
				n, _ := at.Int()
				if set && known && forWeb(p) && n != listens && !declares(b.Workload, n) {
					f.At(b.Object, at, "the Service %s leads to port %d, and the app is told to listen on %d", s.Name, n, listens).Also(port.Value(), "PORT")
				}
			}
		}
	}
}

// beneath puts a finding beneath the first one of the same name.
func (n *Finding) beneath(first map[string]*Finding, name string) {
	if first[name] == nil {
		first[name] = n
		return
	}
	n.first = first[name]
}

func portNames(all ...manifest.Container) (names []string) {
	for _, c := range all {
		for p := range c.Ports() {
			if n := p.Key("name").String(); n != "" {
				names = append(names, n)
			}
		}
	}
	return names
}

// serviceCalls is the Service of a workload that has a port of this name, and the number that it leads to.
func (in *Input) serviceCalls(b Beam, name string) (*manifest.Object, int64) {
	for _, s := range in.Selecting("Service", b.Workload) {
		for p := range servicePorts(s, b.Workload) {
			if p.name == name && p.target != 0 {
				return s, p.target
			}
		}
	}
	return nil, 0
}

func hasPort(c manifest.Container, name string) bool {
	for p := range c.Ports() {
		if p.Key("name").String() == name {
			return true
		}
	}
	return false
}

// declares says whether a container has a port of this number.
func declares(w manifest.Workload, number int64) bool {
	for c := range w.Containers() {
		for p := range c.Ports() {
			if n, ok := p.Key("containerPort").Int(); ok && n == number {
				return true
			}
		}
	}
	return false
}
