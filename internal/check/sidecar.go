package check

import (
	"strconv"
	"strings"

	"github.com/phialdev/phial/internal/beam"
	"github.com/phialdev/phial/internal/finding"
	"github.com/phialdev/phial/internal/manifest"
)

func warningLikely() (finding.Severity, Confidence) { return finding.Warning, Likely }

func parsePort(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 16)
	return int64(n), err == nil
}

// injected is the place that says that a pod gets a sidecar: on its template, or on its namespace.
func (in *Input) injected(b Beam, names []string, on, off string, ofNamespace map[string]string) (manifest.Field, bool) {
	for _, where := range []string{"metadata.labels", "metadata.annotations"} {
		for _, name := range names {
			f := b.Template.At(where).Key(name)
			switch f.String() {
			case on:
				return f, true
			case off:
				return f, false
			}
		}
	}
	if b.Namespace == "" {
		return manifest.Field{}, false
	}
	if ns := in.Objects.Find(b.Object, "Namespace", b.Namespace); ns != nil {
		for name, value := range ofNamespace {
			for _, where := range []string{"metadata.labels", "metadata.annotations"} {
				if f := ns.At(where).Key(name); f.String() == value {
					return f, true
				}
			}
		}
	}
	return manifest.Field{}, false
}

// portsOfMesh are the ports that nodes need of each other, as far as they are known.
func portsOfMesh(b Beam) []int64 {
	var ports []int64
	if !epmdless(b) {
		ports = append(ports, beam.EPMDPort)
	}
	if first, _, ok := distRange(b.Container); ok {
		ports = append(ports, first)
	}
	return ports
}

// listed says whether an annotation's list of ports and ranges has all of some ports.
func listed(f manifest.Field, ports []int64) bool {
	for _, want := range ports {
		found := false
		for part := range strings.SplitSeq(f.String(), ",") {
			low, high, ranged := strings.Cut(strings.TrimSpace(part), "-")
			first, ok := parsePort(low)
			last := first
			if ranged {
				last, _ = parsePort(high)
			}
			found = found || ok && first <= want && want <= last
		}
		if !found {
			return false
		}
	}
	return true
}

func istio(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at, ok := in.injected(b, []string{"sidecar.istio.io/inject"}, "true", "false", map[string]string{"istio-injection": "enabled"})
		if !ok || in.clustered(b) == "" {
			continue
		}
		ports := portsOfMesh(b)
		annotations := b.Template.At("metadata.annotations")
		if listed(annotations.Key("traffic.sidecar.istio.io/excludeInboundPorts"), ports) && listed(annotations.Key("traffic.sidecar.istio.io/excludeOutboundPorts"), ports) {
			continue
		}
		if in.inHeadless(b, ports) {
			continue
		}
		f.At(b.Object, at, "Istio's sidecar takes the connections between the nodes of %s, and their ports are neither excluded nor in a headless Service as tcp-…", b.Name)
	}
}

// inHeadless says whether a headless Service of the pods lists all of some ports, with names or protocols that say TCP.
func (in *Input) inHeadless(b Beam, ports []int64) bool {
	for _, s := range in.Selecting("Service", b.Workload) {
		if !headless(s) {
			continue
		}
		have := map[int64]bool{}
		for p := range servicePorts(s, b.Workload) {
			if strings.HasPrefix(p.name, "tcp") || p.Key("appProtocol").String() == "tcp" {
				have[p.target], have[p.number] = true, true
			}
		}
		missing := false
		for _, want := range ports {
			missing = missing || !have[want]
		}
		if !missing {
			return true
		}
	}
	return false
}

// opaquePorts is the annotation by which Linkerd does not guess what is spoken at some ports.
const opaquePorts = "config.linkerd.io/opaque-ports"

func linkerd(in *Input, f *Finder) {
	for _, b := range in.Serving() {
		at, ok := in.injected(b, []string{"linkerd.io/inject"}, "enabled", "disabled", map[string]string{"linkerd.io/inject": "enabled"})
		if !ok || in.clustered(b) == "" {
			continue
		}
		ports := portsOfMesh(b)
		annotations := b.Template.At("metadata.annotations")
		if listed(annotations.Key(opaquePorts), ports) ||
			listed(annotations.Key("config.linkerd.io/skip-inbound-ports"), ports) && listed(annotations.Key("config.linkerd.io/skip-outbound-ports"), ports) {
			continue
		}
		n := f.At(b.Object, at, "Linkerd's proxy takes the connections between the nodes of %s, and their ports are neither opaque nor skipped", b.Name)
		// Opaque ports stay encrypted; the proxy only stops guessing what they speak.
		if first, last, known := distRange(b.Container); known && !annotations.Key(opaquePorts).Exists() {
			opaque := strconv.FormatInt(first, 10)
			if last > first {
				opaque += "-" + strconv.FormatInt(last, 10)
			}
			if !epmdless(b) {
				opaque = strconv.Itoa(beam.EPMDPort) + "," + opaque
			}
			n.Edited(in.Objects.Insert(annotations, opaquePorts, strconv.Quote(opaque)))
		}
	}
}
